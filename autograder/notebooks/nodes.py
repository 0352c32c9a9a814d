"""Cells and outputs of nbformat 4.5, for the notebook of every student. nbformat's own `new_...`
ask the schema about each, half a millisecond a time; tests ask it about whole notebooks.
"""

from __future__ import annotations

from typing import Any

from autograder.notebooks.libraries import NotebookNode


def new_cell(
    kind: str, source: str, cell_id: str, execution_count: int | None = None
) -> NotebookNode:
    """A "code", "markdown" or "raw" cell without outputs; the count is a code cell's."""
    of_code: dict[str, Any] = (
        {"execution_count": execution_count, "outputs": []} if kind == "code" else {}
    )
    return NotebookNode(
        id=cell_id, cell_type=kind, source=source, metadata=NotebookNode(), **of_code
    )


def stream_output(name: str, text: str) -> NotebookNode:
    """What went to "stdout" or "stderr"."""
    return NotebookNode(output_type="stream", name=name, text=text)


def error_output(name: str, value: str, traceback: list[str]) -> NotebookNode:
    """An exception as Jupyter shows it."""
    return NotebookNode(output_type="error", ename=name, evalue=value, traceback=traceback)


def display_output(data: dict[str, Any]) -> NotebookNode:
    """Something shown, in several representations by MIME type."""
    return NotebookNode(
        output_type="display_data", data=NotebookNode(data), metadata=NotebookNode()
    )
