"""The notebook as it was graded: locked cells restored, with the outputs of the clean run."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

import msgspec

from autograder.atomic import write_atomic
from autograder.notebooks.libraries import NotebookNode, nbformat
from autograder.reports.inert_outputs import clean_output

if TYPE_CHECKING:
    from pathlib import Path

    from autograder.evidence.trace import Evidence
    from autograder.notebooks.reading.submission import Submission

KEY = "gradstep"


def executed_notebook(submission: Submission, evidence: Evidence) -> NotebookNode:
    """`submission`'s notebook with the outputs of `evidence`, made harmless: instructors open it.

    Its metadata name the id under which each code cell ran.
    """
    notebook = copy.deepcopy(submission.notebook)
    runs = {cell.run.id: cell for cell in evidence.cells}
    ids = [cell.id for cell in submission.cells]
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    for cell, name in zip(code, ids, strict=True):
        run = runs.get(name)
        cell.outputs = (
            [clean for output in outputs_of(run.outputs) if (clean := clean_output(output))]
            if run
            else []
        )
        cell.metadata.pop("trusted", None)
        cell.execution_count = run.execution_count if run else None
    notebook.metadata.pop("widgets", None)  # their state is HTML and scripts
    notebook.metadata[KEY] = {"cells": ids}
    return notebook


def outputs_of(text: str) -> list[dict[str, Any]]:
    """Outputs as the child sent them: only those that are valid nbformat 4 survive, since the child
    may have sent anything.
    """
    try:
        found = msgspec.json.decode(text)
    except msgspec.DecodeError:
        return []
    outputs = found if isinstance(found, list) else []
    return [output for output in outputs if isinstance(output, dict) and _valid(output)]


def _valid(output: dict[str, Any]) -> bool:
    if (
        output.keys() == {"output_type", "name", "text"}
        and output["output_type"] == "stream"
        and isinstance(output["text"], str)
    ):
        # most outputs are text, and a schema takes half a millisecond for each
        return isinstance(output["name"], str)
    try:
        nbformat.validate(output, ref="output", version=4, version_minor=5)
    except (nbformat.ValidationError, KeyError, TypeError, AttributeError):
        return False
    return True


def write_executed(path: Path, notebook: NotebookNode) -> None:
    """Store the notebook beside its grade."""
    write_atomic(path, nbformat.writes(notebook))


def read_executed(path: Path) -> NotebookNode | None:
    """Read it back; None where the submission could not be read, so that nothing was executed."""
    try:
        # it was valid when `write_executed` wrote it
        return nbformat.v4.reads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None


def sources(notebook: NotebookNode | None) -> dict[str, str]:
    """Sources of the code cells by the id under which they ran, in order."""
    if notebook is None:
        return {}
    code = [cell.source for cell in notebook.cells if cell.cell_type == "code"]
    return dict(zip(notebook.metadata.get(KEY, {}).get("cells", []), code, strict=False))
