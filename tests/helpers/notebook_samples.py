"""What the notebook tests share besides fixtures."""

from __future__ import annotations

from typing import Any

from nbformat import NotebookNode
from places import ROOT

COURSE = ROOT
POINTS = {
    "test_model": 2,
    "test_loss_fn": 3,
    "test_make_sgd": 2,
    "test_holds": 2,
    "test_figure_1": 3,
    "test_one_step": 4,
    "test_first_losses": 4,
    "test_lecture_run": 6,
    "test_make_adam": 2,
    "test_adam_run": 4,
    "test_minibatches": 3,
    "test_mean_loss": 1,
    "why_two_losses": 4,
    "why_sgd_diverges": 4,
}


def run_cells(notebook: NotebookNode) -> dict[str, Any]:
    """Run all code cells in one namespace, as a kernel would."""
    namespace: dict[str, Any] = {"__name__": "__main__"}
    for cell in notebook.cells:
        if cell.cell_type == "code":
            exec(compile(cell.source, f"<cell {cell.id}>", "exec"), namespace)
    return namespace
