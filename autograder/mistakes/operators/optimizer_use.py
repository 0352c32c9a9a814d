"""Mistakes of a training function with the optimizer and the parameters that it is given."""

from __future__ import annotations

import ast
import functools
from collections.abc import Iterator

from autograder.mistakes.operator import Function, Operator
from autograder.mistakes.training_places import Pass, Placed, looped, parameters_name, stepping
from autograder.mistakes.trees import (
    after_docstring,
    arguments_of,
    at_each,
    import_torch,
    statements,
)

EVERY = 'for group in OPT.param_groups for p in group["params"]'
"""The parameters that an optimizer holds, as the end of a comprehension."""


def _optimizer(one: Pass) -> ast.expr:
    assert one.optimizer is not None
    return one.optimizer


def _step(one: Pass) -> Placed:
    assert one.step is not None
    return one.step


def _given(tree: Function) -> list[Pass]:
    """The first pass that steps an optimizer which is an argument."""
    return [one for one in stepping(tree) if ast.unparse(_optimizer(one)) in arguments_of(tree)][:1]


def _at_start(template: str, function: Function) -> Iterator[Function]:
    """Statements about a given optimizer at the start of the function."""

    def edit(one: Pass) -> None:
        place = after_docstring(one.function)
        one.function.body[place:place] = statements(template, OPT=_optimizer(one))

    yield from at_each(_given, edit, function)


def _before_step(template: str, function: Function) -> Iterator[Function]:
    """Statements between backward and step."""

    def edit(one: Pass) -> None:
        one.block[_step(one).index : _step(one).index] = statements(template, OPT=_optimizer(one))

    yield from at_each(stepping, edit, function)


def _after_step(template: str, function: Function) -> Iterator[Function]:
    """Statements behind each step of a loop."""

    def edit(one: Pass) -> None:
        place = _step(one).index + 1
        one.block[place:place] = statements(template, OPT=_optimizer(one))

    yield from at_each(looped, edit, function)


def rebuilds(function: Function) -> Iterator[Function]:
    """The optimizer is made anew in each round, and forgets."""

    def edit(one: Pass) -> None:
        loop = one.loops[0].statement
        assert isinstance(loop, ast.For | ast.While)
        loop.body[:0] = statements(
            "OPT = type(OPT)([dict(group) for group in OPT.param_groups])",
            OPT=ast.unparse(_optimizer(one)),
        )

    def named(tree: Function) -> list[Pass]:
        return [one for one in looped(tree) if isinstance(_optimizer(one), ast.Name)][:1]

    yield from at_each(named, edit, function)


def manual_update(function: Function) -> Iterator[Function]:
    """The parameters are moved by hand."""
    text = (
        f"with torch.no_grad():\n    for group, p in [(group, p) {EVERY} if p.grad is not None]:\n "
        '       p -= group["lr"] * p.grad'
    )

    def edit(one: Pass) -> None:
        place = _step(one).index
        one.block[place : place + 1] = statements(text, OPT=_optimizer(one))
        import_torch(one.function)

    yield from at_each(stepping, edit, function)


def _named_parameters(tree: Function) -> list[Pass]:
    return [one for one in stepping(tree) if parameters_name(one)][:1]


def rebinds(function: Function) -> Iterator[Function]:
    """The name is bound to a new tensor, which the optimizer does not hold."""

    def edit(one: Pass) -> None:
        name = parameters_name(one)
        assert name is not None
        place = _step(one).index
        text = 'P = (P - OPT.param_groups[0]["lr"] * P.grad).detach().requires_grad_()'
        one.block[place : place + 1] = statements(text, OPT=_optimizer(one), P=name)

    yield from at_each(_named_parameters, edit, function)


def trains_a_copy(function: Function) -> Iterator[Function]:
    """A copy of the parameters is in the graph, which the optimizer does not hold."""

    def edit(one: Pass) -> None:
        name = parameters_name(one)
        assert name is not None
        place = after_docstring(one.function)
        one.function.body[place:place] = statements(
            "P = P.detach().clone().requires_grad_()", P=name
        )

    def given(tree: Function) -> list[Pass]:
        return [one for one in _given(tree) if parameters_name(one)]

    yield from at_each(given, edit, function)


def resets(function: Function) -> Iterator[Function]:
    """Let each round begin at the start again."""

    def edit(one: Pass) -> None:
        placed = one.loops[0]
        loop = placed.statement
        assert isinstance(loop, ast.For | ast.While)
        text = (
            f"with torch.no_grad():\n    for p, first in zip([p {EVERY}], start):\n       "
            " p.copy_(first)"
        )
        loop.body[:0] = statements(text, OPT=_optimizer(one))
        placed.block[placed.index : placed.index] = statements(
            f"start = [p.detach().clone() {EVERY}]", OPT=_optimizer(one)
        )
        import_torch(one.function)

    yield from at_each(lambda tree: looped(tree)[:1], edit, function)


OWN = f"import torch\nOPT = torch.optim.CLASS([p {EVERY}], lr=RATE)"

clips_gradients = functools.partial(
    _before_step, f"for p in [p {EVERY} if p.grad is not None]:\n    p.grad.clamp_(-0.1, 0.1)"
)
overwrites_rate = functools.partial(
    _at_start, 'for group in OPT.param_groups:\n    group["lr"] = 0.05'
)
adds_scheduler = functools.partial(
    _after_step, 'for group in OPT.param_groups:\n    group["lr"] *= 0.99'
)
own_sgd = functools.partial(_at_start, OWN.replace("CLASS", "SGD").replace("RATE", "0.01"))
own_adam = functools.partial(_at_start, OWN.replace("CLASS", "Adam").replace("RATE", "0.1"))

OPTIMIZER_USE = (
    Operator("clips-gradients", (30,), "clips gradients", clips_gradients),
    Operator("overwrites-lr", (31,), "sets a learning rate of its own", overwrites_rate),
    Operator("adds-scheduler", (32,), "lowers the learning rate from step to step", adds_scheduler),
    Operator("own-sgd", (33,), "trains with an SGD of its own", own_sgd),
    Operator("own-adam", (34,), "trains with an Adam of its own", own_adam),
    Operator("rebuilds-optimizer", (35,), "builds the optimizer anew in every round", rebuilds),
    Operator("manual-update", (36,), "moves the parameters by hand", manual_update),
    Operator(
        "rebinds-params", (37,), "binds the parameters' name to a new tensor at each step", rebinds
    ),
    Operator("trains-a-copy", (38,), "trains a copy of the parameters", trains_a_copy),
    Operator(
        "resets-parameters-each-epoch", (39,), "begins every round at the first parameters", resets
    ),
)
