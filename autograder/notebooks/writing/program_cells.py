"""A solution written cell by cell: solution.py as a percent script, each cell under the id that it
has in the notebook.

Where a solution is no single definition (an imported notebook's seldom is), the template takes over
whole cells: ``{{ cell("squares") }}``.
"""

from __future__ import annotations

import re
from pathlib import Path

from autograder.errors import AssignmentError
from autograder.notebooks.names import defined_names
from autograder.notebooks.writing.regions import Region, without_solution

_HEADER = re.compile(r"^# %%(?P<options>[ \t].*)?$", re.MULTILINE)
_ID = re.compile(r'\bid="([^"]*)"')


def solution_cells(script: str) -> dict[str, str]:
    """Return the text of each cell of a percent script that has an id, as it stands there.

    Magics are comments, in a script and in a template alike.
    """
    headers = list(_HEADER.finditer(script))
    ends = [header.start() for header in headers[1:]] + [len(script)]
    cells = {}
    for header, end in zip(headers, ends, strict=False):
        if name := _ID.search(header["options"] or ""):
            cells[name[1]] = script[header.end() : end].strip("\n")
    return cells


def written_whole(script: str) -> frozenset[str]:
    """Return names of the top-level definitions in cells without a region.

    Students write these as a whole.
    """
    whole = [
        text
        for text in solution_cells(script).values()
        if not any(mark in text for mark in (Region.SOLUTION.begin, Region.SOLUTION.end))
    ]
    return frozenset(name for text in whole for name in defined_names(text))


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
