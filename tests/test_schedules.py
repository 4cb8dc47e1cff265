"""The learning rate of every step: compared with PyTorch's own schedules, and by hand."""

import numpy as np
import pytest
import torch

from workflow_scripts.engine.configuration.record import Cell
from workflow_scripts.engine.training import schedules


@pytest.mark.parametrize(("schedule", "period"), [("cosine", 100), ("cosine_course_2023", 475 * 100)])
def test_schedules_equal_pytorchs(schedule, period):
    cell = Cell(schedule=schedule, lr=0.01)
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=0.01)
    scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=100, eta_min=2e-5)
    for tick in range(min(period, 1000)):
        epoch, step = (tick, 0) if schedule == "cosine" else divmod(tick, 475)
        expected = scheduler.get_last_lr()[0]
        assert schedules.learning_rate(cell, epoch, step, 475) == pytest.approx(expected, rel=1e-9, abs=1e-12)
        optimizer.step()
        scheduler.step()


LINE = {"schedule": "linear", "final_lr": 0.02}
FALLING, RISING = np.linspace(0.1, 0.02, 21)[:-1], np.arange(1, 21)  # over four epochs of five steps
RATES = {
    "constant": ({"schedule": "constant"}, [0.1] * 20),
    "linear": (LINE, FALLING),
    "warm-up": ({"schedule": "constant", "warmup_epochs": 1.5}, 0.1 * np.minimum(1, RISING / 7.5)),
    "both": ({**LINE, "warmup_epochs": 1}, FALLING * np.minimum(1, RISING / 5)),
}


@pytest.mark.parametrize(("record", "expected"), RATES.values(), ids=RATES)
def test_schedules_by_hand(record, expected):
    cell = Cell(lr=0.1, epochs=4, **record)
    rates = [schedules.learning_rate(cell, *divmod(tick, 5), 5) for tick in range(20)]
    assert rates == pytest.approx(list(expected), rel=1e-12)
