"""The student version of the Optimizers assignment, as `autograder release` writes it."""

import ast
import os
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError
from nbgrader.api import Gradebook
from places import ROOT
from released_secrets import contents, told

COURSE = ROOT


@pytest.fixture(scope="module")
def release(tmp_path_factory):
    """The released folder."""
    folder = tmp_path_factory.mktemp("release")
    command = [
        sys.executable,
        "-m",
        "autograder.cli",
        "release",
        "optimizers",
        "--force",
        "-o",
        str(folder / "release"),
        "--results",
        str(folder / "results"),
    ]
    subprocess.run(command, cwd=COURSE, check=True, capture_output=True)
    return folder / "release"


@pytest.mark.seconds("the lecture's reference is run before the first")
def test_nothing_of_the_solution_or_the_hidden_checks_is_in_the_released_folder(release):
    """Every line of a solution region, every hidden check's name, title and data: none is found in
    any released file.
    """
    solution = (COURSE / "solutions" / "optimizers" / "solution.py").read_text()
    secrets, inside = set(), False
    for line in map(str.strip, solution.splitlines()):
        if line.startswith("### "):
            inside = line.startswith("### BEGIN")
        elif inside and len(line) > 13 and not line.startswith("#"):
            secrets.add(line)  # "return params" is no secret: the docstring says it
    checks = (COURSE / "assignments" / "optimizers" / "test_optimizers.py").read_text()
    secrets |= {
        "unseen_data",
        "with_any_optimizer",
        "clears_gradients",
        "test_swap",
        "another_learning_rate",
        "after_due_date",
        "UNSEEN",
    }
    secrets |= {"1.9, -0.4, -1.3", "-1.2, 0.4, 0.9"}
    assert all(secret in solution + checks for secret in secrets)
    assert len(secrets) > 15
    released = contents(release).decode(errors="replace")
    assert "training_loop" in released
    assert sorted(secret for secret in secrets if secret in released) == []


def test_the_file_of_checks_tells_no_secret_either(release):
    """Neither solution nor hidden checks nor their data; with the solution beside it, the same look
    finds it.
    """
    assert told(COURSE, "optimizers", release) == []
    spoilt = release.parent / "spoilt"
    shutil.copytree(release, spoilt)
    shutil.copy(COURSE / "solutions" / "optimizers" / "solution.py", spoilt)
    shutil.copy(COURSE / "assignments" / "optimizers" / "test_optimizers.py", spoilt)
    assert len(told(COURSE, "optimizers", spoilt)) > 15


def test_the_numbers_of_the_lecture_are_filled_in(release):
    """From the reference's run: the losses and the three results that the lecture prints."""
    text = "\n".join(
        cell.source for cell in nbformat.read(release / "optimizers.ipynb", as_version=4).cells
    )
    for number in (
        "80.364",
        "37.575",
        "30.871",
        "torch.tensor([1.7761, 0.1064])",
        "torch.tensor([5.3671, -17.3012])",
        "2.9276",
        "torch.tensor([0.5367, -17.3021])",
        "torch.tensor([-77.6140, -10.6400])",
    ):
        assert number in text


