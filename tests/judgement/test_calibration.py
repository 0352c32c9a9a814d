"""Bars between right programs and mistakes, and the file that holds them."""

import datetime
import math
import string

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from trainings import descend

from autograder.checks import CheckFailed, Observation, assert_same_training
from autograder.errors import CalibrationError
from autograder.evidence.protocol import Call, Leaf
from autograder.evidence.trace import array_of
from autograder.judgement.calibration import (
    Calibration,
    Measured,
    calibration_text,
    call_digest,
    changes,
    doubt,
    read_bars,
    read_calibration,
)
from autograder.judgement.comparing.distance import Distance, training_distance
from autograder.judgement.comparing.spread import Spread, Tried
from autograder.judgement.comparing.tolerance import (
    LEAST_MARGIN,
    LEAST_SPREAD,
    TRAINING_BAR,
    bar_between,
    margin_between,
)
from autograder.judgement.comparing.training import compare_training

LOOP = Call(
    "test_loop@1", "training_loop", {"n_epochs": 20, "params": Leaf(array_of(np.float32([1, 2])))}
)
NUMBERS = st.floats(1e-9, 1e-2).map(lambda value: float(f"{value:.2e}"))


def calibration(**checks):
    return Calibration("2.13.0+cpu", "3.11.7", "x86_64", datetime.date(2026, 11, 22), checks)


def measured(bar=1e-5, call=LOOP):
    return Measured(call_digest(call), 20, 1e-7, bar, 1e-3, "step-twice in training_loop", 1e4)


def tried(*by_step, name="float64"):
    return Tried(name, Distance(max(by_step), np.array(by_step), np.arange(1, len(by_step) + 1)))


# --- distance and bar -----------------------------------------------------------------------------


@given(st.floats(0, 1e-2), st.floats(0.9, 1.1), st.floats(1e-9, 1e-1), st.floats(1, 1e6))
@settings(max_examples=60)
def test_what_passes_a_bar_passes_any_wider_one(noise, scale, bar, factor):
    """Tolerance is monotone."""
    run, reference = descend(20, noise=noise, scale=scale), descend(20)
    if compare_training(run, reference, bar) is None:
        assert compare_training(run, reference, bar * factor) is None


@given(st.floats(1e-8, 1e-2), st.floats(0.9, 1.1))
@settings(max_examples=60)
def test_the_distance_is_the_least_bar_that_passes(noise, scale):
    """A check passes just above it and fails just below."""
    run, reference = descend(20, noise=noise, scale=scale), descend(20)
    distance = training_distance(run, reference).total
    assert_same_training(run, reference, bar=distance * 1.000001 + 1e-15)
    if distance > 1e-12:
        with pytest.raises(CheckFailed):
            assert_same_training(run, reference, bar=distance * 0.999999)


def test_what_cannot_be_compared_is_infinitely_far():
    """Another number of steps, none at all, an optimizer of one's own, NaN, another kind of
    returned value.
    """
    reference = descend(20)
    for run in (
        descend(19),
        descend(21),
        descend(0),
        descend(20, given=False),
        descend(20, scale=math.nan),
    ):
        assert training_distance(run, reference).total == math.inf
    silent = Observation(
        type(reference.run)("call", reference.run.status, traces=reference.run.traces)
    )
    assert training_distance(silent, reference).total == math.inf
    assert training_distance(silent, reference, returned=False).total == 0


@given(st.floats(0, 1e-2), st.floats(1e-12, 1e6) | st.just(math.inf))
def test_a_bar_lies_between_right_and_wrong_or_is_refused(spread, nearest):
    """With a threefold margin on either side, and never more than a hundred spreads out."""
    if margin_between(spread, nearest) < LEAST_MARGIN:
        with pytest.raises(ValueError, match="margin"):
            bar_between(spread, nearest)
        return
    bar, floor = bar_between(spread, nearest), max(spread, LEAST_SPREAD)
    assert 3 * floor < bar <= 100.001 * floor
    assert bar * 3 < nearest


def test_the_bar_is_the_geometric_mean():
    """Of 1e-6 and 1e-3 it is 3.16e-5."""
    assert bar_between(1e-6, 1e-3) == pytest.approx(math.sqrt(1e-9))


@pytest.mark.parametrize(
    ("spread", "nearest", "bar"),
    [
        (
            0,
            math.inf,
            100 * LEAST_SPREAD,
        ),  # programs that agree to the last bit do not on another machine
        (0, 100 * LEAST_SPREAD, 10 * LEAST_SPREAD),
        (1e-5, 1e-4, 1e-5 * math.sqrt(10)),
        (1e-6, math.inf, 1e-4),
        (
            1e-4,
            math.inf,
            1e-3,
        ),  # no bar lets a learning rate pass that is wrong by more than a thousandth
        (
            1e-2,
            math.inf,
            1e-2 * math.sqrt(10),
        ),  # but where right programs lie further apart than that
    ],
)
def test_the_bars_of_the_bounds(spread, nearest, bar):
    """Where the geometric mean is not what decides, or only just."""
    assert bar_between(spread, nearest) == pytest.approx(bar)


