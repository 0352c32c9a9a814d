"""Where points are decided: a check's own, those of kept contracts, and a person's.

What an outcome is worth to a class stands here; how a run comes to its outcome stands in
`autograder.judgement.grade` (RULINGS).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from autograder.judgement.grade import Cause, Outcome

if TYPE_CHECKING:
    from autograder.judgement.findings.finding import Contract


def of_check(outcome: Outcome, cause: Cause, worth: float, part: float = 0.0) -> float:
    """Return the points of a check by itself.

    They are its `worth` if it passed, the `part` that the check granted if it found the run to be
    right in part, else 0.
    """
    if outcome is Outcome.PASSED:
        return worth
    return part if cause is Cause.DISAGREES else 0.0


def of_contracts(
    shares: Sequence[tuple[frozenset[Contract], float]], kept: frozenset[Contract], otherwise: float
) -> float:
    """Points of a failed training: the shares of those sets of contracts that were all `kept`.

    Where the check's author has put no points on contracts it stays with `otherwise`.
    """
    if not shares:
        return otherwise
    return sum((points for contracts, points in shares if contracts <= kept), 0.0)


def marked(points: float, max_points: float, bonus: float, *, settled: bool) -> Cause:
    """Return the cause of a check or question for which a person gave `points`.

    They are given in full, in part, or to be looked at again since they are not `settled`.
    """
    if not settled:
        return Cause.TO_BE_MARKED_AGAIN
    return Cause.MARKED_FULL if points >= max_points + bonus else Cause.MARKED
