"""The programs of tests/programs, and a laboratory to judge them in."""

import sys
from pathlib import Path

import pytest
from laboratory import Laboratory

sys.path.insert(0, str(Path(__file__).parent.parent / "programs"))


@pytest.fixture(scope="session")
def laboratory(executor, tmp_path_factory):
    """One store for all tests, so that the reference runs once."""
    return Laboratory(executor, tmp_path_factory.mktemp("evidence"))
