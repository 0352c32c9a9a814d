"""What a person decided lives on when a submission is graded again, and hides nothing that is
new.
"""

import msgspec
import pytest

from autograder.commands.grade.marking import carried
from autograder.judgement.grade import (
    ByHand,
    Cause,
    CheckResult,
    Grade,
    Outcome,
    Provenance,
    Visibility,
)


def question(cause=Cause.TO_BE_MARKED, points=0.0, run="answer 1", **fields):
    outcome = {Cause.MARKED_FULL: Outcome.PASSED, Cause.MARKED: Outcome.FAILED}.get(
        cause, Outcome.NEEDS_REVIEW
    )
    return CheckResult(
        "why",
        "Why?",
        "",
        outcome,
        cause,
        points,
        4.0,
        Visibility.VISIBLE,
        run=run,
        question=True,
        **fields,
    )


def check(outcome=Outcome.FAILED, points=0.0, of=5.0, **fields):
    cause = Cause.AGREES if outcome is Outcome.PASSED else Cause.DISAGREES
    return CheckResult(
        "test_loop",
        "Loop",
        "",
        outcome,
        cause,
        points,
        of,
        Visibility.VISIBLE,
        message="observed 3",
        **fields,
    )


def decided(automatic, score, extra=0.0):
    """`automatic` with a person's points over it, as they were when they looked."""
    seen = (automatic.outcome, automatic.points, automatic.max_points)
    by_hand = ByHand(automatic, seen, score, extra)
    return msgspec.structs.replace(
        automatic,
        by_hand=by_hand,
        points=by_hand.points,
        cause=Cause.MARKED,
        outcome=Outcome.FAILED,
    )


def again(was, now):
    """The one check of a grade that was `was`, graded again as `now`."""
    before = Grade("ada", "tiny", (was,), (), "", Provenance("0.1.0", "", "", ""))
    (found,) = carried(before, (now,))
    return found


@pytest.mark.parametrize(
    ("points", "cause"),
    [(4.0, Cause.MARKED_FULL), (4.5, Cause.MARKED_FULL), (3.5, Cause.MARKED), (0.0, Cause.MARKED)],
)
def test_a_mark_stays_with_the_answer_that_was_marked(points, cause):
    """All of its points are full marks, which lose nothing and need no word."""
    found = again(question(cause, points, comment="Good."), question())
    assert (found.points, found.cause, found.comment) == (points, cause, "Good.")
    assert found.outcome is (Outcome.PASSED if cause is Cause.MARKED_FULL else Outcome.FAILED)


def test_another_answer_is_put_before_the_person_again():
    """With the points that the earlier one had, until they decide; so is one that waited already,
    whatever is handed in then.
    """
    found = again(question(Cause.MARKED, 3.0), question(run="answer 2"))
    assert (found.points, found.cause, found.outcome) == (
        3.0,
        Cause.TO_BE_MARKED_AGAIN,
        Outcome.NEEDS_REVIEW,
    )
    back = again(question(Cause.TO_BE_MARKED_AGAIN, 3.0), question())
    assert (back.points, back.cause) == (3.0, Cause.TO_BE_MARKED_AGAIN)


def test_where_the_machine_failed_the_mark_is_not_put_in_doubt():
    """Nothing is known of another answer then."""
    lost = msgspec.structs.replace(
        question(Cause.MACHINE_FAILED, run=""), outcome=Outcome.UNGRADABLE
    )
    found = again(question(Cause.MARKED, 3.0), lost)
    assert (found.points, found.cause, found.run) == (3.0, Cause.MARKED, "answer 1")


def test_a_comment_alone_stays_and_decides_nothing():
    """The question still waits."""
    found = again(question(comment="Where is the plot?"), question(run="answer 2"))
    assert (found.cause, found.points, found.comment) == (
        Cause.TO_BE_MARKED,
        0.0,
        "Where is the plot?",
    )


@pytest.mark.parametrize(
    ("score", "extra", "points", "cause"),
    [
        (4.0, 0.0, 4.0, Cause.MARKED),
        (5.0, 0.0, 5.0, Cause.MARKED_FULL),
        (4.0, 1.0, 5.0, Cause.MARKED_FULL),
        (None, 1.0, 1.0, Cause.MARKED),
    ],
)
def test_points_typed_over_a_check_stay(score, extra, points, cause):
    """Extra credit comes on top, of the score or of what the check has by itself; what it says by
    itself is told where points are lost.
    """
    found = again(decided(check(), score, extra), check())
    assert (found.points, found.cause, found.automatic) == (points, cause, check())
    assert ("observed 3" in found.message) is (cause is Cause.MARKED)


@pytest.mark.parametrize(
    ("now", "cause"),
    [
        (check(Outcome.PASSED, 5.0), Cause.TO_BE_MARKED_AGAIN),
        (check(of=4.0), Cause.TO_BE_MARKED_AGAIN),
        (check(), Cause.MARKED),
    ],
)
def test_a_check_that_says_something_else_since_is_put_before_the_person_again(now, cause):
    """Another outcome or another maximum; the points count all the same."""
    found = again(decided(check(), 3.0), now)
    assert (found.points, found.cause, found.automatic) == (3.0, cause, now)


def test_a_bonus_is_full_with_all_of_it():
    """A check of 0 points that can add 2: 1 is a part of it, though more than its maximum."""
    extra = check(of=0.0, bonus=2.0)
    assert again(decided(extra, 1.0), extra).outcome is Outcome.FAILED
    assert again(decided(extra, 2.0), extra).outcome is Outcome.PASSED


def test_a_question_that_became_a_check_has_no_mark():
    """Nor has one that nobody marked, and nobody was graded before."""
    other = msgspec.structs.replace(check(), id="why")
    assert again(question(Cause.MARKED, 3.0), other) == other
    assert again(question(), question(run="answer 2")) == question(run="answer 2")
    assert carried(None, (check(),)) == (check(),)


def test_points_typed_over_a_check_stand_while_the_machine_fails():
    """A failure of ours is no other outcome for the person to look at; the submission is run again
    all the same.
    """
    failed = msgspec.structs.replace(
        check(), outcome=Outcome.UNGRADABLE, cause=Cause.MACHINE_FAILED
    )
    found = again(decided(check(), 3.0), failed)
    assert (found.points, found.cause, found.retry) == (3.0, Cause.MARKED, True)
