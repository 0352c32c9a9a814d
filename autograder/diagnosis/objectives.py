"""Known wrong objectives as gradient fields: what the reference, given other data or with one known
mistake in it, computes at a student's parameters.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import numpy as np

from autograder.evidence.protocol import Call
from autograder.evidence.trace import Array, array_of
from autograder.mistakes.mutants import Mutant, mutants

if TYPE_CHECKING:
    from autograder.evidence.trace import NdArray
    from autograder.judgement.contracts.case import Arrays, Field

CODES = {
    "absolute-error": "absolute-error",
    "root-of-loss": "root-of-loss",
    "huber": "huber",
    "fourth-power": "fourth-power",
    "broadcast-n-by-n": "broadcast",
    "l2-in-loss": "l2-in-loss",
    "swaps-w-and-b": "swaps-w-and-b",
    "bias-missing": "bias-missing",
}
"""From a mutation operator's code to the finding that its gradient field leads to.

Mistakes that are about the data are probed with changed data instead, which is not limited to the
one change that an operator makes.
"""

SCALES = (0.1, 10.0)


@functools.cache
def mutations(source: str, path: Path) -> tuple[Mutant, ...]:
    """The solution's mutants whose gradient fields are compared."""
    return tuple(mutant for mutant in mutants(source, path) if mutant.code in CODES)


def mutant_driver(programs: Sequence[Mutant]) -> str:
    """Source of a driver that calls a function of the solution with one mistake in it."""
    sources = {mutant.id: mutant.source for mutant in programs}
    return f"""
_MUTANTS = {sources!r}
_MADE = {{}}


def mutated(student, mutant, function, **arguments):
    if mutant not in _MADE:
        _MADE[mutant] = {{}}
        exec(_MUTANTS[mutant], _MADE[mutant])
    return _MADE[mutant][function](**arguments)
"""


def hypotheses(call: Call, programs: Sequence[Mutant]) -> Iterator[tuple[str, str, Call]]:
    """Yield known wrong objectives of a function called directly.

    Each is a finding, a name of its own, and the call that computes the gradient field.
    """
    for mutant in programs if call.driver is None else ():
        arguments = {"mutant": mutant.id, "function": call.function, **call.arguments}
        yield (
            CODES[mutant.code],
            f"mutant-{mutant.id}",
            msgspec.structs.replace(call, driver="mutated", arguments=arguments),
        )
    data = samples(call)
    for name, changed in _changed_data(data):
        yield name.partition(":")[0], name, with_data(call, changed)


def samples(call: Call) -> dict[str, NdArray]:
    """The call's plain data: arrays that have the same number of rows, at least 2."""
    arrays = {
        name: value.numpy()
        for name, value in call.arguments.items()
        if isinstance(value, Array) and value.shape
    }
    lengths = {len(values) for values in arrays.values()}
    return arrays if len(lengths) == 1 and lengths.pop() >= 2 else {}


def with_data(call: Call, data: Mapping[str, NdArray]) -> Call:
    """Return `call` on other data."""
    return msgspec.structs.replace(
        call, arguments=call.arguments | {name: array_of(values) for name, values in data.items()}
    )


def _changed_data(data: Mapping[str, NdArray]) -> Iterator[tuple[str, dict[str, NdArray]]]:
    names = list(data)
    for name in names:
        values = data[name]
        for scale in SCALES:
            yield f"scales-data:{name} x {scale}", {name: (values * scale).astype(values.dtype)}
        spread = values.std(axis=0)
        if (spread > 0).all():
            yield (
                f"scales-data:{name} standardised",
                {name: ((values - values.mean(axis=0)) / spread).astype(values.dtype)},
            )
            unbiased = values.std(axis=0, ddof=1)
            yield (
                f"scales-data:{name} standardised by torch",
                {name: ((values - values.mean(axis=0)) / unbiased).astype(values.dtype)},
            )
            yield (
                f"scales-data:{name} centred",
                {name: (values - values.mean(axis=0)).astype(values.dtype)},
            )
            yield (
                f"scales-data:{name} by its maximum",
                {name: (values / np.abs(values).max(axis=0)).astype(values.dtype)},
            )
    for name in names[:1] if len(names) > 1 else []:
        for label, values in (
            ("rolled", np.roll(data[name], 1, axis=0)),
            ("rolled back", np.roll(data[name], -1, axis=0)),
            ("reversed", data[name][::-1]),
            ("sorted", np.sort(data[name], axis=0)),
        ):
            yield f"misaligned:{name} {label}", {name: np.ascontiguousarray(values)}
    if len(names) == 2 and data[names[0]].shape == data[names[1]].shape:
        yield "swaps-input-and-target:", {names[0]: data[names[1]], names[1]: data[names[0]]}


def sample_calls(call: Call) -> Iterator[tuple[int, Call]]:
    """Yield `call` on each single sample, with the sample's row."""
    data = samples(call)
    count = len(next(iter(data.values()))) if data else 0
    for row in range(count if count <= 32 else 0):
        yield row, with_data(call, {name: values[row : row + 1] for name, values in data.items()})


def subset_fields(single: Mapping[int, Field], whole: Field) -> Iterator[tuple[str, Field]]:
    """Yield gradient fields of means over parts of the samples, from those of single samples.

    The parts are all but one, a prefix, a suffix, every second, and all with one counted twice.

    Only where the reference's gradient is the mean over samples, which is tried first.
    """
    count = len(single)
    events = [event for event in whole if all(event in one for one in single.values())]
    if (
        count < 3
        or len(events) < 2
        or not all(_close(_mean(single, range(count), event), whole[event]) for event in events)
    ):
        return
    parts = [[row for row in range(count) if row != left] for left in range(count)]
    parts += [list(range(cut)) for cut in range(1, count - 1)] + [
        list(range(cut, count)) for cut in range(2, count)
    ]
    parts += [list(range(0, count, 2)), list(range(1, count, 2))]
    parts += [[*range(count), twice] for twice in range(count)]
    for part in parts:
        yield "drops-samples", {event: _mean(single, part, event) for event in events}


def _mean(single: Mapping[int, Field], rows: Sequence[int] | range, event: int) -> Arrays:
    columns = zip(*(single[row][event] for row in rows), strict=True)
    return tuple(np.mean(np.stack(column), axis=0) for column in columns)


def _close(one: Arrays, other: Arrays) -> bool:
    size = max((float(np.abs(array).max(initial=0.0)) for array in other), default=0.0)
    return all(
        float(np.abs(a - b).max(initial=0.0)) <= 1e-4 * size
        for a, b in zip(one, other, strict=True)
    )
