"""Closeness of numbers."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from autograder.judgement.comparing.comparison import (
    Difference,
    Incomparable,
    compare_arrays,
    same_setting,
    show,
    trajectory_residuals,
)
from autograder.judgement.comparing.tolerance import Tolerance

FINITE = st.floats(-1e6, 1e6, width=32)
ARRAYS = hnp.arrays(
    np.float32, hnp.array_shapes(min_dims=0, max_dims=3, max_side=4), elements=FINITE
)
NONE_ALLOWED = Tolerance(0.0, 0.0)


@given(ARRAYS)
def test_finite_arrays_agree_with_themselves_whatever_the_tolerance(values):
    """The identity holds with no tolerance at all."""
    assert compare_arrays(values, values, NONE_ALLOWED) is None


@given(ARRAYS, st.data())
def test_nan_and_inf_never_agree_unless_allowed(values, data):
    """One NaN or inf on the student's side fails, even against the same NaN, until the author
    allows it.
    """
    if values.size == 0:
        return
    spoiled = values.copy()
    spoiled.flat[data.draw(st.integers(0, values.size - 1))] = data.draw(
        st.sampled_from([np.nan, np.inf, -np.inf])
    )
    huge = Tolerance(1e9, 1e9)
    assert compare_arrays(spoiled, values, huge) is not None
    assert compare_arrays(spoiled, spoiled, huge) is not None
    assert compare_arrays(spoiled, spoiled, huge, allow_nonfinite=True) is None
    assert compare_arrays(spoiled, values, huge, allow_nonfinite=True) is not None


@pytest.mark.parametrize("gone", [np.nan, np.inf, -np.inf, 1e40, -1e200])
def test_what_diverged_agrees_with_what_diverged(gone):
    """A loss that is NaN in float32 may be inf, or a huge number, in float64."""
    actual = np.array([2.5, gone])
    assert compare_arrays(actual, np.array([2.5, np.nan]), NONE_ALLOWED, diverging=True) is None
    assert compare_arrays(actual, np.array([2.5, -np.inf]), NONE_ALLOWED, diverging=True) is None
    assert compare_arrays(actual, np.array([2.5, np.nan]), NONE_ALLOWED) is not None


@pytest.mark.parametrize(
    ("actual", "expected"),
    [(np.nan, 2.5), (np.inf, 2.5), (1e30, 2.5), (2.5, np.nan), (1e9, np.nan), (np.nan, 1e30)],
)
def test_divergence_on_one_side_only_is_wrong(actual, expected):
    """NaN where the reference converges, and a number where it does not."""
    assert (
        compare_arrays(np.array(actual), np.array(expected), Tolerance(0.1, 0.1), diverging=True)
        is not None
    )


@given(ARRAYS)
def test_another_shape_never_agrees(values):
    """(n,) against (n, 1) is a mistake that broadcasting would hide."""
    difference = compare_arrays(values[..., None], values, Tolerance(1e9, 1e9))
    assert isinstance(difference, Incomparable)


@given(ARRAYS, st.data(), st.floats(0, 10), st.floats(1, 100))
def test_tolerance_is_monotone(expected, data, allowed, factor):
    """What a tolerance lets pass, any wider one lets pass."""
    actual = data.draw(hnp.arrays(np.float32, expected.shape, elements=FINITE))
    narrow, wide = Tolerance(allowed, allowed), Tolerance(allowed * factor, allowed * factor)
    if compare_arrays(actual, expected, narrow) is None:
        assert compare_arrays(actual, expected, wide) is None


def test_a_difference_counts_and_locates_what_differs():
    """n of N, the greatest absolute and relative difference and their places, worked out by
    hand.
    """
    expected = np.array([[1.0, 2.0], [100.0, 4.0]])
    actual = np.array([[1.0, 2.5], [110.0, 4.0]])
    difference = compare_arrays(actual, expected, Tolerance(1e-3, 0.0))
    assert isinstance(difference, Difference)
    assert (difference.mismatched, difference.total) == (2, 4)
    assert (difference.greatest_absolute, difference.absolute_at) == (10.0, (1, 0))
    assert (difference.greatest_relative, difference.relative_at) == (0.25, (0, 1))
    assert "2 of 4" in str(difference)
    assert "0.001 x |expected|" in str(difference)


def test_text_is_no_number():
    """Strings are refused, not compared."""
    assert isinstance(compare_arrays(np.array(["1"]), np.array([1.0]), NONE_ALLOWED), Incomparable)


def test_residuals_are_relative_to_the_size_of_the_whole_trajectory():
    """An error of 1 on a path that reaches 10 is 0.1, also where the path passes zero."""
    expected = np.array([[10.0], [0.0], [5.0]])
    actual = np.array([[10.0], [1.0], [5.0]])
    assert trajectory_residuals(actual, expected, np.array([2.0])) == pytest.approx([0.0, 0.1, 0.0])


def test_residuals_count_the_start_and_survive_nan():
    """The start may be the largest value; NaN stays NaN, which no bar lets pass."""
    expected = np.array([[1.0], [np.nan]])
    actual = np.array([[3.0], [np.nan]])
    residuals = trajectory_residuals(actual, expected, np.array([20.0]))
    assert residuals[0] == pytest.approx(0.1)
    assert np.isnan(residuals[1])


def test_where_the_reference_overflows_its_size_is_what_squares_still_fit():
    """Its last finite value may be 1e30: half as much again at 1e18 is wrong all the same, and
    beyond it all have diverged.
    """
    expected = np.array([[1e18], [1e30], [np.inf]])
    actual = np.array([[1.5e18], [1e25], [np.nan]])
    residuals = trajectory_residuals(actual, expected, np.array([1.0]), diverging=True)
    assert residuals == pytest.approx([0.5e18 / 2**64, 0, 0])
    assert np.isnan(trajectory_residuals(actual, expected, np.array([1.0]))[2])


@pytest.mark.parametrize(
    ("actual", "expected", "same"),
    [
        (0.1, 0.1, True),
        (float(np.float32(0.1)), 0.1, True),
        (0.1001, 0.1, False),
        (0, 0.0, True),
        (1e-9, 0.0, False),
        ((0.9, 0.999), (0.9, 0.999), True),
        ([0.9, 0.999], (0.9, 0.999), True),
        ((0.9, 0.99), (0.9, 0.999), False),
        ((0.8, 0.999), (0.9, 0.999), False),
        ((0.9,), (0.9, 0.999), False),
        (0.9, (0.9, 0.999), False),
        (True, True, True),
        (True, False, False),
        (None, False, False),
        ("mean", "mean", True),
        ("mean", "sum", False),
    ],
)
def test_settings_are_the_same_but_for_rounding(actual, expected, same):
    """Each number of several; what is no number exactly."""
    assert same_setting(actual, expected) is same


@pytest.mark.parametrize(
    ("values", "shown"),
    [
        (np.float32([1, 2.5]), "[1.0000, 2.5000]"),
        (
            np.float64([[0.001, 0.0009999], [999999.0, 1000000.0]]),
            "[[0.0010, 0.0009999], [999999.0000, 1e+06]]",
        ),
        (np.array([0.0, 1e-9, -2.0]), "[0.0000, 1e-09, -2.0000]"),
        (np.array(1.5), "1.5"),
        (np.arange(3), "[0, 1, 2]"),
        (np.arange(8), "[0, 1, 2, 3, 4, 5, 6, 7]"),
        (np.arange(10).reshape(5, 2), "[0, 1, 2, 3, 4, 5, 6, 7, ...] of shape (5, 2)"),
        (0.1234567, "0.123457"),
        ("x" * 300, "x" * 200),
    ],
    ids=str,
)
def test_numbers_as_messages_show_them(values, shown):
    """torch's four decimals, or four digits where those would say nothing or too much; the
    beginning of what is long.
    """
    assert show(values) == shown
