"""The training loop: one cell, from its record and its data set to its results.

Metrics stay on the device and reach the host once per epoch. Every random number is a function of (seed, epoch,
step) or drawn from a state that the checkpoint holds, so the same cell gives the same bits, killed or not.
"""

import contextlib
import functools
import math
import time
from dataclasses import dataclass

import numpy as np
import torch

from workflow_scripts.engine.commands import UserError
from workflow_scripts.engine.configuration.cells import import_registered
from workflow_scripts.engine.data.batches import Batches, channel_statistics
from workflow_scripts.engine.data.datasets import split_indices
from workflow_scripts.engine.training import networks, probes
from workflow_scripts.engine.training.batch_counters import BatchCounters
from workflow_scripts.engine.training.captured import CapturedStep
from workflow_scripts.engine.training.captured_update import CapturedUpdate, on_the_device
from workflow_scripts.engine.training.gradients import GradientRecorder
from workflow_scripts.engine.training.initializations import INITS
from workflow_scripts.engine.training.objectives import LOSSES, added_terms, companions_weight
from workflow_scripts.engine.training.observers import observe
from workflow_scripts.engine.training.optimizers import OPTIMIZERS, load_state
from workflow_scripts.engine.training.schedules import learning_rate

EVALUATION_BATCH = 500
METRICS = ("train_loss", "train_acc", "val_loss", "val_acc")


@dataclass
class Progress:
    """How far a run has come, and what else of its state is plain numbers."""

    epoch: int = 0
    step: int = 0  # within the epoch
    seconds: float = 0.0  # of training, in all processes that took part, before the current epoch
    epoch_seconds: float = 0.0
    diverged_step: int | None = None  # over the whole run, from 0
    best_epoch: int | None = None
    best_val_acc: float = -1.0

    @property
    def trained(self):
        """Seconds of training so far, the current epoch included."""
        return self.seconds + self.epoch_seconds


