"""The code that failed: which cell, which line, what Python said."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from autograder.evidence.trace import ErrorReport, Evidence, Run, RunStatus
from autograder.reports.plain import plain, plain_line

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from autograder.judgement.grade import CheckResult

EXCERPTS = 3
LINES_AROUND = 12
LINE_CHARS = 200
TRACEBACK_LINES, TRACEBACK_CHARS = 40, 6_000

ENDINGS = {
    RunStatus.TIMED_OUT: "The time ran out while this cell was running.",
    RunStatus.DIED: "Python ended while this cell was running.",
}


@dataclass(frozen=True, slots=True)
class Line:
    """A line of source with its 1-based number within the cell."""

    number: int
    text: str
    failing: bool


@dataclass(frozen=True, slots=True)
class Excerpt:
    """Source around a failing line.

    `error` is "" where Python had no chance to say anything; `above` and `below` count lines left
    out.
    """

    place: str
    error: str
    message: str
    traceback: str
    lines: tuple[Line, ...]
    above: int
    below: int


def run_of(evidence: Evidence | None, check: CheckResult) -> Run | None:
    """Return the run that `check` was judged on.

    Of several calls with one id, it is the one with the same given definitions, then the one run
    alone.
    """
    if evidence is None:
        return None
    runs = [cell.run for cell in evidence.cells] if check.on_cell else list(evidence.calls)
    matching = [run for run in runs if run.id == check.run]
    return max(
        matching, key=lambda run: (set(run.given) == set(check.given), run.alone), default=None
    )


def failures(
    evidence: Evidence | None, calls: Sequence[Run], cells: Mapping[str, str]
) -> list[Excerpt]:
    """Return excerpts of the cells that failed, in the notebook's order, then of errors in `calls`.

    Each error comes once, and three at most.
    """
    if evidence is None:
        return []
    found: dict[tuple[str, str, int | None], Excerpt] = {}
    for run, is_cell in [(cell.run, True) for cell in evidence.cells] + [
        (run, False) for run in calls if not run.given
    ]:  # a given definition stays ours
        excerpt = _excerpt(run, cells, is_cell=is_cell)
        if excerpt:
            error = run.error
            found.setdefault(
                (error.type, error.cell or run.id, error.line) if error else ("", run.id, None),
                excerpt,
            )
        if len(found) == EXCERPTS:
            break
    return list(found.values())


def _excerpt(run: Run, cells: Mapping[str, str], *, is_cell: bool) -> Excerpt | None:
    error = run.error if run.status is RunStatus.RAISED else None
    # of calls, the check's own message tells it
    ending = ENDINGS.get(run.status, "") if is_cell else ""
    if error is None and not ending:
        return None
    cell = (error.cell if error else "") or (run.id if is_cell else "")
    lines, above, below = _lines(cells.get(cell, ""), error.line if error else None)
    if error is None:
        return Excerpt(_place(cell, None, cells), "", ending, "", lines, above, below)
    return Excerpt(
        _place(cell, error.line, cells),
        plain_line(error.type, 120),
        plain(error.message, 2_000),
        _traceback(error),
        lines,
        above,
        below,
    )


def _place(cell: str, line: int | None, cells: Mapping[str, str]) -> str:
    """ "Code cell 4, line 7"; cells are counted as in the notebook, code cells only."""
    if cell not in cells:
        return "Outside your cells"
    place = f"Code cell {list(cells).index(cell) + 1}"
    return place if line is None else f"{place}, line {line}"


def _lines(source: str, failing: int | None) -> tuple[tuple[Line, ...], int, int]:
    """Return the lines around `failing`, and how many are left out above and below.

    Where it is unknown, they are the first ones.
    """
    if not source:
        return (), 0, 0
    texts = plain(source, 200_000).rstrip("\n").split("\n")
    center = failing if failing is not None and 1 <= failing <= len(texts) else 1
    first = max(1, center - LINES_AROUND)
    last = min(len(texts), max(center, LINES_AROUND) + LINES_AROUND)
    lines = tuple(
        Line(
            number,
            text if len(text) <= LINE_CHARS else f"{text[: LINE_CHARS - 1]}…",
            number == failing,
        )
        for number, text in enumerate(texts[first - 1 : last], first)
    )
    return lines, first - 1, len(texts) - last


def _traceback(error: ErrorReport) -> str:
    """The last lines: Python puts the cause there."""
    lines = (
        plain(error.traceback[-4 * TRACEBACK_CHARS :], 4 * TRACEBACK_CHARS).strip("\n").split("\n")
    )
    text = "\n".join(lines[-TRACEBACK_LINES:])[-TRACEBACK_CHARS:]
    return (
        f"[earlier lines left out]\n{text}"
        if len(lines) > TRACEBACK_LINES or len(error.traceback) > len(text) + 1000
        else text
    )
