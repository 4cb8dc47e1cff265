"""What the user sees of a running cell: a bar on a terminal, a line per epoch in a log, TensorBoard if asked for."""

import sys
import time

from tqdm import tqdm

from workflow_scripts.engine.commands import UserError
from workflow_scripts.engine.training.trainer import METRICS

LINE = "epoch {epoch:>3}/{epochs}  loss {0:.4f}  acc {1:6.2%}  val loss {2:.4f}  val acc {3:6.2%}  {seconds:.1f} s"


class Reporter:
    """Reports on a `trainer.Training`: `step()` between its steps, `epoch()` after each epoch, `close()` at the end."""

    def __init__(self, training, name, tensorboard=None):
        self.training, self.name = training, name
        total, done = training.cell.epochs * training.steps, training.progress.epoch * training.steps
        self.bar = tqdm(
            total=total, initial=done + training.progress.step, desc=name, unit="step", disable=not sys.stderr.isatty()
        )
        self.next_look = 0.0
        self.events = _events(tensorboard, training.progress.epoch) if tensorboard else None

    def step(self):
        """Move the bar; look at the metrics, which costs a synchronisation with the device, at most once a second."""
        if self.bar.disable:
            return
        self.bar.update()
        if time.monotonic() >= self.next_look:
            loss, accuracy = (self.training.sums / self.training.progress.step).tolist()
            self.bar.set_postfix_str(f"loss {loss:.3f}, acc {accuracy:.1%}")
            self.next_look = time.monotonic() + 1

    def epoch(self):
        """Report how the epoch that has just ended went."""
        epoch, rate, *metrics, seconds = self.training.history[-1]
        self._say(LINE.format(*metrics, epoch=epoch + 1, epochs=self.training.cell.epochs, seconds=seconds))
        if (step := self.training.progress.diverged_step) is not None:
            self._say(f"diverged in step {step}: the loss is no finite number any more, and the training ends")
        if self.events:
            for name, value in zip(METRICS, metrics, strict=True):
                self.events.add_scalar(name, value, epoch)
            self.events.add_scalar("lr", rate, epoch)

    def _say(self, line):
        self.bar.write(line, file=sys.stderr)
        sys.stderr.flush()

    def close(self):
        """Leave the terminal and the event file in order."""
        self.bar.close()
        if self.events:
            self.events.close()


def _events(folder, epoch):
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError:
        raise UserError(
            "tensorboard is true, but the package tensorboard is not installed: pip install tensorboard"
        ) from None
    return SummaryWriter(folder, purge_step=epoch)  # a resumed run hides what a killed one wrote beyond its checkpoint
