"""What a person entered in formgrader, read from nbgrader's gradebook.

A file is read with sqlite3 alone: it is asked for before each grading, and nbgrader's own modules
take two seconds to import.
"""

from __future__ import annotations

import hashlib
import re
import sqlite3
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from autograder.errors import ExchangeError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from autograder.exchange.nbgrader.course_folder import NbgraderCourse

_MARKS = """
SELECT submitted_assignment.student_id, base_cell.name,
    grade.manual_score, grade.extra_credit, grade.needs_manual_grade,
    (SELECT comment.manual_comment
        FROM comment JOIN base_cell AS commented ON comment.cell_id = commented.id
        WHERE comment.notebook_id = grade.notebook_id AND commented.name = base_cell.name)
FROM grade
JOIN base_cell ON grade.cell_id = base_cell.id
JOIN submitted_notebook ON grade.notebook_id = submitted_notebook.id
JOIN notebook ON submitted_notebook.notebook_id = notebook.id
JOIN submitted_assignment ON submitted_notebook.assignment_id = submitted_assignment.id
JOIN assignment ON submitted_assignment.assignment_id = assignment.id
WHERE assignment.name = :assignment AND notebook.name = :notebook
"""


def grade_id(check_id: str) -> str:
    """Return a name that nbgrader accepts ([A-Za-z0-9_-]), always the same for an id.

    It is the id itself, or its words and a digest.
    """
    if re.fullmatch(r"[A-Za-z0-9_-]{1,100}", check_id):
        return check_id
    words = re.sub(r"[^A-Za-z0-9_]+", "-", check_id).strip("-")[:80]
    return (
        f"{words or 'check'}"
        f"-{hashlib.sha256(check_id.encode('utf-8', 'surrogatepass')).hexdigest()[:8]}"
    )


@dataclass(frozen=True, slots=True)
class Mark:
    """A person's mark of one cell.

    It has score (None: not given) and extra credit, whether it is `settled`, and the comment.
    """

    score: float | None
    extra: float
    settled: bool
    comment: str

    @property
    def given(self) -> bool:
        """True if a person has said anything."""
        return self.score is not None or self.extra != 0 or bool(self.comment)


def read_marks(
    course: NbgraderCourse, assignment: str, notebook: str
) -> Mapping[str, Mapping[str, Mark]]:
    """Read the marks that persons gave, by student and name of the grade cell.

    For every student who is in the gradebook; empty where there is none.

    Raises:
        ExchangeError: if it can't be read.
    """
    wanted = {"assignment": assignment, "notebook": notebook}
    rows = (
        _from_file(course.gradebook_file, wanted)
        if course.gradebook_file
        else _from_server(course, wanted)
    )
    marks: dict[str, dict[str, Mark]] = {}
    for student, name, score, extra, waiting, comment in rows:
        mark = Mark(
            None if score is None else float(score), float(extra or 0.0), not waiting, comment or ""
        )
        own = marks.setdefault(student, {})
        if mark.given:
            own[name] = mark
    return marks


def _from_file(path: Path, wanted: Mapping[str, str]) -> Sequence[tuple[Any, ...]]:
    if not path.exists():
        return []
    try:
        # rw makes no file, and can read past the journal of a writer that was killed; where the
        # file is write-protected, sqlite reads it all the same
        with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=rw", uri=True)) as connection:
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
