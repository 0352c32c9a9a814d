"""What a check declares: its points, and the call it wants made or the cell it looks at."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import msgspec
import numpy as np
import pytest

from autograder.checks.later import Later, waits
from autograder.evidence.protocol import Argument, ArgumentList, Call, Leaf, OptimizerSpec
from autograder.evidence.trace import Array, array_of
from autograder.judgement.findings.finding import Contract
from autograder.judgement.grade import Visibility


@dataclass(frozen=True, slots=True)
class CellWanted:
    """Request for the run of a cell, as it happened.

    It names the cell, the variables to report, and the function whose part it belongs to. `graded`:
    a test cell whose own run gives the points; a stretch of stderr in which the pattern
    `ignore_stderr` is found is passed over.
    """

    id: str
    capture: tuple[str, ...]
    of: str
    graded: bool = False
    ignore_stderr: str = ""


@dataclass(frozen=True, slots=True)
class Worth:
    """Points of each parameter set of a check, and when students see its details."""

    points: float
    visibility: Visibility
    contracts: tuple[tuple[frozenset[Contract], float], ...] = ()
    """Points that a failed training still gets for the contracts that it kept; all of a set for its
    points.
    """
    bonus: bool = False
    """Points beyond the assignment's total."""

    @property
    def counted(self) -> float:
        """Points that the check adds to the maximum; 0 for a bonus."""
        return 0.0 if self.bonus else self.points


@dataclass(frozen=True, slots=True)
class Each:
    """Several values for one argument; each makes a check of its own."""

    cases: tuple[tuple[str, Any], ...]


def points(
    worth: float,
    *,
    visibility: str = "visible",
    contracts: Mapping[str, float] | None = None,
    bonus: bool = False,
) -> pytest.MarkDecorator:
    """Give points for each parameter set.

    `visibility` is one of visible, after_due_date, after_published, hidden.

    With `contracts`, a failed training keeps the points of the contracts that it did not break:
    ``contracts={"gradient": 8, "clearing": 7, "count + untouched + update": 8, "optimizer": 8,
    "return": 2}``. All seven must be named, once each, and their points add up to `worth`. With
    `bonus` they come on top: the assignment's total leaves them out, a grade may exceed it, and
    nobody who lacks them loses anything.

    Raises:
        ValueError: for another visibility, points below 0, or contracts that are unknown, missing,
            doubled or do not add up.
    """
    if not worth >= 0:
        message = f"points must be 0 or more, not {worth}"
        raise ValueError(message)
    parts = tuple(
        (frozenset(Contract(name.strip()) for name in names.split("+")), float(share))
        for names, share in (contracts or {}).items()
    )
    named = [contract for names, _ in parts for contract in names]
    every = [contract for contract in Contract if contract is not Contract.BATCHES]
    if contracts and (sorted(named) != sorted(every) or sum(share for _, share in parts) != worth):
        message = (
            f"contracts must name each of {', '.join(every)} once, and their points add up to"
            f" {worth:g}"
        )
        raise ValueError(message)
    return pytest.mark.points(Worth(float(worth), Visibility(visibility), parts, bonus))


def needs_torch(minimum: str) -> pytest.MarkDecorator:
    """Leave the check out where the installed torch is older than `minimum` ("2.9").

    It then counts as neither points nor a failure.

    Such a check is a `bonus`, or the points would not add up there. In the template,
    `has_check(name)` says whether it is left out.
    """
    return pytest.mark.needs_torch(minimum)


def call(
    function: str,
    *,
    seed: int = 0,
    driver: str | None = None,
    max_steps: int = 10_000,
    turns: str = "",
    trains: bool = True,
    record_batches: bool = False,
    **arguments: Any,
) -> pytest.MarkDecorator:
    """Ask for ``function(**arguments)`` after the notebook's cells have run.

    The random state is seeded with `seed`.

    Lists of numbers become float32 tensors; `leaf` makes tensors that require gradients;
    `optim.<Name>(...)` an optimizer over the argument ``params``; lists (of lists) of `leaf` and
    `tensor` stay lists: ``batches=[(tensor([1, 2]), tensor([3, 4])), (tensor([5]), tensor([6]))]``.
    With `turns`, the name of such a list, its items are what each backward pass is about, in turn,
    over and over; a diagnosis then looks at each with its own item. `trains=False` keeps the
    diagnosis of training loops away from a function that uses an optimizer for another end. An
    argument that is `each(...)` makes one check per value; a dict among its values is merged into
    the arguments. With `driver`, that function of drivers.py is called with the notebook's
    definitions and the arguments; ``optim.<Name>(..., over="")`` gives a driver a function that
    makes the optimizer over a model's parameters. `record_batches` records each batch that a model
    sees, for the checks of `autograder.checks.stochastic`. ``variant(name)`` in an argument is what
    was drawn for the student.
    """
    axes = [(name, value.cases) for name, value in arguments.items() if isinstance(value, Each)]
    calls: dict[str, Call | Later] = {}
    for picks in itertools.product(*(cases for _, cases in axes)):
        chosen = {name: value for name, value in arguments.items() if not isinstance(value, Each)}
        for (name, _), (_, value) in zip(axes, picks, strict=True):
            chosen |= value if isinstance(value, Mapping) else {name: value}
        case = "-".join(label for label, _ in picks)
        if case in calls:
            message = (
                f"two cases of {function} are both called {case!r}; name them: each(first=...,"
                " second=...)"
            )
            raise ValueError(message)
        plain = Call(
            case,
            function,
            {},
            seed=seed,
            driver=driver,
            max_steps=max_steps,
            turns=turns,
            trains=trains,
            batches=record_batches,
        )
        calls[case] = _with_arguments(plain, chosen)
    return pytest.mark.call(calls)


