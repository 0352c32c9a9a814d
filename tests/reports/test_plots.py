"""The loss curve as an inline SVG."""

from __future__ import annotations

import time
import xml.etree.ElementTree as ET

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from report_samples import LOSSES, trace

from autograder.evidence.trace import array_of
from autograder.reports.feedback import plots
from autograder.reports.feedback.plots import describe, loss_curves

INF, NAN = float("inf"), float("nan")


def test_both_curves_are_drawn_and_described() -> None:
    """Two thick lines, a label for screen readers, and no style sheet, script or id that could meet
    the page's.
    """
    pytest.importorskip("matplotlib")
    svg = loss_curves(trace(LOSSES * 1.5), trace(LOSSES))
    assert svg.startswith("<svg ")
    root = ET.fromstring(svg)
    assert root.get("role") == "img"
    assert "80.33 at step 1" in root.get("aria-label", "")
    assert "var(--curve-student" in svg
    assert "var(--curve-reference" in svg
    assert "<style" not in svg
    assert not [element for element in root.iter() if element.get("id")]


def test_the_same_traces_give_the_same_picture() -> None:
    """Pages can be compared byte by byte."""
    assert loss_curves(trace(LOSSES), trace(LOSSES)) == loss_curves(trace(LOSSES), trace(LOSSES))


def test_nan_is_said_and_marked() -> None:
    """A loss that stopped being a number is told with its step, in words and in the picture."""
    pytest.importorskip("matplotlib")
    losses = np.concatenate([LOSSES[:11], np.full(49, NAN)])
    assert "Your loss became NaN at step 12." in describe(trace(losses), trace(LOSSES))
    assert "yours is NaN from step 12" in loss_curves(trace(losses), trace(LOSSES))


def test_infinity_from_the_first_step_is_said() -> None:
    """ "was", not "became": there was no step before."""
    assert "Your loss was infinite at step 1." in describe(trace([INF, INF]), None)


def test_the_first_visible_difference_is_named() -> None:
    """Step and both values, for steps that both recorded."""
    assert "part at step 3: yours 39.87, the reference's 30.87" in describe(
        trace([80.364, 37.575, 39.87]), trace([80.364, 37.575, 30.87])
    )


def test_a_loss_below_the_references_parts_from_it_too() -> None:
    """A loop that learns faster than it should is another loop."""
    assert "part at step 3: yours 20, the reference's 30.87" in describe(
        trace([80.364, 37.575, 20.0]), trace([80.364, 37.575, 30.87])
    )


def test_losses_of_different_steps_are_not_compared() -> None:
    """One that recorded every second step has fallen further by its third row."""
    assert "part" not in describe(
        trace([80.364, 20.0, 10.0], [1, 3, 5]), trace([80.364, 37.575, 30.87])
    )


def test_equal_curves_are_not_said_to_part() -> None:
    """A float32 of difference can't be seen."""
    assert "part" not in describe(trace(LOSSES * (1 + 1e-6)), trace(LOSSES))


@pytest.mark.parametrize("losses", [[], [NAN], [INF, -INF]])
def test_nothing_finite_means_no_picture(losses: list[float]) -> None:
    """The words remain."""
    assert loss_curves(trace(np.array(losses, dtype=float)), None) == ""
    assert loss_curves(None, None) == ""
    assert describe(None, None) == ""


floats = st.floats(width=64) | st.sampled_from(
    [0.0, -0.0, 5e-324, -5e-324, 1e308, -1e308, INF, -INF, NAN, 1.0, 1.0 + 2**-52]
)


@settings(max_examples=150)
@given(
    st.lists(floats, max_size=40),
    st.lists(floats | st.integers(-(2**62), 2**62).map(float), max_size=40),
    st.lists(floats, max_size=10),
)
def test_hostile_numbers_never_raise(
    losses: list[float], steps: list[float], reference: list[float]
) -> None:
    """Any floats, any lengths: a well-formed picture or none."""
    svg = loss_curves(
        trace(np.array(losses, dtype=float), np.array(steps, dtype=float)),
        trace(np.array(reference, dtype=float)),
    )
    if svg:
        assert (
            "nan"
            not in "".join(element.get("d", "") for element in ET.fromstring(svg).iter()).lower()
        )


@pytest.mark.parametrize("dtype", ["bool", "int8", "uint8", "float16", "complex64", "int64"])
def test_every_dtype_that_may_travel_is_drawn(dtype: str) -> None:
    """The codec admits them, so a hostile child may send them."""
    odd = trace(LOSSES)
    losses = array_of(np.linspace(0, 60, 60).astype(dtype).reshape(6, 10))
    assert loss_curves(type(odd)("x", True, 60, (), (), (), losses, losses, (), (), ()), None)


def test_long_runs_stay_small_and_keep_their_spikes() -> None:
    """A million steps take at most two points per bucket, of which one is the spike."""
    pytest.importorskip("matplotlib")
    losses = np.random.default_rng(0).uniform(1, 2, 1_000_000)
    losses[123_456] = 1e6
    svg = loss_curves(trace(losses), None)
    assert len(svg) < 60_000
    assert plots._thin(plots._curve(trace(losses))).losses.max() == 1e6


def test_without_matplotlib_the_words_remain(monkeypatch: pytest.MonkeyPatch) -> None:
    """The base install has no matplotlib."""
    monkeypatch.setitem(__import__("sys").modules, "matplotlib", None)
    assert loss_curves(trace(LOSSES), None) == ""


def test_a_picture_takes_little_time() -> None:
    """Under 60 ms once matplotlib is loaded (7 ms measured)."""
    loss_curves(trace(LOSSES), trace(LOSSES))
    started = time.process_time()
    loss_curves(trace(np.tile(LOSSES, 80)), trace(np.tile(LOSSES, 80)))
    assert time.process_time() - started < 0.06
