"""Two optimizers over the same tensors, in whatever groups and order."""

import msgspec
import numpy as np
import pytest
from trainings import descend

from autograder.evidence.trace import array_of
from autograder.judgement.comparing.alignment import aligned
from autograder.judgement.comparing.distance import training_distance
from autograder.judgement.comparing.tolerance import TRAINING_BAR
from autograder.judgement.comparing.training import compare_training
from autograder.judgement.observation import Observation


def in_parts(observation, order, names=("params[0]", "params[1]"), missing=()):
    """The training of two tensors of one number each, w and b, in the given order; rows (from 0) in
    `missing` had no gradient of b.
    """
    (trace,) = observation.run.traces
    gone = np.isin(np.arange(trace.steps), missing)
    parts = {}
    for part in ("start", "parameters", "gradients"):
        values = getattr(trace, part)[0].numpy()
        columns = [values[..., k].copy() for k in (0, 1)]
        if part == "gradients":
            columns[1][gone] = np.nan
        parts[part] = tuple(array_of(columns[k]) for k in order)
    flags = [array_of(np.zeros(trace.steps, np.uint8)), array_of(gone.astype(np.uint8))]
    changed = msgspec.structs.replace(
        trace,
        same_as=tuple(names[k] for k in order),
        missing=tuple(flags[k] for k in order),
        **parts,
    )
    return Observation(msgspec.structs.replace(observation.run, traces=(changed,), returned=None))


def test_tensors_in_another_order_are_compared_with_their_own():
    """The same training is the same, and another is another, by distance and by verdict."""
    model = in_parts(descend(20), (0, 1))
    assert compare_training(in_parts(descend(20), (1, 0)), model, TRAINING_BAR) is None
    assert training_distance(in_parts(descend(20), (1, 0)), model).total == 0
    assert compare_training(in_parts(descend(20, lr=2e-2), (1, 0)), model, TRAINING_BAR) is not None


@pytest.mark.parametrize("names", [("", ""), ("params[0]", "params[0]"), ("params[0]", "weights")])
def test_tensors_that_cannot_be_told_stay_where_they_are(names):
    """Without names, with one name twice, or with other names than the model's, the order is that
    of the groups.
    """
    trace, model = (
        in_parts(descend(5), (1, 0), names).trace,
        in_parts(descend(5), (0, 1), ("params[0]", "params[1]")).trace,
    )
    assert aligned(trace, model) is trace


def test_no_gradient_on_either_side_is_no_difference():
    """A tensor that some steps do not use has none there; where only one side has none, they
    differ, and it is said.
    """
    model = in_parts(descend(6), (0, 1), missing=(1, 4))
    assert (
        compare_training(in_parts(descend(6), (0, 1), missing=(1, 4)), model, TRAINING_BAR) is None
    )
    assert training_distance(in_parts(descend(6), (0, 1), missing=(1, 4)), model).total == 0
    one_more = compare_training(
        in_parts(descend(6), (0, 1), missing=(1, 3, 4)), model, TRAINING_BAR
    )
    assert one_more is not None
    assert (one_more.step, "none (.grad was None)" in one_more.observed) == (4, True)
    assert compare_training(in_parts(descend(6), (0, 1)), model, TRAINING_BAR) is not None
