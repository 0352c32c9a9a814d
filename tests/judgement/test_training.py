"""Whole trainings, step by step."""

from dataclasses import replace

import msgspec
import numpy as np
import pytest
from trainings import descend, gradient

from autograder.checks import (
    CheckFailed,
    NeedsReview,
    Observation,
    assert_long_run,
    assert_same_training,
)
from autograder.evidence.trace import Items, array_of
from autograder.judgement.comparing.distance import training_distance
from autograder.judgement.comparing.tolerance import TRAINING_BAR
from autograder.judgement.comparing.training import compare_training
from autograder.judgement.comparing.updates import contradiction, moves_without_gradients


def test_rounding_noise_is_no_difference():
    """Float32 noise of 1e-6 per gradient, as reordered sums make, passes 50 steps."""
    assert compare_training(descend(50, noise=1e-6), descend(50), TRAINING_BAR) is None


@pytest.mark.parametrize("epochs", [49, 51])
def test_one_step_more_or_less_is_found_and_the_right_steps_are_said(epochs):
    """Off by one fails, although every step made is right and the parameters hardly move."""
    difference = compare_training(descend(epochs), descend(50), TRAINING_BAR)
    assert difference is not None
    assert f"{epochs} steps (the first {min(epochs, 50)} are right)" in difference.observed
    assert difference.expected == "50 steps"


def test_a_learning_rate_off_by_a_thousandth_is_found_at_its_first_step():
    """1e-3 off moves the first step by 1e-4 of the path's size: above the bar."""
    difference = compare_training(descend(50, lr=1.001e-2), descend(50), TRAINING_BAR)
    assert difference is not None
    assert difference.step is not None


def test_a_scaled_gradient_is_named_as_the_gradient_of_step_one():
    """Sum instead of mean shows in the gradient before it shows in the parameters."""
    difference = compare_training(descend(50, scale=11.0, lr=1e-2 / 11), descend(50), TRAINING_BAR)
    assert difference is not None
    assert difference.observed.startswith("gradient that step 1 saw: ")


@pytest.mark.parametrize(
    ("parameters_from", "gradients_from", "named"),
    [
        (3, 10, "parameters after step 4"),
        (10, 3, "gradient that step 4 saw"),
        (3, 3, "gradient that step 4 saw"),
    ],
)
def test_what_differs_first_is_named(parameters_from, gradients_from, named):
    """There a student has to look; at one step the gradient, which the parameters follow from."""
    right = descend(50)
    trace = right.run.traces[0]
    rows, slopes = trace.parameters[0].numpy().copy(), trace.gradients[0].numpy().copy()
    rows[parameters_from:] += 1
    slopes[gradients_from:] *= 2
    wrong = msgspec.structs.replace(
        trace, parameters=(array_of(rows),), gradients=(array_of(slopes),)
    )
    difference = compare_training(
        Observation(msgspec.structs.replace(right.run, traces=(wrong,))), right, TRAINING_BAR
    )
    assert difference.step == 4
    assert difference.observed.startswith(named)


def test_the_training_of_a_run_with_several_optimizers():
    """That of the one that was passed in, if it made a single step; else the longest, as where
    another was built for each try; never the sum of those that were too many.
    """
    short, long, given = descend(3, given=False), descend(50, given=False), descend(1)
    others = msgspec.structs.replace(
        long.trace, steps=900, start=(), parameters=(), gradients=(), missing=()
    )

    def of(*runs):
        return Observation(
            msgspec.structs.replace(long.run, traces=(*(one.run.traces[0] for one in runs), others))
        )

    assert of(short, long).steps == of(long, short).steps == 50
    assert of(short, long, given).steps == 1
    assert of().trace is None
    assert (of().steps, of().losses.shape, of().parameters) == (0, (0,), ())


def test_steps_of_another_optimizer_do_not_count():
    """The optimizer that was passed in made no step; the loop trained with one of its own."""
    difference = compare_training(descend(50, given=False), descend(50), TRAINING_BAR)
    assert difference is not None
    assert "0 steps, although another optimizer made 50" in difference.observed


def test_no_training_at_all_is_found():
    """A hard-coded or closed-form answer makes no step."""
    assert compare_training(descend(0), descend(50), TRAINING_BAR) is not None


def test_divergence_to_nan_fails_unless_the_author_allows_it():
    """At lr 1 the descent overflows; where the lecture's own run does, the author says
    allow_nonfinite.
    """
    with np.errstate(all="ignore"):
        diverged = descend(400, lr=1.0)
    assert not np.isfinite(diverged.parameters[0]).all()
    assert compare_training(diverged, diverged, TRAINING_BAR) is not None
    assert compare_training(diverged, diverged, TRAINING_BAR, allow_nonfinite=True) is None


