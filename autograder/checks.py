"""What the author of a check imports.

A check is a pytest test. ``@points`` says what it is worth, ``@call`` which call it wants made (or ``@cell`` which cell of the notebook it looks at); its docstring is the title that students
read; its body compares ``run`` with ``reference``, two `Observation`s::

    @points(10, visibility="after_due_date")
    @call("training_loop", n_epochs=47, optimizer=each(optim.SGD(lr=0.03, momentum=0.9), optim.Adam(lr=0.1)), **LINE)
    def test_any_optimizer(run, reference):
        "Any optimizer, on data you have not seen"
        assert_same_training(run, reference)
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

import msgspec
import numpy as np
import pytest

from autograder.evidence.protocol import Argument, ArgumentList, Call, Leaf, OptimizerSpec
from autograder.evidence.trace import Array, OptimizerValue, Trace, array_of
from autograder.judgement import training
from autograder.judgement.comparison import compare_arrays, same_setting, show
from autograder.judgement.finding import Contract
from autograder.judgement.grading import Visibility
from autograder.judgement.observation import Observation, describe
from autograder.judgement.tolerance import LONG_RUN_BAR, TRAINING_BAR, VALUES, Tolerance
from autograder.later import Later, variant, waits

__all__ = [
    "CheckFailed",
    "NeedsReview",
    "Observation",
    "PartialCredit",
    "Tolerance",
    "as_list",
    "assert_close",
    "assert_long_run",
    "assert_optimizer",
    "assert_same_training",
    "call",
    "cell",
    "each",
    "leaf",
    "needs_torch",
    "optim",
    "points",
    "tensor",
    "variant",
]

Check = TypeVar("Check", bound=Callable[..., None])

IMPLEMENTATION = frozenset({"foreach", "fused", "capturable", "differentiable"})
"""Settings that choose how torch computes an update, not which one."""


class CheckFailed(AssertionError):
    """The run differs from the reference. The message is for the student."""


class PartialCredit(CheckFailed):
    """The run is right in part: it gets `points`, from 0 to what the check is worth (`reference.worth`)."""

    def __init__(self, points: float, message: str = "") -> None:
        super().__init__(message)
        self.points = points


class NeedsReview(AssertionError):
    """The check can't tell right from wrong on this run: a person should look. The message is for both."""


# --- what a check declares ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class CellWanted:
    """The run of a cell, as it happened: its id, the variables to report, the function whose part it belongs to. `graded`: a test cell whose own run gives the points; a stretch of stderr in
    which the pattern `ignore_stderr` is found is passed over.
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
    """Points that a failed training still gets for the contracts that it kept; all of a set for its points."""
    bonus: bool = False
    """Points beyond the assignment's total."""

    @property
    def counted(self) -> float:
        """What the check adds to the points that can be had."""
        return 0.0 if self.bonus else self.points


@dataclass(frozen=True, slots=True)
class Each:
    """Several values for one argument; each makes a check of its own."""

    cases: tuple[tuple[str, Any], ...]


def points(
    worth: float, *, visibility: str = "visible", contracts: Mapping[str, float] | None = None, bonus: bool = False
) -> pytest.MarkDecorator:
    """Points for each parameter set; `visibility` is one of visible, after_due_date, after_published, hidden.

    With `contracts`, a failed training keeps the points of the contracts that it did not break:
    ``contracts={"gradient": 8, "clearing": 7, "count + untouched + update": 8, "optimizer": 8, "return": 2}``. All seven must be named, once each, and their points add up to `worth`.
    With `bonus` they come on top: the assignment's total leaves them out, a grade may exceed it, and nobody who lacks them loses anything.

    Raises:
        ValueError: for another visibility, points below 0, or contracts that are unknown, missing, doubled or do not add up.
    """
    if not worth >= 0:
        message = f"points must be 0 or more, not {worth}"
        raise ValueError(message)
    parts = tuple(
        (frozenset(Contract(name.strip()) for name in names.split("+")), float(share)) for names, share in (contracts or {}).items()
    )
    named = [contract for names, _ in parts for contract in names]
    every = [contract for contract in Contract if contract is not Contract.BATCHES]
    if contracts and (sorted(named) != sorted(every) or sum(share for _, share in parts) != worth):
        message = f"contracts must name each of {', '.join(every)} once, and their points add up to {worth:g}"
        raise ValueError(message)
    return pytest.mark.points(Worth(float(worth), Visibility(visibility), parts, bonus))


