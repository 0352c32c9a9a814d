"""Legitimate variation: calls that ask the same of the reference in other words, and programs with
a definition exchanged.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec
import numpy as np

from autograder.evidence.protocol import ArgumentList, Cell, Leaf, OptimizerSpec
from autograder.evidence.trace import Array, array_of
from autograder.notebooks.writing.stub import definition

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from autograder.assignment import AssignmentFiles
    from autograder.evidence.protocol import Argument, Call, OptimizerSetting
    from autograder.evidence.trace import NdArray

SETTINGS: tuple[tuple[str, dict[str, OptimizerSetting]], ...] = (
    ("foreach=True", {"foreach": True}),
    ("foreach=False", {"foreach": False}),
    ("fused=True", {"fused": True}),
)
"""Ways in which torch computes the same update.

An optimizer that does not have one raises, and the variant is left out.
"""

ORDERS: tuple[tuple[str, Callable[[int], NdArray]], ...] = (
    ("rows reversed", lambda length: np.arange(length)[::-1]),
    (
        "rows in another order",
        lambda length: np.concatenate([np.arange(0, length, 2), np.arange(1, length, 2)]),
    ),
)
"""New orders of so many rows: sums round otherwise."""

CALLED = "returned_by_the_call"
"""Name under which a cell that makes a call leaves what it returned."""

_CALLING = f"""
import msgspec
from autograder.evidence.protocol import Call
from autograder.sandboxed.calls.arguments import build_arguments
from autograder.sandboxed.calls.calling import Student
from autograder.sandboxed.session import drivers_module, seed_everything
_call = msgspec.msgpack.decode(bytes.fromhex({{call!r}}), type=Call)
_arguments = build_arguments(_call.arguments).values
_drivers = drivers_module({{drivers!r}})
seed_everything(_call.seed)
if _call.driver is None:
    {CALLED} = globals()[_call.function](**_arguments)
else:
    {CALLED} = getattr(_drivers, _call.driver)(Student(globals()), **_arguments)
"""


@dataclass(frozen=True, slots=True)
class Rephrasing:
    """`call` made in another way, called `name`.

    `rows_moved`: what it returns may come in another order.
    """

    name: str
    call: Call
    rows_moved: bool = False


def rephrasings_of(call: Call) -> Iterator[Rephrasing]:
    """All variants of `call` that differ from it."""
    wide = {name: _in_float64(value) for name, value in call.arguments.items()}
    if wide != call.arguments:
        yield Rephrasing("float64", _with(call, wide))
    for name, settings in SETTINGS:
        changed = {key: _with_settings(value, settings) for key, value in call.arguments.items()}
        if changed != call.arguments:
            yield Rephrasing(name, _with(call, changed))
    for name, order in ORDERS:
        moved = call.arguments | dict(_reordered(call, order))
        if moved != call.arguments:
            yield Rephrasing(name, _with(call, moved), rows_moved=True)


def cell_that_makes(call: Call, name: str, drivers: str) -> Cell:
    """A cell of the reference that makes `call`: the only place where more threads than one may
    run, for forks of a process that used several hang.
    """
    source = _CALLING.format(call=msgspec.msgpack.encode(call).hex(), drivers=drivers)
    return Cell(name, source, capture=(CALLED,))


def exchange(
    cells: Sequence[tuple[str, str]], files: AssignmentFiles, function: str, changed: str
) -> list[tuple[str, str]]:
    """Reference cells (id and source) with `changed` in place of the solution's definition of
    `function`, wherever the template has put it.

    Returns them as they are if no cell holds it.
    """
    original = definition(files.solution.read_text(encoding="utf-8-sig"), function, files.solution)
    return [(name, source.replace(original, changed)) for name, source in cells]


def _with(call: Call, arguments: dict[str, Argument]) -> Call:
    return msgspec.structs.replace(call, arguments=arguments)


def _in_float64(value: Argument) -> Argument:
    match value:
        case Array("float32") if not value.source:
            return array_of(value.numpy().astype(np.float64), requires_grad=value.requires_grad)
        case Leaf(Array("float32") as values, grad) if not values.source:
            wide, wide_grad = _in_float64(values), None if grad is None else _in_float64(grad)
            assert isinstance(wide, Array)
            assert wide_grad is None or isinstance(wide_grad, Array)
            return Leaf(wide, wide_grad)
        case ArgumentList(values):
            return ArgumentList(tuple(_in_float64(item) for item in values))
        case _:
            return value


def _with_settings(value: Argument, settings: dict[str, OptimizerSetting]) -> Argument:
    if isinstance(value, OptimizerSpec) and not settings.keys() & value.settings.keys():
        return msgspec.structs.replace(value, settings={**value.settings, **settings})
    return value


def _reordered(call: Call, order: Callable[[int], NdArray]) -> Iterator[tuple[str, Argument]]:
    """The plain data of `call` that has rows in common, two arrays or more of equal length, all in
    the same new order.
    """
    data = {
        name: value
        for name, value in call.arguments.items()
        if isinstance(value, Array) and value.shape and not value.requires_grad
    }
    lengths = [value.shape[0] for value in data.values()]
    for name, value in data.items():
        length = value.shape[0]
        if length > 1 and lengths.count(length) > 1:
            yield name, array_of(value.numpy()[order(length)], source=value.source)
