"""One bar for a check on several variants."""

import math

import numpy as np
import pytest

from autograder.judgement.comparing.distance import Distance
from autograder.judgement.comparing.spread import Across, Spread, Tried, clear_of
from autograder.judgement.comparing.tolerance import LEAST_MARGIN


def tried(distance, name="float64"):
    return Tried(name, Distance(distance, np.full(5, distance), np.arange(1, 6)))


def spread(right, wrong):
    return Spread(
        "test_loop",
        (tried(right),),
        (tried(wrong, "step-twice"), tried(float("inf"), "never-steps")),
    )


def test_one_variant_is_as_before():
    """What calibration.toml says of a check that does not vary is what its one spread says."""
    one = spread(2e-6, 1e-3)
    across = Across("test_loop", {"": one})
    assert across.measured("digest", 5) == one.measured("digest", 5)
    assert (across.refusal(), across.varies, across.warning()) == (
        one.refusal(),
        False,
        one.warning(),
    )


def test_the_bar_lies_between_the_widest_spread_and_the_nearest_mistake_of_all():
    """Also where they are of different variants."""
    across = Across(
        "test_loop",
        {
            "variant 0": spread(1e-6, 1e-3),
            "variant 1": spread(4e-6, 5e-3),
            "variant 2": spread(1e-6, 4e-4),
        },
    )
    measured = across.measured("digest", 5)
    assert (measured.spread, measured.nearest) == (4e-6, 4e-4)
    assert measured.margin == pytest.approx(100)
    assert measured.bar == pytest.approx(4e-5)
    assert all(clear_of(measured.bar, one) for one in across.variants.values())


def test_a_mistake_is_inert_on_its_own_variant_or_not_at_all():
    """At 20 spreads of variant 0 it is a mistake, though variant 1's right programs lie ten times
    further out: no bar, and the refusal says both.
    """
    across = Across("test_loop", {"variant 0": spread(1e-6, 2e-5), "variant 1": spread(1e-5, 1e-2)})
    assert across.nearest.distance.total == 2e-5
    assert across.refused() == {}
    assert "step-twice comes as near as 2e-05: a margin of 2.0x" in across.refusal()
    with pytest.raises(ValueError, match="margin"):
        across.measured("digest", 5)


def test_a_variant_without_room_is_refused_by_name():
    """The others stay."""
    across = Across("test_loop", {"variant 0": spread(1e-6, 1e-3), "variant 1": spread(1e-6, 8e-6)})
    assert list(across.refused()) == ["variant 1"]
    assert across.without(across.refused()).refusal() == ""


@pytest.mark.parametrize(
    ("right", "wrong", "clear"),
    [
        (1e-6, 1e-3, True),
        (3e-6, 3.3e-5, True),
        (3.3e-6, 1e-3, False),
        (1e-6, 3e-5, False),
        (float("inf"), 1e-3, False),
    ],
)
def test_a_bar_of_other_variants_holds_with_the_same_room_on_both_sides(right, wrong, clear):
    """A third of the bar for right programs, three times the bar for mistakes: together the least
    margin.
    """
    bar = 1e-5
    assert clear_of(bar, spread(right, wrong)) is clear
    assert math.isclose(math.sqrt(LEAST_MARGIN) ** 2, 10)
