"""The gradients of a training step as a CUDA graph: one launch instead of hundreds of kernel launches.

A graph holds the kernels of the plain step, so that both ways do the same arithmetic in the same order. This is checked
rather than assumed: the first steps are taken both ways, and unless all bits agree, the rest of the run takes the plain
way. On a CPU that is the only one. The optimiser has a graph of its own: `captured_update.py`.
"""

import contextlib
import functools
import sys
import warnings

import torch

from workflow_scripts.engine.data.batches import same_random_numbers

FAILED = []  # graphs whose capture failed, kept because PyTorch's allocator still asks them whether memory is theirs
MOST_FAILED = 2  # captures of a process: after each, PyTorch never gives back the memory that it had taken
CHECKED = 2  # steps taken both ways: the second with other images and weights than the graph was captured with
WARM_UP = 3  # steps before the capture, as in PyTorch's documentation of CUDA graphs
WHOLE = {1: torch.uint8, 2: torch.int16, 4: torch.int32, 8: torch.int64}  # integer types by size in bytes


def cuda_graph(step):
    """Capture what `step()` launches: (a function that launches it again, the tensor that `step` returned)."""
    graph, stream = torch.cuda.CUDAGraph(), _stream()
    stream.wait_stream(torch.cuda.current_stream())
    try:
        with torch.cuda.stream(stream):  # `torch.cuda.graph` alone would stay on its stream if a capture failed
            for _ in range(WARM_UP):  # libraries initialise themselves on their first calls, which cannot be captured
                step()
            try:
                with torch.cuda.graph(graph, stream=stream):
                    result = step()
            except RuntimeError:
                _forget_capture(graph, stream)
                raise
    finally:
        torch.cuda.current_stream().wait_stream(stream)
    return graph.replay, result


@functools.cache
def _stream():
    """One stream for the captures of all cells: PyTorch keeps each stream's matrix-product workspaces for ever."""
    return torch.cuda.Stream()


def _forget_capture(graph, stream):
    """Let the process continue as if the failed capture had never begun."""
    FAILED.append(graph)
    # PyTorch 2.11's generator would still think that it is being captured, and dropout would fail in whatever this
    # process trains later, until a capture succeeds: so capture nothing, which succeeds with a warning
    with (
        contextlib.suppress(RuntimeError),
        warnings.catch_warnings(action="ignore"),
        torch.cuda.graph(torch.cuda.CUDAGraph(), stream=stream),
    ):
        pass


CAPTURES = {"cuda": cuda_graph}  # by device type; tests put a stand-in for the CPU here


