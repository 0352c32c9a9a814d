"""Judging stored evidence again: changed points, tolerances or wording never run student code
again.

A grade that was made of the same files by the same grader is not judged again: it would be the
same.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from autograder.commands.grade.marking import take_in_marks
from autograder.commands.grade.whole_class import Contexts
from autograder.course.draws import open_variants
from autograder.course.hardware import as_graded
from autograder.course.keys import judging_key
from autograder.errors import AutograderError
from autograder.evidence.limits import Device
from autograder.judgement.grade import Grade
from autograder.reports.isolation import level_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from autograder.assignment import AssignmentFiles
    from autograder.checks.docket import Docket
    from autograder.commands.grade.rejudge import OutOfDate
    from autograder.course.results import ResultsFolder
    from autograder.evidence.limits import Isolation
    from autograder.execution.executor import Executor


@dataclass(frozen=True, slots=True)
class Move:
    """Change of one student's grade by regrading."""

    before: Grade
    after: Grade

    def below(self, required: Isolation) -> bool:
        """Tell whether the stored run was isolated less than `required`.

        That is the run that was judged again.
        """
        provenance = self.after.provenance
        return (
            bool(provenance.evidence_key) and level_of(provenance.environment).rank < required.rank
        )

    @property
    def changed(self) -> tuple[str, ...]:
        """Checks and questions whose outcome or points move, or that come or go."""
        old = {check.id: (check.outcome, check.points) for check in self.before.checks}
        new = {check.id: (check.outcome, check.points) for check in self.after.checks}
        return tuple(
            sorted(name for name in old.keys() | new.keys() if old.get(name) != new.get(name))
        )


def regrade_class(
    files: AssignmentFiles, results: ResultsFolder, executor: Executor
) -> tuple[tuple[Move, ...], dict[str, str]]:
    """Judge again what is stored, writing nothing; not where nothing has changed since.

    Only the reference is run, where its evidence is not stored either.

    Returns a move for each student whose stored runs answer today's question; and, for each whose
    do not, why, to follow on "runs": their grades stay, and `grade` runs them.

    On which GPU grades were made follows from themselves: none need be at hand. What was made on
    another than most were is not at hand either.

    Raises:
        AutograderError: if there are no grades.
    """
    students = results.students()
    if not students:
        message = (
            f"{results.root}: no grades of {files.slug} to judge again; run `autograder grade"
            f" {files.slug}` first"
        )
        raise AutograderError(message)

    before = {student: grade for student in students if (grade := results.read_grade(student))}
    files = as_graded(files, before.values())
    contexts = Contexts(files, judging_key(files), open_variants(files))
    taken, gallery = take_in_marks(files, results, students), results.gallery_digest
    after = {student: taken.get(student, grade) for student, grade in before.items()}
    again = {
        student: after[student]
        for student, grade in before.items()
        if not _holds(grade, contexts, gallery, results)
    }
    judged = _judge_again(files, again, results, executor, contexts) if again else {}
    after |= {student: grade for student, grade in judged.items() if isinstance(grade, Grade)}
    left = {student: one.why for student, one in judged.items() if not isinstance(one, Grade)}
    left |= {
        student: "of a grade that can't be read" for student in students if student not in before
    }
    return (
        tuple(
            Move(grade, after[student]) for student, grade in before.items() if student not in left
        ),
        left,
    )


def _holds(grade: Grade, contexts: Contexts, gallery: str, results: ResultsFolder) -> bool:
    """Tell whether judging again would give the same.

    Nothing that the grade depends on has changed, nothing of our own had failed, and it claims no
    other surroundings than its evidence.
    """
    provenance = grade.provenance
    if provenance.judging_key != contexts.of(grade) or any(check.retry for check in grade.checks):
        return False
    if not provenance.evidence_key:
        return True
    evidence = results.evidence.get(provenance.evidence_key)
    return (
        evidence is not None
        and evidence.environment == provenance.environment
        and provenance.gallery == gallery
    )


def _judge_again(
    files: AssignmentFiles,
    grades: Mapping[str, Grade],
    results: ResultsFolder,
    executor: Executor,
    contexts: Contexts,
) -> dict[str, Grade | OutOfDate]:
    """Judge `grades`, by student, again."""
    # pytest and what judges: half a second that is not spent where every grade holds
    from autograder.checks.docket import open_docket
    from autograder.commands.grade.rejudge import Rejudger
    from autograder.course.prepare import prepare
    from autograder.diagnosis.gallery import read_gallery

    runner = (
        executor
        if files.assignment.device is Device.CPU or executor.device.name == files.hardware
        else None
    )

    def body(docket: Docket) -> dict[str, Grade | OutOfDate]:
        prepared = prepare(files, docket, results.evidence, runner)
        rejudger = Rejudger(
            prepared, contexts.shared, contexts.variants, read_gallery(results), results, runner
        )
        return {student: rejudger.judge_again(grade) for student, grade in grades.items()}

    return open_docket(files, body)
