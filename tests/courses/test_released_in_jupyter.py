"""Released notebooks in a real Jupyter kernel: with the solution filled in they run from top to
bottom, and every check says so; as they are, the first check stops them.
"""

import subprocess
import sys

import nbformat
import pytest
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError
from places import ROOT

from autograder.assignment import open_assignment
from autograder.notebooks.cells import Role, role_of
from autograder.notebooks.writing.source import Facts, Mode, render_notebook

pytestmark = pytest.mark.long("Jupyter kernels")

COURSE = ROOT
SLUGS = ("optimizers", "quadratic")
"""Assignments of this course. Each check cell ends by printing something with "ok" in it."""
TIMEOUT_S = 120


@pytest.fixture(scope="module", params=SLUGS)
def released(request, tmp_path_factory):
    """Slug, and folder of the release, as `autograder release` writes it."""
    folder = tmp_path_factory.mktemp(request.param)
    command = [
        sys.executable,
        "-m",
        "autograder.cli",
        "release",
        request.param,
        "--force",
        "-o",
        folder / "release",
        "--results",
        folder,
    ]
    subprocess.run(command, cwd=COURSE, check=True, capture_output=True)
    return request.param, folder / "release"


def run(notebook, folder):
    """Execute all cells in a fresh kernel, in the folder of the release, as a student would."""
    NotebookClient(
        notebook,
        timeout=TIMEOUT_S,
        kernel_name="python3",
        resources={"metadata": {"path": str(folder)}},
    ).execute()


def printed(cell):
    return "".join(output.get("text", "") for output in cell.outputs)


def test_a_solved_release_runs_from_top_to_bottom(released):
    """Only the stubs are filled in, each by the solution's definition; all else is as students get
    it.
    """
    slug, folder = released
    notebook = nbformat.read(folder / f"{slug}.ipynb", as_version=4)
    solution = {
        cell.id: cell.source
        for cell in render_notebook(open_assignment(COURSE, slug), Mode.REFERENCE, Facts()).cells
    }
    stubs = [
        cell
        for cell in notebook.cells
        if "NotImplementedError" in cell.source and cell.cell_type == "code"
    ]
    for cell in stubs:
        cell.source = solution[cell.id]
    assert stubs
    run(notebook, folder)
    checks = [cell for cell in notebook.cells if role_of(cell) is Role.CHECK]
    assert checks
    assert [cell.id for cell in checks if "ok" not in printed(cell)] == []


def test_the_release_as_it_is_stops_at_the_first_check(released):
    """With the stub's own error: nothing before it needs the solution."""
    slug, folder = released
    notebook = nbformat.read(folder / f"{slug}.ipynb", as_version=4)
    with pytest.raises(CellExecutionError, match="NotImplementedError"):
        run(notebook, folder)
    ran = [
        cell.id
        for cell in notebook.cells
        if cell.cell_type == "code" and cell.execution_count is not None
    ]
    assert ran[-1] == next(cell.id for cell in notebook.cells if role_of(cell) is Role.CHECK)
