"""Writing what is made from grades: feedback pages, and what nbgrader keeps of them."""

from __future__ import annotations

import importlib.util
from collections import deque
from typing import TYPE_CHECKING

from autograder.atomic import write_atomic
from autograder.checks.docket import open_docket
from autograder.course.draws import open_variants
from autograder.course.executed import read_executed, sources
from autograder.course.graded_tests import without_hidden_tests
from autograder.course.prepare import prepare, stored_reference
from autograder.evidence.limits import Device
from autograder.exchange.nbgrader.gradebook import (
    AssignmentEntry,
    CheckEntry,
    GradebookEntry,
    write_gradebook,
)
from autograder.notebooks.cells import Role, grade_id_of, role_of
from autograder.notebooks.libraries import NotebookNode
from autograder.reports.feedback.page import FeedbackPage, render_feedback

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from autograder.assignment import AssignmentFiles
    from autograder.checks.docket import Docket
    from autograder.course.draws import Variants
    from autograder.course.prepare import Prepared
    from autograder.course.progress import Progress
    from autograder.course.results import ResultsFolder
    from autograder.evidence.trace import Evidence
    from autograder.judgement.grade import Grade


def write_projections(
    files: AssignmentFiles,
    results: ResultsFolder,
    grades: Sequence[Grade],
    progress: Progress,
    *,
    show_hidden: bool,
) -> bool:
    """Write the page and the gradebook's entry of each of `grades`.

    Penalties for late submissions are everybody's. Returns False, with nothing written, where the
    reference has not run for want of a GPU.

    Raises:
        ExchangeError: if the gradebook can't be written.
    """

    def body(docket: Docket) -> bool:
        if (
            files.assignment.device is not Device.CPU
            and stored_reference(files, docket.specs, results.evidence) is None
        ):
            return False
        prepared, variants = prepare(files, docket, results.evidence, None), open_variants(files)

        def entries() -> Iterator[GradebookEntry]:
            for grade in grades:
                executed = read_executed(results.executed_path(grade.student))
                reference = _reference(prepared, variants, grade, results)
                _write_feedback(
                    results, prepared, grade, executed, reference, show_hidden=show_hidden
                )
                yield GradebookEntry(grade, executed)
                progress.done(grade)

        if importlib.util.find_spec("nbgrader"):
            write_gradebook(results.nbgrader, _entry(prepared), entries())
        else:
            deque(entries(), maxlen=0)
        return True

    return open_docket(files, body)


def _reference(
    prepared: Prepared, variants: Variants | None, grade: Grade, results: ResultsFolder
) -> Evidence | None:
    """Return the reference's runs on the device of the student's.

    None where its run is gone, or nothing of the student's ran.
    """
    if variants is None:
        return prepared.judge.reference
    if grade.variant is None:
        return None
    files = variants.of(grade.student, grade.variant.attempt)
    assert files.draw is not None
    return stored_reference(
        files, prepared.judge.docket.of(files.draw.values).specs, results.evidence
    )


def _write_feedback(
    results: ResultsFolder,
    prepared: Prepared,
    grade: Grade,
    executed: NotebookNode | None,
    reference: Evidence | None,
    *,
    show_hidden: bool,
) -> None:
    evidence = (
        results.evidence.get(grade.provenance.evidence_key)
        if grade.provenance.evidence_key
        else None
    )
    page = FeedbackPage(
        grade=grade,
        assignment=prepared.files.assignment,
        evidence=without_hidden_tests(evidence, prepared.tests) if evidence else None,
        reference=reference,
        show_hidden=show_hidden,
        cells=sources(executed),
    )
    write_atomic(results.feedback_path(grade.student), render_feedback(page))


def _entry(prepared: Prepared) -> AssignmentEntry:
    """Return the assignment as nbgrader knows it.

    Cells that hold a variant are in each student's own notebook, and not in this.
    """
    visible = {grade_id_of(cell) for cell in prepared.release.cells}
    checks = tuple(
        CheckEntry(spec.id, spec.title, spec.worth.counted, spec.id in visible)
        for spec in prepared.judge.specs
    )
    checks += tuple(
        CheckEntry(question.id, question.title, question.points, visible_cell=True)
        for question in prepared.files.assignment.questions
    )
    release = NotebookNode(
        {
            **prepared.release,
            "cells": [cell for cell in prepared.release.cells if role_of(cell) is not Role.VARIANT],
        }
    )
    return AssignmentEntry(
        prepared.files.nbgrader_name,
        prepared.files.notebook_name,
        prepared.files.assignment.due,
        release,
        checks,
    )
