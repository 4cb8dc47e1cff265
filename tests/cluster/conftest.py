"""The Slurm cluster that the tests in this folder share."""

import pytest

from tests.cluster import slurm


@pytest.fixture(scope="session")
def cluster(tmp_path_factory):
    """A running Slurm with two nodes; skips if it cannot start."""
    if reason := slurm.missing():
        pytest.skip(reason)
    started = slurm.Slurm(tmp_path_factory.mktemp("slurm"))
    try:
        started.start()
    except RuntimeError as error:
        started.stop()
        pytest.skip(f"Slurm does not start here: {error}")
    yield started
    started.stop()
