"""The notebook that formgrader shows: the executed submission, every check a locked grade cell,
nothing in it that runs in a browser.
"""

from __future__ import annotations

import copy
import hashlib
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from autograder.errors import ExchangeError
from autograder.exchange.nbgrader.marks import grade_id
from autograder.notebooks.cells import checksum, grade_id_of
from autograder.notebooks.libraries import NotebookNode, nbformat
from autograder.notebooks.nodes import new_cell, stream_output
from autograder.reports.inert_outputs import clean_images, clean_markdown, clean_output, joined
from autograder.reports.plain import number, plain, plain_line

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from autograder.judgement.grade import CheckResult

_CELL_ID = re.compile(r"[a-zA-Z0-9_-]{1,64}")


@dataclass(frozen=True, slots=True)
class CheckEntry:
    """A check as the gradebook sees it.

    `visible_cell`: the released notebook has a cell with this id.
    """

    id: str
    title: str
    max_points: float
    visible_cell: bool


@dataclass(frozen=True, slots=True)
class ReleasedCell:
    """A cell nbgrader keeps record of: a released one, or one appended for a hidden check.

    `check` is "" where a person marks it.
    """

    grade_id: str
    cell: NotebookNode
    check: str = ""
    appended: bool = False

    @property
    def nbgrader(self) -> Mapping[str, Any]:
        """nbgrader's metadata of the cell."""
        return self.cell.metadata["nbgrader"]  # type: ignore[no-any-return]


def released_cells(release: NotebookNode, checks: Sequence[CheckEntry]) -> list[ReleasedCell]:
    """Return the cells that nbgrader keeps record of.

    Those of the released notebook come in its order, then one per hidden check.

    Raises:
        ExchangeError: if a visible check has no cell in the notebook, or two cells or checks share
            a name.
    """
    cells = {name: cell for cell in release.cells if (name := grade_id_of(cell))}
    visible: dict[str, CheckEntry] = {}
    for check in checks:
        if check.visible_cell:
            name = check.id if check.id in cells else grade_id(check.id)
            if name not in cells or name in visible:
                message = (
                    f"check {check.id!r} has no cell of its own in the released notebook: expected"
                    f" one with the grade_id {name!r}"
                )
                raise ExchangeError(message)
            visible[name] = check
    found = [_graded(name, cell, visible.get(name)) for name, cell in cells.items()]
    found += [_hidden_cell(check) for check in checks if not check.visible_cell]
    names = [cell.grade_id for cell in found]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        message = f"two checks or cells share the grade_id {twice[0]!r}: rename one of them"
        raise ExchangeError(message)
    return found


def _graded(name: str, cell: NotebookNode, check: CheckEntry | None) -> ReleasedCell:
    if check is None:
        return ReleasedCell(name, cell)
    cell = copy.deepcopy(cell)
    # nbgrader's maximum is the check's, whatever an older release said
    cell.metadata["nbgrader"]["points"] = check.max_points
    cell.metadata["nbgrader"]["grade"] = not cell.metadata["nbgrader"].get("task")
    cell.metadata["nbgrader"]["checksum"] = checksum(cell)
    return ReleasedCell(name, cell, check.id)


def _hidden_cell(check: CheckEntry) -> ReleasedCell:
    name = grade_id(check.id)
    title = plain_line(check.title or check.id, 400)
    cell = nbformat.v4.new_code_cell(
        f"# {title}\n# (a hidden check: {plain_line(check.id, 100)})", id=_cell_id(name)
    )
    cell.metadata["nbgrader"] = {
        "schema_version": 3, "grade": True, "solution": False, "locked": True, "task": False,
        "grade_id": name, "points": check.max_points, "cell_type": "code",
    }  # fmt: skip
    cell.metadata["nbgrader"]["checksum"] = checksum(cell)
    return ReleasedCell(name, cell, check.id, appended=True)


def _cell_id(name: str) -> str:
    return hashlib.sha256(name.encode()).hexdigest()[:16]


