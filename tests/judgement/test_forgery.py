"""Traces that claim what no optimizer did: always found by the comparison with the reference."""

import msgspec
import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from trainings import descend

from autograder.checks import Observation
from autograder.evidence.trace import array_of
from autograder.judgement.comparing.tolerance import TRAINING_BAR
from autograder.judgement.comparing.training import compare_training

EPOCHS = st.integers(20, 60)
STARTS = st.tuples(st.floats(-3, 3), st.floats(-3, 3))


def forged(observation, rows):
    """`observation` with `rows`, shape (steps, 2), in the place of its parameters, and the last of
    them returned.
    """
    (trace,) = observation.run.traces
    claimed = msgspec.structs.replace(trace, parameters=(array_of(np.float32(rows)),))
    return Observation(
        msgspec.structs.replace(
            observation.run, traces=(claimed,), returned=array_of(np.float32(rows[-1]))
        )
    )


@given(EPOCHS, STARTS)
def test_a_straight_line_to_the_right_answer_is_found(epochs, start):
    """The ends are right, the path is not."""
    honest = descend(epochs, start=start)
    rows = np.linspace(start, honest.parameters[0][-1], epochs + 1)[1:]
    assert compare_training(forged(honest, rows), honest, TRAINING_BAR) is not None


@given(EPOCHS, STARTS)
def test_a_learning_rate_off_by_five_percent_is_found(epochs, start):
    """Also when the gradients claimed are those of the claimed path."""
    assert (
        compare_training(
            descend(epochs, start=start, lr=1.05e-2), descend(epochs, start=start), TRAINING_BAR
        )
        is not None
    )


@given(EPOCHS, STARTS, st.data())
def test_one_step_dropped_is_found(epochs, start, data):
    """A trace that has one step less, wherever it is missing, and says so or hides it by repeating
    a row.
    """
    honest = descend(epochs, start=start)
    dropped = data.draw(st.integers(0, epochs - 2))
    rows = np.delete(honest.parameters[0], dropped, axis=0)
    hidden = forged(honest, np.vstack([rows, rows[-1:]]))
    assert compare_training(hidden, honest, TRAINING_BAR) is not None
    (trace,) = honest.run.traces
    shorter = msgspec.structs.replace(trace, steps=epochs - 1)
    assert (
        compare_training(
            Observation(msgspec.structs.replace(honest.run, traces=(shorter,))),
            honest,
            TRAINING_BAR,
        )
        is not None
    )


@given(EPOCHS, STARTS, st.floats(1.0, 100.0))
def test_a_wider_bar_never_fails_what_a_narrower_passes(epochs, start, factor):
    """The tolerance of trainings is monotone."""
    noisy, honest = descend(epochs, start=start, noise=1e-5), descend(epochs, start=start)
    if compare_training(noisy, honest, TRAINING_BAR) is None:
        assert compare_training(noisy, honest, TRAINING_BAR * factor) is None


@given(EPOCHS, STARTS)
def test_honest_traces_are_never_found(epochs, start):
    """Float32 noise is no forgery."""
    assert (
        compare_training(
            descend(epochs, start=start, noise=1e-6), descend(epochs, start=start), TRAINING_BAR
        )
        is None
    )
