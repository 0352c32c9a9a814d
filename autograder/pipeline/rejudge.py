"""Judging the stored evidence of one submission again."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from autograder.judgement.grading import RULINGS
from autograder.pipeline.executed import read_executed
from autograder.pipeline.gallery import resemblances
from autograder.pipeline.graded_tests import digests
from autograder.pipeline.plan import context_digest
from autograder.pipeline.prepare import prepare_for
from autograder.pipeline.probing import add_findings
from autograder.pipeline.questions import answered, carried, unread
from autograder.pipeline.variants import on_variant

if TYPE_CHECKING:
    from autograder.execution.executor import Executor
    from autograder.judgement.grading import Grade
    from autograder.pipeline.gallery import Gallery
    from autograder.pipeline.prepare import Prepared
    from autograder.pipeline.results import ResultsFolder
    from autograder.pipeline.variants import Variants


def prepared_for(prepared: Prepared, variants: Variants | None, grade: Grade, results: ResultsFolder, executor: Executor) -> Prepared:
    """The assignment as the student of `grade` has it."""
    if variants is None or grade.variant is None:
        return prepared
    return prepare_for(prepared, variants.of(grade.student, grade.variant.attempt), results.evidence, executor)


def judge_again(prepared: Prepared, grade: Grade, gallery: Gallery, results: ResultsFolder, executor: Executor) -> Grade | None:
    """The grade that stored evidence gets now; None where it does not say what today's checks ask for."""
    judge = prepared.judge
    if grade.provenance.evidence_key:
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
        alike = resemblances(prepared, checks, evidence, gallery)
        ran = msgspec.structs.replace(grade.provenance, environment=evidence.environment, gallery=gallery.digest)
        grade = msgspec.structs.replace(grade, resembles=alike, provenance=ran)
    else:
        first = next((check for check in grade.checks if not check.question), None)
        cause, said = (first.cause, first.message) if first else (None, "")
        details = said.removeprefix(RULINGS[cause].message).strip("\n") if cause else ""
        checks = judge.all_for(cause, details) if cause else ()
        answers = unread(prepared.files.assignment, cause, details) if cause else ()
    provenance = msgspec.structs.replace(grade.provenance, judging_key=context_digest(prepared.files))
    return on_variant(msgspec.structs.replace(grade, checks=carried(grade, checks + answers), provenance=provenance), grade.variant)
