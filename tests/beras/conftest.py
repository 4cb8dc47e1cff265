"""Beras is imported the way its users import it: with `models/` and the assignment's folder on the path."""

import sys
from pathlib import Path

import numpy as np
import pytest

MODELS = Path(__file__).resolve().parents[2] / "models"
sys.path[:0] = [str(MODELS), str(MODELS / "beras_assignment")]


@pytest.fixture
def rng():
    return np.random.default_rng(0)


@pytest.fixture(autouse=True)
def seeded():
    np.random.seed(0)


@pytest.fixture(scope="session")
def digits():
    """scikit-learn's 1,797 handwritten digits: ((inputs, one-hot labels) to train, likewise to test)."""
    from Beras import OneHotEncoder
    from sklearn.datasets import load_digits

    inputs, labels = load_digits(return_X_y=True)
    inputs, onehot = (inputs / 16).astype(np.float32), OneHotEncoder()(labels)
    return (inputs[:1400], onehot[:1400]), (inputs[1400:], onehot[1400:])
