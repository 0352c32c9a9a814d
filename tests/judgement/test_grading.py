"""What a cause leads to, and what a grade adds up to: nobody loses points for what is not
theirs.
"""

import msgspec
import pytest

from autograder.evidence.trace import Ended, RunStatus
from autograder.judgement.grade import (
    ENDINGS,
    RULINGS,
    STATUSES,
    Cause,
    CheckResult,
    Grade,
    GradeStatus,
    JudgedVariant,
    Outcome,
    Provenance,
    Visibility,
    decode_grade,
    encode_grade,
)

OURS = (
    Ended.FORKSERVER_DIED,
    Ended.SANDBOX_FAILED,
    Ended.WALL_LIMIT,
    Ended.NO_DEVICE,
    Ended.FINISHED,
)
"""Endings that the machine brings about; FINISHED where a run is missing all the same."""


def check(outcome, points=0.0, of=4.0, cause=Cause.AGREES, **fields):
    return CheckResult("test_a", "A", "", outcome, cause, points, of, Visibility.VISIBLE, **fields)


def grade(*checks, variant=None):
    return Grade("ada", "tiny", checks, (), "", Provenance("0.1.0", "", "", ""), variant=variant)


@pytest.mark.parametrize("cause", Cause)
def test_a_ruling_does_what_it_tells_the_student(cause):
    """What "costs no points" is ungradable and run again; what "a person will look" at waits for
    them; all else is decided.
    """
    ruling = RULINGS[cause]
    assert (
        (ruling.outcome is Outcome.UNGRADABLE)
        is ruling.retry
        is ("costs no points" in ruling.message)
    )
    if "A person will look" in ruling.message:
        assert ruling.outcome is Outcome.NEEDS_REVIEW
    if "Your code" in ruling.message and not ruling.retry and "A person" not in ruling.message:
        assert ruling.outcome is Outcome.FAILED
    if ruling.outcome is Outcome.PASSED:
        assert cause in (Cause.AGREES, Cause.MARKED_FULL)


@pytest.mark.parametrize("ended", Ended)
def test_how_a_submission_ended_is_its_own_doing_or_ours(ended):
    """Ours costs nothing."""
    assert (RULINGS[ENDINGS[ended]].outcome is Outcome.UNGRADABLE) is (ended in OURS)


def test_a_run_that_was_no_good_is_no_pass():
    """Each status but those that are judged, or never came about, has its cause."""
    assert set(STATUSES) == set(RunStatus) - {RunStatus.FINISHED, RunStatus.NOT_RUN}
    assert all(
        RULINGS[cause].outcome in (Outcome.FAILED, Outcome.NOT_REACHED, Outcome.NEEDS_REVIEW)
        for cause in STATUSES.values()
    )


def test_what_waits_counts_neither_as_nothing_nor_as_given():
    """Also where an earlier answer had points: they are shown, and not decided."""
    one = grade(
        check(Outcome.PASSED, 4.0),
        check(Outcome.FAILED, 1.0),
        check(Outcome.NOT_REACHED),
        check(Outcome.NEEDS_REVIEW, 3.0, cause=Cause.TO_BE_MARKED_AGAIN),
        check(Outcome.UNGRADABLE, of=2.0),
        check(Outcome.PASSED, 2.0, of=0.0, bonus=2.0),
    )
    assert (one.points, one.max_points) == (10.0, 18.0)
    assert (one.decided_points, one.decided_max_points, one.pending_points) == (7.0, 12.0, 6.0)
    assert msgspec.json.decode(encode_grade(one))["totals"] == {
        "points": 7.0,
        "of": 12.0,
        "pending": 6.0,
    }
    assert decode_grade(encode_grade(one)) == one


@pytest.mark.parametrize(
    ("outcomes", "note", "status"),
    [
        ((Outcome.PASSED, Outcome.FAILED, Outcome.NOT_REACHED), "", GradeStatus.GRADED),
        ((Outcome.PASSED, Outcome.NEEDS_REVIEW), "", GradeStatus.NEEDS_REVIEW),
        ((Outcome.NEEDS_REVIEW, Outcome.UNGRADABLE), "", GradeStatus.UNGRADABLE),
        (
            (Outcome.UNGRADABLE, Outcome.NEEDS_REVIEW),
            "holds the variant of bob",
            GradeStatus.UNGRADABLE,
        ),
        ((Outcome.PASSED,), "holds the variant of bob", GradeStatus.NEEDS_REVIEW),
        ((), "", GradeStatus.GRADED),
    ],
)
def test_what_still_has_to_happen_to_a_grade(outcomes, note, status):
    """Another run comes before a person's look; a notebook with another's data is for a person,
    however it did.
    """
    assert grade(*map(check, outcomes), variant=JudgedVariant("tag", 0, note)).status is status