class CapturedStep:
    """A function of a batch that computes the gradients of `model`, replayed from a graph if the bits are the same.

    If `wanted` is False, or on a device without graphs, the step is just called.
    """

    def __init__(self, model, device, wanted=True):
        self.model, self.device, self.parameters = model, device, list(model.parameters())
        self.capture = CAPTURES.get(device.type) if wanted else None
        self.unchecked = CHECKED
        self.replay = self.inputs = self.gradients = self.given = None

    @property
    def path(self):
        """How steps are taken: "plain" or "cuda_graph"."""
        return "cuda_graph" if self.replay else "plain"

    @property
    def gradients_stay(self):
        """Whether the gradients are in the same memory after every step from the last one on."""
        return self.replay is not None and not self.unchecked

    def __call__(self, step, moved, images, labels):
        """The losses that `step(images, labels)` returns, a tensor that is valid until the next call.

        `step` recomputes the gradients and otherwise changes only `moved`, {name: tensor}. It is not stored here: each
        object would keep the other, and with it a run's images, in memory. Raises RuntimeError when a batch whose shape
        differs from the first one's is replayed.
        """
        if self.capture is None:
            return step(images, labels)
        if self.unchecked:
            return self._checked(step, moved, images, labels)
        return self._replayed(images, labels)

    def gradient(self, parameters, images, labels):
        """(the losses, the gradient by parameter) at the current weights; None if no graph is used.

        It changes what a step changes, but leaves the step's own gradients in place.
        """
        if not self.gradients_stay:
            return None
        statics = {place: gradient for place, gradient in enumerate(self.gradients) if gradient is not None}
        kept = copies(statics)
        losses = self._replayed(images, labels).clone()
        found = [torch.zeros_like(one) if one.grad is None else one.grad.clone() for one in parameters]
        put_back(statics, kept)
        return losses, found

    def _checked(self, step, moved, images, labels):
        """Take the step both ways from the same state and, if the results differ, once more the plain way."""
        state = {**dict(self.model.named_parameters()), **moved}
        before = copies(state)
        with same_random_numbers(self.device):
            obstacle, random = self._difference(step, state, before, images, labels)
        if obstacle is None:
            self.unchecked -= 1
            self._set_random_states(random)
            return self.given
        print(f"CUDA graph not used: {obstacle}", file=sys.stderr)
        self.capture = self.replay = self.inputs = self.gradients = self.given = None
        put_back(state, before)
        return step(images, labels)

    def _difference(self, step, state, before, images, labels):
        """(where a plain step and a replayed one differ, or why none was replayed; None if all bits agree), and the
        states of the random number generators after a step.
        """
        random = self._random_states()
        expected = self._outcome(step(images, labels), state)
        drawn = self._random_states()
        if self.replay is None and len(FAILED) >= MOST_FAILED:
            return "captures have failed before in this process", drawn
        try:
            if self.replay is None:
                self.inputs = images.clone(), labels.clone()
                self.replay, self.given = self.capture(functools.partial(step, *self.inputs))
                self.gradients = [parameter.grad for parameter in self.parameters]
            put_back(state, before)
            self._set_random_states(random)
            found = self._outcome(self._replayed(images, labels), state)
        except RuntimeError as error:
            return reason(error), drawn
        if not all(map(torch.equal, drawn, self._random_states())):
            return "a replay draws other random numbers", drawn
        return difference(expected, found), drawn

    def _replayed(self, images, labels):
        for static, given in zip(self.inputs, (images, labels), strict=True):
            if static.shape != given.shape:
                raise RuntimeError(f"captured for batches of {tuple(static.shape)}, found {tuple(given.shape)}")
            static.copy_(given)
        self.replay()
        for parameter, gradient in zip(self.parameters, self.gradients, strict=True):
            parameter.grad = gradient  # the one that the replay writes, whatever was put in its place
        return self.given

    def _outcome(self, losses, state):
        """{name: copy} of the losses that a step returned, its gradients and the state that it changed."""
        named = self.model.named_parameters()
        gradients = {f"the gradient of {name}": weight.grad for name, weight in named if weight.grad is not None}
        return copies({"the losses": losses, **gradients, **state})

    def _random_states(self):
        states = [torch.get_rng_state()]
        return [*states, torch.cuda.get_rng_state(self.device)] if self.device.type == "cuda" else states

    def _set_random_states(self, states):
        torch.set_rng_state(states[0])
        if self.device.type == "cuda":
            torch.cuda.set_rng_state(states[1], self.device)


def reason(error):
    """The first line of the original error: ending a failed capture raises another one, which says only that."""
    return reason(error.__context__) if error.__context__ else str(error).partition("\n")[0]


def difference(expected, found):
    """Where the {name: tensor} that a replay gave differs from what was expected; None if all bits agree."""
    names = (name for name in expected | found if not same_bits(expected.get(name), found.get(name)))
    return next((f"a replay gives other bits of {name}" for name in names), None)


def copies(tensors):
    """{name: copy} of named tensors."""
    return {name: tensor.detach().clone() for name, tensor in tensors.items()}


@torch.no_grad()
def put_back(tensors, values):
    """Write the values that `copies` returned to the named tensors."""
    if tensors:
        torch._foreach_copy_(list(tensors.values()), [values[name] for name in tensors])


def same_bits(one, other):
    """Whether two tensors agree in every bit; None agrees with nothing."""
    if one is None or other is None:
        return False
    # as integers, so that a NaN agrees with itself, and 0 does not agree with -0
    return torch.equal(*(tensor.view(WHOLE[tensor.element_size()]) for tensor in (one, other)))
