"""Builds the classifier's sample class from the released notebook and what each student wrote.

    python examples/classifier/build_class.py [student ...]

A file in `students/` holds the cells in which a student differs from `_others.py`, a plain right
solution; a cell's id says which released cell it takes the place of. Notebooks are executed in a
real kernel. Rebuild after every change of the assignment's template.
"""

from __future__ import annotations

import copy
import re
import sys
import tempfile
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import jupytext
import nbformat
from nbclient import NotebookClient
from nbformat import NotebookNode

from autograder.assignment import open_assignment
from autograder.commands.release.student_version import release_assignment
from autograder.evidence.store import EvidenceStore
from autograder.execution.executor import Executor
from autograder.notebooks.writing.source import write_notebook

HERE = Path(__file__).parent
COURSE, SLUG = HERE.parent.parent, HERE.name
CELL_TIMEOUT_S = 300
PLACES = (
    (re.compile(re.escape(sys.prefix)), "/opt/venv"),
    (re.compile(r"/tmp/ipykernel_\d+/\d+\.py"), "/tmp/ipykernel_1/1.py"),
    (re.compile(r"\b0x[0-9a-f]{6,}"), "0x7f0000000000"),
)
"""What differs from run to run in outputs, and what stands there instead."""


def own_cells(student: str) -> dict[str, str]:
    """Sources by cell id: the student's own, and the others' where there is none."""
    cells: dict[str, str] = {}
    for name in ("_others", student):
        script = jupytext.reads(
            (HERE / "students" / f"{name}.py").read_text(encoding="utf-8"), fmt="py:percent"
        )
        cells |= {cell["metadata"]["id"]: cell["source"] for cell in script.cells}
    return cells


def notebook_of(student: str, release: NotebookNode) -> NotebookNode:
    """The student's notebook before it ran; a definition keeps the released docstring."""
    notebook = copy.deepcopy(release)
    by_id = {cell["id"]: cell for cell in notebook.cells}
    for name, source in own_cells(student).items():
        signature, _, rest = by_id[name]["source"].partition('\n    """')
        docstring = rest.partition('"""')[0]
        by_id[name]["source"] = source.replace(
            signature + "\n", f'{signature}\n    """{docstring}"""\n', 1
        )
    return notebook


def settled(node: object) -> object:
    """`node` with every text in it free of what differs from run to run."""
    if isinstance(node, str):
        for pattern, text in PLACES:
            node = pattern.sub(text, node)
        return node
    if isinstance(node, dict):
        return NotebookNode({key: settled(value) for key, value in node.items()})
    return [settled(item) for item in node] if isinstance(node, list) else node


def build(student: str, release: NotebookNode) -> str:
    """Write one student's folder; returns the student's name."""
    notebook = notebook_of(student, release)
    metadata = copy.deepcopy(notebook["metadata"])
    NotebookClient(
        notebook,
        timeout=CELL_TIMEOUT_S,
        allow_errors=True,
        record_timing=False,
        coalesce_streams=True,
    ).execute()
    notebook["metadata"] = metadata
    for cell in notebook.cells:
        if cell["cell_type"] == "code":
            cell["outputs"] = settled(cell["outputs"])
    write_notebook(notebook, HERE / "submitted" / student / SLUG / f"{SLUG}.ipynb")
    return student


def released() -> NotebookNode:
    """The student notebook of the assignment as it is now."""
    files = open_assignment(COURSE, SLUG)
    with (
        tempfile.TemporaryDirectory() as folder,
        Executor(1, packages=files.assignment.packages) as executor,
    ):
        path = release_assignment(
            files, Path(folder) / "release", EvidenceStore(Path(folder) / "evidence"), executor
        )
        return nbformat.read(path, nbformat.NO_CONVERT)


def main(wanted: list[str]) -> None:
    """Build `wanted`, or everybody."""
    students = wanted or sorted(path.stem for path in (HERE / "students").glob("[!_]*.py"))
    release = released()
    with ProcessPoolExecutor(2) as pool:
        for student in pool.map(build, students, [release] * len(students)):
            print(student)


if __name__ == "__main__":
    main(sys.argv[1:])
