"""Judging stored evidence again: changed points, tolerances or wording never run student code again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec

from autograder.assignment import Device
from autograder.docket import open_docket
from autograder.errors import AutograderError
from autograder.judgement.grading import Grade
from autograder.pipeline.devices import as_graded, device_of
from autograder.pipeline.executed import read_executed
from autograder.pipeline.gallery import read_gallery, resemblances
from autograder.pipeline.graded_tests import digests
from autograder.pipeline.plan import context_digest
from autograder.pipeline.prepare import prepare, prepare_for
from autograder.pipeline.probing import add_findings
from autograder.pipeline.questions import answered, carried, take_in_marks, unread
from autograder.pipeline.variants import on_variant, open_variants
from autograder.reports.isolation import level_of

if TYPE_CHECKING:
    from autograder.assignment import AssignmentFiles, Isolation
    from autograder.docket import Docket
    from autograder.execution.executor import Executor
    from autograder.pipeline.prepare import Prepared
    from autograder.pipeline.results import ResultsFolder
    from autograder.pipeline.variants import Variants


@dataclass(frozen=True, slots=True)
class Move:
    """What regrading changes for one student."""

    before: Grade
    after: Grade

    def below(self, required: Isolation) -> bool:
        """Whether the stored run that was judged again had been isolated less than `required`."""
        provenance = self.after.provenance
        return bool(provenance.evidence_key) and level_of(provenance.environment).rank < required.rank

    @property
    def changed(self) -> tuple[str, ...]:
        """Checks and questions whose outcome or points move, or that come or go."""
        old = {check.id: (check.outcome, check.points) for check in self.before.checks}
        new = {check.id: (check.outcome, check.points) for check in self.after.checks}
        return tuple(sorted(name for name in old.keys() | new.keys() if old.get(name) != new.get(name)))


def regrade_class(files: AssignmentFiles, results: ResultsFolder, executor: Executor) -> tuple[tuple[Move, ...], tuple[str, ...]]:
    """Judge again what is stored, writing nothing. Only the reference is run, where its evidence is not stored either. Returns a move for each student whose evidence is at hand, and the students whose is not (`grade` runs them).

    On which GPU grades were made follows from themselves: none need be at hand. What was made on another than most were is not at hand either.

    Raises:
        AutograderError: if there are no grades.
    """
    students = results.students()
    if not students:
        message = f"{results.root}: no grades of {files.slug} to judge again; run `autograder grade {files.slug}` first"
        raise AutograderError(message)
    files = as_graded(files, [grade for student in students if (grade := results.read_grade(student))])
    runner = executor if files.assignment.device is Device.CPU or executor.device.name == files.hardware else None

    def body(docket: Docket) -> tuple[tuple[Move, ...], tuple[str, ...]]:
        prepared, variants = prepare(files, docket, results.evidence, runner), open_variants(files)
        taken = take_in_marks(files, results, students)
        moves, lost = [], []
        for student in students:
            grade = results.read_grade(student)
            own = _own(prepared, variants, grade, results, runner) if grade else prepared
            after = _judge_again(own, taken.get(student, grade), results, runner) if grade else None
            if grade is None or after is None:
                lost.append(student)
                continue
            moves.append(Move(grade, after))
        return tuple(moves), tuple(lost)

    return open_docket(files, body)


def _own(prepared: Prepared, variants: Variants | None, grade: Grade, results: ResultsFolder, executor: Executor | None) -> Prepared:
    """The assignment as the student of `grade` has it."""
    if variants is None or grade.variant is None:
        return prepared
    return prepare_for(prepared, variants.of(grade.student, grade.variant.attempt), results.evidence, executor)


def _judge_again(prepared: Prepared, grade: Grade, results: ResultsFolder, executor: Executor | None) -> Grade | None:
    judge = prepared.judge
    if grade.provenance.evidence_key:
        if prepared.files.hardware and device_of(grade) != prepared.files.hardware:
            return None  # the reference's runs are of another GPU
        evidence = results.evidence.get(grade.provenance.evidence_key)
        if evidence is None or not {spec.run_id for spec in judge.specs if spec.call} <= {run.id for run in evidence.calls}:
            return None  # a call of today's checks was never made
        if not digests(prepared.tests).items() <= grade.provenance.tests.items():
            return None  # nor were today's test cells run
        executed = read_executed(results.executed_path(grade.student))
        if executed is None and prepared.files.assignment.questions:
            return None  # the answers are not at hand
        checks = add_findings(prepared, judge.results(evidence), evidence, results.evidence, executor)
        answers = answered(prepared.files.assignment, executed, prepared.release) if executed else ()
        alike = resemblances(prepared, checks, evidence, read_gallery(results))
        ran = msgspec.structs.replace(grade.provenance, environment=evidence.environment)
        grade = msgspec.structs.replace(grade, resembles=alike, provenance=ran)
    else:
        cause = next((check.cause for check in grade.checks if not check.question), None)
        checks = judge.all_for(cause) if cause else ()
        answers = unread(prepared.files.assignment, cause) if cause else ()
    provenance = msgspec.structs.replace(grade.provenance, judging_key=context_digest(prepared.files))
    return on_variant(msgspec.structs.replace(grade, checks=carried(grade, checks + answers), provenance=provenance), grade.variant)
