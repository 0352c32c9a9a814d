"""Builds this class from the released notebook and what each student wrote.

    python examples/quadratic/build_class.py

A file in `students/` is a percent script; each of its cells takes the place of the released cell of
that id. Notebooks are saved without outputs (those of the `optimizers` class have them). Rebuild
after every change of the assignment's template.
"""

from __future__ import annotations

import copy
import tempfile
from pathlib import Path

import jupytext
import nbformat

from autograder.assignment import open_assignment
from autograder.commands.release.student_version import release_assignment
from autograder.evidence.store import EvidenceStore
from autograder.execution.executor import Executor
from autograder.notebooks.writing.source import write_notebook

HERE = Path(__file__).parent
SLUG = HERE.name


def main() -> None:
    """Write submitted/<student>/<slug>/<slug>.ipynb for everybody."""
    with tempfile.TemporaryDirectory() as folder, Executor(1) as executor:
        files, store = (
            open_assignment(HERE.parent.parent, SLUG),
            EvidenceStore(Path(folder) / "evidence"),
        )
        release = nbformat.read(
            release_assignment(files, Path(folder) / "release", store, executor),
            nbformat.NO_CONVERT,
        )
    for path in sorted((HERE / "students").glob("*.py")):
        own = {
            cell["metadata"]["id"]: cell["source"]
            for cell in jupytext.read(path, fmt="py:percent").cells
        }
        notebook = copy.deepcopy(release)
        for cell in notebook.cells:
            cell["source"] = own.pop(cell["id"], cell["source"])
        assert not own, f"{path.name}: no released cell is called {', '.join(own)}"
        write_notebook(notebook, HERE / "submitted" / path.stem / SLUG / f"{SLUG}.ipynb")
        print(path.stem)


if __name__ == "__main__":
    main()
