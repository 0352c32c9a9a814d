"""How far one training lies from another, as a number: the least bar under which they count as the
same.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from autograder.judgement.comparing.alignment import aligned
from autograder.judgement.comparing.comparison import diverged, trajectory_residuals

if TYPE_CHECKING:
    from autograder.evidence.trace import NdArray, Trace
    from autograder.judgement.observation import Observation


@dataclass(frozen=True, slots=True)
class Distance:
    """Distance between two trainings, in all and step by step.

    `total` is the least bar at which the two agree, inf where none does; `by_step` the greatest
    residual at each step that both have recorded, float64 of shape (n,), and `steps` their 1-based
    numbers. Both are empty if they can't be compared step by step.
    """

    total: float
    by_step: NdArray
    steps: NdArray


_APART = Distance(float("inf"), np.zeros(0), np.zeros(0, int))


def training_distance(
    actual: Observation, expected: Observation, *, returned: bool = True
) -> Distance:
    """Distance of two trainings of the same call, as `checks.assert_same_training` judges them.

    `returned` False leaves out what the call returned.

    Where the expected value itself is not finite, any that has diverged agrees.

    Raises:
        ValueError: if the reference made no step.
    """
    model, trace = expected.trace, actual.trace
    if model is None:
        message = "the reference made no optimizer step"
        raise ValueError(message)
    if trace is None or (model.given and not trace.given) or trace.steps != model.steps:
        return _APART
    trace = aligned(trace, model)
    if _shapes(trace) != _shapes(model):
        return _APART
    steps, by_step = _residuals(trace, model)
    if not len(steps):
        return _APART
    total = float(by_step.max())
    if returned and expected.returned is not None:
        total = max(total, _value_distance(actual.returned, expected.returned))
    return Distance(total, by_step, steps)


def _shapes(trace: Trace) -> list[tuple[int, ...]]:
    return [values.shape[1:] for values in trace.parameters]


def _residuals(trace: Trace, model: Trace) -> tuple[NdArray, NdArray]:
    """The steps that both have recorded, and the greatest residual at each, NaN counted as inf."""
    steps, rows, model_rows = np.intersect1d(
        trace.recorded.numpy(), model.recorded.numpy(), return_indices=True
    )
    gradients = zip(trace.gradients, model.gradients, (None for _ in model.gradients), strict=True)
    parameters = zip(trace.parameters, model.parameters, model.start, strict=True)
    greatest = np.zeros(len(steps))
    for packed, packed_model, start in (*gradients, *parameters):
        values, wanted = packed.numpy()[rows], packed_model.numpy()[model_rows]
        residuals = trajectory_residuals(
            values, wanted, np.zeros(1) if start is None else start.numpy(), diverging=True
        )
        greatest = np.maximum(greatest, np.where(np.isnan(residuals), np.inf, residuals))
    return steps, greatest


def _value_distance(actual: Any, expected: Any) -> float:
    """Return the least b with |actual - expected| <= b + b * |expected| throughout.

    inf if they are of other kinds or shapes.
    """
    if (
        isinstance(expected, list | tuple)
        and isinstance(actual, list | tuple)
        and len(actual) == len(expected)
    ):
        return max(
            (_value_distance(a, e) for a, e in zip(actual, expected, strict=True)), default=0.0
        )
    if isinstance(expected, dict) and isinstance(actual, dict) and actual.keys() == expected.keys():
        return max(
            (_value_distance(actual[name], value) for name, value in expected.items()), default=0.0
        )
    if expected is None:
        return 0.0 if actual is None else float("inf")
    numbers = (np.ndarray, int, float)
    if not isinstance(actual, numbers) or not isinstance(expected, numbers):
        return float("inf")
    values, wanted = np.asarray(actual), np.asarray(expected)
    if (
        values.shape != wanted.shape
        or values.dtype.kind not in "biufc"
        or wanted.dtype.kind not in "biufc"
    ):
        return float("inf")
    kind = np.result_type(values.dtype, wanted.dtype, np.float64)
    values, wanted = values.astype(kind), wanted.astype(kind)
    with np.errstate(all="ignore"):
        shares = np.abs(values - wanted) / (1 + np.abs(wanted))
    shares = np.where(diverged(values) & ~np.isfinite(wanted), 0.0, shares)
    return float(np.where(np.isnan(shares), np.inf, shares).max(initial=0.0))
