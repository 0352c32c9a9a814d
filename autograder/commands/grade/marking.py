"""Questions that a person marks, and checks that a person decides otherwise: what a submission's
answers wait for, and how a mark lives on when the submission is graded again.

The person's mark is entered in formgrader, read into grade.json before anything is graded again
(`take_in_marks`), and carried from the old grade to the new one. So the gradebook may be deleted:
it is made again with it. A mark belongs to the answer that was marked: where another one is handed
in, its points stay and it is put before the person again. So is a check whose own outcome has
changed under the mark; the mark counts all the same, as in nbgrader.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import msgspec

from autograder.commands.grade.ledger import is_projected, read_ledger
from autograder.errors import ExchangeError
from autograder.exchange.nbgrader.marks import grade_id, read_marks
from autograder.judgement.grade import RULINGS, ByHand, Cause, CheckResult, Outcome, Visibility
from autograder.judgement.points import marked

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from nbformat import NotebookNode

    from autograder.assignment import Assignment, AssignmentFiles, Question
    from autograder.course.results import ResultsFolder
    from autograder.exchange.nbgrader.marks import Mark
    from autograder.judgement.grade import Grade

_LOG = logging.getLogger(__name__)
_BY_HAND = "A person has decided on these points."
_BY_HAND_BEFORE = (
    "A person has decided on these points. The check says something else since, so they will look"
    " at it again."
)


def answered(
    assignment: Assignment, notebook: NotebookNode, release: NotebookNode
) -> tuple[CheckResult, ...]:
    """The questions as `notebook`, restored to the cells of `release`, answers them.

    A blank answer has 0 points at once, as in nbgrader: there is nothing to mark. A cell that is
    not found is for a person to look for.
    """
    # with nbformat, which takes a while: not where no notebook is read
    from autograder.notebooks.reading.answers import read_answers

    answers = read_answers(notebook, release)
    results = []
    for question in assignment.questions:
        answer = answers.get(question.id)
        cause = (
            Cause.ANSWER_MISSING
            if answer is None
            else Cause.UNANSWERED
            if answer.blank
            else Cause.TO_BE_MARKED
        )
        results.append(_result(question, cause, answer.digest if answer else ""))
    return tuple(results)


def unread(assignment: Assignment, cause: Cause, message: str = "") -> tuple[CheckResult, ...]:
    """The questions of a submission that could not be read, for `cause`."""
    return tuple(_result(question, cause, "", message) for question in assignment.questions)


def carried(before: Grade | None, now: Sequence[CheckResult]) -> tuple[CheckResult, ...]:
    """Return the new results with the marks that a person gave before."""
    old = {check.id: check for check in before.checks} if before else {}
    return tuple(_carried(old.get(check.id), check) for check in now)


def _carried(was: CheckResult | None, now: CheckResult) -> CheckResult:
    if was is None or was.question != now.question or not (was.marked or was.comment):
        return now
    if not was.marked:
        return msgspec.structs.replace(now, comment=was.comment)
    waiting = was.cause is Cause.TO_BE_MARKED_AGAIN
    if was.by_hand is not None:
        return _decided(was.by_hand, now, was.comment, settled=not waiting)
    if now.retry:  # the machine failed, and nothing is known of another answer
        now = msgspec.structs.replace(now, run=was.run)
    return _marked(now, was.points, was.comment, settled=was.run == now.run and not waiting)


def take_in_marks(
    files: AssignmentFiles, results: ResultsFolder, students: Iterable[str]
) -> dict[str, Grade]:
    """Return grades of `students` changed by what a person entered in formgrader.

    Marks count that were entered since the grades were last projected; nothing is written.

    Of `students`, since they were last projected.

    Only the gradebook that a grade was written to speaks of it: after an interruption between
    grading and projecting, marks are read the next time.

    Raises:
        ExchangeError: if the gradebook can't be read, and there are questions to mark in it.
    """
    try:
        marks = read_marks(results.nbgrader, files.nbgrader_name, files.notebook_name)
    except ExchangeError as error:
        if files.assignment.questions:
            raise
        # grades keep the marks that they have
        _LOG.warning("what was marked by hand is taken in another time: %s", error)
        return {}
    ledger = read_ledger(results) if marks else {}
    changed = {}
    for student in students:
        own = marks.get(student)
        grade = results.read_grade(student) if own is not None else None
        if (
            own is None
            or grade is None
            or not (own or any(check.marked or check.comment for check in grade.checks))
        ):
            continue
        checks = tuple(
            _with_mark(check, own.get(check.id) or own.get(grade_id(check.id)))
            for check in grade.checks
        )
        if checks != grade.checks and is_projected(results, ledger, grade):
            changed[student] = msgspec.structs.replace(grade, checks=checks)
    return changed


def _with_mark(check: CheckResult, mark: Mark | None) -> CheckResult:
    if check.question:
        own = _settle(check, Cause.TO_BE_MARKED, 0.0) if check.marked else check
        if mark is None:  # nothing, or the person has taken it back
            return msgspec.structs.replace(own, comment="")
        points = None if mark.score is None else mark.score + mark.extra
        return (
            msgspec.structs.replace(own, comment=mark.comment)
            if points is None
            else _marked(own, points, mark.comment, settled=mark.settled)
        )
    own = check.automatic
    if mark is None or (mark.score is None and (own.pending or not mark.extra)):
        return own
    seen = _state(own) if mark.settled or check.by_hand is None else check.by_hand.seen
    return _decided(
        ByHand(own, seen, mark.score, mark.extra), own, mark.comment, settled=mark.settled
    )


def _marked(own: CheckResult, points: float, comment: str, *, settled: bool) -> CheckResult:
    """Give a question, or a check's own result, a person's points."""
    cause = marked(points, own.max_points, own.bonus, settled=settled)
    return msgspec.structs.replace(_settle(own, cause, points), comment=comment)


def _decided(by_hand: ByHand, own: CheckResult, comment: str, *, settled: bool) -> CheckResult:
    """The check `own` with what a person typed over it.

    Where it says something else than when they did, it is put before them again.
    """
    by_hand = msgspec.structs.replace(by_hand, automatic=own)
    settled = settled and (own.retry or _state(own) == by_hand.seen)
    by_person = _marked(own, by_hand.points, comment, settled=settled)
    first = _BY_HAND if settled else _BY_HAND_BEFORE
    passed = by_person.outcome is Outcome.PASSED
    said = (first,) if passed else (first, f"By itself the check is: {own.outcome}.", own.message)
    told = {
        "message": "\n".join(text for text in said if text),
        "findings": () if passed else own.findings,
    }
    return msgspec.structs.replace(by_person, **told, by_hand=by_hand)


def _state(own: CheckResult) -> tuple[Outcome, float, float]:
    """Return what a person who decides goes by."""
    return own.outcome, own.points, own.max_points


def _settle(check: CheckResult, cause: Cause, points: float) -> CheckResult:
    ruling = RULINGS[cause]
    return msgspec.structs.replace(
        check, cause=cause, outcome=ruling.outcome, points=points, message=ruling.message
    )


def _result(question: Question, cause: Cause, digest: str, message: str = "") -> CheckResult:
    ruling = RULINGS[cause]
    return CheckResult(
        id=question.id,
        title=question.title,
        part=question.part,
        outcome=ruling.outcome,
        cause=cause,
        points=0.0,
        max_points=question.points,
        visibility=Visibility.VISIBLE,
        run=digest,
        message="\n".join(text for text in (ruling.message, message) if text),
        question=True,
    )
