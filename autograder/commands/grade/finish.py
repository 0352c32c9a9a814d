"""The recipe that finishes a grade, the same for `grade`, `regrade` and `check`.

Checks are judged on evidence (`make_grade`); what is wrong is named, what equals a known mistake is
said, answers wait for a person (`finish`); and what a person has decided before stays
(`with_marks`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

import autograder
from autograder.commands.grade.marking import answered, carried
from autograder.course.executed import outputs_of
from autograder.course.judging import describe_error
from autograder.diagnosis.gallery import resemblances
from autograder.evidence.trace import Ended
from autograder.judgement.grade import Grade, Provenance
from autograder.notebooks.cells import Role
from autograder.notebooks.reading.staleness import stale_outputs

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from nbformat import NotebookNode

    from autograder.commands.grade.submissions import Candidate
    from autograder.course.prepare import Prepared
    from autograder.diagnosis.gallery import Gallery
    from autograder.evidence.trace import Evidence
    from autograder.judgement.grade import CheckResult
    from autograder.notebooks.reading.submission import Submission


def make_grade(
    prepared: Prepared,
    candidate: Candidate,
    submission: Submission,
    evidence: Evidence,
    context: str,
) -> Grade:
    """Judge `evidence` of `submission`, without its answers to questions.

    The result depends on the arguments alone.
    """
    outputs = {cell.run.id: outputs_of(cell.outputs) for cell in evidence.cells}
    provenance = Provenance(
        autograder.__version__, candidate.digest(), evidence.key, context, evidence.environment
    )
    return Grade(
        student=candidate.student,
        assignment=prepared.files.slug,
        checks=prepared.judge.results(evidence),
        notices=(*submission.notices, *stale_outputs(submission, outputs)),
        problem=_problem(evidence, submission),
        provenance=provenance,
        submitted_at=candidate.submitted_at,
        late=candidate.late,
    )


def finish(
    grade: Grade,
    prepared: Prepared,
    evidence: Evidence,
    notebook: NotebookNode | None,
    explain: Callable[[Sequence[CheckResult]], tuple[CheckResult, ...]],
    gallery: Gallery | None = None,
) -> Grade:
    """Complete `grade`, whose checks have been judged on `evidence`.

    `explain` adds findings to the failed ones; `notebook`, restored to the released cells, holds
    the answers to questions (None: it is not known); `gallery` holds runs of known mistakes.
    """
    checks = explain(grade.checks)
    answers = (
        answered(prepared.files.assignment, notebook, prepared.release)
        if notebook is not None
        else ()
    )
    if gallery is not None:
        grade = msgspec.structs.replace(
            grade,
            resembles=resemblances(prepared, checks, evidence, gallery),
            provenance=msgspec.structs.replace(grade.provenance, gallery=gallery.digest),
        )
    return msgspec.structs.replace(grade, checks=checks + answers)


def with_marks(grade: Grade, before: Grade | None) -> Grade:
    """Return `grade` with what a person had decided on the one `before`."""
    return msgspec.structs.replace(grade, checks=carried(before, grade.checks))


def _problem(evidence: Evidence, submission: Submission) -> str:
    """The submission's ending, or its first error outside of a check cell, in a few words."""
    ending = evidence.ending
    if ending.reason is not Ended.FINISHED:
        return f"{ending.reason.replace('_', ' ')}{f': {ending.detail}' if ending.detail else ''}"
    own = {cell.id for cell in submission.cells if cell.role is not Role.CHECK}
    error = next(
        (
            cell.run.error
            for cell in evidence.cells
            if cell.run.id in own and cell.run.error is not None
        ),
        None,
    )
    return describe_error(error)[:200] if error is not None else ""
