"""The Optimizers assignment's own files agree with each other."""

from __future__ import annotations

import ast
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from nbformat import NotebookNode
from notebook_samples import COURSE

from autograder.assignment import AssignmentFiles
from autograder.notebooks.writing.stub import definitions


def test_every_function_of_a_part_is_written_by_students(
    files: AssignmentFiles, released: NotebookNode
) -> None:
    """Each stands in the solution, and in a solution cell of its own name."""
    names = [name for part in files.assignment.parts for name in part.functions]
    solution = ast.parse(files.solution.read_text())
    assert [node.name for node in solution.body if isinstance(node, ast.FunctionDef)] == names
    stubs = {cell.id: cell.source for cell in released.cells}
    assert all(
        f"def {name}(" in stubs[name] and "raise NotImplementedError()" in stubs[name]
        for name in names
    )


def test_given_definitions_run_by_themselves(
    files: AssignmentFiles, reference_state: dict[str, Any]
) -> None:
    """What later parts are judged with, when a student's own is wrong, is a program without the
    notebook.
    """
    namespace: dict[str, Any] = {}
    exec(definitions(files.solution.read_text(), files.assignment.given, files.solution), namespace)
    params = torch.tensor([1.0, 0.0], requires_grad=True)
    t_u, t_c = reference_state["t_un"], reference_state["t_c"]
    returned = namespace["training_loop"](1, torch.optim.SGD([params], lr=1e-2), params, t_u, t_c)
    assert returned is params
    assert [round(value, 4) for value in params.tolist()] == [1.7761, 0.1064]


def test_the_swap_driver_uses_the_students_own_functions(reference_state: dict[str, Any]) -> None:
    """Adam from `make_adam`, in the loop of `training_loop`: one epoch moves each parameter by the
    learning rate.
    """
    namespace: dict[str, Any] = {}
    exec((COURSE / "assignments" / "optimizers" / "drivers.py").read_text(), namespace)
    params = torch.tensor([1.0, 0.0], requires_grad=True)
    student = SimpleNamespace(**reference_state)
    assert namespace["swap"](student, 1, params, 0.1, student.t_u, student.t_c) is params
    assert [round(value, 4) for value in params.tolist()] == [0.9, -0.1]


SLIDE_LOSSES = (
    7.843371,
    3.825483,
    3.091630,
    2.957597,
    2.933116,
    2.928645,
    2.927828,
    2.927679,
    2.927652,
    2.927647,
)
"""Losses at epochs 500, 1000, ..., 5000 of the run that goes on from the single step.

The first and the last are the slide's, as they were noted down when the course was planned. Of the
others no copy of the slide was at hand: the second and third are from memory, the six between are
`by_hand`'s below in float64, to six decimals. The slide's own digits may differ from all those in
the last one.
"""


def by_hand(kind: type[np.floating[Any]], first: int = 1) -> list[float]:
    """The lecture's gradient descent in numpy, by the formulas of the two derivatives: losses at
    every 500th epoch, counted after `first` steps.
    """
    t_c = np.array([0.5, 14.0, 15.0, 28.0, 11.0, 8.0, 3.0, -4.0, 6.0, 13.0, 21.0], kind)
    t_un = np.array(
        [35.7, 55.9, 58.2, 81.9, 56.3, 48.9, 33.9, 21.8, 48.4, 60.4, 68.4], kind
    ) * kind(0.1)
    w, b, losses = kind(1), kind(0), []
    for step in range(1, first + 5001):
        error = w * t_un + b - t_c  # (11,)
        if step > first and (step - first) % 500 == 0:
            losses.append(float((error * error).mean(dtype=kind)))
        w, b = (
            w - kind(1e-2) * (2 * error * t_un).mean(dtype=kind),
            b - kind(1e-2) * (2 * error).mean(dtype=kind),
        )
    return losses


@pytest.mark.parametrize("kind", [np.float32, np.float64])
def test_the_slides_losses_are_those_of_a_run_that_goes_on_from_one_step(
    kind: type[np.floating[Any]],
) -> None:
    """Worked out without torch; a run that starts afresh gives others."""
    assert by_hand(kind) == pytest.approx(SLIDE_LOSSES, rel=0, abs=2e-5)
    assert by_hand(kind, first=0)[0] == pytest.approx(7.860118, rel=0, abs=2e-5)


