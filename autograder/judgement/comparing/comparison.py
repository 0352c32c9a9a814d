"""Comparing numbers: what differs, by how much and where, as a value.

The only module that decides closeness.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from autograder.evidence.trace import NdArray
    from autograder.judgement.comparing.tolerance import Tolerance

SHOWN_SMALLEST, SHOWN_LARGEST = 1e-3, 1e6

DIVERGED = 2.0**64
"""The square root of float32's range: from here on squares overflow, and right programs become inf
or NaN at different steps (float64 much later, or never).
"""


@dataclass(frozen=True, slots=True)
class Difference:
    """Two arrays of equal shape that do not agree.

    Greatest differences are over the mismatched elements that are finite on both sides; `inf` if
    none is.
    """

    mismatched: int
    total: int
    greatest_absolute: float
    absolute_at: tuple[int, ...]
    greatest_relative: float
    relative_at: tuple[int, ...]
    allowed: Tolerance
    nonfinite: int

    def __str__(self) -> str:
        lines = [f"Mismatched: {self.mismatched} of {self.total}."]
        if self.nonfinite:
            lines.append(f"Not finite (NaN or infinite) on one side only: {self.nonfinite}.")
        if np.isfinite(self.greatest_absolute):
            lines.append(
                f"Greatest absolute difference: {self.greatest_absolute:.3g} at"
                f" {_place(self.absolute_at)}."
            )
            lines.append(
                f"Greatest relative difference: {self.greatest_relative:.3g} at"
                f" {_place(self.relative_at)}."
            )
        lines.append(f"Allowed: {self.allowed}.")
        return "\n".join(lines)


@dataclass(frozen=True, slots=True)
class Incomparable:
    """Two values that can't be compared element by element: other types or other shapes."""

    reason: str

    def __str__(self) -> str:
        return self.reason


def compare_arrays(
    actual: NdArray,
    expected: NdArray,
    tolerance: Tolerance,
    *,
    allow_nonfinite: bool = False,
    diverging: bool = False,
) -> Difference | Incomparable | None:
    """Compare element by element: ``|actual - expected| <= absolute + relative * |expected|``.

    Shapes must be equal. NaN and inf never agree with anything, unless `allow_nonfinite`: then NaN
    agrees with NaN and inf with the same inf. With `diverging`, what has diverged agrees with all
    that has: where the expected value is not finite, any that is not finite either, or beyond
    `DIVERGED`. Returns None if all elements agree.
    """
    if actual.shape != expected.shape:
        return Incomparable(f"Shape {_shape(actual)}, expected {_shape(expected)}.")
    if actual.dtype.kind not in "biufc":
        return Incomparable(f"Values of type {actual.dtype}, expected numbers.")
    wide_actual, wide_expected = _widen(actual), _widen(expected)
    with np.errstate(all="ignore"):
        gap = np.abs(wide_actual - wide_expected)
        agrees = gap <= tolerance.absolute + tolerance.relative * np.abs(wide_expected)
    finite = np.isfinite(wide_actual) & np.isfinite(wide_expected)
    agrees &= finite
    if allow_nonfinite:
        agrees |= ~finite & (
            (wide_actual == wide_expected) | (np.isnan(wide_actual) & np.isnan(wide_expected))
        )
    if diverging:
        agrees |= ~np.isfinite(wide_expected) & diverged(wide_actual)
    if agrees.all():
        return None
    return _difference(gap, wide_expected, ~agrees, finite, tolerance)


def diverged(values: NdArray) -> NdArray:
    """Mark elements that are NaN, infinite, or beyond `DIVERGED`."""
    return np.asarray(~(np.abs(_widen(values)) <= DIVERGED))


def _difference(
    gap: NdArray, expected: NdArray, wrong: NdArray, finite: NdArray, tolerance: Tolerance
) -> Difference:
    measurable = wrong & finite
    absolute = relative = float("inf")
    absolute_at: tuple[int, ...] = ()
    relative_at: tuple[int, ...] = ()
    if measurable.any():
        with np.errstate(all="ignore"):
            share = gap / np.abs(expected)
        absolute_at = _argmax(np.where(measurable, gap, -1.0))
        relative_at = _argmax(np.where(measurable, share, -1.0))
        absolute, relative = float(gap[absolute_at]), float(share[relative_at])
    return Difference(
        mismatched=int(wrong.sum()),
        total=int(wrong.size),
        greatest_absolute=absolute,
        absolute_at=absolute_at,
        greatest_relative=relative,
        relative_at=relative_at,
        allowed=tolerance,
        nonfinite=int((wrong & ~finite).sum()),
    )