def needs_torch(minimum: str) -> pytest.MarkDecorator:
    """Leave the check out where the installed torch is older than `minimum` ("2.9"): neither points nor a failure.

    Such a check is a `bonus`, or the points would not add up there. In the template, `has_check(name)` says whether it is left out.
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
    """Ask for ``function(**arguments)`` after the notebook's cells have run, the random state seeded with `seed`.

    Lists of numbers become float32 tensors; `leaf` makes tensors that require gradients; `optim.<Name>(...)` an optimizer over the argument ``params``; lists
    (of lists) of `leaf` and `tensor` stay lists: ``batches=[(tensor([1, 2]), tensor([3, 4])), (tensor([5]), tensor([6]))]``. With `turns`, the name of such a
    list, its items are what each backward pass is about, in turn, over and over; a diagnosis then looks at each with its own item. `trains=False` keeps
    the diagnosis of training loops away from a function that uses an optimizer for another end. An argument that is `each(...)` makes one check per value; a dict among its values is merged into the arguments. With `driver`, that function of drivers.py is
    called with the notebook's definitions and the arguments; ``optim.<Name>(..., over="")`` gives a driver a function that makes the optimizer over a model's parameters.
    `record_batches` records each batch that a model sees, for the checks of `autograder.stochastic`. ``variant(name)`` in an argument is what was drawn for the student.
    """
    axes = [(name, value.cases) for name, value in arguments.items() if isinstance(value, Each)]
    calls: dict[str, Call | Later] = {}
    for picks in itertools.product(*(cases for _, cases in axes)):
        chosen = {name: value for name, value in arguments.items() if not isinstance(value, Each)}
        for (name, _), (_, value) in zip(axes, picks, strict=True):
            chosen |= value if isinstance(value, Mapping) else {name: value}
        case = "-".join(label for label, _ in picks)
        if case in calls:
            message = f"two cases of {function} are both called {case!r}; name them: each(first=..., second=...)"
            raise ValueError(message)
        plain = Call(case, function, {}, seed=seed, driver=driver, max_steps=max_steps, turns=turns, trains=trains, batches=record_batches)
        calls[case] = _with_arguments(plain, chosen)
    return pytest.mark.call(calls)


@waits
def _with_arguments(call: Call, arguments: Mapping[str, Any]) -> Call:
    return msgspec.structs.replace(call, arguments={name: _argument(name, value) for name, value in arguments.items()})


def cell(cell_id: str, *, of: str, capture: tuple[str, ...] | list[str] = ()) -> pytest.MarkDecorator:
    """Ask for the run of cell `cell_id` as it happened: its trace, output, and the variables named in `capture` after it. `of` is the function whose part it belongs to."""
    return pytest.mark.cell(CellWanted(cell_id, tuple(capture), of))


def each(*values: Any, **named: Any) -> Any:
    """Several values for one argument of `call`. Name them to choose their ids: ``each(momentum=optim.SGD(lr=0.1, momentum=0.9))``."""
    return Each((*((_label(value), value) for value in values), *named.items()))


@waits
def leaf(values: Any, *, grad: Any = None) -> Leaf:
    """A float32 leaf tensor that requires gradients; `grad`: what its .grad holds beforehand (a loop must clear it)."""
    return Leaf(array_of(np.asarray(values, dtype=np.float32)), None if grad is None else array_of(np.asarray(grad, dtype=np.float32)))


@waits
def as_list(values: Any) -> ArgumentList:
    """A Python list of numbers, texts or leaves for an argument that is to be one: a plain list of numbers becomes a tensor."""
    return ArgumentList(tuple(_argument("as_list", value) for value in values))


@waits
def tensor(values: Any) -> Array:
    """A float32 tensor, for lists of tensors; by itself a list of numbers is one already."""
    return array_of(np.asarray(values, dtype=np.float32))


class _Optimizers:
    """``optim.SGD(lr=0.1)`` describes torch.optim.SGD over the argument ``params``; ``over="weights"`` over another argument."""

    def __getattr__(self, name: str) -> Callable[..., OptimizerSpec]:
        def describe_optimizer(*, over: str = "params", **settings: Any) -> OptimizerSpec:
            return OptimizerSpec(name, settings, over)

        return waits(describe_optimizer)


optim = _Optimizers()


def _label(value: Any) -> str:
    match value:
        case OptimizerSpec(name, settings):
            return "-".join([name, *(f"{key}={setting}" for key, setting in settings.items())])
        case bool() | int() | float() | str():
            return str(value)
        case _:
            message = f"each() can't name a {type(value).__name__}; name it yourself: each(first=..., second=...)"
            raise ValueError(message)


def _argument(name: str, value: Any) -> Argument:
    match value:
        case None | bool() | int() | float() | str() | Leaf() | Array() | OptimizerSpec() | ArgumentList():
            return value
        case list() | tuple() if _holds_tensors(value):
            return ArgumentList(tuple(_argument(name, item) for item in value))
        case list() | tuple():
            return array_of(np.asarray(value, dtype=np.float32))
        case np.ndarray():
            return array_of(value)
        case _:
            message = f"argument {name}: a {type(value).__name__} can't be sent as plain data; use a driver"
            raise ValueError(message)


def _holds_tensors(value: Any) -> bool:
    """Whether `value` is a tensor, or a list (of lists) with one in it."""
    return isinstance(value, Leaf | Array) or (isinstance(value, list | tuple) and any(map(_holds_tensors, value)))


# --- what a check's body asserts ---------------------------------------------------------------------------------------------


def assert_close(
    actual: Any, expected: Any, *, tolerance: Tolerance = VALUES, allow_nonfinite: bool = False, diverging: bool = False
) -> None:
    """Numbers or tensors, or lists and dicts of them, agree element by element.

    NaN and inf agree with nothing. `allow_nonfinite`: NaN with NaN, inf with the same inf. `diverging`: where the reference has diverged to either, so may the run have, to
    inf, NaN or a number beyond all measure (2**64), as float64 does where float32 overflows.

    Raises:
        CheckFailed: saying what was observed, expected, where they differ most, and what was allowed.
    """
    if isinstance(expected, list | tuple) and isinstance(actual, list | tuple) and len(actual) == len(expected):
        actual, expected = dict(enumerate(actual)), dict(enumerate(expected))
    if isinstance(expected, dict) and isinstance(actual, dict) and actual.keys() == expected.keys():
        for name, model in expected.items():
            try:
                assert_close(actual[name], model, tolerance=tolerance, allow_nonfinite=allow_nonfinite, diverging=diverging)
            except CheckFailed as failure:
                message = f"At {name}:\n{failure}"
                raise CheckFailed(message) from None
        return
    numbers = (np.ndarray, int, float)
    if not isinstance(expected, (*numbers, list, tuple, dict)):
        message = f"assert_close can't compare with {describe(expected)}"
        raise TypeError(message)
    if (
        not isinstance(actual, numbers)
        or not isinstance(expected, numbers)
        or (isinstance(expected, np.ndarray) and not isinstance(actual, np.ndarray))
    ):
        message = f"Observed: {describe(actual)}\nExpected: {describe(expected)}"
        raise CheckFailed(message)
    difference = compare_arrays(np.asarray(actual), np.asarray(expected), tolerance, allow_nonfinite=allow_nonfinite, diverging=diverging)
    if difference is not None:
        message = f"Observed: {show(actual)}\nExpected: {show(expected)}\n{difference}"
        raise CheckFailed(message)


def assert_same_training(run: Observation, reference: Observation, *, bar: float | None = None, allow_nonfinite: bool = False) -> None:
    """The optimizer saw the same gradients and moved the parameters along the same path, step by step, and the call returned the same.

    `bar` bounds how far they may lie apart, relative to the size of the path. None: as calibration has measured for this check, else `TRAINING_BAR`.
    `allow_nonfinite`: the reference diverges, to inf or NaN, and so must the run, step by step as far as numbers mean anything.

    Raises:
        CheckFailed: naming the first step that differs.
    """
    measured = TRAINING_BAR if reference.bar is None else reference.bar
    bar = measured if bar is None else bar
    difference = training.compare_training(run, reference, bar, allow_nonfinite=allow_nonfinite)
    if difference is not None:
        raise CheckFailed(str(difference))
    if reference.returned is not None:
        assert_close(run.returned, reference.returned, tolerance=Tolerance(bar, bar), diverging=allow_nonfinite)


def assert_long_run(run: Observation, reference: Observation, *, result: str | None = None, bar: float = LONG_RUN_BAR) -> None:
    """A run of thousands of steps used the same optimizer for as many steps and ended at the same parameters, which variable `result` then holds, in one tensor or several.

    Raises:
        CheckFailed: naming the first of these that differs.
        NeedsReview: if nothing differs, but the optimizer remembers steps of before, which the reference's does not, so that the path may as well have been made up.
    """
    difference = training.compare_long_run(run, reference, bar)
    if difference is not None:
        raise CheckFailed(str(difference))
    if result is not None:
        found, wanted = run.variables.get(result), _numbers(reference.variables.get(result))
        if wanted is None:
            message = f"the reference's {result} holds no numbers; does @cell capture it?"
            raise TypeError(message)
        numbers = _numbers(found)
        if numbers is None or numbers.shape != wanted.shape:
            message = f"Observed: {result} is {describe(found)}\nExpected: the parameters, {show(wanted)}"
            raise CheckFailed(message)
        size = float(np.abs(wanted).max(initial=0.0))
        assert_close(numbers, wanted, tolerance=Tolerance(0.0, bar * size))
    if doubt := training.unverifiable(run, reference):
        raise NeedsReview(doubt)


def assert_optimizer(actual: Any, expected: Any, *, settings: tuple[str, ...] | None = None) -> None:
    """The returned optimizer is of the same class, has the same settings (all, or those named), and holds the very tensors that were passed in.

    How it computes the update (foreach, fused, ...) is its own business, and so is whether tensors with equal settings share a parameter group. Either side may be a
    trace, where an optimizer that a driver had the student build was trained with and not returned.

    Raises:
        CheckFailed: naming the first that differs.
    """
    actual, expected = _as_optimizer(actual), _as_optimizer(expected)
    if not isinstance(expected, OptimizerValue):
        message = f"the reference returned {describe(expected)}, no optimizer"
        raise TypeError(message)
    if not isinstance(actual, OptimizerValue) or actual.name != expected.name:
        message = f"Observed: {describe(actual)}\nExpected: {describe(expected)}"
        raise CheckFailed(message)
    if sorted(actual.same_as) != sorted(expected.same_as):
        message = (
            f"Observed: it holds {_held(actual)}\nExpected: it holds {_held(expected)}, the very tensor that was passed in, not a copy"
        )
        raise CheckFailed(message)
    names = settings or tuple(sorted({name for group in expected.settings for name in group} - IMPLEMENTATION))
    models = expected.settings * len(actual.settings) if len(expected.settings) == 1 else expected.settings
    if len(actual.settings) != len(models):
        message = f"Observed: {len(actual.settings)} parameter groups\nExpected: {len(models)}"
        raise CheckFailed(message)
    for group, model in zip(actual.settings, models, strict=True):
        wrong = [name for name in names if not same_setting(group.get(name), model.get(name))]
        if wrong:
            observed, wanted = (", ".join(f"{name}={values.get(name)}" for name in wrong) for values in (group, model))
            message = f"Observed: {observed}\nExpected: {wanted}"
            raise CheckFailed(message)


def _numbers(value: Any) -> np.ndarray[Any, Any] | None:
    """All numbers of a tensor, or of a list of tensors, in one row; None if `value` holds anything else."""
    if isinstance(value, list | tuple):
        rows = [_numbers(item) for item in value]
        return None if not rows or any(row is None for row in rows) else np.concatenate([row for row in rows if row is not None])
    return value.reshape(-1) if isinstance(value, np.ndarray) and value.dtype.kind in "biuf" else None


def _as_optimizer(value: Any) -> Any:
    """The optimizer that a trace is of; anything else as it is."""
    return OptimizerValue(value.optimizer, value.settings, (), value.same_as) if isinstance(value, Trace) else value


def _held(optimizer: OptimizerValue) -> str:
    return ", ".join(name or "a tensor of its own" for name in optimizer.same_as) or "nothing"
