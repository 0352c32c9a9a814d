"""Judging the stored evidence of one submission again."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import msgspec

from autograder.commands.grade.finish import finish, with_marks
from autograder.commands.grade.marking import unread
from autograder.course.draws import on_variant
from autograder.course.executed import read_executed
from autograder.course.hardware import device_of
from autograder.course.keys import changes, judging_key
from autograder.course.prepare import prepare_for
from autograder.diagnosis.probing import add_findings
from autograder.judgement.grade import RULINGS

if TYPE_CHECKING:
    from autograder.course.draws import Variants
    from autograder.course.prepare import Prepared
    from autograder.course.results import ResultsFolder
    from autograder.diagnosis.gallery import Gallery
    from autograder.execution.executor import Executor
    from autograder.judgement.grade import Grade


@dataclass(frozen=True, slots=True)
class OutOfDate:
    """Reason why stored runs can't be judged by today's checks, to follow on "runs"."""

    why: str


@dataclass(frozen=True, slots=True)
class Rejudger:
    """Judges stored evidence of one assignment.

    `context` is the hash of what grades depend on besides the submission, where all students have
    the same.
    """

    prepared: Prepared
    context: str
    variants: Variants | None
    gallery: Gallery
    results: ResultsFolder
    executor: Executor | None
    """None: nothing may run."""

    def _own(self, grade: Grade) -> tuple[Prepared, str]:
        """The assignment and the context as the student of `grade` has them."""
        if self.variants is None or grade.variant is None:
            return self.prepared, self.context
        files = self.variants.of(grade.student, grade.variant.attempt)
        return prepare_for(self.prepared, files, self.results.evidence, self.executor), judging_key(
            files
        )

    def judge_again(self, grade: Grade) -> Grade | OutOfDate:
        """Return the new grade for the stored evidence of `grade`, or why there is none.

        There is none if the evidence is no answer to today's question.
        """
        prepared, context = self._own(grade)
        judge = prepared.judge
        if grade.provenance.evidence_key:
            if prepared.files.hardware and device_of(grade) != prepared.files.hardware:
                return OutOfDate(f"made on another GPU: {device_of(grade)}")
            evidence = self.results.evidence.get(grade.provenance.evidence_key)
            if evidence is None:
                return OutOfDate("not stored any more")
            if changed := changes(evidence.inputs, prepared.inputs):
                return OutOfDate(f"made before a change: {changed}")
            if new := {spec.run_id for spec in judge.specs if spec.call} - {
                run.id for run in evidence.calls
            }:
                return OutOfDate(
                    "made without today's calls of"
                    f" {', '.join(sorted(name.partition('@')[0] for name in new))}"
                )
            executed = read_executed(self.results.executed_path(grade.student))
            if executed is None and prepared.files.assignment.questions:
                return OutOfDate("stored without the notebook, and the answers with it")
            ran = msgspec.structs.replace(grade.provenance, environment=evidence.environment)
            judged = msgspec.structs.replace(grade, checks=judge.results(evidence), provenance=ran)
            explain = partial(
                add_findings,
                prepared,
                evidence=evidence,
                store=self.results.evidence,
                executor=self.executor,
            )
            judged = finish(judged, prepared, evidence, executed, explain, self.gallery)
        else:
            first = next((check.automatic for check in grade.checks if not check.question), None)
            cause, said = (first.cause, first.message) if first else (None, "")
            details = said.removeprefix(RULINGS[cause].message).strip("\n") if cause else ""
            checks = judge.all_for(cause, details) if cause else ()
            answers = unread(prepared.files.assignment, cause, details) if cause else ()
            judged = msgspec.structs.replace(grade, checks=checks + answers)
        provenance = msgspec.structs.replace(judged.provenance, judging_key=context)
        judged = msgspec.structs.replace(judged, provenance=provenance)
        return with_marks(on_variant(judged, grade.variant), grade)
