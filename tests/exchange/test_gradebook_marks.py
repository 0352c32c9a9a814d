"""One row of nbgrader's gradebook, as a grading finds and leaves it."""

from __future__ import annotations

from types import SimpleNamespace

import nbformat
import pytest

from autograder.exchange.nbgrader.autograded import ReleasedCell
from autograder.exchange.nbgrader.gradebook import _mark, _untouched
from autograder.exchange.nbgrader.marks import Mark
from autograder.judgement.grade import RULINGS, Cause, CheckResult, Visibility

RIGHT, WRONG, OPEN, FAILED = Cause.AGREES, Cause.DISAGREES, Cause.UNDECIDED, Cause.MACHINE_FAILED


def result(cause: Cause, points: float) -> CheckResult:
    """Of a check worth 2 points."""
    return CheckResult("c", "c", "", RULINGS[cause].outcome, cause, points, 2.0, Visibility.VISIBLE)


@pytest.mark.parametrize(
    ("before", "check", "after"),
    [
        # (auto_score, manual_score, extra_credit, needs_manual_grade)
        ((None, None, None, True), result(RIGHT, 2.0), (2.0, None, None, False)),
        ((None, None, None, True), result(WRONG, 0.0), (0.0, None, None, False)),
        ((2.0, None, None, False), result(FAILED, 0.0), (None, None, None, True)),
        ((2.0, None, None, False), result(OPEN, 0.0), (None, None, None, True)),
        ((None, None, None, True), result(OPEN, 1.5), (1.5, None, None, True)),
        ((2.0, None, None, False), None, (None, None, None, True)),
        # a person has said something
        ((2.0, 1.0, None, False), result(RIGHT, 2.0), (2.0, 1.0, None, False)),
        ((0.0, 1.0, None, False), result(RIGHT, 2.0), (2.0, 1.0, None, True)),
        ((0.0, None, 1.0, False), result(RIGHT, 2.0), (2.0, None, 1.0, True)),
        ((2.0, None, 1.0, False), result(RIGHT, 2.0), (2.0, None, 1.0, False)),
        ((2.0, 0.0, None, False), result(FAILED, 0.0), (None, 0.0, None, True)),
    ],
)
def test_the_automatic_score_moves_and_a_persons_stays(
    before: tuple, check: CheckResult | None, after: tuple
) -> None:
    """What nobody decided has none, and waits; where ours moved under a person's, it is put before
    them again, and only then.
    """
    names = ("auto_score", "manual_score", "extra_credit", "needs_manual_grade")
    row = SimpleNamespace(**dict(zip(names, before, strict=True)))
    _mark(row, check)
    assert tuple(getattr(row, name) for name in names) == after


def cell(name: str, source: str) -> nbformat.NotebookNode:
    """A cell with nbgrader's name."""
    return nbformat.v4.new_code_cell(source, metadata={"nbgrader": {"grade_id": name}})


@pytest.mark.parametrize(
    ("sources", "untouched"),
    [
        (["stub"], True),
        (["mine"], False),
        ([], True),
        (["mine", "stub"], False),
        (["stub", "mine"], True),
    ],
)
def test_a_cell_that_was_copied_is_judged_by_its_first(sources: list[str], untouched: bool) -> None:
    """A copy further down changes nothing: "No response." is said of a stub alone, or of a cell
    that is not there.
    """
    released = [ReleasedCell("loop", cell("loop", "stub"))]
    notebook = nbformat.v4.new_notebook(cells=[cell("loop", source) for source in sources])
    assert _untouched(released, notebook) == ({"loop"} if untouched else set())
    assert _untouched(released, None) == {"loop"}


@pytest.mark.parametrize(
    ("score", "extra", "comment", "given"),
    [
        (None, 0.0, "", False),
        (0.0, 0.0, "", True),
        (None, -1.0, "", True),
        (None, 0.0, "Well done", True),
    ],
)
def test_a_person_has_spoken_by_a_score_extra_points_or_a_word(
    score: float | None, extra: float, comment: str, given: bool
) -> None:
    """A score of 0 is one."""
    assert Mark(score, extra, settled=True, comment=comment).given is given
