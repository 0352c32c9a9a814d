"""Everything made from grades: feedback pages, the class table as CSV, nbgrader's gradebook and
autograded notebooks.

All of it can be rebuilt; a ledger says which grade each student's projection was made from, so that
only what changed is written again.
"""

from __future__ import annotations

import datetime
import functools
import importlib.util
from typing import TYPE_CHECKING

import msgspec

from autograder.atomic import write_atomic
from autograder.commands.grade.ledger import projection_mark, read_ledger
from autograder.commands.grade.marking import take_in_marks
from autograder.course.hardware import as_graded

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from autograder.assignment import AssignmentFiles
    from autograder.course.progress import Progress
    from autograder.course.results import ResultsFolder
    from autograder.exchange.nbgrader.course_folder import NbgraderCourse
    from autograder.judgement.grade import Grade


NOT_WRITTEN = "not written: for want of a GPU the reference has not run"


def project_class(
    files: AssignmentFiles, results: ResultsFolder, grades: Sequence[Grade], progress: Progress
) -> tuple[tuple[str, str], ...]:
    """Write what is out of date of `grades`' projections; returns names and places of all of them.

    Pages and gradebook need the reference's runs: while there has been no GPU for them, the class
    table is all that is written.

    Raises:
        ExchangeError: if the gradebook can't be written.
    """
    show_hidden = (
        files.assignment.due is not None
        and datetime.datetime.now(datetime.UTC) > files.assignment.due
    )
    marks = {
        grade.student: projection_mark(results, grade, show_hidden=show_hidden) for grade in grades
    }
    files = files if files.hardware else as_graded(files, grades)
    course, written = results.nbgrader, True
    ledger = {} if _is_lost(course) else read_ledger(results)
    stale = [
        grade
        for grade in grades
        if ledger.get(grade.student) != marks[grade.student]
        or not all(path.exists() for path in _files(files, results, course, grade))
    ]
    if stale or course.penalises:  # an extension may have been given since
        # with all that makes pages: not where none is to be made
        from autograder.commands.grade.pages.writing import write_projections

        progress.started(len(stale))
        # if this is interrupted, they are stale still, whatever is changed back before the next run
        if stale:
            late = {grade.student for grade in stale}
            write_atomic(
                results.ledger,
                msgspec.json.encode(
                    {student: mark for student, mark in ledger.items() if student not in late}
                ),
            )
        written = write_projections(files, results, stale, progress, show_hidden=show_hidden)
    if stale or not results.csv.exists():
        from autograder.reports.grades_csv import write_grades_csv

        write_grades_csv(
            [grade for student in results.students() if (grade := results.read_grade(student))],
            results.csv,
        )
        if not written:
            return (
                ("Grades", str(results.csv)),
                ("Feedback", NOT_WRITTEN),
                ("Gradebook", NOT_WRITTEN),
            )
        write_atomic(results.ledger, msgspec.json.encode(ledger | marks))
    return _places(results, course)


def project_with_marks(
    files: AssignmentFiles, results: ResultsFolder, grades: Sequence[Grade], progress: Progress
) -> tuple[Sequence[Grade], tuple[tuple[str, str], ...]]:
    """Publish, read marks back, publish again if any changed a grade.

    The marks are what a person had entered before these grades were in the gradebook. Returns the
    grades as they are then, and names and places, as `project_class`.

    Raises:
        ExchangeError: if the gradebook can't be read or written.
    """
    places = project_class(files, results, grades, progress)
    marked = take_in_marks(files, results, [grade.student for grade in grades])
    if not marked:
        return grades, places
    for grade in marked.values():
        results.write_grade(grade)
    grades = [marked.get(grade.student, grade) for grade in grades]
    return grades, project_class(files, results, grades, progress)


def _is_lost(course: NbgraderCourse) -> bool:
    """Tell whether the gradebook is a file that is not there, though it could be written.

    If so, nobody's grade is in it.
    """
    return (
        course.gradebook_file is not None and not course.gradebook_file.exists() and _has_nbgrader()
    )


def _files(
    files: AssignmentFiles, results: ResultsFolder, course: NbgraderCourse, grade: Grade
) -> Iterator[Path]:
    """Yield the files that were made of `grade`."""
    yield results.feedback_path(grade.student)
    if _has_nbgrader():
        yield (
            course.autograded / grade.student / files.nbgrader_name / f"{files.notebook_name}.ipynb"
        )


@functools.cache
def _has_nbgrader() -> bool:
    return importlib.util.find_spec("nbgrader") is not None


def _places(results: ResultsFolder, course: NbgraderCourse) -> tuple[tuple[str, str], ...]:
    gradebook = (
        course.place
        if _has_nbgrader()
        else 'not written: nbgrader is not installed (pip install "gradstep[course]")'
    )
    pages = str(results.feedback_path("<student>"))
    return ("Grades", str(results.csv)), ("Feedback", pages), ("Gradebook", gradebook)