@pytest.mark.long("nbgrader's own commands, or a Jupyter kernel")
def test_plain_nbgrader_grades_the_visible_part(release, tmp_path):
    """Stock `nbgrader autograde`: a solved notebook gets the visible cells' 36 points, the stub
    none; an answer waits for a person, a blank one does not.
    """
    folder = tmp_path / "course"
    source = folder / "source" / "optimizers"
    source.mkdir(parents=True)
    (source / "optimizers.ipynb").write_bytes((release / "optimizers.ipynb").read_bytes())
    (folder / "nbgrader_config.py").write_text(
        "c = get_config()\nc.ClearSolutions.enabled = False\n"
    )
    nbgrader = [sys.executable, "-m", "nbgrader"]
    # nbgrader starts alembic by name
    environment = os.environ | {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    subprocess.run(
        [*nbgrader, "generate_assignment", "optimizers"],
        cwd=folder,
        check=True,
        capture_output=True,
        env=environment,
    )
    solved = nbformat.read(release / "optimizers.ipynb", as_version=4)
    solution = (COURSE / "solutions" / "optimizers" / "solution.py").read_text()
    stubs = [
        cell
        for cell in solved.cells
        if cell.cell_type == "code" and "YOUR CODE HERE" in cell.source
    ]
    assert len(stubs) == 10
    stubs[0].source = solution
    for cell in stubs[1:]:
        cell.source = "pass"
    next(
        cell for cell in solved.cells if cell.id == "why_sgd_diverges"
    ).source = "It steps too far."
    for student, content in (
        ("solved", nbformat.writes(solved)),
        ("stub", (release / "optimizers.ipynb").read_text()),
    ):
        target = folder / "submitted" / student / "optimizers"
        target.mkdir(parents=True)
        (target / "optimizers.ipynb").write_text(content)
    subprocess.run(
        [*nbgrader, "autograde", "optimizers"],
        cwd=folder,
        check=True,
        capture_output=True,
        env=environment,
    )
    subprocess.run(
        [*nbgrader, "export", "--to", "out.csv"],
        cwd=folder,
        check=True,
        capture_output=True,
        env=environment,
    )
    rows = [line.split(",") for line in (folder / "out.csv").read_text().splitlines()]
    columns = rows[0].index("student_id"), rows[0].index("score")
    assert {row[columns[0]]: float(row[columns[1]]) for row in rows[1:]} == {
        "solved": 36.0,
        "stub": 0.0,
    }
    with Gradebook(f"sqlite:///{folder / 'gradebook.db'}") as gradebook:
        marks = {
            (student, name): gradebook.find_grade(name, "optimizers", "optimizers", student)
            for student in ("solved", "stub")
            for name in ("why_two_losses", "why_sgd_diverges")
        }
        assert {
            key: (mark.auto_score, mark.needs_manual_grade, mark.max_score)
            for key, mark in marks.items()
        } == {
            ("solved", "why_two_losses"): (0, False, 4),
            ("solved", "why_sgd_diverges"): (None, True, 4),
            ("stub", "why_two_losses"): (0, False, 4),
            ("stub", "why_sgd_diverges"): (0, False, 4),
        }


@pytest.mark.long("nbgrader's own commands, or a Jupyter kernel")
def test_the_solved_notebook_runs_from_top_to_bottom_in_a_real_kernel(release):
    """Each solution in its cell, a fresh Jupyter kernel, no error; every check cell says ok."""
    notebook = nbformat.read(release / "optimizers.ipynb", as_version=4)
    source = (COURSE / "solutions" / "optimizers" / "solution.py").read_text()
    solution = {
        node.name: ast.get_source_segment(source, node)
        for node in ast.parse(source).body
        if isinstance(node, ast.FunctionDef)
    }
    filled = [
        cell
        for cell in notebook.cells
        if cell.cell_type == "code" and "YOUR CODE HERE" in cell.source
    ]
    assert {cell.id for cell in filled} == set(solution)
    for cell in filled:
        cell.source = solution[cell.id]
    NotebookClient(
        notebook, timeout=120, kernel_name="python3"
    ).execute()  # raises at the first error
    checks = [cell for cell in notebook.cells if cell.id.startswith("test_")]
    assert len(checks) == 12
    assert [cell.id for cell in checks if "ok" not in str(cell.outputs)] == []


@pytest.mark.long("nbgrader's own commands, or a Jupyter kernel")
def test_the_stub_stops_in_a_real_kernel(release):
    """The test above can fail."""
    with pytest.raises(CellExecutionError, match="NotImplementedError"):
        NotebookClient(
            nbformat.read(release / "optimizers.ipynb", as_version=4),
            timeout=120,
            kernel_name="python3",
        ).execute()
