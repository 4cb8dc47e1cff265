"""A stand-in for a CUDA graph on a CPU, and faulty graphs that compute something else.

The stand-in does the same to the tensors as a real graph: it calls the step again on the inputs it was captured with,
writes to the same memory, and touches nothing else that is visible to Python.
"""

from functools import partial

import torch

from workflow_scripts.engine.training import captured


class Graph:
    """A stand-in for `captured.cuda_graph` that counts its `replays`. Its subclasses compute something else."""

    replays = 0
    updates = 0  # replays of the update's graph

    def __call__(self, step):
        for _ in range(captured.WARM_UP):
            step()
        if not isinstance(step, partial):  # the update, which is given no batch
            return partial(self.update, step), step()
        self.step, self.loss, self.model = step, step(), step.func.__self__.model
        self.training = step.func.__self__
        self.parameters = list(self.model.parameters())
        self.gradients = [parameter.grad for parameter in self.parameters]
        return self.replay, self.loss

    def replay(self):
        self.replays += 1
        shown = [parameter.grad for parameter in self.parameters]
        self.loss.copy_(self.step())
        for parameter, static, attribute in zip(self.parameters, self.gradients, shown, strict=True):
            if static is not None:
                self.write(static, parameter.grad)
            parameter.grad = attribute

    def update(self, step):
        self.updates += 1
        step()

    def write(self, static, gradient):
        static.copy_(gradient)


class Accumulates(Graph):
    def write(self, static, gradient):
        static.add_(gradient)


class Scales(Graph):
    def write(self, static, gradient):
        static.copy_(gradient * (1 + 1e-6))


class RunsTwice(Graph):
    def replay(self):
        super().replay()
        super().replay()


class KeepsItsImages(Graph):
    def __call__(self, step):
        return super().__call__(partial(step.func, *(tensor.clone() for tensor in step.args)))


class SkipsTheStatistics(Graph):
    def replay(self):
        kept = {name: buffer.clone() for name, buffer in self.model.named_buffers()}
        super().replay()
        for name, buffer in self.model.named_buffers():
            buffer.copy_(kept[name])


class SkipsTheRecorder(Graph):
    def replay(self):
        kept = self.training.gradients.sums.clone()
        super().replay()
        self.training.gradients.sums.copy_(kept)


class AddsToTheMetrics(Graph):
    def replay(self):
        super().replay()
        self.training.sums[1] += 1e-12


class AnotherLoss(Graph):
    def replay(self):
        super().replay()
        self.loss.mul_(1 + 1e-6)


class MovesTheWeights(Graph):
    def replay(self):
        super().replay()
        with torch.no_grad():
            self.parameters[-1].neg_()


class ForgetsAGradient(Graph):
    def __call__(self, step):
        given = super().__call__(step)
        self.parameters[0].grad = None
        return given


class DrawsMore(Graph):
    def replay(self):
        super().replay()
        torch.rand(1)


class CannotBeCaptured(Graph):
    def __call__(self, step):
        super().__call__(step)
        try:
            raise RuntimeError("operation not permitted when stream is capturing\nand more that nobody needs")
        finally:
            raise RuntimeError("operation failed due to a previous error during capture")


class CannotBeReplayed(Graph):
    def replay(self):
        super().replay()
        raise RuntimeError("out of memory")


WRONG = {
    Accumulates: "a replay gives other bits of the gradient of entry.conv.weight",
    Scales: "a replay gives other bits of the gradient of entry.conv.weight",
    RunsTwice: "a replay gives other bits of entry.norm.running_mean",
    KeepsItsImages: "a replay gives other bits of the losses",
    SkipsTheStatistics: "a replay gives other bits of entry.norm.running_mean",
    SkipsTheRecorder: "a replay gives other bits of the recorder's sums",
    AddsToTheMetrics: "a replay gives other bits of the metrics' sums",
    AnotherLoss: "a replay gives other bits of the losses",
    MovesTheWeights: "a replay gives other bits of classifier.bias",
    ForgetsAGradient: "a replay gives other bits of the gradient of entry.conv.weight",
    DrawsMore: "a replay draws other random numbers",
    CannotBeCaptured: "operation not permitted when stream is capturing",
    CannotBeReplayed: "out of memory",
}


class UpdatesTwice(Graph):
    def update(self, step):
        super().update(step)
        super().update(step)


class KeepsItsRate(Graph):
    def update(self, step):
        step.__self__.rate.fill_(step.__self__.cell.lr)
        super().update(step)


class MovesAMoment(Graph):
    def update(self, step):
        super().update(step)
        step.__self__.optimizer.state[self.parameters[-1]]["exp_avg"].mul_(1 + 1e-6)


class ClipsTwice(Graph):
    def update(self, step):
        super().update(step)
        self.gradients[0].mul_(0.5)


class UpdateCannotBeCaptured(Graph):
    def __call__(self, step):
        if isinstance(step, partial):
            return super().__call__(step)
        step()
        raise RuntimeError("operation not permitted when stream is capturing")


WRONG_UPDATES = {
    UpdatesTwice: "a replay gives other bits of entry.conv.weight",
    KeepsItsRate: "a replay gives other bits of entry.conv.weight",
    MovesAMoment: "a replay gives other bits of exp_avg of classifier.bias",
    ClipsTwice: "a replay gives other bits of the gradient of entry.conv.weight",
    UpdateCannotBeCaptured: "operation not permitted when stream is capturing",
}
