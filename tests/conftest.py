"""What all tests share."""

import os

import pytest
from hypothesis import HealthCheck, settings

# first, since it imports nbformat without what takes seconds
import autograder.notebooks.libraries  # noqa: F401
from autograder.execution.executor import Executor

# a busy one is no failure
settings.register_profile(
    "any machine", deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("any machine")
pytest_plugins = ["durations", "tiny_fixtures"]
collect_ignore = ["tiny_course", "variant_course"]  # courses with checks, not tests


@pytest.fixture(scope="session")
def executor():
    """Two forkservers for all tests that ask for nothing special: one takes seconds to get warm.

    With the one package that an assignment of ours asks for.
    """
    with Executor(2, packages=("scikit-learn",)) as running:
        yield running


def pytest_configure():
    """Give each of several workers one core of its own: the commands that tests run then start one
    forkserver, not one for each core that another worker has.
    """
    worker = os.environ.get("PYTEST_XDIST_WORKER", "")
    cores = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []
    if worker and int(os.environ["PYTEST_XDIST_WORKER_COUNT"]) <= len(cores):
        os.sched_setaffinity(0, {cores[int(worker.removeprefix("gw"))]})


LONGEST_FIRST = (
    *(
        "test_diagnosis",
        "test_faults",
        "test_sample_class",
        "test_classifier_class",
        "test_every_optimizer_class",
        "test_cli",
        "test_attacks",
    ),
    *(
        "test_authoring",
        "test_calibrate",
        "test_questions",
        "test_crashes",
        "test_in_place",
        "test_importing",
        "test_first_course",
    ),
)


def pytest_collection_modifyitems(items):
    """Files that take long come first (with --no-loadscope-reorder), so that at the end no process
    waits for another's last one.
    """
    place = {name: number for number, name in enumerate(LONGEST_FIRST)}
    items.sort(key=lambda item: place.get(item.path.stem, len(place)))
