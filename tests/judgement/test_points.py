"""Where points are decided."""

import pytest

from autograder.judgement.findings.finding import Contract
from autograder.judgement.grade import Cause, Outcome
from autograder.judgement.points import marked, of_check, of_contracts


@pytest.mark.parametrize(
    ("outcome", "cause", "part", "points"),
    [
        (Outcome.PASSED, Cause.AGREES, 0.0, 4.0),
        (Outcome.FAILED, Cause.DISAGREES, 0.0, 0.0),
        (Outcome.FAILED, Cause.DISAGREES, 1.5, 1.5),  # right in part, as the check itself says
        (Outcome.FAILED, Cause.RAISED, 1.5, 0.0),  # what raised has granted nothing
        (Outcome.NOT_REACHED, Cause.NO_NOTEBOOK, 0.0, 0.0),
    ],
)
def test_a_check_by_itself(outcome, cause, part, points):
    assert of_check(outcome, cause, 4.0, part) == points


SHARES = (
    (frozenset({Contract.GRADIENT}), 3.0),
    (frozenset({Contract.COUNT, Contract.UPDATE}), 2.0),
)


@pytest.mark.parametrize(
    ("kept", "points"),
    [
        ({Contract.GRADIENT, Contract.COUNT, Contract.UPDATE}, 5.0),
        ({Contract.GRADIENT, Contract.COUNT}, 3.0),  # of a set all must be kept
        ({Contract.COUNT, Contract.UPDATE, Contract.RETURN}, 2.0),
        (set(), 0.0),
    ],
)
def test_kept_contracts(kept, points):
    assert of_contracts(SHARES, frozenset(kept), 1.0) == points


def test_without_shares_a_checks_own_points_stay():
    assert of_contracts((), frozenset({Contract.GRADIENT}), 1.0) == 1.0


@pytest.mark.parametrize(
    ("points", "bonus", "settled", "cause"),
    [
        (4.0, 0.0, True, Cause.MARKED_FULL),
        (3.9, 0.0, True, Cause.MARKED),
        (4.0, 1.0, True, Cause.MARKED),  # extra points could be had, too
        (5.0, 1.0, True, Cause.MARKED_FULL),
        (4.0, 0.0, False, Cause.TO_BE_MARKED_AGAIN),
    ],
)
def test_a_persons_points(points, bonus, settled, cause):
    assert marked(points, 4.0, bonus, settled=settled) is cause
