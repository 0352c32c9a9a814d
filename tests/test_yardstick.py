"""Bars of time scale with the machine: the arithmetic, and the verdict, which fires and stays
silent.
"""

import pytest
from yardstick import SECONDS, Bar, Yardstick, seconds_text


@pytest.mark.parametrize(
    ("yardstick_s", "allowed_s"), [(1.3, 0.03), (2.6, 0.06), (2.86, 0.066), (0.65, 0.015)]
)
def test_a_bar_of_30_ms_scales_with_the_yardstick(yardstick_s, allowed_s):
    assert Yardstick(yardstick_s).allows(0.03) == pytest.approx(allowed_s)


@pytest.mark.parametrize(
    ("yardstick_s", "measured_s", "met"),
    [
        (SECONDS, [0.030], True),  # a bar may be reached
        (SECONDS, [0.0301], False),
        (2.86, [0.036], True),  # on a machine that takes 2.2x as long
        (2.86, [0.067], False),
        (0.65, [0.021], False),  # a fast machine has to be fast
        (SECONDS, [0.01, 0.02, 0.031], False),  # the worst counts
        (SECONDS, [0.01, 0.02, 0.029], True),
    ],
)
def test_the_verdict(yardstick_s, measured_s, met):
    assert Yardstick(yardstick_s).bar("judging", 0.03, measured_s).met is met


def test_a_bar_shows_the_figure_the_yardsticks_and_what_is_allowed_here():
    bar = Yardstick(2.6).bar("judging", 0.03, [0.036])
    assert str(bar) == "pass: judging at most 30 ms (0.023 yardsticks, here 60 ms): 36 ms"
    assert bar.row == "| judging at most 30 ms | 0.023 yardsticks, here 60 ms | pass | 36 ms |"


@pytest.mark.parametrize(
    ("written_s", "multiple"),
    [(30e-6, "0.000023"), (2e-3, "0.0015"), (2, "1.5"), (13, "10"), (1.3, "1")],
)
def test_multiples_have_no_exponent(written_s, multiple):
    assert Yardstick(1.3).bar("x", written_s, [0]).allowed.startswith(f"{multiple} yardsticks, ")


def test_of_several_figures_the_median_and_the_worst_are_shown():
    bar = Yardstick(1.3).bar("diagnosis", 2, [0.5, 0.75, 2.5])
    assert (
        str(bar)
        == "falls short: diagnosis at most 2 s (1.5 yardsticks, here 2 s): 750 ms, at most 2.5 s"
    )
    assert "| **falls short** |" in bar.row


def test_ratios_do_not_scale():
    assert (
        str(Bar("at least 5x nbgrader", met=True, shown="6.3x"))
        == "pass: at least 5x nbgrader: 6.3x"
    )


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (1.288, "1.29 s"),
        (12, "12 s"),
        (123.4, "123 s"),
        (0.0213, "21.3 ms"),
        (0.00019, "190 us"),
        (10.84e-6, "10.8 us"),
        (0.9999, "1000 ms"),
        (1, "1 s"),
        (1234, "1234 s"),
    ],
)
def test_seconds_as_text(seconds, text):
    assert seconds_text(seconds) == text
