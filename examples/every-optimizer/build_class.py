"""Builds the sample class of *Every optimizer*: the released notebook with each student's own cells
in it, not run.

    python examples/every-optimizer/build_class.py [folder]

A file in `students/` holds what one student wrote in another way than `usual.py`, cell by cell::

    # %% id="MyAdam"                          takes the place of the released cell; all others are as in usual.py
    # %% left="make_nadam make_radam"         these stay as they were released

Written to `submitted/` beside this file, or to `folder`, in nbgrader's layout. Build again after a
change of the assignment.
"""

from __future__ import annotations

import copy
import re
import sys
import tempfile
from pathlib import Path

import nbformat
from nbformat import NotebookNode

from autograder.assignment import open_assignment
from autograder.commands.release.student_version import release_assignment
from autograder.evidence.store import EvidenceStore
from autograder.execution.executor import Executor
from autograder.notebooks.writing.source import write_notebook

HERE = Path(__file__).parent
COURSE = HERE.parent.parent
SLUG = HERE.name
STUDENTS = HERE / "students"
_HEADER = re.compile(r'^# %% (id|left)="([\w ]+)"$', re.MULTILINE)


def own_cells(path: Path) -> tuple[dict[str, str], set[str]]:
    """Sources by cell id, and the ids of cells that were left as released.

    Raises:
        ValueError: if text stands outside of any cell.
    """
    first, *pieces = _HEADER.split(path.read_text(encoding="utf-8"))
    if first.strip():
        message = f"{path}: begins with text that is in no cell"
        raise ValueError(message)
    triples = list(zip(pieces[::3], pieces[1::3], pieces[2::3], strict=True))
    left = {name for kind, names, _ in triples if kind == "left" for name in names.split()}
    return {name: source.strip("\n") for kind, name, source in triples if kind == "id"}, left


def notebook_of(student: str, release: NotebookNode) -> NotebookNode:
    """The released notebook as the student hands it in, never run.

    Raises:
        ValueError: if the student has a cell that the release has not.
    """
    usual, _ = own_cells(STUDENTS / "usual.py")
    own, left = own_cells(STUDENTS / f"{student}.py")
    notebook = copy.deepcopy(release)
    cells = {cell["id"]: cell for cell in notebook.cells}
    if unknown := (own.keys() | left) - cells.keys():
        message = f"{student}: the release has no cell {', '.join(sorted(unknown))}"
        raise ValueError(message)
    for name, source in (usual | own).items():
        if name in cells and name not in left:
            cells[name]["source"] = source
    return notebook


def released() -> NotebookNode:
    """The student notebook of the assignment as it is now."""
    with tempfile.TemporaryDirectory() as folder, Executor(1) as executor:
        store = EvidenceStore(Path(folder) / "evidence")
        path = release_assignment(
            open_assignment(COURSE, SLUG), Path(folder) / "release", store, executor
        )
        return nbformat.read(path, nbformat.NO_CONVERT)


def build(submitted: Path, release: NotebookNode) -> list[str]:
    """Write everybody's notebook below `submitted`; returns the students."""
    students = sorted(path.stem for path in STUDENTS.glob("*.py") if path.stem != "usual")
    for student in students:
        write_notebook(notebook_of(student, release), submitted / student / SLUG / f"{SLUG}.ipynb")
    return students


if __name__ == "__main__":
    print(
        *build(Path(sys.argv[1]) if len(sys.argv) > 1 else HERE / "submitted", released()), sep="\n"
    )