def wide(observation):
    """The same training as a loop in float64 makes it: it goes on where float32 has overflowed."""
    trace = observation.run.traces[0]
    theta, rows, slopes = trace.start[0].numpy().astype(float), [], []
    for _ in range(trace.steps):
        slope, _ = gradient(theta)
        theta = theta - trace.settings[0]["lr"] * slope
        rows.append(theta)
        slopes.append(slope)
    changed = msgspec.structs.replace(
        trace, parameters=(array_of(np.array(rows)),), gradients=(array_of(np.array(slopes)),)
    )
    return Observation(
        msgspec.structs.replace(observation.run, returned=array_of(theta), traces=(changed,))
    )


@pytest.mark.parametrize("lr", [0.3, 1.0])
def test_a_float64_loop_is_right_where_float32_overflows(lr):
    """It passes the range of float32 at the same step, and reaches inf much later or never."""
    with np.errstate(all="ignore"):
        reference = descend(60, lr=lr)
    other = wide(reference)
    assert not np.isfinite(reference.parameters[0]).all()
    assert np.isfinite(other.parameters[0]).all()
    assert_same_training(other, reference, allow_nonfinite=True)
    assert training_distance(other, reference).total < 1e-5
    with pytest.raises(CheckFailed):
        assert_same_training(other, reference)


@pytest.mark.parametrize(
    "wrong",
    [
        dict(epochs=28),
        dict(lr=0.29),
        dict(lr=1e-2),
        dict(scale=0.5),
        dict(scale=1.01),
        dict(start=(1.0, 0.1)),
    ],
    ids=str,
)
def test_wrong_loops_fail_where_the_reference_diverges(wrong):
    """One that stops, one that tames the learning rate, other gradients, another start: all show
    before the overflow, or by not having any.
    """
    with np.errstate(all="ignore"):
        reference = descend(60, lr=0.3)
        other = descend(**{"epochs": 60, "lr": 0.3} | wrong)
    with pytest.raises(CheckFailed):
        assert_same_training(other, reference, allow_nonfinite=True)
    assert training_distance(other, reference).total > 1e-3


def test_nan_where_the_reference_converges_is_wrong():
    """allow_nonfinite allows the reference's own divergence, no other."""
    right = descend(50)
    rows = right.parameters[0].copy()
    rows[30:] = np.nan
    trace = msgspec.structs.replace(right.run.traces[0], parameters=(array_of(rows),))
    with pytest.raises(CheckFailed):
        assert_same_training(
            Observation(msgspec.structs.replace(right.run, traces=(trace,))),
            right,
            allow_nonfinite=True,
        )


def test_the_returned_value_counts():
    """A right loop that returns something else fails, and the message shows what came back."""
    right = descend(50)
    wrong = Observation(msgspec.structs.replace(right.run, returned=array_of(np.float32(2.9))))
    with pytest.raises(CheckFailed, match="Shape"):
        assert_same_training(wrong, right)
    with pytest.raises(CheckFailed, match="is a `return` missing"):
        assert_same_training(Observation(msgspec.structs.replace(right.run, returned=None)), right)


def test_a_long_run_is_judged_by_its_end_whatever_its_start():
    """5000 steps from the state after one step end where 5000 from the start do, one step more
    included; 4999, 5002 or Adam do not pass.
    """
    reference = descend(5000)
    assert_long_run(descend(5001), reference)
    assert_long_run(descend(5000, start=(1.7761, 0.1064)), reference)
    for wrong in (
        descend(4999),
        descend(5002),
        descend(5000, optimizer="Adam"),
        descend(5000, lr=5e-3),
    ):
        with pytest.raises(CheckFailed):
            assert_long_run(wrong, reference)


def test_a_reference_without_steps_is_the_authors_mistake():
    """Said as such, not blamed on the student."""
    with pytest.raises(ValueError, match="reference made no optimizer step"):
        compare_training(descend(5), descend(0), TRAINING_BAR)


def test_a_run_set_by_hand_beside_steps_that_do_nothing_is_no_training():
    """The right end with the right number of steps, but of gradients that make no such updates: the
    first such step is named.
    """
    reference, idle = descend(100), descend(100)
    trace = msgspec.structs.replace(
        idle.trace, gradients=(array_of(np.zeros((100, 2), np.float32)),)
    )
    forged = Observation(msgspec.structs.replace(idle.run, traces=(trace,)))
    with pytest.raises(CheckFailed, match="after step 1"):
        assert_long_run(forged, reference)


def test_moves_without_gradients_are_no_training_by_an_optimizer_with_a_memory_either():
    """Zero gradients, or none, beside moves by hand, from any start."""
    reference = descend(100, optimizer="Adam")
    elsewhere = descend(100, optimizer="Adam", start=(1.7761, 0.1064))
    assert_long_run(elsewhere, descend(100, optimizer="Adam", start=(1.7761, 0.1064)))
    zeros, none = (
        array_of(np.zeros((100, 2), np.float32)),
        array_of(np.full((100, 2), np.nan, np.float32)),
    )
    for honest, gradients, missing in (
        (reference, zeros, 0),
        (elsewhere, zeros, 0),
        (reference, none, 1),
    ):
        flags = (array_of(np.full(100, missing, np.uint8)),)
        idle = msgspec.structs.replace(honest.trace, gradients=(gradients,), missing=flags)
        forged = Observation(msgspec.structs.replace(honest.run, traces=(idle,)))
        with pytest.raises(
            CheckFailed, match="step 1 moved the parameters, and no gradient was there"
        ):
            assert_long_run(forged, honest)


