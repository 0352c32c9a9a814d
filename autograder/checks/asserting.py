"""What the body of a check asserts of its run."""

from __future__ import annotations

from typing import Any

import numpy as np

from autograder.checks.verdicts import CheckFailed, NeedsReview
from autograder.evidence.trace import OptimizerValue, Trace
from autograder.judgement.comparing import training
from autograder.judgement.comparing.comparison import compare_arrays, same_setting, show
from autograder.judgement.comparing.tolerance import LONG_RUN_BAR, TRAINING_BAR, VALUES, Tolerance
from autograder.judgement.observation import Observation, describe

IMPLEMENTATION = frozenset({"foreach", "fused", "capturable", "differentiable"})
"""Settings that choose how torch computes an update, not which one."""


def assert_close(
    actual: Any,
    expected: Any,
    *,
    tolerance: Tolerance = VALUES,
    allow_nonfinite: bool = False,
    diverging: bool = False,
) -> None:
    """Numbers or tensors, or lists and dicts of them, agree element by element.

    NaN and inf agree with nothing. `allow_nonfinite`: NaN with NaN, inf with the same inf.
    `diverging`: where the reference has diverged to either, so may the run have, to inf, NaN or a
    number beyond all measure (2**64), as float64 does where float32 overflows.

    Raises:
        CheckFailed: saying what was observed, expected, where they differ most, and what was
            allowed.
    """
    if (
        isinstance(expected, list | tuple)
        and isinstance(actual, list | tuple)
        and len(actual) == len(expected)
    ):
        actual, expected = dict(enumerate(actual)), dict(enumerate(expected))
    if isinstance(expected, dict) and isinstance(actual, dict) and actual.keys() == expected.keys():
        for name, model in expected.items():
            try:
                assert_close(
                    actual[name],
                    model,
                    tolerance=tolerance,
                    allow_nonfinite=allow_nonfinite,
                    diverging=diverging,
                )
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
    difference = compare_arrays(
        np.asarray(actual),
        np.asarray(expected),
        tolerance,
        allow_nonfinite=allow_nonfinite,
        diverging=diverging,
    )
    if difference is not None:
        message = f"Observed: {show(actual)}\nExpected: {show(expected)}\n{difference}"
        raise CheckFailed(message)


def assert_same_training(
    run: Observation,
    reference: Observation,
    *,
    bar: float | None = None,
    allow_nonfinite: bool = False,
) -> None:
    """The optimizer saw the same gradients and moved the parameters along the same path, step by
    step, and the call returned the same.

    `bar` bounds how far they may lie apart, relative to the size of the path. None: as calibration
    has measured for this check, else `TRAINING_BAR`. `allow_nonfinite`: the reference diverges, to
    inf or NaN, and so must the run, step by step as far as numbers mean anything.

    Raises:
        CheckFailed: naming the first step that differs.
    """
    measured = TRAINING_BAR if reference.bar is None else reference.bar
    bar = measured if bar is None else bar
    difference = training.compare_training(run, reference, bar, allow_nonfinite=allow_nonfinite)
    if difference is not None:
        raise CheckFailed(str(difference))
    if reference.returned is not None:
        assert_close(
            run.returned,
            reference.returned,
            tolerance=Tolerance(bar, bar),
            diverging=allow_nonfinite,
        )


def assert_long_run(
    run: Observation,
    reference: Observation,
    *,
    result: str | None = None,
    bar: float = LONG_RUN_BAR,
) -> None:
    """A run of thousands of steps used the same optimizer for as many steps and ended at the same
    parameters, which variable `result` then holds, in one tensor or several.

    Raises:
        CheckFailed: naming the first of these that differs.
        NeedsReview: if nothing differs, but the optimizer remembers steps of before, which the
            reference's does not, so that the path may as well have been made up.
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
            message = (
                f"Observed: {result} is {describe(found)}\nExpected: the parameters, {show(wanted)}"
            )
            raise CheckFailed(message)
        size = float(np.abs(wanted).max(initial=0.0))
        assert_close(numbers, wanted, tolerance=Tolerance(0.0, bar * size))
    if doubt := training.unverifiable(run, reference):
        raise NeedsReview(doubt)


def assert_optimizer(
    actual: Any, expected: Any, *, settings: tuple[str, ...] | None = None
) -> None:
    """The returned optimizer is of the same class, has the same settings (all, or those named), and
    holds the very tensors that were passed in.

    How it computes the update (foreach, fused, ...) is its own business, and so is whether tensors
    with equal settings share a parameter group. Either side may be a trace, where an optimizer that
    a driver had the student build was trained with and not returned.

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
            f"Observed: it holds {_held(actual)}\nExpected: it holds {_held(expected)}, the very"
            " tensor that was passed in, not a copy"
        )
        raise CheckFailed(message)
    names = settings or tuple(
        sorted({name for group in expected.settings for name in group} - IMPLEMENTATION)
    )
    models = (
        expected.settings * len(actual.settings)
        if len(expected.settings) == 1
        else expected.settings
    )
    if len(actual.settings) != len(models):
        message = f"Observed: {len(actual.settings)} parameter groups\nExpected: {len(models)}"
        raise CheckFailed(message)
    for group, model in zip(actual.settings, models, strict=True):
        wrong = [name for name in names if not same_setting(group.get(name), model.get(name))]
        if wrong:
            observed, wanted = (
                ", ".join(f"{name}={values.get(name)}" for name in wrong)
                for values in (group, model)
            )
            message = f"Observed: {observed}\nExpected: {wanted}"
            raise CheckFailed(message)


def _numbers(value: Any) -> np.ndarray[Any, Any] | None:
    """All numbers of a tensor, or of a list of tensors, in one row; None if `value` holds anything
    else.
    """
    if isinstance(value, list | tuple):
        rows = [_numbers(item) for item in value]
        return (
            None
            if not rows or any(row is None for row in rows)
            else np.concatenate([row for row in rows if row is not None])
        )
    return (
        value.reshape(-1) if isinstance(value, np.ndarray) and value.dtype.kind in "biuf" else None
    )


def _as_optimizer(value: Any) -> Any:
    """The optimizer that a trace is of; anything else as it is."""
    return (
        OptimizerValue(value.optimizer, value.settings, (), value.same_as)
        if isinstance(value, Trace)
        else value
    )


def _held(optimizer: OptimizerValue) -> str:
    return ", ".join(name or "a tensor of its own" for name in optimizer.same_as) or "nothing"