@waits
def _with_arguments(call: Call, arguments: Mapping[str, Any]) -> Call:
    return msgspec.structs.replace(
        call, arguments={name: _argument(name, value) for name, value in arguments.items()}
    )


def cell(
    cell_id: str, *, of: str, capture: tuple[str, ...] | list[str] = ()
) -> pytest.MarkDecorator:
    """Ask for the run of cell `cell_id` as it happened.

    It has the trace, the output, and the variables named in `capture` after the cell.

    Its trace, output, and the variables named in `capture` after it. `of` is the function whose
    part it belongs to.
    """
    return pytest.mark.cell(CellWanted(cell_id, tuple(capture), of))


def each(*values: Any, **named: Any) -> Any:
    """Several values for one argument of `call`.

    Name them to choose their ids: ``each(momentum=optim.SGD(lr=0.1, momentum=0.9))``.
    """
    return Each((*((_label(value), value) for value in values), *named.items()))


@waits
def leaf(values: Any, *, grad: Any = None) -> Leaf:
    """Make a float32 leaf tensor that requires gradients.

    `grad`: what its .grad holds beforehand (a loop must clear it).
    """
    return Leaf(
        array_of(np.asarray(values, dtype=np.float32)),
        None if grad is None else array_of(np.asarray(grad, dtype=np.float32)),
    )


@waits
def as_list(values: Any) -> ArgumentList:
    """Make a Python list of numbers, texts or leaves for an argument that is to be one.

    A plain list of numbers becomes a tensor.
    """
    return ArgumentList(tuple(_argument("as_list", value) for value in values))


@waits
def tensor(values: Any) -> Array:
    """A float32 tensor, for lists of tensors; by itself a list of numbers is one already."""
    return array_of(np.asarray(values, dtype=np.float32))


class _Optimizers:
    """Description of torch.optim's classes.

    ``optim.SGD(lr=0.1)`` describes torch.optim.SGD over the argument ``params``; ``over="weights"``
    over another argument.
    """

    def __getattr__(self, name: str) -> Callable[..., OptimizerSpec]:
        def describe_optimizer(*, over: str = "params", **settings: Any) -> OptimizerSpec:
            return OptimizerSpec(name, settings, over)

        return waits(describe_optimizer)


optim = _Optimizers()
"""Describe an optimizer of torch.optim: ``optim.SGD(lr=0.1)`` is SGD over the argument ``params``.

``over="weights"`` puts it over another argument; ``over=""`` gives a driver a function that makes
the optimizer over the parameters that it is called with.
"""


def _label(value: Any) -> str:
    match value:
        case OptimizerSpec(name, settings):
            return "-".join([name, *(f"{key}={setting}" for key, setting in settings.items())])
        case bool() | int() | float() | str():
            return str(value)
        case _:
            message = (
                f"each() can't name a {type(value).__name__}; name it yourself: each(first=...,"
                " second=...)"
            )
            raise ValueError(message)


def _argument(name: str, value: Any) -> Argument:
    match value:
        case (
            None
            | bool()
            | int()
            | float()
            | str()
            | Leaf()
            | Array()
            | OptimizerSpec()
            | ArgumentList()
        ):
            return value
        case list() | tuple() if _holds_tensors(value):
            return ArgumentList(tuple(_argument(name, item) for item in value))
        case list() | tuple():
            return array_of(np.asarray(value, dtype=np.float32))
        case np.ndarray():
            return array_of(value)
        case _:
            message = (
                f"argument {name}: a {type(value).__name__} can't be sent as plain data; use a"
                " driver"
            )
            raise ValueError(message)


def _holds_tensors(value: Any) -> bool:
    """Tell whether `value` is a tensor, or a list (of lists) with one in it."""
    return isinstance(value, Leaf | Array) or (
        isinstance(value, list | tuple) and any(map(_holds_tensors, value))
    )
