"""The programs of tests/programs, and a laboratory to judge them in."""

import pytest
from laboratory import Laboratory


@pytest.fixture(scope="session")
def laboratory(executor, tmp_path_factory):
    """One store for all tests, so that the reference runs once."""
    return Laboratory(executor, tmp_path_factory.mktemp("evidence"))
