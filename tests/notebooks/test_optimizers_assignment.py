"""The Optimizers assignment's own files agree with each other."""

from __future__ import annotations

import ast
from types import SimpleNamespace
from typing import Any

import torch
from nbformat import NotebookNode
from notebook_samples import COURSE

from autograder.assignment import AssignmentFiles
from autograder.notebooks.stub import definitions


def test_every_function_of_a_part_is_written_by_students(files: AssignmentFiles, released: NotebookNode) -> None:
    """Each stands in the solution, and in a solution cell of its own name."""
    names = [name for part in files.assignment.parts for name in part.functions]
    solution = ast.parse(files.solution.read_text())
    assert [node.name for node in solution.body if isinstance(node, ast.FunctionDef)] == names
    stubs = {cell.id: cell.source for cell in released.cells}
    assert all(f"def {name}(" in stubs[name] and "raise NotImplementedError()" in stubs[name] for name in names)


def test_given_definitions_run_by_themselves(files: AssignmentFiles, reference_state: dict[str, Any]) -> None:
    """What later parts are judged with, when a student's own is wrong, is a program without the notebook."""
    namespace: dict[str, Any] = {}
    exec(definitions(files.solution.read_text(), files.assignment.given, files.solution), namespace)
    params = torch.tensor([1.0, 0.0], requires_grad=True)
    t_u, t_c = reference_state["t_un"], reference_state["t_c"]
    returned = namespace["training_loop"](1, torch.optim.SGD([params], lr=1e-2), params, t_u, t_c)
    assert returned is params
    assert [round(value, 4) for value in params.tolist()] == [1.7761, 0.1064]


def test_the_swap_driver_uses_the_students_own_functions(reference_state: dict[str, Any]) -> None:
    """Adam from `make_adam`, in the loop of `training_loop`: one epoch moves each parameter by the learning rate."""
    namespace: dict[str, Any] = {}
    exec((COURSE / "assignments" / "optimizers" / "drivers.py").read_text(), namespace)
    params = torch.tensor([1.0, 0.0], requires_grad=True)
    student = SimpleNamespace(**reference_state)
    assert namespace["swap"](student, 1, params, 0.1, student.t_u, student.t_c) is params
    assert [round(value, 4) for value in params.tolist()] == [0.9, -0.1]


def test_the_loop_takes_two_tensors(reference_state: dict[str, Any]) -> None:
    """`params` may be a list [w, b], as hidden checks pass it."""
    student = SimpleNamespace(**reference_state)
    params = [torch.tensor(1.0, requires_grad=True), torch.tensor(0.0, requires_grad=True)]
    assert student.training_loop(1, torch.optim.SGD(params, lr=1e-2), params, student.t_un, student.t_c) is params
    assert [round(value.item(), 4) for value in params] == [1.7761, 0.1064]


def test_dirty_gradients_do_not_move_the_one_step(reference_state: dict[str, Any]) -> None:
    """`one_step` clears what an earlier backward left."""
    student = SimpleNamespace(**reference_state)
    params = torch.tensor([1.0, 0.0], requires_grad=True)
    params.grad = torch.tensor([100.0, -7.0])
    student.one_step(student.make_sgd(params, 1e-2), params, student.t_un, student.t_c)
    assert [round(value, 4) for value in params.tolist()] == [1.7761, 0.1064]
