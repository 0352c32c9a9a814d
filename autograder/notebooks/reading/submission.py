"""A submission: what a student handed in, read, restored, and ready to run."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from autograder.notebooks.cells import Role
from autograder.notebooks.libraries import NotebookNode, nbformat
from autograder.notebooks.names import rebound
from autograder.notebooks.nodes import new_cell
from autograder.notebooks.reading.notebook_file import (
    MAX_BYTES,
    FileCell,
    Unreadable,
    UnreadableNotebook,
    read_notebook_file,
)
from autograder.notebooks.reading.restoring import PlacedCell, restore

__all__ = [
    "MAX_BYTES",
    "Role",
    "Submission",
    "SubmittedCell",
    "Unreadable",
    "UnreadableNotebook",
    "read_submission",
    "rebound",
]


@dataclass(frozen=True, slots=True)
class SubmittedCell:
    """A code cell to run.

    `id` is nbgrader's where it has one, else made up and unique; `number` its 1-based position in
    the student's file, None for a cell that was put back; `saved_outputs` (nbformat 4) are of the
    student's own last run.
    """

    id: str
    source: str
    role: Role
    number: int | None = None
    saved_outputs: tuple[dict[str, Any], ...] = ()
    saved_execution_count: int | None = None


@dataclass(frozen=True, slots=True)
class Submission:
    """A readable submission.

    `cells` stand in the order to run; `notebook` is the restored notebook without outputs;
    `notices` are sentences to the student; `missing` names the solution cells that are absent;
    `rebound` says in the state after which check cell a function is to be called.
    """

    path: Path
    sha256: str
    cells: tuple[SubmittedCell, ...]
    notebook: NotebookNode
    notices: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    rebound: Mapping[str, str] = field(default_factory=dict)

    @property
    def holds(self) -> frozenset[str]:
        """Ids of the cells after which the state has to be kept for calls."""
        return frozenset(self.rebound.values())


def read_submission(
    path: Path,
    release: NotebookNode,
    owners: Mapping[str, str] | None = None,
    *,
    max_bytes: int = MAX_BYTES,
    preferred: str = "",
) -> Submission:
    """Read a notebook, percent script or .zip and restore it to the order of `release`.

    That is the notebook that students were given.

    owners: from function name to the id of its last check cell. preferred: the stem of the notebook
    that counts, of several in a .zip.

    Raises:
        UnreadableNotebook: (a SubmissionError) if the file is no notebook for Python, with the
            `reason`.
        OSError: if the disk fails.
    """
    file = read_notebook_file(path, max_bytes, preferred)
    restored = restore(file.cells, release)
    cells = tuple(_submitted(cell) for cell in restored.cells if _is_code(cell))
    return Submission(
        path=path,
        sha256=file.sha256,
        cells=cells,
        notebook=_notebook(restored.cells, release),
        notices=file.notices + restored.notices,
        missing=restored.missing,
        rebound=rebound(cells, owners or {}),
    )


def _is_code(cell: PlacedCell) -> bool:
    """Tell whether the cell runs; a solution cell does, whatever the student turned it into."""
    if cell.role is Role.FREE:
        return cell.origin is not None and cell.origin.cell_type == "code"
    if cell.role in (Role.VARIANT, Role.ANSWER) and cell.released is not None:
        return str(cell.released.node["cell_type"]) == "code"
    return cell.role.cell_type == "code"


def _submitted(cell: PlacedCell) -> SubmittedCell:
    """Outputs of a cell that was changed are of other code than what runs, so they are left out."""
    origin: FileCell | None = cell.origin
    if origin is None:
        return SubmittedCell(cell.id, cell.source, cell.role)
    outputs = () if cell.changed else origin.outputs
    return SubmittedCell(
        cell.id, cell.source, cell.role, origin.number, outputs, origin.execution_count
    )


def _notebook(cells: Sequence[PlacedCell], release: NotebookNode) -> NotebookNode:
    """nbformat 4.5 with the release's metadata; nothing of the student's but sources."""
    notebook = nbformat.v4.new_notebook(metadata=copy.deepcopy(release["metadata"]))
    notebook["nbformat_minor"] = 5
    notebook["cells"] = [_node(cell) for cell in cells]
    return notebook


def _node(cell: PlacedCell) -> NotebookNode:
    if cell.released is not None:
        node = copy.deepcopy(cell.released.node)
        node["source"] = cell.source
        return node
    kind = "code" if _is_code(cell) or cell.origin is None else cell.origin.cell_type
    return new_cell(kind, cell.source, cell.id)
