"""Mistakes with autograd's graph, with precision and with modes."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from autograder.mistakes.losses import Place, losses
from autograder.mistakes.operator import Function, Operator
from autograder.mistakes.training_places import Pass, data_of, source_of, stepping
from autograder.mistakes.trees import (
    after_docstring,
    arguments_of,
    at_each,
    import_torch,
    index_of,
    method_call,
    statements,
)


def half_precision(function: Function) -> Iterator[Function]:
    """The input is rounded to 16 bits."""

    def found(tree: Function) -> list[Pass]:
        return [one for one in stepping(tree) if data_of(one).inputs]

    def edit(one: Pass) -> None:
        name = data_of(one).inputs[0]
        given = name in arguments_of(one.function)
        block, place = (
            (one.function.body, after_docstring(one.function)) if given else (one.block, 0)
        )
        block[place:place] = statements(f"{name} = {name}.half()")

    yield from at_each(found, edit, function)


def item_before_backward(function: Function) -> Iterator[Function]:
    """The loss is a number and has no graph."""
    yield from at_each(losses, lambda place: place.put("E.item()"), function)


def no_grad_forward(function: Function) -> Iterator[Function]:
    """The loss is computed under no_grad."""

    def found(tree: Function) -> list[tuple[Pass, ast.stmt]]:
        sites: list[tuple[Pass, ast.stmt]] = []
        for one in stepping(tree):
            source = source_of(one)
            holder = next(
                (
                    item
                    for item in one.block
                    if isinstance(item, ast.Assign) and item.value is source
                ),
                None,
            )
            sites += [(one, holder)] if holder is not None else []
        return sites

    def edit(site: tuple[Pass, ast.stmt]) -> None:
        one, holder = site
        (without,) = statements("with torch.no_grad():\n    pass")
        assert isinstance(without, ast.With)
        without.body = [holder]
        one.block[index_of(one.block, holder)] = without
        import_torch(one.function)

    yield from at_each(found, edit, function)


def detached_loss(function: Function) -> Iterator[Function]:
    """The loss is cut off its graph and made a leaf again, which silences the error."""

    def found(tree: Function) -> list[Place]:
        return [
            Place(tree, source_of(one))
            for one in stepping(tree)
            if not isinstance(source_of(one), ast.Name)
        ]

    yield from at_each(found, lambda place: place.put("E.detach().requires_grad_()"), function)


def eval_mode(function: Function) -> Iterator[Function]:
    """The model is in evaluation mode while it trains."""

    def found(tree: Function) -> list[ast.Attribute]:
        calls = (
            [
                call
                for item in ast.walk(tree)
                if (call := method_call(item, "train")) and not call.args
            ]
            if stepping(tree)
            else []
        )
        return [call.func for call in calls if isinstance(call.func, ast.Attribute)]

    def edit(attribute: ast.Attribute) -> None:
        attribute.attr = "eval"

    yield from at_each(found, edit, function)


GRAPH = (
    Operator("half-precision", (47,), "computes in half precision", half_precision),
    Operator(
        "loss-item-before-backward", (48,), "makes the loss a plain number", item_before_backward
    ),
    Operator("no-grad-around-forward", (48,), "computes the loss under no_grad", no_grad_forward),
    Operator("detached-loss", (48,), "detaches the loss", detached_loss),
    Operator("eval-mode", (50,), "trains in evaluation mode", eval_mode),
)
