"""A solution written cell by cell: solution.py as a percent script, each cell under the id that it has in the notebook.

Where a solution is no single definition (an imported notebook's seldom is), the template takes over whole cells: ``{{ cell("squares") }}``.
"""

from __future__ import annotations

from pathlib import Path

from autograder.errors import AssignmentError
from autograder.notebooks.regions import without_solution


def solution_cells(script: str) -> dict[str, str]:
    """Source of each code cell of a percent script that has an id."""
    import jupytext  # slow to import, and only rendering needs it

    cells = jupytext.reads(script, fmt="py:percent").cells
    return {str(cell["metadata"]["id"]): str(cell["source"]) for cell in cells if cell["cell_type"] == "code" and "id" in cell["metadata"]}


def solution_cell(script: str, name: str, path: Path, *, cut: bool) -> str:
    """Cell `name` of the solution: as students get it (`cut`), or as it stands.

    Raises:
        AssignmentError: if there is no such cell, or its regions don't pair up.
    """
    cells = solution_cells(script)
    if name not in cells:
        message = f'{path}: no cell has the id {name!r}; begin one with: # %% id="{name}"'
        raise AssignmentError(message)
    try:
        return without_solution(cells[name]) if cut else cells[name]
    except ValueError as error:
        message = f"{path}: cell {name!r} {error}"
        raise AssignmentError(message) from error