def trajectory_residuals(
    actual: NdArray, expected: NdArray, start: NdArray, *, diverging: bool = False
) -> NdArray:
    """Return the distance of two trajectories of one parameter at each step.

    It is relative to the expected one's size.

    `actual` and `expected` have shape (n, *shape), `start` (*shape). Returns float64 of shape (n,):
    the greatest absolute difference of the step over the greatest absolute value that the expected
    trajectory, its start included, ever takes. NaN where either side is not finite.

    With `diverging`, an expected trajectory that overflows is compared as far as `DIVERGED`, which
    is its size then: where both sides have a value beyond it, the distance is 0. One that stays
    finite is compared as ever.
    """
    count = len(expected)
    overflows = diverging and not np.isfinite(expected).all()
    wide_actual, wide_expected = (
        _widen(actual).reshape(count, -1),
        _widen(expected).reshape(count, -1),
    )
    size = max(
        (
            float(np.abs(values).max(initial=0.0, where=np.isfinite(values)))
            for values in (wide_expected, _widen(start))
        ),
        default=0.0,
    )
    with np.errstate(all="ignore"):
        gap = np.abs(wide_actual - wide_expected).max(axis=1, initial=0.0)
    if not overflows:
        return np.asarray(gap / (size or 1.0))
    gone = diverged(wide_actual).any(axis=1) & diverged(wide_expected).any(axis=1)
    return np.where(gone, 0.0, gap / (min(size, DIVERGED) or 1.0))


def _widen(values: NdArray) -> NdArray:
    return values.astype(np.complex128 if values.dtype.kind == "c" else np.float64)


def _argmax(values: NdArray) -> tuple[int, ...]:
    return tuple(int(i) for i in np.unravel_index(int(np.argmax(values)), values.shape))


def _shape(values: NdArray) -> str:
    return "() (a single number)" if values.shape == () else str(tuple(values.shape))


def _place(index: tuple[int, ...]) -> str:
    return "the only element" if index == () else f"index {index[0] if len(index) == 1 else index}"


SETTING_DIGITS = 1e-6
"""Relative difference below which two settings are the same number: a learning rate may come as a
float32 tensor, or out of a little arithmetic.
"""


def same_setting(actual: Any, expected: Any) -> bool:
    """Tell whether two settings of an optimizer are the same.

    Numbers but for rounding, tuples of numbers element by element, anything else exactly.
    """
    if isinstance(actual, tuple | list) and isinstance(expected, tuple | list):
        return len(actual) == len(expected) and all(
            same_setting(one, other) for one, other in zip(actual, expected, strict=True)
        )
    numbers = (int, float)
    if (
        isinstance(actual, numbers)
        and isinstance(expected, numbers)
        and not isinstance(actual, bool)
        and not isinstance(expected, bool)
    ):
        return actual == expected or abs(actual - expected) <= SETTING_DIGITS * abs(expected)
    return bool(actual == expected)


def show(values: Any, limit: int = 8) -> str:
    """A short text of numbers for messages: torch's four decimals, at most `limit` elements."""
    if not isinstance(values, np.ndarray):
        return f"{values:.6g}" if isinstance(values, float) else str(values)[:200]
    if values.ndim == 0:
        return f"{values.item():.6g}"
    if values.size > limit:
        return (
            f"[{', '.join(_number(x) for x in values.reshape(-1)[:limit].tolist())}, ...] of shape"
            f" {tuple(values.shape)}"
        )
    return _listed(values.tolist())


def _listed(values: Any) -> str:
    return f"[{', '.join(map(_listed, values))}]" if isinstance(values, list) else _number(values)


def _number(value: Any) -> str:
    """Four decimals, or four digits where those would say nothing or too much."""
    if not isinstance(value, float):
        return str(value)
    return (
        f"{value:.4f}"
        if value == 0 or SHOWN_SMALLEST <= abs(value) < SHOWN_LARGEST
        else f"{value:.4g}"
    )
