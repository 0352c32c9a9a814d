"""The released classifier notebook in a real Jupyter kernel, with the solution filled in."""

from __future__ import annotations

import copy

import nbformat
import pytest
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError
from places import ROOT
from released_secrets import contents, told

from autograder.assignment import open_assignment
from autograder.commands.release.checks_file import left_out_lines
from autograder.commands.release.student_version import release_assignment
from autograder.evidence.store import EvidenceStore
from autograder.notebooks.writing.stub import definition

pytestmark = pytest.mark.long("Jupyter kernels")

COURSE = ROOT
CHECKS = ("test_shapes", "test_one_epoch", "test_accuracy", "test_history", "test_digits_run")
FUNCTIONS = ("make_model", "train_epoch", "evaluate", "fit")


@pytest.fixture(scope="module")
def files():
    return open_assignment(COURSE, "classifier")


@pytest.fixture(scope="module")
def released(executor, files, tmp_path_factory):
    """The released folder."""
    folder = tmp_path_factory.mktemp("release")
    return release_assignment(
        files, folder / "release", EvidenceStore(folder / "evidence"), executor
    ).parent


@pytest.fixture(scope="module")
def release(released):
    """The released notebook."""
    return nbformat.read(released / "classifier.ipynb", nbformat.NO_CONVERT)


def solved(release, files):
    """The release with every stub replaced by the solution's definition."""
    notebook = copy.deepcopy(release)
    solution = files.solution.read_text()
    for cell in notebook.cells:
        if cell.id in FUNCTIONS:
            cell.source = definition(solution, cell.id, files.solution)
    return notebook


def execute(notebook):
    NotebookClient(notebook, timeout=120, kernel_name="python3").execute()
    return {
        cell.id: "".join(output.get("text", "") for output in cell.outputs)
        for cell in notebook.cells
        if cell.cell_type == "code"
    }


def test_the_solved_notebook_runs_from_top_to_bottom(release, files):
    """Every check cell says ok, and the run reaches a good accuracy."""
    said = execute(solved(release, files))
    assert all(said[check].endswith(": ok\n") for check in CHECKS), said
    assert "after 20 0.8" in said["train"] or "after 20 0.9" in said["train"]


def test_the_released_notebook_stops_at_its_first_stub(release):
    """Nothing is solved for the student."""
    with pytest.raises(CellExecutionError, match="NotImplementedError"):
        execute(copy.deepcopy(release))


def test_a_visible_check_cell_stops_a_wrong_loop(release, files):
    """An epoch in the data's own order does not get past the check."""
    notebook = solved(release, files)
    cell = next(cell for cell in notebook.cells if cell.id == "train_epoch")
    assert "torch.randperm(len(images), generator=generator)" in cell.source
    cell.source = cell.source.replace(
        "torch.randperm(len(images), generator=generator)", "torch.arange(len(images))"
    )
    with pytest.raises(CellExecutionError, match="shuffle them"):
        execute(notebook)


def test_nothing_of_the_solution_or_the_hidden_checks_is_in_the_release(release, files):
    """Every line of a solution region that is worth hiding, and every hidden check's name."""
    secrets, inside = set(), False
    for line in map(str.strip, files.solution.read_text().splitlines()):
        if line.startswith("### "):
            inside = line.startswith("### BEGIN")
        elif inside and len(line) > 25 and not line.startswith("#"):
            secrets.add(line)
    text = "\n".join(cell.source for cell in release.cells)
    assert len(secrets) > 15
    assert "def train_epoch(model, optimizer, images, labels, batch_size, generator):" in text
    # a call with the very names of the signature gives nothing away
    signatures = {secret for secret in secrets if f"def {secret}:" in text}
    assert sorted(secret for secret in secrets - signatures if secret in text) == []
    assert not any(
        name in text
        for name in (
            "unseen_data",
            "every_sample_once",
            "over_seeds",
            "test_dropout",
            "test_logits",
            "after_due_date",
        )
    )


def test_the_file_of_checks_tells_no_secret_and_leaves_batches_to_the_grader(released):
    """Training by minibatches is judged by running the reference from the student's own states; all
    other visible checks are in it.
    """
    assert told(COURSE, "classifier", released) == []
    (line,) = left_out_lines(released / "classifier.checks")
    assert line.startswith(
        "One epoch of six batches: it is judged by running the reference solution"
    )
    whole = contents(released).decode(errors="replace")
    assert [name for name in CHECKS if f"def {name}(" in whole] == [
        name for name in CHECKS if name != "test_one_epoch"
    ]