class Training:
    """A run in progress. `state_dict` and `load_state_dict` save and restore all of it."""

    def __init__(self, cell, data, device, measured=None, cuda_graphs=True):
        """`data` is a `datasets.Data`, `measured` is {observer: settings} as `grids.measured` returns it.

        With `cuda_graphs`, steps are replayed from a graph where possible; no bit depends on it.
        Raises ValueError if the network or the batches do not fit the data.
        """
        self.cell, self.data, self.device, self.num_classes = cell, data, device, data.num_classes
        import_registered(cell, measured or ())
        torch.manual_seed(cell.seed)
        model = networks.build(cell, data.num_classes, data.image_shape)
        self.model = model.to(device, memory_format=torch.channels_last)
        self.parameters = list(self.model.parameters())  # walking the modules takes a sixth of a step on a GPU
        self.gradients, self.counters = GradientRecorder(self.model), BatchCounters(self.model)
        self.optimizer = OPTIMIZERS[cell.optimizer](self.parameters, cell.lr, cell.weight_decay)
        self.loss = LOSSES[cell.loss]
        self.captured = CapturedStep(self.model, device, cuda_graphs)
        self.captured_update = CapturedUpdate(self.model, self.optimizer, device, cuda_graphs)
        # numbers that change during training, as tensors, since a graph would freeze a number
        self.rate = torch.zeros((), device=device)
        self.companions_weight = torch.full((), companions_weight(cell, 0), device=device)

        train, val = split_indices(data.train_labels, cell.split, cell.val_fraction, cell.train_items)
        self.train_indices, self.val_indices = train, val  # among the training images of the data set
        if cell.batch_size > len(train):
            raise ValueError(f"batch_size is {cell.batch_size}, but there are only {len(train)} training images")
        images, labels = data.train_images, data.train_labels
        self.mean, self.std = mean, std = channel_statistics(images[train], cell.normalize)
        self.train_batches = Batches(images[train], labels[train], mean, std, device, cell.augmentation)
        self.val_batches = Batches(images[val], labels[val], mean, std, device)

        self.steps = len(train) // cell.batch_size
        self.progress = Progress()
        self.history, self.gradient_rows = [], []
        self.step_losses = torch.full((cell.epochs * self.steps,), math.nan, device=device)
        self.sums = torch.zeros(2, dtype=torch.float64, device=device)  # training loss and accuracy, this epoch
        self.moved = dict(self.model.named_buffers())  # by a gradient step, besides the gradients
        self.moved |= {"the recorder's sums": self.gradients.sums, "the metrics' sums": self.sums}
        self.model.train()
        INITS[cell.init](self.model, next(self.train_batches.epoch(cell.seed, 0, cell.batch_size))[0])
        self.observers = observe(self, measured or {})
        self.best = self._weights()
        self.machines = []  # on which it was trained, the current one last; engine/runs/run.py sets them

    @functools.cached_property
    def test_batches(self):
        """The test images; nobody touches them before this is asked for, which with `test: chosen` no cell does."""
        return Batches(self.data.test_images, self.data.test_labels, self.mean, self.std, self.device)

    @property
    def finished(self):
        """True when all epochs are done, or a training or validation loss was not a finite number."""
        return self.progress.epoch == self.cell.epochs or self.progress.diverged_step is not None

    @property
    def learning_rate(self):
        """The learning rate of the current step."""
        return learning_rate(self.cell, self.progress.epoch, self.progress.step, self.steps)

    def run_epoch(self, after_step=lambda: None):
        """Train to the end of the current epoch, validate, record. `after_step()` is called between steps."""
        progress, cell = self.progress, self.cell
        started, before = time.monotonic(), progress.epoch_seconds

        def seconds():
            return before + time.monotonic() - started

        self.model.train()
        self.companions_weight.fill_(companions_weight(cell, progress.epoch))
        for images, labels in self.train_batches.epoch(cell.seed, progress.epoch, cell.batch_size, progress.step):
            self._step(images, labels)
            progress.epoch_seconds = seconds()
            after_step()
        self._end_epoch(self.evaluate(self.val_batches), seconds)

    def _step(self, images, labels):
        progress = self.progress
        for group in self.optimizer.param_groups:
            group["lr"] = self.rate.fill_(self.learning_rate) if on_the_device(group) else self.learning_rate
        losses = self.captured(self._gradient_step, self.moved, images, labels)
        self.step_losses[progress.epoch * self.steps + progress.step] = losses[0]
        if progress.step == 0:
            self.gradients.keep_first()
        for observer in self.observers.values():
            observer.before_update(images, labels)
        self.captured_update(self._update, self.captured.gradients_stay)
        for observer in self.observers.values():
            observer.after_update(images, labels)
        progress.step += 1

    def _update(self):
        """Move the weights along the gradients."""
        if self.cell.clip is not None:
            torch.nn.utils.clip_grad_norm_(self.parameters, self.cell.clip)
        self.optimizer.step()

    def gradient(self, parameters, images, labels):
        """(what is minimised, its gradient by parameter) for a batch at the current weights.

        Uses the graph of the training step if there is one; changes what that changes, but not the step's gradients.
        """
        if replayed := self.captured.gradient(parameters, images, labels):
            losses, gradients = replayed
            return losses[1], gradients
        return probes.gradient_of(lambda: self.forward(images, labels)[1], parameters)

    def _gradient_step(self, images, labels):
        """(loss, what is minimised) of a batch, as one tensor; computes and records the gradients.

        It launches the same kernels at every step of a run.
        """
        self.optimizer.zero_grad(set_to_none=True)
        loss, objective, logits = self.forward(images, labels)
        objective.backward()
        self.gradients.record()
        with torch.no_grad():
            self.sums[0] += loss
            self.sums[1] += (logits.argmax(1) == labels).double().mean()
            return torch.stack((loss, objective))

    def forward(self, images, labels):
        """(loss, what is minimised: the loss plus what the cell adds to it, logits) of a batch.

        In training, a deeply supervised network returns its companions' logits after its own.
        """
        with self.precision(), self.counters:
            outputs = self.model(images)
        outputs = outputs if isinstance(outputs, tuple) else (outputs,)
        self._check(outputs, len(images))
        logits, *companions = (part.float() for part in outputs)
        loss = self.loss(logits, labels)
        return loss, loss + added_terms(self.cell, self.model, companions, labels, self.companions_weight), logits

    def _check(self, outputs, count):
        """Raise UserError if a network does not return logits of `count` images: too many would train silently."""
        expected = (count, self.num_classes)
        for part in outputs:
            if (shape := tuple(getattr(part, "shape", ()))) != expected:
                found = f"a tensor {shape}" if shape else type(part).__name__
                raise UserError(
                    f"the network {self.cell.model} gave {found} for {count} images, expected logits {expected}, one "
                    "for each class, or a tuple of such"
                )

    def _end_epoch(self, validation, seconds):
        """Record the epoch; `seconds()` says how long it took, once the device has finished it."""
        progress, steps = self.progress, self.steps
        gradients = self.gradients.end_epoch(steps)
        # the one transfer of the epoch: four metrics and the gradient table
        values = torch.cat([self.sums / steps, validation, gradients.flatten()]).tolist()
        seconds = seconds()
        metrics, gradients = values[:4], np.reshape(values[4:], gradients.shape).tolist()
        self.gradient_rows += self.gradients.rows(progress.epoch, gradients)
        rate = learning_rate(self.cell, progress.epoch, 0, steps)
        self.history.append((progress.epoch, rate, *metrics, seconds))
        if not (math.isfinite(metrics[0]) and math.isfinite(metrics[2])):
            # the first step without a finite loss; if only validation is without one, the step that would come next
            progress.diverged_step = int(self.step_losses.cpu().isfinite().cumprod(0).sum())
        elif metrics[3] > progress.best_val_acc:
            progress.best_epoch, progress.best_val_acc = progress.epoch, metrics[3]
            self.best = self._weights()
        progress.seconds += seconds
        progress.epoch, progress.step, progress.epoch_seconds = progress.epoch + 1, 0, 0.0
        self.sums.zero_()

    @torch.no_grad()
    def evaluate(self, batches):
        """Mean loss and accuracy over all images of `batches`: a float64 tensor (2,) on the device."""
        self.model.eval()
        sums = torch.zeros(2, dtype=torch.float64, device=self.device)
        for images, labels in batches.in_order(EVALUATION_BATCH):
            logits = self.predict(images)
            sums[0] += self.loss(logits, labels) * len(labels)
            sums[1] += (logits.argmax(1) == labels).sum()
        return sums / len(batches)

    def predict(self, images):
        """Logits (b, classes), float32, by which images that are not trained on are classified."""
        views = (images.flip(3), images) if self.cell.tta == "flip" else (images,)
        with self.precision():  # the images themselves last: what hooks keep is of them
            return torch.stack([self.model(view).float() for view in views]).mean(0)

    def test(self):
        """(loss, accuracy) on the test images with the best epoch's weights, which stay loaded; once, at the end."""
        self.model.load_state_dict(self.best)
        return tuple(self.evaluate(self.test_batches).tolist())

    def precision(self):
        """The context in which the forward pass is computed."""
        if self.cell.precision == "fp32":
            return contextlib.nullcontext()
        return torch.autocast(self.device.type, dtype=torch.bfloat16)

    def _weights(self):
        return {name: value.detach().clone() for name, value in self.model.state_dict().items()}

    def state_dict(self):
        """All that a run needs to continue from here."""
        return {
            "progress": vars(self.progress),
            "model": self.model.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "best": self.best,
            "history": self.history,
            "gradient_rows": self.gradient_rows,
            "gradient_sums": self.gradients.sums,
            "step_losses": self.step_losses,
            "sums": self.sums,
            "observers": {name: observer.state_dict() for name, observer in self.observers.items()},
            "random": torch.get_rng_state(),
            "machines": self.machines,
            "random_cuda": torch.cuda.get_rng_state(self.device) if self.device.type == "cuda" else None,
        }

    def load_state_dict(self, state):
        """Continue from what `state_dict` returned, perhaps on another device. Only before the first step."""
        self.progress = Progress(**state["progress"])
        self.model.load_state_dict(state["model"])
        load_state(self.optimizer, state["optimizer"])
        self.best = {name: value.to(self.device) for name, value in state["best"].items()}
        self.history, self.gradient_rows = state["history"], state["gradient_rows"]
        self.gradients.sums.copy_(state["gradient_sums"])
        self.step_losses.copy_(state["step_losses"])
        self.sums.copy_(state["sums"])
        for name, observer in self.observers.items():
            observer.load_state_dict(state["observers"][name])
        self.machines = state["machines"]
        torch.set_rng_state(state["random"])
        if self.device.type == "cuda" and state["random_cuda"] is not None:
            torch.cuda.set_rng_state(state["random_cuda"], self.device)
