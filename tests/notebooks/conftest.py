"""The sample course's notebooks, rendered once: the reference is run in plain Python, and the
release quotes its numbers.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import nbformat
import pytest
import torch
from nbformat import NotebookNode
from notebook_samples import COURSE, POINTS, run_cells

from autograder.assignment import AssignmentFiles, read_assignment
from autograder.notebooks.writing.source import Facts, Mode, render_notebook


@pytest.fixture(scope="session")
def files() -> AssignmentFiles:
    folder = COURSE / "assignments" / "optimizers"
    return AssignmentFiles(COURSE, "optimizers", read_assignment(folder / "assignment.toml"))


@pytest.fixture(scope="session")
def reference(files: AssignmentFiles) -> NotebookNode:
    return render_notebook(files, Mode.REFERENCE, Facts())


@pytest.fixture(scope="session")
def reference_state(reference: NotebookNode) -> dict[str, Any]:
    return run_cells(reference)


@pytest.fixture(scope="session")
def facts(reference_state: dict[str, Any]) -> Facts:
    """What the pipeline will say of the reference's runs, from plain calls."""
    student = SimpleNamespace(**reference_state)

    def loss(params: torch.Tensor, t_u: torch.Tensor) -> float:
        return float(student.loss_fn(student.model(t_u, *params), student.t_c))

    def trained(n_epochs: int) -> torch.Tensor:
        params = torch.tensor([1.0, 0.0], requires_grad=True)
        return student.training_loop(
            n_epochs, student.make_sgd(params, 1e-2), params, student.t_un, student.t_c
        ).detach()

    start = torch.tensor([1.0, 0.0], requires_grad=True)
    moved = student.one_step(
        student.make_sgd(start, 1e-2), start, student.t_un, student.t_c
    ).detach()
    seen = student.figure_1(
        lambda tensor: student.make_sgd(tensor, 1e-2),
        torch.tensor([1.0, 0.0], requires_grad=True),
        student.t_un,
        student.t_c,
    )
    batches = [
        (student.t_un[rows], student.t_c[rows]) for rows in (slice(4), slice(4, 8), slice(8, 11))
    ]
    twice = torch.tensor([1.0, 0.0], requires_grad=True)
    student.minibatch_loop(2, student.make_sgd(twice, 1e-2), twice, batches)
    sgd, adam = student.sgd_params.detach(), student.adam_params.detach()
    runs = {
        "test_figure_1": SimpleNamespace(
            returned={
                stage: [None if one is None else one.numpy() for one in pair]
                for stage, pair in seen.items()
            }
        ),
        "test_minibatches": SimpleNamespace(returned=twice.detach().numpy()),
        "test_mean_loss": SimpleNamespace(
            returned=student.mean_loss(torch.tensor([1.0, 0.0]), batches).numpy()
        ),
        "test_one_step": SimpleNamespace(returned=moved.numpy()),
        "test_first_losses": SimpleNamespace(
            returned=trained(3).numpy(), losses=[loss(trained(n), student.t_un) for n in range(3)]
        ),
        "test_lecture_run": SimpleNamespace(
            variables={"sgd_params": sgd.numpy()}, losses=[loss(sgd, student.t_un)]
        ),
        "test_adam_run": SimpleNamespace(
            variables={"adam_params": adam.numpy()}, losses=[loss(adam, student.t_u)]
        ),
    }
    return Facts(POINTS, runs.__getitem__)


@pytest.fixture(scope="session")
def released(files: AssignmentFiles, facts: Facts) -> NotebookNode:
    return render_notebook(files, Mode.RELEASE, facts)


@pytest.fixture
def release(released: NotebookNode) -> NotebookNode:
    """A copy that a test may change."""
    return copy.deepcopy(released)


@pytest.fixture
def solved(release: NotebookNode, reference: NotebookNode) -> NotebookNode:
    """The release as a student with all solutions hands it in."""
    solutions = {cell.id: cell.source for cell in reference.cells}
    for cell in release.cells:
        if cell.metadata.get("nbgrader", {}).get("solution"):
            cell.source = solutions[cell.id]
    return release


@pytest.fixture
def hand_in(tmp_path: Path) -> Callable[..., Path]:
    """Write a notebook (or JSON, text, bytes) as a student's file."""

    def write(content: Any, name: str = "optimizers.ipynb") -> Path:
        path = tmp_path / name
        if isinstance(content, NotebookNode):
            content = nbformat.writes(content)
        if isinstance(content, dict):
            content = json.dumps(content)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return write
