"""Test cells that give points by their own run, as nbgrader's do: imported assignments begin with
nothing else.

Such a cell runs beside the student's code, which can read it and, with ill will, get around it. A
check with ``@call`` or ``@cell`` can take its place at any time, one by one::

    @points(2)
    @graded_cell("correct_squares", of="squares")
    def test_correct_squares(run, reference):
        "Check that squares returns the correct output"
        assert_graded_cell(run, reference)
"""

from __future__ import annotations

import re

import pytest

from autograder.checks.declaring import CellWanted
from autograder.checks.verdicts import CheckFailed, NeedsReview, PartialCredit
from autograder.judgement.observation import Observation
from autograder.judgement.test_cell import award

__all__ = ["assert_graded_cell", "graded_cell"]


def graded_cell(cell_id: str, *, of: str, ignore_stderr: str = "") -> pytest.MarkDecorator:
    """Ask for the run of test cell `cell_id` (of role "tests" in the template) as it happened,
    hidden tests included. The check's id is the cell's. `of` is the function whose part it belongs
    to.

    Words on stderr (a warning, say) take the points, as in nbgrader; not where the regular
    expression `ignore_stderr` is found in them: ``ignore_stderr="Warning"``.

    Raises:
        re.error: if that is no regular expression.
    """
    re.compile(ignore_stderr)
    return pytest.mark.cell(CellWanted(cell_id, (), of, graded=True, ignore_stderr=ignore_stderr))


def assert_graded_cell(run: Observation, reference: Observation) -> None:
    """The cell ended without an error and wrote nothing to stderr; where its last line is a number,
    that many points are given.

    Raises:
        PartialCredit: for a number below what the check is worth.
        CheckFailed: for an error.
        NeedsReview: where the value can't be points: NaN, below 0, above what the check is worth,
            no number although the reference shows one.
    """
    if run.graded is None or reference.graded is None:
        message = "assert_graded_cell judges checks with @graded_cell"
        raise TypeError(message)
    given = award(run.graded, reference.graded, reference.worth)
    if given.points is None:
        raise NeedsReview(given.reason)
    if given.points == 0 and reference.worth > 0:
        raise CheckFailed(given.reason)
    if given.points < reference.worth:
        raise PartialCredit(given.points, given.reason)
    if run.graded.error is not None or run.graded.stderr:  # of a cell that is worth nothing
        raise CheckFailed(given.reason)
