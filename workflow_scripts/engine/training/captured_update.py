"""The update of the weights as a CUDA graph: what `captured.py` does for the gradients, for clip and optimiser.

A graph of its own, because observers look at gradients and weights between the two. It is taken where an update is the
same kernels at every step, and seen to have the plain update's bits first.
"""

import sys

import torch

from workflow_scripts.engine.training import captured


class CapturedUpdate:
    """A function of an update, which is called or, where the bits are the same, replayed from a graph."""

    def __init__(self, model, optimizer, device, wanted=True):
        self.named, self.optimizer = dict(model.named_parameters()), optimizer
        self.capture = captured.CAPTURES.get(device.type) if wanted else None
        self.unchecked = captured.CHECKED
        self.replay = None

    @property
    def path(self):
        """Which way updates are taken: "plain" or "cuda_graph"."""
        return "cuda_graph" if self.replay else "plain"

    def __call__(self, update, gradients_stay):
        """Do what `update()` does, which moves the weights along the gradients that are there.

        `gradients_stay` says whether they lie where those of every later step will.
        """
        if self.capture is None or not gradients_stay or not same_kernels(self.optimizer):
            update()
        elif self.unchecked:
            self._checked(update)
        else:
            self.replay()

    def _checked(self, update):
        """Update both ways from the same state; where that makes a difference, the plain way's is kept."""
        state = self._state()
        before = captured.copies(state)
        update()
        expected = captured.copies(state)
        try:
            captured.put_back(state, before)
            if self.replay is None:
                self.replay, _ = self.capture(update)
                captured.put_back(state, before)
            self.replay()
            obstacle = captured.difference(expected, captured.copies(state))
        except RuntimeError as error:
            obstacle = captured.reason(error)
        if obstacle is None:
            self.unchecked -= 1
            return
        print(f"CUDA graph of the update not used: {obstacle}", file=sys.stderr)
        self.capture = self.replay = None
        captured.put_back(state, expected)

    def _state(self):
        """{name: tensor} of all that an update may move: the clip scales gradients."""
        state = dict(self.named)
        for name, parameter in self.named.items():
            if parameter.grad is not None:
                state[f"the gradient of {name}"] = parameter.grad
            remembered = self.optimizer.state.get(parameter, {}).items()
            state |= {f"{key} of {name}": value for key, value in remembered if isinstance(value, torch.Tensor)}
        return state


def same_kernels(optimizer):
    """Whether an optimiser's step asks the host for nothing: fused, with its counts and its rate on the device."""
    return all(group.get("fused") and group.get("capturable", True) for group in optimizer.param_groups)