def test_a_check_uses_the_bar_that_was_measured_for_it_unless_it_says_otherwise():
    """First the check's own, then the measured one, then the general one."""
    run, reference = descend(20, noise=1e-5), descend(20)
    strict = Observation(reference.run, bar=1e-7)
    assert 1e-7 < training_distance(run, reference).total < TRAINING_BAR
    assert_same_training(run, reference)
    assert_same_training(run, strict, bar=1e-4)
    with pytest.raises(CheckFailed):
        assert_same_training(run, strict)


# --- spread ---------------------------------------------------------------------------------------


def test_an_inert_mistake_is_not_the_nearest_one():
    """What lies within three spreads does what right programs do; what makes other steps is no
    measure either.
    """
    far = Tried("off-by-one", Distance(math.inf, np.zeros(0), np.zeros(0)))
    spread = Spread(
        "test", (tried(1e-6),), (tried(2e-6, name="inert"), tried(1e-3, name="near"), far)
    )
    assert spread.nearest.name == "near"
    assert spread.margin == pytest.approx(1e3)
    assert spread.refusal() == ""
    assert spread.measured("0" * 12, 1).nearest_mistake == "near"


def test_without_a_mistake_that_is_near_the_bar_is_a_hundred_spreads():
    """An infinite nearest goes into the file and comes back."""
    one = Spread("test", (tried(1e-6),), (tried(1e-7, name="inert"),)).measured("0" * 12, 1)
    assert (one.bar, one.nearest, one.margin, one.nearest_mistake) == (1e-4, math.inf, math.inf, "")


def test_too_small_a_margin_is_refused_with_what_to_change():
    """It names the check, the mistake, and a horizon at which there is room."""
    spread = Spread(
        "test_long", (tried(1e-6, 1e-6, 1e-4),), (tried(5e-4, 5e-4, 5e-4, name="half-precision"),)
    )
    assert "test_long" in spread.refusal()
    assert "half-precision" in spread.refusal()
    assert "5.0x" in spread.refusal()
    assert "Judge 2 steps instead of 3" in spread.refusal()
    with pytest.raises(ValueError, match="margin"):
        spread.measured("0" * 12, 3)
    nowhere = Spread("test_one", (tried(1e-6),), (tried(5e-6, name="near"),))
    assert "Use another learning rate" in nowhere.refusal()


def test_a_mistake_that_the_spread_has_swallowed_is_not_inert():
    """It stood clear before right programs came apart: the horizon is too long, however little it
    differs in the end.
    """
    spread = Spread(
        "test_long",
        (tried(1e-6, 1e-6, 1e-1),),
        (tried(1e-3, 1e-3, 2e-2, name="half-precision"), tried(1e-6, 1e-6, 1e-2, name="inert")),
    )
    assert spread.nearest.name == "half-precision"
    assert "Judge 2 steps instead of 3" in spread.refusal()


def test_right_programs_that_do_not_agree_at_all_are_refused():
    """A variant that overflows where the reference does not leaves no bar."""
    assert "do not agree" in Spread("test", (tried(math.inf),), ()).refusal()


@pytest.mark.parametrize(
    ("by_step", "warned"),
    [
        ([1e-6] * 40, False),
        ([1e-6] * 10 + [9e-5] * 30, False),
        ([1e-6] * 10 + [2e-4] * 30, True),
        ([2e-3], True),
        ([1e-7], False),
        ([1e-9] * 10 + [4e-7] * 30, False),  # all below a few roundings
    ],
)
def test_a_horizon_at_which_right_programs_come_apart_is_warned_of(by_step, warned):
    """More than a hundredfold since the early steps, or more than 1e-3 in all."""
    assert bool(Spread("test", (tried(*by_step),), ()).warning()) is warned


# --- the file -------------------------------------------------------------------------------------


