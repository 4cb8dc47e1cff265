"""The gradients of a training step as a CUDA graph: one launch, where hundreds of kernels wait for theirs.

A graph holds the kernels of the plain step, so that both ways do the same arithmetic in the same order. That is seen
and not believed: the first steps are taken both ways, and unless all bits agree, the plain way is taken for the rest of
the run. On a CPU it is the only one. The optimiser has a graph of its own: `captured_update.py`.
"""

import contextlib
import functools
import sys
import warnings

import torch

FAILED = []  # graphs whose capture failed: PyTorch's allocator goes on asking them whether memory is theirs
CHECKED = 2  # steps that are taken both ways: the second has other images and weights than the graph was captured with
WARM_UP = 3  # steps before the capture, as in PyTorch's documentation of CUDA graphs
WHOLE = {1: torch.uint8, 2: torch.int16, 4: torch.int32, 8: torch.int64}  # numbers by their bytes

# what keeps the step of a cell from being captured, as far as its record says so
OBSTACLES = {
    "dropout draws other random numbers within a graph": lambda cell: cell.dropout > 0,
    "the weight of the companion classifiers changes from epoch to epoch": lambda cell: cell.supervision > 0,
}


def cuda_graph(step):
    """Capture what `step()` launches: (a function that launches it again, the tensor that `step` gave)."""
    graph, stream = torch.cuda.CUDAGraph(), _stream()
    stream.wait_stream(torch.cuda.current_stream())
    try:
        with torch.cuda.stream(stream):  # `torch.cuda.graph` alone would stay on its stream where a capture fails
            for _ in range(WARM_UP):  # libraries set themselves up at their first calls, which cannot be captured
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
    """One stream for the captures of all cells: PyTorch keeps the workspaces of every stream's products for ever."""
    return torch.cuda.Stream()


def _forget_capture(graph, stream):
    """Let the process go on as if the capture that failed had not begun."""
    FAILED.append(graph)
    # PyTorch 2.11's generator would take itself to be captured, and dropout would fail in whatever this process trains
    # later, up to the end of a capture that succeeds: so of one of nothing, about which there is a warning
    with (
        contextlib.suppress(RuntimeError),
        warnings.catch_warnings(action="ignore"),
        torch.cuda.graph(torch.cuda.CUDAGraph(), stream=stream),
    ):
        pass


CAPTURES = {"cuda": cuda_graph}  # by the type of the device; tests put a stand-in for the CPU here


class CapturedStep:
    """A function of a batch that makes the gradients of `model`, replayed from a graph where the bits are the same.

    `cell` is the run's record. Where `wanted` is False, and on a device without graphs, the function is just called.
    """

    def __init__(self, model, cell, device, wanted=True):
        self.model, self.device, self.parameters = model, device, list(model.parameters())
        self.capture = CAPTURES.get(device.type) if wanted else None
        self.obstacle = next((reason for reason, holds in OBSTACLES.items() if holds(cell)), None)
        self.unchecked = CHECKED
        self.replay = self.inputs = self.gradients = self.given = None

    @property
    def path(self):
        """Which way steps are taken: "plain" or "cuda_graph"."""
        return "cuda_graph" if self.replay else "plain"

    @property
    def gradients_stay(self):
        """Whether the gradients lie at the same place after every step from the last one on."""
        return self.replay is not None and not self.unchecked

    def __call__(self, step, moved, images, labels):
        """The losses that `step(images, labels)` gives, a tensor that is good until the next call.

        `step` makes the gradients anew and moves nothing but `moved`, {name: tensor}. It is no part of this object:
        each would keep the other, and with it a run's images, in memory. Raises RuntimeError for a batch of another
        shape than the first.
        """
        if self.capture is None:
            return step(images, labels)
        if self.unchecked:
            return self._checked(step, moved, images, labels)
        return self._replayed(images, labels)

    def gradient(self, parameters, images, labels):
        """(the losses, the gradient by parameter) at the weights as they are; None where no graph is used.

        It moves what a step moves, but leaves the step's own gradients in place.
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
        """Take the step both ways from the same state and, if that makes a difference, the plain way once more."""
        state = {**dict(self.model.named_parameters()), **moved}
        before = copies(state)
        obstacle = self.obstacle or self._difference(step, state, before, images, labels)
        if obstacle is None:
            self.unchecked -= 1
            return self.given
        print(f"CUDA graph not used: {obstacle}", file=sys.stderr)
        self.capture = self.replay = self.inputs = self.gradients = self.given = None
        put_back(state, before)
        return step(images, labels)

    def _difference(self, step, state, before, images, labels):
        """In what a plain step and a replayed one differ, or why none was replayed; None where all bits agree."""
        with torch.random.fork_rng(devices=[self.device] if self.device.type == "cuda" else []):
            random = self._random_states()
            expected = self._outcome(step(images, labels), state)
            if not all(map(torch.equal, random, self._random_states())):
                return "the step draws random numbers"
            try:
                if self.replay is None:
                    self.inputs = images.clone(), labels.clone()
                    self.replay, self.given = self.capture(functools.partial(step, *self.inputs))
                    self.gradients = [parameter.grad for parameter in self.parameters]
                put_back(state, before)
                found = self._outcome(self._replayed(images, labels), state)
            except RuntimeError as error:
                return reason(error)
        return difference(expected, found)

    def _replayed(self, images, labels):
        for static, given in zip(self.inputs, (images, labels), strict=True):
            if static.shape != given.shape:
                raise RuntimeError(f"captured for batches of {tuple(static.shape)}, found {tuple(given.shape)}")
            static.copy_(given)
        self.replay()
        for parameter, gradient in zip(self.parameters, self.gradients, strict=True):
            parameter.grad = gradient  # into which the replay writes, whatever has been put in its place
        return self.given

    def _outcome(self, losses, state):
        """{name: copy} of what a step has given, made and moved."""
        named = self.model.named_parameters()
        gradients = {f"the gradient of {name}": weight.grad for name, weight in named if weight.grad is not None}
        return copies({"the losses": losses, **gradients, **state})

    def _random_states(self):
        states = [torch.get_rng_state()]
        return [*states, torch.cuda.get_rng_state(self.device)] if self.device.type == "cuda" else states


def reason(error):
    """The first line of what went wrong first: a capture that fails once more when it is ended says only that."""
    return reason(error.__context__) if error.__context__ else str(error).partition("\n")[0]


def difference(expected, found):
    """In what {name: tensor} that a replay gave differs from what was expected; None where all bits agree."""
    names = (name for name in expected | found if not same_bits(expected.get(name), found.get(name)))
    return next((f"a replay gives other bits of {name}" for name in names), None)


def copies(tensors):
    """{name: copy} of named tensors."""
    return {name: tensor.detach().clone() for name, tensor in tensors.items()}


@torch.no_grad()
def put_back(tensors, values):
    """Write to the named tensors the values that `copies` gave."""
    if tensors:
        torch._foreach_copy_(list(tensors.values()), [values[name] for name in tensors])


def same_bits(one, other):
    """Whether two tensors agree in every bit; None agrees with nothing."""
    if one is None or other is None:
        return False
    # as whole numbers, because a NaN is no difference to itself, and 0 is one to -0
    return torch.equal(*(tensor.view(WHOLE[tensor.element_size()]) for tensor in (one, other)))