def test_the_reference_prints_the_slides_losses_when_it_goes_on_from_one_step(
    reference_state: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    """The state after one step, then the reference's own loop for 5000 epochs: all ten losses to
    2e-5.
    """
    student = SimpleNamespace(**reference_state)
    params = torch.tensor([1.0, 0.0], requires_grad=True)
    optimizer = student.make_sgd(params, 1e-2)
    student.one_step(optimizer, params, student.t_un, student.t_c)
    capsys.readouterr()
    student.training_loop(5000, optimizer, params, student.t_un, student.t_c)
    printed = [float(line.rpartition(" ")[2]) for line in capsys.readouterr().out.splitlines()]
    assert printed == pytest.approx(SLIDE_LOSSES, rel=0, abs=2e-5)


def test_all_samples_as_one_minibatch_are_the_plain_loop_to_the_last_bit(
    reference_state: dict[str, Any],
) -> None:
    """The optimizer does not know what the loss was evaluated on."""
    student = SimpleNamespace(**reference_state)
    plain, batched = (
        torch.tensor([1.0, 0.0], requires_grad=True),
        torch.tensor([1.0, 0.0], requires_grad=True),
    )
    student.training_loop(300, torch.optim.Adam([plain], lr=0.1), plain, student.t_un, student.t_c)
    student.minibatch_loop(
        300, torch.optim.Adam([batched], lr=0.1), batched, [(student.t_un, student.t_c)]
    )
    assert torch.equal(plain, batched)


def test_unequal_batches_do_not_average_to_the_mean(reference_state: dict[str, Any]) -> None:
    """11 samples in batches of 4, 4 and 3: the mean of their means is off by a quarter, `mean_loss`
    is the full mean.
    """
    student = SimpleNamespace(**reference_state)
    batches = [
        (student.t_un[rows], student.t_c[rows]) for rows in (slice(4), slice(4, 8), slice(8, 11))
    ]
    whole = student.loss_fn(student.model(student.t_un, 1.0, 0.0), student.t_c).item()
    means = [student.loss_fn(student.model(t_u, 1.0, 0.0), t_c).item() for t_u, t_c in batches]
    assert abs(sum(means) / 3 - whole) > 0.2
    assert student.mean_loss(torch.tensor([1.0, 0.0]), batches).item() == pytest.approx(
        whole, rel=1e-6
    )


def test_figure_1_says_what_each_stage_changes(reference_state: dict[str, Any]) -> None:
    """Constructor and forward nothing; backward the gradient, which it adds to; step the
    parameters; zero_grad the gradient.
    """
    student = SimpleNamespace(**reference_state)
    params = torch.tensor([1.0, 0.0], requires_grad=True)
    params.grad = torch.tensor([5.0, 5.0])
    seen = student.figure_1(
        lambda tensor: torch.optim.SGD([tensor], lr=1e-2), params, student.t_un, student.t_c
    )
    values = {
        stage: [round(value, 4) for value in pair[0].tolist()] for stage, pair in seen.items()
    }
    assert [values[stage] for stage in ("constructor", "forward", "backward")] == [[1.0, 0.0]] * 3
    # 1.7761 and 0.1064, less 0.01 * 5
    assert values["step"] == values["zero_grad"] == [1.7261, 0.0564]
    gradients = [None if pair[1] is None else round(pair[1][1].item(), 3) for pair in seen.values()]
    assert gradients == [5.0, 5.0, -5.64, -5.64, None]


def test_the_loop_takes_two_tensors(reference_state: dict[str, Any]) -> None:
    """`params` may be a list [w, b], as hidden checks pass it."""
    student = SimpleNamespace(**reference_state)
    params = [torch.tensor(1.0, requires_grad=True), torch.tensor(0.0, requires_grad=True)]
    assert (
        student.training_loop(
            1, torch.optim.SGD(params, lr=1e-2), params, student.t_un, student.t_c
        )
        is params
    )
    assert [round(value.item(), 4) for value in params] == [1.7761, 0.1064]


def test_dirty_gradients_do_not_move_the_one_step(reference_state: dict[str, Any]) -> None:
    """`one_step` clears what an earlier backward left."""
    student = SimpleNamespace(**reference_state)
    params = torch.tensor([1.0, 0.0], requires_grad=True)
    params.grad = torch.tensor([100.0, -7.0])
    student.one_step(student.make_sgd(params, 1e-2), params, student.t_un, student.t_c)
    assert [round(value, 4) for value in params.tolist()] == [1.7761, 0.1064]
