"""What a cell is for, and the nbgrader metadata (schema 3) that says so in a notebook."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from enum import StrEnum
from typing import Any

from autograder.notebooks.libraries import NotebookNode

SCHEMA_VERSION = 3
GRADE_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
"""nbgrader allows these characters, nbformat 4.5 at most 64 of them as a cell id; one name serves
as both.
"""


class Role(StrEnum):
    """Purpose of a cell."""

    TEXT = "text"
    """Prose, locked."""
    GIVEN = "given"
    """Code that students get and don't edit, locked."""
    SOLUTION = "solution"
    """Code that students write."""
    CHECK = "check"
    """A visible test with points, locked."""
    TESTS = "tests"
    """In a template only: as CHECK, but its own run is what gives the points (`graded_cell`), so
    that the reference runs it too, and hidden tests in it.
    """
    ANSWER = "answer"
    """Text or code that students write and a person marks."""
    TASK = "task"
    """Text, locked, that asks for cells of the student's own, which a person marks."""
    VARIANT = "variant"
    """Each student's own data: put back as released, to this student, and unknown to nbgrader,
    which has one version of what it locks.
    """
    FREE = "free"
    """Anything else; nbgrader knows nothing of it."""

    @property
    def locked(self) -> bool:
        """True if the released source wins over the submitted one."""
        return self in (Role.TEXT, Role.GIVEN, Role.CHECK, Role.TESTS, Role.TASK, Role.VARIANT)

    @property
    def cell_type(self) -> str | None:
        """The type that a cell of this role must have; None where either will do."""
        return {
            Role.TEXT: "markdown",
            Role.TASK: "markdown",
            Role.ANSWER: None,
            Role.VARIANT: None,
            Role.FREE: None,
        }.get(self, "code")


def role_of(cell: NotebookNode) -> Role:
    """The role that a released cell's metadata gives it."""
    marks = nbgrader_marks(cell)
    if marks.get("task"):
        return Role.TASK
    if marks.get("solution"):
        return Role.ANSWER if marks.get("grade") else Role.SOLUTION
    if marks.get("grade"):
        return Role.CHECK
    if marks.get("locked"):
        return Role.GIVEN if cell["cell_type"] == "code" else Role.TEXT
    return Role.VARIANT if variant_marks(cell) else Role.FREE


def grade_id_of(cell: NotebookNode) -> str:
    """nbgrader's id of the cell, or ours of one that holds a variant; empty where it has none."""
    grade_id = nbgrader_marks(cell).get("grade_id") or variant_marks(cell).get("id", "")
    return grade_id if isinstance(grade_id, str) else ""


def nbgrader_marks(cell: Mapping[str, Any]) -> Mapping[str, Any]:
    """The cell's nbgrader metadata, empty where it has none or none that is an object."""
    return _marks(cell, "nbgrader")


def variant_marks(cell: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return our metadata of a cell that holds a variant.

    They are its `id`, and the `variant`'s tag and the `secret`'s fingerprint where it is
    somebody's. Empty for any other cell.
    """
    return _marks(cell, "gradstep")


def _marks(cell: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    metadata = cell.get("metadata")
    marks = metadata.get(key) if isinstance(metadata, Mapping) else None
    return marks if isinstance(marks, Mapping) else {}


def mark(cell: NotebookNode, role: Role, grade_id: str, points: float | None = None) -> None:
    """Put nbgrader's metadata for `role` on `cell`.

    They keep Jupyter from editing or deleting what is locked.
    """
    if role in (Role.FREE, Role.VARIANT):
        return
    marks: dict[str, Any] = {
        "schema_version": SCHEMA_VERSION,
        "grade": role in (Role.CHECK, Role.TESTS, Role.ANSWER),
        "solution": role in (Role.SOLUTION, Role.ANSWER),
        "locked": role.locked,
        "grade_id": grade_id,
        "cell_type": cell["cell_type"],
    }
    if role is Role.TASK:
        marks["task"] = True
    if points is not None:
        marks["points"] = int(points) if float(points).is_integer() else points
    cell["metadata"]["nbgrader"] = NotebookNode(marks)
    cell["metadata"]["nbgrader"]["checksum"] = checksum(cell)
    cell["metadata"]["deletable"] = False
    if role.locked:
        cell["metadata"]["editable"] = False


def checksum(cell: NotebookNode) -> str:
    """nbgrader's checksum of a cell (nbgrader.utils.compute_checksum), without its install."""
    marks = nbgrader_marks(cell)
    grade, solution = bool(marks.get("grade")), bool(marks.get("solution"))
    locked = not solution and (grade or bool(marks.get("locked")))
    fields = [
        cell["source"],
        cell["cell_type"],
        str(grade),
        str(solution),
        str(locked),
        grade_id_of(cell),
    ]
    if grade:
        fields.append(str(float(marks["points"])))
    return hashlib.md5("".join(fields).encode(), usedforsecurity=False).hexdigest()
