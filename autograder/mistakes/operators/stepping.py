"""Mistakes in the order and the number of backward passes and steps."""

from __future__ import annotations

import ast
import copy
from collections.abc import Iterator

from autograder.mistakes.operator import Function, Operator
from autograder.mistakes.training_places import Loop, Pass, Placed, looped, passes, stepping
from autograder.mistakes.trees import at_each, remove, statements


def _step(one: Pass) -> Placed:
    assert one.step is not None
    return one.step


def step_before_backward(function: Function) -> Iterator[Function]:
    """The step uses the gradients of the round before."""

    def found(tree: Function) -> list[Pass]:
        return [one for one in stepping(tree) if _step(one).index > one.backward.index]

    def edit(one: Pass) -> None:
        step = _step(one).statement
        remove(one.block, step)
        clears = [clear.index for clear in one.clears if clear.block is one.block]
        one.block.insert(min([one.backward.index, *clears]), step)

    yield from at_each(found, edit, function)


def step_after_clearing(function: Function) -> Iterator[Function]:
    """The step stands between zero_grad and backward: it sees no gradients at all."""

    def found(tree: Function) -> list[Pass]:
        return [
            one
            for one in stepping(tree)
            if any(
                clear.block is one.block and clear.index < one.backward.index
                for clear in one.clears
            )
        ]

    def edit(one: Pass) -> None:
        step = _step(one).statement
        remove(one.block, step)
        one.block.insert(one.backward.index, step)

    yield from at_each(found, edit, function)


def step_missing(function: Function) -> Iterator[Function]:
    """No step."""
    yield from at_each(stepping, lambda one: remove(one.block, _step(one).statement), function)


def step_without_parentheses(function: Function) -> Iterator[Function]:
    """`optimizer.step`, which does nothing."""
    yield from at_each(stepping, lambda one: _uncall(_step(one)), function)


def backward_missing(function: Function) -> Iterator[Function]:
    """No backward pass."""
    yield from at_each(passes, lambda one: remove(one.block, one.backward.statement), function)


def backward_without_parentheses(function: Function) -> Iterator[Function]:
    """`loss.backward`, which does nothing."""
    yield from at_each(passes, lambda one: _uncall(one.backward), function)


def step_twice(function: Function) -> Iterator[Function]:
    """Two steps with the same gradients."""
    yield from at_each(
        stepping,
        lambda one: one.block.insert(_step(one).index, copy.deepcopy(_step(one).statement)),
        function,
    )


def backward_twice(function: Function) -> Iterator[Function]:
    """Two backward passes, whose gradients add up."""

    def edit(one: Pass) -> None:
        first = copy.deepcopy(one.backward.statement)
        assert isinstance(first, ast.Expr)
        assert isinstance(first.value, ast.Call)
        first.value.keywords.append(ast.keyword("retain_graph", ast.Constant(value=True)))
        one.block.insert(one.backward.index, first)

    yield from at_each(passes, edit, function)


def steps_every_second(function: Function) -> Iterator[Function]:
    """A step in every second round only."""

    def edit(one: Pass) -> None:
        step, loop = _step(one), one.loops[-1]
        guarded = statements("rounds += 1\nif rounds % 2 == 0:\n    pass")
        assert isinstance(guarded[1], ast.If)
        guarded[1].body = [step.statement]
        place = step.index
        step.block[place : place + 1] = guarded
        loop.block[loop.index : loop.index] = statements("rounds = 0")

    yield from at_each(looped, edit, function)


def step_after_the_loop(function: Function) -> Iterator[Function]:
    """The step is indented too little and comes once, when the loop is over."""

    def edit(one: Pass) -> None:
        step, loop = _step(one).statement, one.loops[-1]
        remove(one.block, step)
        loop.block.insert(loop.index + 1, step)

    yield from at_each(looped, edit, function)


def extra_round_before(function: Function) -> Iterator[Function]:
    """One round before the loop, as if a cell had run twice."""

    def edit(one: Pass) -> None:
        loop = one.loops[0]
        first = copy.deepcopy(loop.statement)
        assert isinstance(first, Loop)
        first.body.append(ast.Break())
        loop.block.insert(loop.index, first)

    yield from at_each(looped, edit, function)


def _uncall(placed: Placed) -> None:
    assert isinstance(placed.statement, ast.Expr)
    assert isinstance(placed.statement.value, ast.Call)
    placed.statement.value = placed.statement.value.func


STEPPING = (
    Operator(
        "step-before-backward",
        (5,),
        "steps before the backward pass, with the gradients of the round before",
        step_before_backward,
    ),
    Operator(
        "step-after-clearing",
        (4, 5),
        "steps between zero_grad and backward, with no gradients",
        step_after_clearing,
    ),
    Operator("step-missing", (6,), "never steps", step_missing),
    Operator(
        "step-without-parentheses", (6,), "names step without calling it", step_without_parentheses
    ),
    Operator("step-after-the-loop", (6, 42), "steps once, after the loop", step_after_the_loop),
    Operator("backward-missing", (7,), "never computes gradients", backward_missing),
    Operator(
        "backward-without-parentheses",
        (7,),
        "names backward without calling it",
        backward_without_parentheses,
    ),
    Operator("step-twice", (12,), "steps twice for each backward pass", step_twice),
    Operator("backward-twice", (13,), "computes gradients twice for each step", backward_twice),
    Operator("steps-every-second", (42,), "steps in every second round only", steps_every_second),
    Operator(
        "extra-step-before-loop",
        (9, 40),
        "makes a round before the loop begins",
        extra_round_before,
    ),
)
