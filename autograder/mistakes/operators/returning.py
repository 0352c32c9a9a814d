"""Mistakes in what a function returns."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from autograder.mistakes.operator import Function, Operator
from autograder.mistakes.training_places import Pass, Placed, looped, parameters_name, stepping
from autograder.mistakes.trees import after_docstring, at_each, names_in, statements


def _returns(tree: Function) -> list[Placed]:
    """Returns of a value that stand in the function's own body."""
    return [
        Placed(item, tree.body)
        for item in tree.body
        if isinstance(item, ast.Return) and item.value is not None
    ]


def _value(placed: Placed) -> ast.expr:
    assert isinstance(placed.statement, ast.Return)
    assert placed.statement.value is not None
    return placed.statement.value


def returns_nothing(function: Function) -> Iterator[Function]:
    """The return is missing."""

    def edit(placed: Placed) -> None:
        placed.block[placed.index] = ast.Expr(_value(placed))

    yield from at_each(_returns, edit, function)


def prints_instead(function: Function) -> Iterator[Function]:
    """The result is printed, not returned."""

    def edit(placed: Placed) -> None:
        placed.block[placed.index : placed.index + 1] = statements(
            "print(VALUE)", VALUE=_value(placed)
        )

    yield from at_each(_returns, edit, function)


def returns_loss(function: Function) -> Iterator[Function]:
    """The loss is returned in place of what is asked for."""

    def found(tree: Function) -> list[Pass]:
        named = [one for one in stepping(tree) if isinstance(one.loss, ast.Name)]
        return [
            one
            for one in named
            if (last := _returns(tree)) and ast.unparse(one.loss) not in names_in(_value(last[-1]))
        ]

    def edit(one: Pass) -> None:
        last = _returns(one.function)[-1]
        last.block[last.index : last.index + 1] = statements("return LOSS.item()", LOSS=one.loss)

    yield from at_each(found, edit, function)


def returns_start(function: Function) -> Iterator[Function]:
    """The parameters are returned as they were before training."""

    def found(tree: Function) -> list[Pass]:
        named = [one for one in stepping(tree) if parameters_name(one)]
        return [
            one
            for one in named
            if (last := _returns(tree)) and ast.unparse(_value(last[-1])) == parameters_name(one)
        ][:1]

    def edit(one: Pass) -> None:
        name = parameters_name(one)
        assert name is not None
        last, first = _returns(one.function)[-1], after_docstring(one.function)
        last.block[last.index : last.index + 1] = statements("return start")
        copied = (
            "start = [p.detach().clone() for p in PARAMS] if isinstance(PARAMS, list) else"
            " PARAMS.detach().clone()"
        )
        one.function.body[first:first] = statements(copied, PARAMS=name)

    yield from at_each(found, edit, function)


def sums_tensors(function: Function) -> Iterator[Function]:
    """Losses are added up as tensors, whose graphs stay in memory."""

    def found(tree: Function) -> list[ast.AugAssign]:
        return [
            item
            for one in looped(tree)
            for item in ast.walk(one.loops[0].statement)
            if isinstance(item, ast.AugAssign)
            and isinstance(item.value, ast.Call)
            and isinstance(item.value.func, ast.Attribute)
            and item.value.func.attr == "item"
        ]

    def edit(item: ast.AugAssign) -> None:
        assert isinstance(item.value, ast.Call)
        assert isinstance(item.value.func, ast.Attribute)
        item.value = item.value.func.value

    yield from at_each(found, edit, function)


RETURNING = (
    Operator("returns-nothing", (46,), "returns nothing", returns_nothing),
    Operator(
        "prints-instead-of-returning",
        (46,),
        "prints its result and returns nothing",
        prints_instead,
    ),
    Operator(
        "returns-something-else",
        (46,),
        "returns the loss in place of what was asked for",
        returns_loss,
    ),
    Operator(
        "returns-the-start",
        (46,),
        "returns the parameters as they were before training",
        returns_start,
    ),
    Operator(
        "sums-loss-tensors", (53,), "adds up losses as tensors, with their graphs", sums_tensors
    ),
)
