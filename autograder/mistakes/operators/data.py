"""Mistakes with the data that a function trains on."""

from __future__ import annotations

import ast
import copy
from collections.abc import Callable, Iterator

from autograder.mistakes.operator import Function, Operator
from autograder.mistakes.training_places import Data, Pass, data_of, looped, stepping
from autograder.mistakes.trees import (
    after_docstring,
    arguments_of,
    at_each,
    called,
    rename,
    statements,
)


def _with_data(tree: Function) -> list[Pass]:
    """Passes of which both inputs and targets are known."""
    return [one for one in stepping(tree) if data_of(one).inputs and data_of(one).targets]


def _before(one: Pass, text: Callable[[Data], str]) -> None:
    """Put statements about the data at the start of the block.

    Where the data are the function's arguments, they go to the start of the function.
    """
    data = data_of(one)
    given = {*data.inputs, *data.targets} <= set(arguments_of(one.function))
    block, place = (one.function.body, after_docstring(one.function)) if given else (one.block, 0)
    block[place:place] = statements(text(data))


def swaps_input_and_target(function: Function) -> Iterator[Function]:
    """Predicts the input from the target."""

    def edit(one: Pass) -> None:
        data = data_of(one)
        pairs = {data.inputs[0]: data.targets[0], data.targets[0]: data.inputs[0]}
        for statement in one.block:
            rename(statement, pairs)

    yield from at_each(_with_data, edit, function)


def scales_again(function: Function) -> Iterator[Function]:
    """The input is scaled once more."""

    def found(tree: Function) -> list[Pass]:
        return [one for one in stepping(tree) if data_of(one).inputs]

    yield from at_each(
        found,
        lambda one: _before(one, lambda data: f"{data.inputs[0]} = 0.1 * {data.inputs[0]}"),
        function,
    )


def drops_samples(function: Function) -> Iterator[Function]:
    """The last sample is left out."""

    def edit(one: Pass) -> None:
        _before(
            one,
            lambda data: "\n".join(
                f"{name} = {name}[:-1]" for name in (data.inputs[0], data.targets[0])
            ),
        )

    yield from at_each(_with_data, edit, function)


def misaligned_labels(function: Function) -> Iterator[Function]:
    """Targets are shifted against inputs by one."""
    yield from at_each(
        _with_data,
        lambda one: _before(one, lambda data: f"{data.targets[0]} = {data.targets[0]}.roll(1, 0)"),
        function,
    )


def one_at_a_time(function: Function) -> Iterator[Function]:
    """A step for each sample in place of one for all."""

    def found(tree: Function) -> list[Pass]:
        return [one for one in _with_data(tree) if one.loops]

    def edit(one: Pass) -> None:
        data = data_of(one)
        seen, wanted = data.inputs[0], data.targets[0]
        first, last = _extent(one)
        body = [copy.deepcopy(statement) for statement in one.block[first : last + 1]]
        for statement in body:
            rename(statement, {seen: "one_input", wanted: "one_target"})
        loop = statements(
            f"for one_input, one_target in zip({seen}.split(1), {wanted}.split(1)):\n    pass"
        )[0]
        assert isinstance(loop, ast.For)
        loop.body = body
        one.block[first : last + 1] = [loop]

    yield from at_each(found, edit, function)


def _extent(one: Pass) -> tuple[int, int]:
    """Return the first and last statement of the block that belong to a step.

    They go from the first that reads data to the step.
    """
    assert one.step is not None
    data = {*data_of(one).inputs, *data_of(one).targets}
    reading = [
        number
        for number, statement in enumerate(one.block)
        if data & {item.id for item in ast.walk(statement) if isinstance(item, ast.Name)}
    ]
    clears = [clear.index for clear in one.clears if clear.block is one.block]
    return min([*reading, *clears, one.backward.index]), max(one.step.index, one.backward.index)


def no_shuffle(function: Function) -> Iterator[Function]:
    """Batches come in the same order in each epoch."""

    def found(tree: Function) -> list[ast.keyword]:
        words = [
            word
            for item in ast.walk(tree)
            if isinstance(item, ast.Call) and called(item) == "DataLoader"
            for word in item.keywords
        ]
        return [
            word
            for word in words
            if word.arg == "shuffle"
            and isinstance(word.value, ast.Constant)
            and word.value.value is True
        ]

    def edit(word: ast.keyword) -> None:
        word.value = ast.Constant(value=False)

    yield from at_each(found, edit, function)


def uses_globals(function: Function) -> Iterator[Function]:
    """The notebook's variable of that name is used in place of the argument."""

    def found(tree: Function) -> list[tuple[Function, str]]:
        used = [
            name for one in looped(tree) for name in (*data_of(one).inputs, *data_of(one).targets)
        ]
        return [(tree, name) for name in dict.fromkeys(used) if name in arguments_of(tree)]

    def edit(site: tuple[Function, str]) -> None:
        tree, name = site
        place = after_docstring(tree)
        tree.body[place:place] = statements(f"{name} = globals()[{name!r}]")

    yield from at_each(found, edit, function)


DATA = (
    Operator(
        "swaps-input-and-target",
        (20,),
        "takes input and target for each other",
        swaps_input_and_target,
    ),
    Operator("scales-data-again", (24,), "scales data that are scaled already", scales_again),
    Operator("drops-samples", (25,), "leaves out the last sample", drops_samples),
    Operator(
        "misaligned-labels",
        (26,),
        "compares predictions with the targets of other samples",
        misaligned_labels,
    ),
    Operator("one-sample-at-a-time", (41,), "steps after each sample", one_at_a_time),
    Operator(
        "uses-globals",
        (43,),
        "uses a variable of the notebook in place of its argument",
        uses_globals,
    ),
    Operator("no-shuffle", (51,), "never shuffles", no_shuffle),
)
