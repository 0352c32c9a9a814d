"""Submissions of different students that hold the same code, for the instructor to look at: equal code is a fact, copying is a judgement."""

from __future__ import annotations

import ast
import hashlib
import warnings
from typing import TYPE_CHECKING, Any

import msgspec

from autograder.notebooks.cells import checksum, nbgrader_marks

if TYPE_CHECKING:
    from collections.abc import Iterable

    from autograder.judgement.grading import Grade
    from autograder.pipeline.collected import Record
    from autograder.pipeline.results import ResultsFolder


def same_code(results: ResultsFolder, grades: Iterable[Grade], record: Record) -> tuple[tuple[str, ...], ...]:
    """Groups of submissions whose solution cells are equal but for layout and comments, sorted. Outputs, cell ids and cells of the student's own do not count.

    Cells left as released are passed over, so that blank submissions are not alike; attempts of one student, and those of whom it is not known to be another, are not either.
    """
    found: dict[str, list[str]] = {}
    for grade in grades:
        if code := code_digest(results, grade.student):
            found.setdefault(code, []).append(grade.student)
    entries = {entry.folder: entry.holder for entry in record.entries}
    return tuple(sorted(tuple(sorted(students)) for students in found.values() if len({entries.get(name, name) for name in students}) > 1))


def code_digest(results: ResultsFolder, student: str) -> str:
    """SHA-256 of what the student wrote into solution cells; "" where that is nothing, or nothing was run."""
    try:
        notebook: Any = msgspec.json.decode(results.executed_path(student).read_bytes())
    except (FileNotFoundError, msgspec.DecodeError):
        return ""
    written = [_normal(cell) for cell in notebook["cells"] if _is_written(cell)]
    return hashlib.sha256("\0".join(written).encode("utf-8", "surrogatepass")).hexdigest() if written else ""


def _is_written(cell: Any) -> bool:
    """Whether it is a solution cell with another source than the released one, whose checksum its metadata hold."""
    marks = nbgrader_marks(cell)
    if cell["cell_type"] != "code" or not marks.get("solution") or marks.get("grade"):
        return False
    cell["source"] = "".join(cell["source"])  # a file may hold a list of lines
    return bool(cell["source"].strip()) and checksum(cell) != marks.get("checksum")


def _normal(cell: Any) -> str:
    """The cell's id and its syntax tree; of what is no Python (magics, errors), its words."""
    source: str = cell["source"]
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a student's "\\d" is no concern of the grader's terminal
            code = ast.dump(ast.parse(source))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        code = " ".join(source.split())
    return f"{nbgrader_marks(cell).get('grade_id')}: {code}"
