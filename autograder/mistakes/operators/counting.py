"""Mistakes in how often a loop runs and when it ends."""

from __future__ import annotations

import ast
import copy
from collections.abc import Iterator

from autograder.mistakes.operator import Function, Operator
from autograder.mistakes.training_places import Pass, looped
from autograder.mistakes.trees import at_each, called, is_number, statements


def _bounds(tree: Function) -> list[list[ast.expr]]:
    """Arguments of `range(stop)` or `range(start, stop)` of the outermost training loops."""
    found: list[list[ast.expr]] = []
    for one in looped(tree):
        loop = one.loops[0].statement
        if isinstance(loop, ast.For) and called(loop.iter) in ("range", "trange"):
            assert isinstance(loop.iter, ast.Call)
            if len(loop.iter.args) in (1, 2) and not any(
                loop.iter.args is known for known in found
            ):
                found.append(loop.iter.args)
    return found


def _limits(tree: Function) -> list[ast.Compare]:
    """Tests `epoch < limit` of training loops."""
    tests = [
        one.loops[0].statement.test
        for one in looped(tree)
        if isinstance(one.loops[0].statement, ast.While)
    ]
    return [
        test
        for test in tests
        if isinstance(test, ast.Compare) and isinstance(test.ops[0], ast.Lt | ast.LtE)
    ]


def _less(count: ast.expr) -> ast.expr:
    if isinstance(count, ast.BinOp) and isinstance(count.op, ast.Add) and is_number(count.right, 1):
        return count.left
    if isinstance(count, ast.Constant) and isinstance(count.value, int):
        return ast.Constant(count.value - 1)
    return ast.BinOp(count, ast.Sub(), ast.Constant(1))


def _more(count: ast.expr) -> ast.expr:
    if isinstance(count, ast.BinOp) and isinstance(count.op, ast.Sub) and is_number(count.right, 1):
        return count.left
    if (
        isinstance(count, ast.BinOp)
        and isinstance(count.op, ast.Add)
        and isinstance(count.right, ast.Constant)
    ):
        assert isinstance(count.right.value, int)
        return ast.BinOp(count.left, ast.Add(), ast.Constant(count.right.value + 1))
    if isinstance(count, ast.Constant) and isinstance(count.value, int):
        return ast.Constant(count.value + 1)
    return ast.BinOp(count, ast.Add(), ast.Constant(1))


def one_short(function: Function) -> Iterator[Function]:
    """`range(1, n)`."""

    def edit(bounds: list[ast.expr]) -> None:
        if len(bounds) == 1:
            bounds.insert(0, ast.Constant(1))
        else:
            bounds[1] = _less(bounds[1])

    def sooner(test: ast.Compare) -> None:
        test.comparators[0] = _less(test.comparators[0])

    yield from at_each(_bounds, edit, function)
    yield from at_each(_limits, sooner, function)


def one_more(function: Function) -> Iterator[Function]:
    """`range(n + 1)`."""

    def edit(bounds: list[ast.expr]) -> None:
        bounds[-1] = _more(bounds[-1])

    def later(test: ast.Compare) -> None:
        test.comparators[0] = _more(test.comparators[0])

    yield from at_each(_bounds, edit, function)
    yield from at_each(_limits, later, function)


def fixed_number(function: Function) -> Iterator[Function]:
    """A number of epochs of one's own instead of the argument."""

    def asked(tree: Function) -> list[list[ast.expr]]:
        return [bounds for bounds in _bounds(tree) if not is_number(bounds[-1])]

    def edit(bounds: list[ast.expr]) -> None:
        bounds[-1] = ast.Constant(100)

    yield from at_each(asked, edit, function)


def return_inside(function: Function) -> Iterator[Function]:
    """The return is indented into the loop: one round."""

    def edit(one: Pass) -> None:
        loop = one.loops[0]
        following = loop.block[loop.index + 1 :]
        last = next(
            (statement for statement in following if isinstance(statement, ast.Return)),
            ast.Return(value=None),
        )
        # For and While have it, the type ast.stmt has not
        getattr(loop.statement, "body").append(copy.deepcopy(last))  # noqa: B009

    yield from at_each(looped, edit, function)


def early_break(function: Function) -> Iterator[Function]:
    """The loop ends when the loss falls by less than a fifth."""

    def found(tree: Function) -> list[Pass]:
        return [one for one in looped(tree) if isinstance(one.loss, ast.Name)]

    def edit(one: Pass) -> None:
        text = (
            "if abs(previous - LOSS.item()) < 0.2 * abs(previous):\n    break\nprevious ="
            " LOSS.item()"
        )
        loop = one.loops[-1]
        one.block.extend(statements(text, LOSS=one.loss))
        loop.block[loop.index : loop.index] = statements("previous = 1e30")

    yield from at_each(found, edit, function)


COUNTING = (
    Operator("one-epoch-short", (8,), "trains one epoch too few", one_short),
    Operator("one-epoch-more", (9,), "trains one epoch too many", one_more),
    Operator(
        "fixed-number-of-epochs", (43,), "trains 100 epochs whatever it is asked for", fixed_number
    ),
    Operator("return-inside-loop", (10,), "returns at the end of the first round", return_inside),
    Operator("early-break", (11,), "stops once the loss falls by less than a fifth", early_break),
)
