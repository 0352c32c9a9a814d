"""A small released notebook, its checks and two grades, as the pipeline would hand them over."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from typing import Any

import nbformat
from nbformat import NotebookNode

from autograder.exchange.nbgrader.gradebook import AssignmentEntry, CheckEntry
from autograder.judgement.grade import Cause, CheckResult, Grade, Outcome, Provenance, Visibility

CHECKS = (
    CheckEntry(
        "test_first_losses", "The first losses are 80.364, 37.575, 30.871", 10, visible_cell=True
    ),
    CheckEntry(
        "test_final", "5000 epochs end at tensor([5.3671, -17.3012])", 20, visible_cell=True
    ),
    CheckEntry(
        "test_any_optimizer[SGD-momentum]",
        "Any optimizer, on data you have not seen",
        8,
        visible_cell=False,
    ),
    CheckEntry(
        "test_any_optimizer[SGD momentum]",
        "</script><script>alert(1)</script>",
        8,
        visible_cell=False,
    ),
)


def metadata(name: str, **fields: Any) -> dict[str, Any]:
    """nbgrader's metadata, schema 3."""
    return {
        "nbgrader": (
            {
                "schema_version": 3,
                "grade_id": name,
                "grade": False,
                "solution": False,
                "locked": False,
                "task": False,
            }
            | fields
        )
    }


def released(extra: Sequence[NotebookNode] = ()) -> NotebookNode:
    """Prose, one solution cell, two check cells."""
    from nbgrader.utils import compute_checksum

    v4 = nbformat.v4
    cells = [
        v4.new_markdown_cell("# Optimizers", metadata=metadata("intro", locked=True), id="intro"),
        v4.new_code_cell(
            "def training_loop():\n    raise NotImplementedError",
            metadata=metadata("training_loop", solution=True),
            id="loop",
        ),
        v4.new_code_cell(
            "assert True",
            metadata=metadata("test_first_losses", grade=True, locked=True, points=10),
            id="check1",
        ),
        v4.new_code_cell(
            "assert 1",
            metadata=metadata("test_final", grade=True, locked=True, points=20),
            id="check2",
        ),
        *extra,
    ]
    for cell in cells:
        cell.metadata["nbgrader"]["checksum"] = compute_checksum(cell)
    kernel = {
        "kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"},
        "language_info": {"name": "python"},
    }
    return v4.new_notebook(cells=cells, metadata=kernel)


def executed(source: str = "def training_loop():\n    return 1") -> NotebookNode:
    """The released notebook with a student's solution and outputs."""
    notebook = released()
    notebook.cells[1].source = source
    notebook.cells[2].outputs = [nbformat.v4.new_output("stream", name="stdout", text="80.364\n")]
    return notebook


def grade(student: str, *points: float | Outcome, **fields: Any) -> Grade:
    """A grade with these points, or outcomes without points, for CHECKS in order."""
    checks = []
    for entry, value in zip(CHECKS, points, strict=True):
        outcome = (
            value
            if isinstance(value, Outcome)
            else Outcome.PASSED
            if value == entry.max_points
            else Outcome.FAILED
        )
        visibility = Visibility.VISIBLE if entry.visible_cell else Visibility.AFTER_DUE_DATE
        number = 0.0 if isinstance(value, Outcome) else value
        message = "" if outcome is Outcome.PASSED else "Observed 884.0\nExpected 80.364"
        checks.append(
            CheckResult(
                entry.id,
                entry.title,
                "3. The loop",
                outcome,
                Cause.DISAGREES,
                number,
                entry.max_points,
                visibility,
                message=message,
            )
        )
    provenance = Provenance("0.1.0", "5a" * 32, "ev", "ju", {"isolation": "good"})
    values: dict[str, Any] = {
        "notices": (),
        "problem": "",
        "submitted_at": "2026-11-20T11:00:00+01:00",
    } | fields
    return Grade(
        student=student,
        assignment="optimizers",
        checks=tuple(checks),
        provenance=provenance,
        **values,
    )


def assignment(**fields: Any) -> AssignmentEntry:
    """The assignment that CHECKS belong to."""
    due = datetime.datetime(2026, 12, 6, 23, 59, tzinfo=datetime.UTC)
    return AssignmentEntry(
        **(
            {
                "name": "optimizers",
                "notebook": "optimizers",
                "due": due,
                "release": released(),
                "checks": CHECKS,
            }
            | fields
        )
    )
