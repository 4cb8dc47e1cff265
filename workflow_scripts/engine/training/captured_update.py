"""The update of the weights as a CUDA graph: as `captured.py` does for gradients, but for clipping and optimiser.

It is a separate graph, because observers look at gradients and weights between the two. It is used where every update
launches the same kernels, and only after a check that it gives the plain update's bits.
"""

import sys

import torch

from workflow_scripts.engine.training import captured


class CapturedUpdate:
    """Performs an update by calling it or, if the bits are the same, by replaying it from a graph."""

    def __init__(self, model, optimizer, device, wanted=True):
        self.named, self.optimizer = dict(model.named_parameters()), optimizer
        self.capture = captured.CAPTURES.get(device.type) if wanted else None
        self.unchecked = captured.CHECKED
        self.replay = None

    @property
    def path(self):
        """How updates are made: "plain" or "cuda_graph"."""
        return "cuda_graph" if self.replay else "plain"

    def __call__(self, update, gradients_stay):
        """Do what `update()` does: move the weights along the current gradients.

        `gradients_stay` says whether those of every later step will be in the same memory.
        """
        if self.capture is None or not gradients_stay or not same_kernels(self.optimizer):
            update()
        elif self.unchecked:
            self._checked(update)
        else:
            self.replay()

    def _checked(self, update):
        """Update both ways from the same state; if the results differ, keep the plain one."""
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
        """{name: tensor} of everything that an update may change, gradients included: clipping scales them."""
        state = dict(self.named)
        for name, parameter in self.named.items():
            if parameter.grad is not None:
                state[f"the gradient of {name}"] = parameter.grad
            remembered = self.optimizer.state.get(parameter, {}).items()
            state |= {f"{key} of {name}": value for key, value in remembered if isinstance(value, torch.Tensor)}
        return state


def same_kernels(optimizer):
    """Whether each of an optimiser's steps launches the same kernels and needs nothing from the host."""
    return all(map(on_the_device, optimizer.param_groups))


def on_the_device(group):
    """Whether a group is updated with step counts and rate on the device, so that the rate may be a tensor there.

    PyTorch calls this `capturable`. Its SGD counts no steps, lacks this option, and needs only be fused.
    """
    return group.get("capturable", group.get("fused"))
