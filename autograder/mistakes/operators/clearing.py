"""Mistakes in clearing gradients."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from autograder.mistakes.operator import Function, Operator
from autograder.mistakes.training_places import Pass, Placed, looped, passes, stepping
from autograder.mistakes.trees import at_each, index_of, method_call, remove, statements


def _cleared(function: Function) -> list[Pass]:
    return [one for one in passes(function) if one.clears]


def _cleared_first(function: Function) -> list[Pass]:
    """Return the passes with one clearing, a backward pass and a step in one block."""
    return [
        one
        for one in stepping(function)
        if len(one.clears) == 1 and one.clears[0].block is one.block
    ]


def never_clears(function: Function) -> Iterator[Function]:
    """No zero_grad anywhere."""

    def edit(one: Pass) -> None:
        for clear in one.clears:
            remove(clear.block, clear.statement)

    yield from at_each(_cleared, edit, function)


def without_parentheses(function: Function) -> Iterator[Function]:
    """Write `optimizer.zero_grad`, which does nothing."""

    def calls(tree: Function) -> list[Placed]:
        return [
            clear
            for one in _cleared(tree)
            for clear in one.clears
            if method_call(clear.statement, "zero_grad")
        ]

    yield from at_each(calls, _uncall, function)


def _uncall(placed: Placed) -> None:
    assert isinstance(placed.statement, ast.Expr)
    assert isinstance(placed.statement.value, ast.Call)
    placed.statement.value = placed.statement.value.func


def clears_after_backward(function: Function) -> Iterator[Function]:
    """zero_grad between backward and step: the step sees nothing."""

    def edit(one: Pass) -> None:
        clear = one.clears[0].statement
        remove(one.block, clear)
        one.block.insert(one.backward.index + 1, clear)

    yield from at_each(_cleared_first, edit, function)


def clears_every_second(function: Function) -> Iterator[Function]:
    """zero_grad in every second round only."""

    def found(tree: Function) -> list[Pass]:
        return [
            one for one in looped(tree) if len(one.clears) == 1 and one.clears[0].block is one.block
        ]

    def edit(one: Pass) -> None:
        clear, loop = one.clears[0], one.loops[-1]
        guarded = statements("if rounds % 2 == 0:\n    pass\nrounds += 1")
        assert isinstance(guarded[0], ast.If)
        guarded[0].body = [clear.statement]
        place = clear.index
        clear.block[place : place + 1] = guarded
        loop.block[loop.index : loop.index] = statements("rounds = 0")

    yield from at_each(found, edit, function)


def clears_once(function: Function) -> Iterator[Function]:
    """zero_grad before the loop instead of in it."""

    def found(tree: Function) -> list[Pass]:
        return [
            one for one in looped(tree) if len(one.clears) == 1 and one.clears[0].block is one.block
        ]

    def edit(one: Pass) -> None:
        clear, (loop, *_) = one.clears[0], one.loops
        remove(clear.block, clear.statement)
        loop.block.insert(index_of(loop.block, loop.statement), clear.statement)

    yield from at_each(found, edit, function)


CLEARING = (
    Operator("never-clears", (1,), "never clears gradients", never_clears),
    Operator(
        "zero-grad-without-parentheses",
        (3,),
        "names zero_grad without calling it",
        without_parentheses,
    ),
    Operator(
        "clears-after-backward",
        (4,),
        "clears gradients between backward and step",
        clears_after_backward,
    ),
    Operator(
        "clears-every-second",
        (2,),
        "clears gradients in every second round only",
        clears_every_second,
    ),
    Operator("clears-once", (2,), "clears gradients once, before the loop", clears_once),
)
