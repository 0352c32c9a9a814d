"""What a person entered in formgrader, read from nbgrader's gradebook.

A file is read with sqlite3 alone: it is asked for before each grading, and nbgrader's own modules take two seconds to import.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from autograder.errors import ExchangeError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from autograder.exchange.nbgrader_course import NbgraderCourse

_MARKS = """
SELECT submitted_assignment.student_id, base_cell.name, grade.manual_score, grade.extra_credit, grade.needs_manual_grade,
    (SELECT comment.manual_comment FROM comment JOIN base_cell AS commented ON comment.cell_id = commented.id
        WHERE comment.notebook_id = grade.notebook_id AND commented.name = base_cell.name)
FROM grade
JOIN base_cell ON grade.cell_id = base_cell.id
JOIN submitted_notebook ON grade.notebook_id = submitted_notebook.id
JOIN notebook ON submitted_notebook.notebook_id = notebook.id
JOIN submitted_assignment ON submitted_notebook.assignment_id = submitted_assignment.id
JOIN assignment ON submitted_assignment.assignment_id = assignment.id
WHERE assignment.name = :assignment AND notebook.name = :notebook
"""


@dataclass(frozen=True, slots=True)
class Mark:
    """A person's mark of one cell: its points, extra credit included (None: not given yet), whether it is `settled`, and the comment."""

    points: float | None
    settled: bool
    comment: str


def read_marks(course: NbgraderCourse, assignment: str, notebook: str) -> Mapping[tuple[str, str], Mark]:
    """Marks of all grade cells of a notebook of an assignment, by student and name of the cell; empty where there is no gradebook.

    Raises:
        ExchangeError: if it can't be read.
    """
    wanted = {"assignment": assignment, "notebook": notebook}
    rows = _from_file(course.gradebook_file, wanted) if course.gradebook_file else _from_server(course, wanted)
    return {(student, name): _mark(score, extra, waiting, comment) for student, name, score, extra, waiting, comment in rows}


def _from_file(path: Path, wanted: Mapping[str, str]) -> Sequence[tuple[Any, ...]]:
    if not path.exists():
        return []
    try:
        with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)) as connection:
            return connection.execute(_MARKS, wanted).fetchall()
    except sqlite3.Error as error:
        message = f"{path} can't be read: {error}"
        raise ExchangeError(message) from error


def _from_server(course: NbgraderCourse, wanted: Mapping[str, str]) -> Sequence[tuple[Any, ...]]:
    from sqlalchemy import create_engine, inspect, text  # comes with nbgrader
    from sqlalchemy.exc import SQLAlchemyError

    try:
        engine = create_engine(course.database)
        with engine.connect() as connection:
            if not inspect(connection).has_table("assignment"):
                return []
            return [tuple(row) for row in connection.execute(text(_MARKS), wanted)]
    except (SQLAlchemyError, ModuleNotFoundError) as error:
        message = f"{course.place} can't be read: {error}"
        raise ExchangeError(message) from error


def _mark(score: float | None, extra: float | None, waiting: int, comment: str | None) -> Mark:
    points = None if score is None else float(score) + float(extra or 0.0)
    return Mark(points, not waiting, comment or "")
