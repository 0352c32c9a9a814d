"""Where in the student's file a lost check points to: the line of an error, or the cell that
defines the function.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from autograder.judgement.grade import Outcome
from autograder.notebooks.names import meant_names
from autograder.notebooks.reading.lines import cell_lines
from autograder.reports.check_report import Place

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from autograder.evidence.trace import ErrorReport
    from autograder.judgement.grade import CheckResult
    from autograder.notebooks.reading.submission import Submission, SubmittedCell


def places_of(
    notebook: Path,
    submission: Submission,
    checks: Sequence[CheckResult],
    functions: Mapping[str, str],
    errors: Mapping[str, ErrorReport],
) -> dict[str, Place]:
    """A place for each lost check, by its id; none where the file gives no lines.

    `functions`: what each check is about; `errors`: what its run raised.
    """
    lines = cell_lines(notebook)
    found = {}
    for check in checks:
        if check.question or check.outcome in (Outcome.PASSED, Outcome.UNGRADABLE):
            continue
        error = errors.get(check.id)
        cell = _cell_of(
            submission,
            (error.cell if error else "") or (check.run if check.on_cell else ""),
            functions.get(check.id, ""),
        )
        if cell is not None and cell.number is not None and cell.number <= len(lines):
            rows = lines[cell.number - 1]
            row = (
                error.line
                if error is not None and error.line is not None and error.cell == cell.id
                else 1
            )
            found[check.id] = Place(rows[min(max(row, 1), len(rows)) - 1], cell.number)
    return found


def _cell_of(submission: Submission, cell_id: str, function: str) -> SubmittedCell | None:
    """The cell that a check looks at, else the last one that defines the function."""
    for cell in submission.cells:
        if cell_id and cell.id == cell_id:
            return cell
    return next(
        (cell for cell in reversed(submission.cells) if function in meant_names(cell.source)), None
    )
