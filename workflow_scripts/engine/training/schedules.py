"""Learning-rate schedules by name: pure functions of the position in a run, so that a resumed run needs no state."""

import math

from models.registry import Registry

SCHEDULES = Registry("schedule")
register_schedule = SCHEDULES.register


def learning_rate(cell, epoch, step, steps):
    """A cell's learning rate at step `step` of `steps` in epoch `epoch` (both from 0).

    In the first `warmup_epochs` the schedule's rate is multiplied by a factor that rises to 1 step by step
    (Goyal et al. 2017).
    """
    warmup = cell.warmup_epochs * steps
    factor = min(1.0, (epoch * steps + step + 1) / warmup) if warmup else 1.0
    return factor * SCHEDULES[cell.schedule](cell, epoch, step, steps)


@register_schedule("constant")
def constant(cell, epoch, step, steps):
    """`lr` throughout."""
    return cell.lr


@register_schedule("cosine")
def cosine(cell, epoch, step, steps):
    """Cosine annealing from `lr` to `final_lr` (Loshchilov & Hutter 2017), changed once per epoch."""
    return _half_wave(cell, epoch)


@register_schedule("linear")
def linear(cell, epoch, step, steps):
    """A straight line from `lr` to `final_lr`, changed at every step."""
    return cell.lr + (cell.final_lr - cell.lr) * (epoch + step / steps) / cell.epochs


@register_schedule("cosine_course_2023")
def cosine_course_2023(cell, epoch, step, steps):
    """The course's code since 2023: changed once per *step* with the period still counted in epochs.

    The rate therefore swings down and up every 2 x `epochs` steps instead of falling once over the run.
    """
    return _half_wave(cell, epoch * steps + step)


def _half_wave(cell, time):
    return cell.final_lr + (cell.lr - cell.final_lr) * (1 + math.cos(math.pi * time / cell.epochs)) / 2
