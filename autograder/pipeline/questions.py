"""Questions that a person marks: what a submission's answers wait for, and how a mark lives on when the submission is graded again.

The person's mark is entered in formgrader, read into grade.json before anything is graded again (`take_in_marks`), and carried from the old grade to the new one. So the
gradebook may be deleted: it is made again with it. A mark belongs to the answer that was marked: where another one is handed in, its points stay and it is put before
the person again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from autograder.exchange.marks import read_marks
from autograder.judgement.grading import RULINGS, Cause, CheckResult, Visibility
from autograder.pipeline.ledger import is_projected, read_ledger

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from nbformat import NotebookNode

    from autograder.assignment import Assignment, AssignmentFiles, Question
    from autograder.exchange.marks import Mark
    from autograder.judgement.grading import Grade
    from autograder.pipeline.results import ResultsFolder


def answered(assignment: Assignment, notebook: NotebookNode, release: NotebookNode) -> tuple[CheckResult, ...]:
    """The questions as `notebook`, restored to the cells of `release`, answers them.

    A blank answer has 0 points at once, as in nbgrader: there is nothing to mark. A cell that is not found is for a person to look for.
    """
    from autograder.notebooks.answers import read_answers  # with nbformat, which takes a while: not where no notebook is read

    answers = read_answers(notebook, release)
    results = []
    for question in assignment.questions:
        answer = answers.get(question.id)
        cause = Cause.ANSWER_MISSING if answer is None else Cause.UNANSWERED if answer.blank else Cause.TO_BE_MARKED
        results.append(_result(question, cause, answer.digest if answer else ""))
    return tuple(results)


def unread(assignment: Assignment, cause: Cause, message: str = "") -> tuple[CheckResult, ...]:
    """The questions of a submission that could not be read, for `cause`."""
    return tuple(_result(question, cause, "", message) for question in assignment.questions)


def carried(before: Grade | None, now: Sequence[CheckResult]) -> tuple[CheckResult, ...]:
    """`now` with the marks that a person gave `before`."""
    old = {check.id: check for check in before.checks if check.question} if before else {}
    return tuple(_carried(old.get(check.id), check) for check in now)


def _carried(was: CheckResult | None, now: CheckResult) -> CheckResult:
    if was is None or not now.question or not (was.marked or was.comment):
        return now
    if not was.marked:
        return msgspec.structs.replace(now, comment=was.comment)
    same = was.run == now.run or RULINGS[now.cause].retry  # where the machine failed, nothing is known of another answer
    settled = same and was.cause is not Cause.TO_BE_MARKED_AGAIN
    return _marked(now, was.points, was.comment, settled=settled)


def take_in_marks(files: AssignmentFiles, results: ResultsFolder, students: Iterable[str]) -> dict[str, Grade]:
    """Grades of `students` that change by what a person entered in formgrader since they were last projected; writes nothing.

    Only the gradebook that a grade was written to speaks of its answers: after an interruption between grading and projecting, marks are read the next time.

    Raises:
        ExchangeError: if the gradebook can't be read.
    """
    marks = read_marks(results.nbgrader, files.nbgrader_name, files.notebook_name) if files.assignment.questions else {}
    ledger = read_ledger(results) if marks else {}
    changed = {}
    for student in students if marks else ():
        grade = results.read_grade(student)
        if grade is None or not is_projected(results, ledger, grade):
            continue
        checks = tuple(_with_mark(check, marks.get((student, check.id))) for check in grade.checks)
        if checks != grade.checks:
            changed[student] = msgspec.structs.replace(grade, checks=checks)
    return changed


def _with_mark(check: CheckResult, mark: Mark | None) -> CheckResult:
    if mark is None or not check.question:
        return check
    if mark.points is not None:
        return _marked(check, mark.points, mark.comment, settled=mark.settled)
    if check.marked:  # the person has taken it back
        check = _settle(check, Cause.TO_BE_MARKED, 0.0)
    return msgspec.structs.replace(check, comment=mark.comment)


def _marked(check: CheckResult, points: float, comment: str, *, settled: bool) -> CheckResult:
    cause = Cause.MARKED_FULL if points >= check.max_points else Cause.MARKED
    return msgspec.structs.replace(_settle(check, cause if settled else Cause.TO_BE_MARKED_AGAIN, points), comment=comment)


def _settle(check: CheckResult, cause: Cause, points: float) -> CheckResult:
    ruling = RULINGS[cause]
    return msgspec.structs.replace(check, cause=cause, outcome=ruling.outcome, points=points, message=ruling.message)


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
