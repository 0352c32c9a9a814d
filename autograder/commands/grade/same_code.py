"""Submissions of different students that hold the same code, for the instructor to look at: equal
code is a fact, copying is a judgement.
"""

from __future__ import annotations

import ast
import hashlib
import platform
from typing import TYPE_CHECKING, Any

import msgspec

from autograder.atomic import write_atomic
from autograder.course.keys import files_digest
from autograder.syntax import syntax_tree

if TYPE_CHECKING:
    from collections.abc import Iterable

    from autograder.course.results import ResultsFolder
    from autograder.judgement.grade import Grade
    from autograder.people.handed_in import Record

OWN = ("commands/grade/same_code.py", "notebooks/cells.py")
"""Where it is said what is the same."""


class Remembered(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Digests of code by SHA-256 of the executed notebook that it stands in.

    `made_by` names what computed them.
    """

    made_by: str
    codes: dict[str, str] = {}


def same_code(
    results: ResultsFolder, grades: Iterable[Grade], record: Record
) -> tuple[tuple[str, ...], ...]:
    """Groups of submissions whose solution cells are equal but for layout and comments, sorted.

    Outputs, cell ids and cells of the student's own do not count.

    Cells left as released are passed over, so that blank submissions are not alike; attempts of one
    student, and those of whom it is not known to be another, are not either. What is computed is
    remembered in `results`, for the next time.
    """
    made_by = f"{files_digest(OWN)} {platform.python_version()}"
    known = _read(results, made_by)
    codes: dict[str, str] = {}
    found: dict[str, list[str]] = {}
    for grade in grades:
        try:
            data = results.executed_path(grade.student).read_bytes()
        except FileNotFoundError:
            continue
        name = hashlib.sha256(data).hexdigest()
        codes[name] = known[name] if name in known else code_digest(data)
        if codes[name]:
            found.setdefault(codes[name], []).append(grade.student)
    if not codes.keys() <= known.keys():
        write_atomic(results.codes, msgspec.json.encode(Remembered(made_by, codes)))
    entries = {entry.folder: entry.holder for entry in record.entries}
    return tuple(
        sorted(
            tuple(sorted(students))
            for students in found.values()
            if len({entries.get(name, name) for name in students}) > 1
        )
    )


def _read(results: ResultsFolder, made_by: str) -> dict[str, str]:
    try:
        remembered = msgspec.json.decode(results.codes.read_bytes(), type=Remembered)
    except (FileNotFoundError, msgspec.DecodeError):
        return {}
    return remembered.codes if remembered.made_by == made_by else {}


def code_digest(executed: bytes) -> str:
    """Return the SHA-256 of what the student wrote into solution cells; "" if that is nothing.

    It is read from the notebook that was executed.
    """
    # with nbformat, which takes a while: not where all is remembered
    from autograder.notebooks.cells import nbgrader_marks

    try:
        notebook: Any = msgspec.json.decode(executed)
    except msgspec.DecodeError:
        return ""
    written = [
        _normal(cell["source"], nbgrader_marks(cell).get("grade_id"))
        for cell in notebook["cells"]
        if _is_written(cell)
    ]
    return (
        hashlib.sha256("\0".join(written).encode("utf-8", "surrogatepass")).hexdigest()
        if written
        else ""
    )


def _is_written(cell: Any) -> bool:
    """Tell whether it is a solution cell with another source than the released one.

    Its metadata hold the checksum of that.
    """
    from autograder.notebooks.cells import checksum, nbgrader_marks  # see `code_digest`

    marks = nbgrader_marks(cell)
    if cell["cell_type"] != "code" or not marks.get("solution") or marks.get("grade"):
        return False
    cell["source"] = "".join(cell["source"])  # a file may hold a list of lines
    return bool(cell["source"].strip()) and checksum(cell) != marks.get("checksum")


def _normal(source: str, name: str | None) -> str:
    """The cell's `name` and its syntax tree; of what is no Python (magics, errors), its words."""
    try:
        code = ast.dump(syntax_tree(source))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        code = " ".join(source.split())
    return f"{name}: {code}"
