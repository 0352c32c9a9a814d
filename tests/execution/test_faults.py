"""The short form of faults.py: kills at random moments lose nothing."""

import os
from pathlib import Path

import pytest

from autograder.execution.executor import Executor

from .faults import Class, make_class, trial

pytestmark = [
    pytest.mark.skipif(os.geteuid() != 0, reason="looks for processes of the submissions' users"),
    pytest.mark.long("the same class again and again, killed"),
]


@pytest.fixture(scope="module")
def course(tmp_path_factory: pytest.TempPathFactory, executor: Executor) -> Class:
    """A class of four."""
    return make_class(tmp_path_factory.mktemp("faults") / "course", 4, executor)


def test_kills_at_random_moments_lose_nothing(
    course: Class, executor: Executor, capsys: pytest.CaptureFixture[str]
) -> None:
    """Submission, forkserver and grader killed, in one run if it lasts: the same command then has
    every submission graded as in an undisturbed run, and nothing runs on.
    """
    assert trial(
        course, "here", ["submission", "forkserver", "grader"], course.undisturbed(executor)
    ), capsys.readouterr().out


def test_the_undisturbed_class_is_partly_wrong(
    course: Class, executor: Executor, tmp_path: Path
) -> None:
    """Else equal grades would say little."""
    assert {points for points, _ in course.undisturbed(executor).values()} == {2, 10}
    assert course.grades(tmp_path.name) == {}
