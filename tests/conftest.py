"""What all tests share."""

import pytest

import autograder.notebooks.libraries  # noqa: F401  (first, since it imports nbformat without what takes seconds)
from autograder.execution.executor import Executor

pytest_plugins = ["durations"]
collect_ignore = ["tiny_course", "variant_course"]  # courses with checks, not tests


@pytest.fixture(scope="session")
def executor():
    """Two forkservers for all tests that ask for nothing special: one takes seconds to get warm. With the one package that an assignment of ours asks for."""
    with Executor(2, packages=("scikit-learn",)) as running:
        yield running


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
    *("test_authoring", "test_calibrate", "test_questions", "test_crashes", "test_in_place", "test_importing", "test_first_course"),
)


def pytest_collection_modifyitems(items):
    """Files that take long come first (with --no-loadscope-reorder), so that at the end no process waits for another's last one."""
    place = {name: number for number, name in enumerate(LONGEST_FIRST)}
    items.sort(key=lambda item: place.get(item.path.stem, len(place)))