@given(
    st.dictionaries(
        st.text(string.printable + "äß[]\"'\\\x7f", min_size=1),
        st.tuples(NUMBERS, st.text(max_size=20)),
        max_size=4,
    ),
)
def test_a_written_calibration_reads_back(tmp_path_factory, drawn):
    """Whatever checks and mistakes are called."""
    checks = {
        name: Measured("0123456789ab", 20, spread, spread * 4, spread * 16, mistake, 16.0)
        for name, (spread, mistake) in drawn.items()
    }
    path = tmp_path_factory.mktemp("course") / "calibration.toml"
    path.write_text(calibration_text(calibration(**checks)), encoding="utf-8", newline="")
    again = read_calibration(path)
    assert again.checks.keys() == checks.keys()
    for name, one in checks.items():
        assert again.checks[name].nearest_mistake == one.nearest_mistake
        assert again.checks[name].bar == pytest.approx(one.bar, rel=0.005)
    assert calibration_text(again) == path.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("torch =", "torhc =", "torhc"),
        ("bar =", "bra =", "bra"),
        ("bar = 1e-05", "bar = true", "bar"),
        ("bar = 1e-05", "bar = 1e-08", "spread < bar"),
        ("steps = 20", "", "steps"),
        ("date =", "date", "line"),
    ],
)
def test_a_file_that_is_wrong_is_refused_with_file_and_key(tmp_path, old, new, said):
    """Unknown and missing keys, values of another type, bars that are none, bad TOML."""
    path = tmp_path / "calibration.toml"
    path.write_text(calibration_text(calibration(test_loop=measured())).replace(old, new, 1))
    with pytest.raises(CalibrationError) as caught:
        read_calibration(path)
    assert str(path) in str(caught.value)
    assert ("test_loop" in str(caught.value)) == (said in ("bra", "bar", "spread < bar", "steps"))
    assert said in str(caught.value)


def test_a_bar_holds_for_the_call_that_was_measured_and_for_no_other(tmp_path, caplog):
    """A call that has changed since gets none, and that is said.

    Its id alone, or a cell to make it after, changes nothing.
    """
    path = tmp_path / "calibration.toml"
    assert read_bars(path, {"test_loop": LOOP}) == {}
    path.write_text(calibration_text(calibration(test_loop=measured())))
    same = Call("another id", LOOP.function, LOOP.arguments, after="cell", max_steps=7)
    longer = Call(LOOP.id, LOOP.function, LOOP.arguments | {"n_epochs": 21})
    assert read_bars(path, {"test_loop": same, "test_new": LOOP}) == {"test_loop": 1e-5}
    assert not caplog.records
    assert read_bars(path, {"test_loop": longer}) == {}
    assert "test_loop" in caplog.text


def test_another_torch_is_doubted_but_not_another_patch_of_it(tmp_path):
    """Kernels change from one minor version to the next."""
    path = tmp_path / "calibration.toml"
    assert doubt(path, "2.14.0") == ""
    path.write_text(calibration_text(calibration()))
    assert doubt(path, "2.13.1") == ""
    assert "2.13.0+cpu" in doubt(path, "2.14.0")


def test_another_device_is_doubted(tmp_path):
    """A file that names none is of a CPU, as all were before; where nothing is known of the device,
    nothing is doubted.
    """
    path = tmp_path / "calibration.toml"
    path.write_text(
        "".join(
            line
            for line in calibration_text(calibration()).splitlines(keepends=True)
            if not line.startswith("device")
        )
    )
    assert read_calibration(path).device == "cpu"
    assert doubt(path, "2.13.0") == doubt(path, "2.13.0", "") == ""
    assert "on cpu, and this is NVIDIA T4" in doubt(path, "2.13.0", "NVIDIA T4")
    on_gpu = msgspec.structs.replace(calibration(), device="NVIDIA T4")
    path.write_text(calibration_text(on_gpu))
    assert read_calibration(path) == on_gpu
    assert doubt(path, "2.13.0", "NVIDIA T4") == ""
    assert "NVIDIA T4" in doubt(path, "2.13.0")
    assert changes(calibration(), on_gpu) == ("device cpu -> NVIDIA T4",)
    assert changes(on_gpu, on_gpu) == ()


def test_what_changed_is_told_to_the_reviewer():
    """Checks that came and went, other calls, bars that moved."""
    before = calibration(kept=measured(), moved=measured(), gone=measured(), longer=measured())
    after = calibration(
        kept=measured(),
        moved=measured(2e-5),
        new=measured(),
        longer=measured(call=Call("", "other", {})),
    )
    assert changes(before, before) == ()
    assert changes(None, after) != ()
    told = "\n".join(changes(before, after))
    assert "kept" not in told
    assert all(
        name in told
        for name in (
            "moved: bar 1e-05 -> 2e-05",
            "gone: no longer",
            "new: new",
            "longer: another call",
        )
    )


@pytest.mark.parametrize(
    ("bar", "told"), [(1.2e-5, True), (8e-6, True), (1.05e-5, False), (9.5e-6, False)]
)
def test_a_bar_that_moved_either_way_is_told(bar, told):
    """A narrower bar may fail right programs, as a wider one may pass wrong ones; a few hundredths
    are no news.
    """
    assert (
        bool(changes(calibration(test_loop=measured()), calibration(test_loop=measured(bar))))
        is told
    )
