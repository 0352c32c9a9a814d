"""Test cells that give points by their own run: their source with hidden tests, what their runs
say, and what students are not to see of them.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import msgspec

from autograder.course.executed import outputs_of
from autograder.judgement.test_cell import CellVerdict, verdict_of
from autograder.notebooks.writing.regions import Region, region_lines

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from autograder.checks.docket import CheckSpec
    from autograder.evidence.trace import CellRun, ErrorReport, Evidence


def graded_tests(cells: Iterable[tuple[str, str]], specs: Sequence[CheckSpec]) -> dict[str, str]:
    """Id and source of those of the reference's `cells` that checks want as graded cells."""
    graded = {spec.run_id for spec in specs if spec.graded}
    return {name: source for name, source in cells if name in graded}


def with_tests(cells: Iterable[tuple[str, str]], tests: Mapping[str, str]) -> list[tuple[str, str]]:
    """`cells` of a submission with the test cells as they are graded, hidden tests included."""
    return [(name, tests.get(name, source)) for name, source in cells]


def verdict_of_cell(
    evidence: Evidence, spec: CheckSpec, tests: Mapping[str, str]
) -> CellVerdict | None:
    """What the run of the test cell that `spec` wants says; None where it wants another kind of
    run.
    """
    if spec.cell is None or not spec.graded:
        return None
    cell = next(cell for cell in evidence.cells if cell.run.id == spec.cell.id)
    hidden = _failed_hidden(
        spec.cell.id, cell.run.error, region_lines(tests.get(spec.cell.id, ""), Region.HIDDEN_TESTS)
    )
    return verdict_of(
        outputs_of(cell.outputs),
        cell.run.error,
        hidden=hidden,
        ignore_stderr=spec.cell.ignore_stderr,
    )


def without_hidden_tests(evidence: Evidence, tests: Mapping[str, str]) -> Evidence:
    """`evidence` as it may be quoted to the student: where a hidden test failed, only the kind of
    error is left.
    """
    return msgspec.structs.replace(
        evidence, cells=tuple(_fit(cell, tests) for cell in evidence.cells)
    )


def _fit(cell: CellRun, tests: Mapping[str, str]) -> CellRun:
    error = cell.run.error
    hidden = region_lines(tests.get(cell.run.id, ""), Region.HIDDEN_TESTS)
    if error is None or not _failed_hidden(cell.run.id, error, hidden):
        return cell
    own = error.cell in ("", cell.run.id)
    told = msgspec.structs.replace(
        error,
        message="in a hidden test" if own else error.message,
        traceback="",
        line=None if own else error.line,
    )
    return msgspec.structs.replace(cell, run=msgspec.structs.replace(cell.run, error=told))


def _failed_hidden(cell_id: str, error: ErrorReport | None, hidden: frozenset[int]) -> bool:
    """Whether the error came up in a hidden test, or in what it called."""
    if error is None or not hidden:
        return False
    passed = {
        int(number)
        for number in re.findall(rf'Cell "{re.escape(cell_id)}", line (\d+)', error.traceback)
    }
    return bool(passed & hidden) or (error.cell == cell_id and error.line in hidden)
