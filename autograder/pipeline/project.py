"""Everything made from grades: feedback pages, the class table as CSV, nbgrader's gradebook and autograded notebooks.

All of it can be rebuilt; a ledger says which grade each student's projection was made from, so that only what changed is written again.
"""

from __future__ import annotations

import datetime
import importlib.util
from typing import TYPE_CHECKING

import msgspec

from autograder.assignment import Device
from autograder.atomic import write_atomic
from autograder.docket import open_docket
from autograder.exchange.nbgrader import AssignmentEntry, CheckEntry, GradebookEntry, write_gradebook
from autograder.judgement.grading import Grade
from autograder.notebooks.cells import Role, grade_id_of, role_of
from autograder.notebooks.libraries import NotebookNode
from autograder.pipeline.devices import as_graded
from autograder.pipeline.executed import read_executed, sources
from autograder.pipeline.graded_tests import without_hidden_tests
from autograder.pipeline.ledger import projection_mark, read_ledger
from autograder.pipeline.prepare import prepare, stored_reference
from autograder.pipeline.variants import open_variants
from autograder.reports.class_report import write_grades_csv
from autograder.reports.feedback import FeedbackPage, render_feedback

if TYPE_CHECKING:
    from collections.abc import Sequence

    from autograder.assignment import AssignmentFiles
    from autograder.docket import Docket
    from autograder.exchange.nbgrader_course import NbgraderCourse
    from autograder.pipeline.prepare import Prepared
    from autograder.pipeline.progress import Progress
    from autograder.pipeline.results import ResultsFolder
    from autograder.pipeline.variants import Variants
    from autograder.trace import Evidence


NOT_WRITTEN = "not written: for want of a GPU the reference has not run"


def project_class(
    files: AssignmentFiles, results: ResultsFolder, grades: Sequence[Grade], progress: Progress
) -> tuple[tuple[str, str], ...]:
    """Write what is out of date of `grades`' projections; returns names and places of all of them.

    Pages and gradebook need the reference's runs: while there has been no GPU for them, the class table is all that is written.

    Raises:
        ExchangeError: if the gradebook can't be written.
    """
    show_hidden = files.assignment.due is not None and datetime.datetime.now(datetime.UTC) > files.assignment.due
    marks = {grade.student: projection_mark(results, grade, show_hidden=show_hidden) for grade in grades}
    files = files if files.hardware else as_graded(files, grades)
    course = results.nbgrader
    ledger = read_ledger(results)
    stale = [
        grade for grade in grades if ledger.get(grade.student) != marks[grade.student] or not results.feedback_path(grade.student).exists()
    ]
    if stale or not results.csv.exists() or course.penalises:  # an extension may have been given since
        progress.started(len(stale))

        def body(docket: Docket) -> bool:
            if files.assignment.device is not Device.CPU and stored_reference(files, docket.specs, results.evidence) is None:
                return False
            prepared, variants = prepare(files, docket, results.evidence, None), open_variants(files)
            entries = []
            for grade in stale:
                executed = read_executed(results.executed_path(grade.student))
                reference = _reference(prepared, variants, grade, results)
                _write_feedback(results, prepared, grade, executed, reference, show_hidden=show_hidden)
                entries.append(GradebookEntry(grade, executed))
                progress.done(grade)
            if importlib.util.find_spec("nbgrader"):
                write_gradebook(course, _entry(prepared), entries)
            return True

        written = open_docket(files, body)
        write_grades_csv([grade for student in results.students() if (grade := results.read_grade(student))], results.csv)
        if not written:
            return ("Grades", str(results.csv)), ("Feedback", NOT_WRITTEN), ("Gradebook", NOT_WRITTEN)
        write_atomic(results.ledger, msgspec.json.encode(ledger | marks))
    return _places(results, course)


def _places(results: ResultsFolder, course: NbgraderCourse) -> tuple[tuple[str, str], ...]:
    written = bool(importlib.util.find_spec("nbgrader"))
    gradebook = course.place if written else 'not written: nbgrader is not installed (pip install "gradstep[course]")'
    pages = str(results.feedback_path("<student>"))
    return ("Grades", str(results.csv)), ("Feedback", pages), ("Gradebook", gradebook)


def _reference(prepared: Prepared, variants: Variants | None, grade: Grade, results: ResultsFolder) -> Evidence | None:
    """The reference's runs on what the student's were made on; None where its run is gone, or nothing of the student's ran."""
    if variants is None:
        return prepared.judge.reference
    if grade.variant is None:
        return None
    files = variants.of(grade.student, grade.variant.attempt)
    assert files.draw is not None
    return stored_reference(files, prepared.judge.docket.of(files.draw.values).specs, results.evidence)


def _write_feedback(
    results: ResultsFolder,
    prepared: Prepared,
    grade: Grade,
    executed: NotebookNode | None,
    reference: Evidence | None,
    *,
    show_hidden: bool,
) -> None:
    evidence = results.evidence.get(grade.provenance.evidence_key) if grade.provenance.evidence_key else None
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
    """The assignment as nbgrader knows it: without the cells that hold a variant, which are in each student's own notebook."""
    visible = {grade_id_of(cell) for cell in prepared.release.cells}
    checks = tuple(CheckEntry(spec.id, spec.title, spec.worth.counted, spec.id in visible) for spec in prepared.judge.specs)
    checks += tuple(
        CheckEntry(question.id, question.title, question.points, visible_cell=True) for question in prepared.files.assignment.questions
    )
    release = NotebookNode({**prepared.release, "cells": [cell for cell in prepared.release.cells if role_of(cell) is not Role.VARIANT]})
    return AssignmentEntry(prepared.files.nbgrader_name, prepared.files.notebook_name, prepared.files.assignment.due, release, checks)
