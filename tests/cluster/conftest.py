"""The Slurm that the tests of this folder share."""

import pytest

from tests.cluster import slurm


@pytest.fixture(scope="session")
def cluster(tmp_path_factory):
    """A running Slurm of two nodes; skips where it cannot start."""
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


def pytest_collection_modifyitems(items):
    """One of pytest's parallel workers takes all of these tests (--dist loadgroup): a Slurm and its runs start once."""
    for item in items:
        if item.path.is_relative_to(__file__.rpartition("/")[0]):
            item.add_marker(pytest.mark.xdist_group("slurm"))