def test_momentum_may_move_on_when_gradients_vanish():
    """Half of the steps have no gradient, and move all the same: that is what a memory does."""
    run = descend(40, optimizer="Adam")
    gradients = run.trace.gradients[0].numpy().copy()
    gradients[20:] = 0
    trace = msgspec.structs.replace(run.trace, gradients=(array_of(gradients),))
    assert moves_without_gradients(trace) is None
    assert moves_without_gradients(run.trace) is None


@pytest.mark.parametrize("lr", [1e-2, 1e-3, 2e-2])
def test_honest_runs_do_not_contradict_themselves(lr):
    """float32 rounding of rows, the noise of other kernels, a start of one's own, divergence: none
    is taken for a forged update.
    """
    for run in (
        descend(300, lr),
        descend(300, lr, start=(1.7761, 0.1064)),
        descend(300, lr, noise=1e-6),
    ):
        assert contradiction(run.trace) is None


def test_a_learning_rate_off_by_a_twentieth_contradicts_the_settings():
    """A trace that claims lr = 0.01 and moves as with 0.0105."""
    run = descend(50, lr=0.0105)
    trace = msgspec.structs.replace(run.trace, settings=({"lr": 0.01},))
    found = contradiction(trace)
    assert found is not None
    assert found.step == 1
    assert contradiction(msgspec.structs.replace(trace, optimizer="Adam")) is None
    assert (
        contradiction(
            msgspec.structs.replace(trace, settings=({"lr": 0.01, "momentum": 0.9},), fresh=False)
        )
        is None
    )


def test_a_reference_that_changes_its_learning_rate_is_no_measure_of_updates():
    """Settings are those of the last row: with a schedule, no single row says what an update should
    be.
    """
    reference = descend(100)
    scheduled = msgspec.structs.replace(reference.trace, settings=({"lr": 1e-3},))
    run = Observation(msgspec.structs.replace(reference.run, traces=(scheduled,)))
    assert contradiction(scheduled) is not None
    assert_long_run(run, run)


def test_the_bar_is_the_authors_else_the_measured_one_else_the_default():
    """A learning rate off by a thousandth: within a hundredth of the path, not within the
    default.
    """
    near, right = descend(50, lr=1.001e-2), descend(50)
    assert_same_training(near, right, bar=1e-2)
    assert_same_training(near, replace(right, bar=1e-2))
    for bar, measured in ((None, None), (1e-6, 1e-2)):
        with pytest.raises(CheckFailed):
            assert_same_training(near, replace(right, bar=measured), bar=bar)


def ending(observation, result):
    """The run of a cell that leaves `result` in params."""
    return replace(
        observation, run=msgspec.structs.replace(observation.run, variables={"params": result})
    )


def test_a_long_run_leaves_its_parameters_in_the_variable():
    """In one tensor or several, rounding allowed, also where all of them are below 0; nothing, one
    too few or another number fails.
    """
    reference = ending(descend(100), array_of(np.float32([-5.0, -17.0])))
    for right in (
        array_of(np.float32([-5.0, -17.00001])),
        Items((array_of(np.float32(-5.0)), array_of(np.float32([-17.0])))),
    ):
        assert_long_run(ending(descend(100), right), reference, result="params")
    for wrong in (
        array_of(np.float32([-5.0, -17.1])),
        array_of(np.float32([-5.0])),
        Items((array_of(np.float32([-5.0, -17.0])), "text")),
        None,
    ):
        with pytest.raises(CheckFailed):
            assert_long_run(ending(descend(100), wrong), reference, result="params")
    assert_long_run(ending(descend(100), None), reference)
    with pytest.raises(TypeError, match="does @cell capture it"):
        assert_long_run(descend(100), descend(100), result="params")


def test_a_long_run_of_an_optimizer_that_remembers_is_for_a_person():
    """It may have trained in an earlier cell, or be made up: no points are lost, and none given."""
    plain = descend(100)
    momentum = msgspec.structs.replace(
        plain.trace, settings=({"lr": 1e-2, "momentum": 0.9, "dampening": 0, "nesterov": False},)
    )
    reference, worn = (
        replace(
            plain,
            run=msgspec.structs.replace(
                plain.run, traces=(msgspec.structs.replace(momentum, fresh=fresh),)
            ),
        )
        for fresh in (True, False)
    )
    assert_long_run(worn, worn)
    with pytest.raises(NeedsReview, match="in an earlier cell"):
        assert_long_run(worn, reference)