def autograded_notebook(
    release: NotebookNode,
    cells: Sequence[ReleasedCell],
    submission: NotebookNode | None,
    checks: Mapping[str, CheckResult],
    warning: str = "",
) -> NotebookNode:
    """Return the submission with the release's metadata.

    Cells that are missing are added at the end, hidden checks after them.

    Each check's outcome is its cell's last output, with `warning` if there is one.
    """
    known = {cell.grade_id: cell for cell in cells if not cell.appended}
    seen: set[str] = set()
    # not the student's: language names end up in HTML
    notebook = nbformat.v4.new_notebook(metadata=copy.deepcopy(release.metadata))
    for cell in (submission or release).cells:
        name = grade_id_of(cell)
        released = known.get(name) if name not in seen else None
        if released:
            seen.add(released.grade_id)
        notebook.cells.append(_shown(cell, released, is_own=submission is None))
    notebook.cells += [
        _shown(cell.cell, cell, is_own=True) for name, cell in known.items() if name not in seen
    ]
    notebook.cells += [_shown(cell.cell, cell, is_own=True) for cell in cells if cell.appended]
    by_name = {cell.grade_id: cell.check for cell in cells if cell.check}
    for cell in notebook.cells:
        result = checks.get(by_name.get(grade_id_of(cell), ""))
        if result and cell.cell_type == "code":
            cell.outputs.append(stream_output("stdout", _outcome(result, warning)))
    _name_cells(notebook)
    return notebook


def _outcome(check: CheckResult, warning: str) -> str:
    of = f"{number(check.bonus)} bonus" if check.bonus else number(check.max_points)
    beside = " (test readable by student code)" if check.readable else ""
    head = (
        f"[GradStep] {check.outcome}: {number(check.points)} of {of}"
        f" points{beside}{f' (WARNING {warning})' if warning else ''}"
    )
    given = f"\njudged with the given {', '.join(check.given)}" if check.given else ""
    message = plain(check.message, 6_000).strip("\n")
    return f"{head}{given}\n\n{message}\n" if message else f"{head}{given}\n"


def _shown(cell: NotebookNode, released: ReleasedCell | None, *, is_own: bool) -> NotebookNode:
    """A clean copy: known metadata, plain source, outputs that show and do nothing."""
    trusted = is_own or (
        released is not None
        and bool(released.nbgrader.get("locked"))
        and cell.get("source") == released.cell.source
    )
    source = plain(joined(cell.get("source", "")), 1_000_000)
    if released and released.cell.cell_type != cell.get("cell_type"):
        kind = released.cell.cell_type
    else:
        # nbconvert shows raw cells unescaped
        kind = "code" if cell.get("cell_type") == "code" else "markdown"
    if kind == "code":
        shown = new_cell(kind, source, cell.get("id", ""), _count(cell.get("execution_count")))
        shown.outputs = [
            clean for output in cell.get("outputs") or [] if (clean := clean_output(output))
        ]
    else:
        shown = new_cell(kind, source if trusted else clean_markdown(source), cell.get("id", ""))
        attachments = {
            plain_line(str(name)): clean_images(data)
            for name, data in (cell.get("attachments") or {}).items()
        }
        if attachments:
            shown["attachments"] = attachments
    if released:
        shown.metadata["nbgrader"] = copy.deepcopy(released.nbgrader)
    return shown


def _count(value: object) -> int | None:
    return value if type(value) is int and value >= 0 else None  # bool is an int, and no count


def _name_cells(notebook: NotebookNode) -> None:
    """Valid cell ids, each once: a copied cell keeps its content and gets a new id."""
    seen: set[str] = set()
    for index, cell in enumerate(notebook.cells):
        name = cell["id"]
        if not isinstance(name, str) or not _CELL_ID.fullmatch(name) or name in seen:
            name = _cell_id(f"{index} {name}")
        seen.add(name)
        cell["id"] = name
