"""The stochastic protocol on runs made by hand: each finding where it belongs, and none where
training is right.
"""

from __future__ import annotations

import msgspec
import numpy as np
import pytest
from batch_runs import (
    BATCH,
    COUNT,
    IMAGES,
    LABELS,
    MODEL,
    NUMBERS,
    REFERENCE,
    Made,
    right_gradient,
    shuffled,
)

from autograder.checks import CheckFailed, NeedsReview, Observation
from autograder.checks.stochastic import (
    assert_accuracy_over_seeds,
    assert_evaluates,
    assert_every_sample_once,
    assert_same_stochastic_training,
)
from autograder.evidence.trace import (
    BatchEvent,
    BatchLog,
    Forward,
    Items,
    Phase,
    Run,
    RunStatus,
    array_of,
)
from autograder.judgement.batches.coverage import coverage, generator
from autograder.judgement.batches.epochs import story_of
from autograder.judgement.batches.evaluation import evaluation
from autograder.judgement.batches.examine import examine
from autograder.judgement.batches.replayed import judged, stochastic_distance
from autograder.judgement.batches.sample_rows import copies, match_rows
from autograder.judgement.observation import Replayed

BAR = 5e-5


def codes(made: Made, **more) -> list[str]:
    return [
        finding.code
        for finding in examine(made.story(), MODEL, more.get("replayed", made.replayed), BAR)
    ]


def cut(order, size=BATCH):
    return [order[start : start + size] for start in range(0, len(order), size)]


# --- rows -----------------------------------------------------------------------------------------


def test_rows_are_found_in_any_shape_and_precision():
    """float64, images instead of rows, a change below rounding."""
    rows = np.array([3, 17, 0])
    assert match_rows(IMAGES[rows], IMAGES).tolist() == [3, 17, 0]
    assert match_rows(IMAGES[rows].astype(np.float64).reshape(3, 1, 5), IMAGES).tolist() == [
        3,
        17,
        0,
    ]
    assert match_rows(IMAGES[rows] * np.float32(1 + 1e-7), IMAGES).tolist() == [3, 17, 0]


def test_other_rows_are_not_found():
    """Scaled, of another width, not finite, none at all."""
    assert match_rows(IMAGES[:2] * 2, IMAGES).tolist() == [-1, -1]
    assert match_rows(IMAGES[:2, :3], IMAGES).tolist() == [-1, -1]
    assert match_rows(np.full((1, 5), np.nan, np.float32), IMAGES).tolist() == [-1]
    assert match_rows(IMAGES[:0], IMAGES).tolist() == []


def test_equal_rows_are_counted_together():
    data = np.array([[1.0, 2], [3, 4], [1, 2]])
    assert copies(data).tolist() == [2, 1, 0]
    assert match_rows(data, data).tolist() == [0, 1, 0]


# --- batches --------------------------------------------------------------------------------------

RIGHT_BATCHES = {
    "the reference's own": [shuffled(1), shuffled(2)],
    "other orders": [shuffled(7), shuffled(8)],
    "sorted within each batch": [
        [np.sort(batch) for batch in shuffled(7)],
        [batch[::-1] for batch in shuffled(8)],
    ],
    "the small batch first": [shuffled(7)[::-1], shuffled(8)],
}
WRONG_BATCHES = {
    "no-shuffle": [cut(np.arange(COUNT))] * 2,
    "same-order": [shuffled(3), shuffled(3)[::-1]],
    "drops-last-batch": [shuffled(3)[:-1], shuffled(4)[:-1]],
    "skips-samples": [[*shuffled(3)[:2], shuffled(3)[2][:5]], shuffled(4)],
    "repeats-samples": [[*shuffled(3), shuffled(3)[0]], shuffled(4)],
    "samples-with-replacement": [
        cut(np.random.default_rng(1).integers(0, COUNT, COUNT)),
        shuffled(4),
    ],
    "same-batch": [[shuffled(3)[0]] * 4, shuffled(4)],
    "batch-size": [cut(np.concatenate(shuffled(3)), 10), shuffled(4)],
}


@pytest.mark.parametrize("name", RIGHT_BATCHES)
def test_right_batches_are_not_accused(name):
    made = Made(RIGHT_BATCHES[name])
    assert list(coverage(made.story(), MODEL)) == []
    assert codes(made) == []


@pytest.mark.parametrize("code", WRONG_BATCHES)
def test_wrong_batches_are_named(code):
    assert [finding.code for finding in coverage(Made(WRONG_BATCHES[code]).story(), MODEL)] == [
        code
    ]


def test_batches_of_neighbours_in_random_order_are_no_shuffle():
    """Samples that lie together are still always seen together."""
    blocks = cut(np.arange(COUNT))
    assert [
        finding.code
        for finding in coverage(
            Made([blocks[::-1], [blocks[2], blocks[0], blocks[3], blocks[1]]]).story(), MODEL
        )
    ] == ["no-shuffle"]


def test_other_inputs_are_told_as_such_and_nothing_is_made_of_their_gradients():
    made = Made([shuffled(1), shuffled(2)], images=IMAGES * 3)
    assert codes(made, replayed=None) == ["changes-inputs"]


def test_a_generator_that_was_left_alone():
    made = Made(
        [shuffled(7), shuffled(8)], phase=lambda phase: msgspec.structs.replace(phase, drew=False)
    )
    assert [finding.code for finding in generator(made.story(), MODEL)] == ["ignores-generator"]
    assert list(generator(Made([shuffled(7), shuffled(8)]).story(), MODEL)) == []


# --- gradients ------------------------------------------------------------------------------------

TWO = [shuffled(7), shuffled(8)]


def frozen(_step, right, _all):
    changed = right.copy()
    changed[:12] = 0
    return changed


def rounded(_step, right, _all):
    return right.astype(np.float16).astype(np.float64)


WRONG_GRADIENTS = {
    "scales-batch-loss": lambda step, right, _: right * 12,
    "maximises": lambda step, right, _: -right,
    "never-clears": lambda step, right, every: np.sum(every, axis=0),
    "clears-sometimes": lambda step, right, every: right + (every[-2] if step % 2 == 0 else 0),
    "step-before-backward": lambda step, right, every: every[-2] if step > 1 else right * 0,
    "frozen-layer": frozen,
    "half-precision": rounded,
    "empty-gradients": lambda step, right, _: right * 0,
    "wrong-loss": lambda step, right, _: right**3,
}


@pytest.mark.parametrize("code", WRONG_GRADIENTS)
def test_wrong_gradients_are_named(code):
    assert codes(Made(TWO, change=WRONG_GRADIENTS[code])) == [code]


def test_a_sum_grows_with_the_batch():
    """Twelve times too long for twelve samples, four times for four."""
    sizes = [len(batch) for epoch in TWO for batch in epoch]
    (finding,) = examine(
        (made := Made(TWO, change=lambda step, right, _: right * sizes[step - 1])).story(),
        MODEL,
        made.replayed,
        BAR,
    )
    assert finding.code == "scales-batch-loss"
    assert "4 times the expected one" not in finding.expected
    assert "12 samples" in finding.observed


def test_gradients_cut_to_a_length_or_to_a_size():
    def to_length(_step, right, _all):
        return right * min(1.0, 3.0 / np.linalg.norm(right))

    assert codes(Made(TWO, change=to_length)) == ["clips-gradients"]
    assert codes(Made(TWO, change=lambda step, right, _: np.clip(right, -0.7, 0.7))) == [
        "clips-gradients"
    ]


def test_a_penalty_of_any_strength():
    """Found from the parameters that each forward pass saw."""
    seen: list[np.ndarray] = []

    def noting(forward):
        seen.append(forward.parameters.numpy().astype(float))
        return forward

    Made(
        TWO,
        forward=noting,
        # a first run tells where parameters are; with a penalty they go elsewhere, one step after
        # another
    )
    for step in range(1, 9):
        points, seen = seen, []
        made = Made(
            TWO,
            forward=noting,
            change=lambda step, right, _, points=points: right + 0.02 * points[step - 1],
        )
    assert codes(made) == ["weight-penalty"]


def test_labels_of_other_samples():
    """The gradient of the last bias counts the labels of a batch."""
    other = np.roll(LABELS, 5)
    rows = [batch for epoch in TWO for batch in epoch]

    def change(step, right, _all):
        wrong = right_gradient(rows[step - 1], np.zeros(NUMBERS), other)
        return np.concatenate([right[:-3] + 0.3, wrong[-3:]])

    assert codes(Made(TWO, change=change)) == ["labels-misaligned"]


def test_a_known_mistake_that_fits_is_named():
    """Its gradients come from the reference with that mistake in it."""
    made = Made(TWO, change=lambda step, right, _: right**3)
    known = with_known(made, {"softmax-before-loss#1": np.array(made.right) ** 3})
    assert codes(made, replayed=known) == ["softmax-before-loss"]
    other = with_known(made, {"softmax-before-loss#1": np.array(made.right) ** 5})
    assert codes(made, replayed=other) == ["wrong-loss"]


def with_known(made, others):
    return Replayed(made.replayed.gradients, made.replayed.losses, made.replayed.after, others)


def test_one_odd_step_in_twenty_is_forgiven_and_three_are_not():
    """A ReLU at its kink moves one gradient; a mistake that shows in every seventh step is one."""
    epochs = [shuffled(seed) for seed in range(10, 15)]
    model = story_of(
        Observation(Made([shuffled(seed) for seed in range(5)]).run), Observation(REFERENCE.run)
    )

    def odd(*steps):
        made = Made(epochs, change=lambda step, right, _: right * 1.01 if step in steps else right)
        return [finding.code for finding in examine(made.story(), model, made.replayed, BAR)]

    assert odd(9) == []
    assert odd(3, 9, 15) != []
    assert judged(np.array([0.0] * 19 + [1.0])) == 0
    assert judged(np.array([0.0] * 18 + [1.0] * 2)) == 1
    assert judged(np.zeros(0)) == float("inf")


def test_the_distance_that_calibration_measures_is_the_one_that_is_judged():
    made = Made(TWO, change=lambda step, right, _: right * 1.001)
    distance = stochastic_distance(made.story(), made.replayed)
    assert distance.total == pytest.approx(1e-3, rel=0.01)
    assert len(distance.by_step) == 8
    assert stochastic_distance(None, None).total == float("inf")


# --- everything else about the steps --------------------------------------------------------------


def test_parameters_that_move_between_steps():
    made = Made(TWO, move=lambda parameters: np.clip(parameters, -0.5, 0.5))
    assert "moves-parameters" in codes(made)


def test_a_step_that_no_optimizer_makes():
    made = Made(TWO)
    slower = made.replayed.after - 0.5 * (
        made.replayed.after
        - np.concatenate([made.story().start[None], made.story().flat("parameters")])[:-1]
    )
    assert codes(
        made, replayed=Replayed(made.replayed.gradients, made.replayed.losses, slower)
    ) == ["changes-update"]


def test_dropout_switched_off_while_training():
    made = Made(
        TWO, forward=lambda forward: msgspec.structs.replace(forward, training=False, dropping=0)
    )
    assert codes(made) == ["eval-mode-training"]


def test_a_copy_of_the_model():
    assert codes(
        Made(TWO, forward=lambda forward: msgspec.structs.replace(forward, own=False))
    ) == ["trains-a-copy"]


def test_graphs_that_stay():
    """One more with each batch; one or two at a time are fine."""
    assert codes(Made(TWO, alive=lambda step: step)) == ["keeps-graph"]
    assert codes(Made(TWO, alive=2)) == []


def test_the_returned_mean():
    assert codes(Made(TWO, returned=lambda losses, sizes: float(np.mean(losses)))) == [
        "mean-of-means"
    ]
    assert codes(Made(TWO, returned=lambda losses, sizes: float(np.sum(losses)))) == [
        "wrong-mean-loss"
    ]
    assert codes(Made(TWO, returned=lambda losses, sizes: "low")) == ["returns-no-loss"]
    with_graph = array_of(np.float32(1.0), requires_grad=True)
    assert codes(Made(TWO, returned=lambda losses, sizes: with_graph)) == ["keeps-graph"]
    tensor = lambda losses, sizes: array_of(np.float32(np.average(losses, weights=sizes)))  # noqa: E731
    assert codes(Made(TWO, returned=tensor)) == []


def without(made: Made, *kinds) -> Made:
    made.log = BatchLog(
        made.log.phases,
        tuple(event for event in made.log.events if event.kind not in kinds),
        made.log.shapes,
    )
    made.run = msgspec.structs.replace(made.run, batches=made.log)
    return made


def test_nothing_happened():
    assert codes(without(Made(TWO), "step", "backward")) == ["no-training"]
    assert codes(without(Made(TWO), "step")) == ["no-step"]
    foreign = Made(TWO)
    events = tuple(
        msgspec.structs.replace(event, given=event.kind != "step") for event in foreign.log.events
    )
    foreign.run = msgspec.structs.replace(
        foreign.run, batches=BatchLog(foreign.log.phases, events, foreign.log.shapes)
    )
    assert codes(foreign) == ["own-optimizer"]


def test_another_model():
    made = Made(TWO)
    made.run = msgspec.structs.replace(
        made.run, batches=BatchLog(made.log.phases, made.log.events, ((4, 3), (4,)))
    )
    assert codes(made) == ["other-architecture"]


def test_epochs_too_few_and_too_many_within_one_call():
    """A function that makes all epochs itself is one phase."""

    def whole(seeds):
        made = Made([[batch for seed in seeds for batch in shuffled(seed)]])
        return story_of(Observation(made.run), Observation(REFERENCE.run))

    model = whole((1, 2, 3))
    assert [finding.code for finding in coverage(whole((4, 5, 6)), model)] == []
    assert [finding.code for finding in coverage(whole((4, 5)), model)] == ["too-few-steps"]
    assert [finding.code for finding in coverage(whole((4, 5, 6, 7)), model)] == ["too-many-steps"]


# --- evaluation -----------------------------------------------------------------------------------


def evaluated(rows, *, value=0.25, graph=False, training=False, **phase):
    made = Forward(array_of(IMAGES[rows]), training=training, dropping=int(training), graph=graph)
    log = BatchLog((Phase("evaluate", value, **phase),), (BatchEvent("forward", 0, made),))
    data = {"images": array_of(IMAGES), "labels": array_of(LABELS)}
    return Observation(Run("call", RunStatus.FINISHED, arguments=data, batches=log))


EVALUATIONS = {
    "evaluates-in-train-mode": dict(training=True, value=0.3),
    "evaluation-builds-graph": dict(graph=True),
    "evaluation-trains": dict(moved=True),
    "evaluation-leaves-gradients": dict(left_gradients=True),
    "miscounts-accuracy": dict(value=0.26),
}
ALL = np.arange(COUNT)


@pytest.mark.parametrize("code", EVALUATIONS)
def test_wrong_evaluations_are_named(code):
    run, reference = evaluated(ALL, **EVALUATIONS[code]), evaluated(ALL)
    assert [
        one.code for one in evaluation(story_of(run, reference), story_of(reference, reference))
    ] == [code]
    with pytest.raises(CheckFailed):
        assert_evaluates(run, reference)


def test_evaluations_that_leave_samples_out_or_see_others():
    reference = evaluated(ALL)
    model = story_of(reference, reference)
    assert [one.code for one in evaluation(story_of(evaluated(ALL[:30]), reference), model)] == [
        "evaluation-skips-samples"
    ]
    empty = Observation(
        msgspec.structs.replace(reference.run, batches=BatchLog((Phase("evaluate", 0.25),), ()))
    )
    assert [one.code for one in evaluation(story_of(empty, reference), model)] == [
        "evaluates-nothing"
    ]


def test_a_right_evaluation_may_go_through_the_samples_in_any_order_and_twice():
    reference = evaluated(ALL)
    for rows in (ALL, ALL[::-1], np.concatenate([ALL, ALL])):
        assert_evaluates(evaluated(rows), reference)


# --- what authors of checks call ------------------------------------------------------------------


def judge(made: Made) -> None:
    assert_same_stochastic_training(
        Observation(made.run, replayed=made.replayed), Observation(REFERENCE.run)
    )


def test_a_right_training_passes_and_a_wrong_one_does_not():
    judge(Made(TWO))
    with pytest.raises(CheckFailed, match="12 times"):
        judge(Made(TWO, change=lambda step, right, _: right * 12))


def test_the_bar_of_steps_is_the_authors_else_the_measured_one_else_the_default():
    """Gradients that are a thousandth off."""
    made = Made(
        TWO,
        change=lambda step, right, _: (
            right
            + 1e-3 * np.abs(right).max() * np.random.default_rng(step).normal(size=right.shape)
        ),
    )
    run, reference = Observation(made.run, replayed=made.replayed), Observation(REFERENCE.run)
    assert_same_stochastic_training(run, reference, bar=0.1)
    assert_same_stochastic_training(run, Observation(REFERENCE.run, bar=0.1))
    for bar, measured in ((None, None), (1e-6, 0.1)):
        with pytest.raises(CheckFailed):
            assert_same_stochastic_training(run, Observation(REFERENCE.run, bar=measured), bar=bar)


def test_a_training_that_was_not_replayed_never_passes():
    made = Made(TWO)
    with pytest.raises(CheckFailed, match="can't be compared"):
        assert_same_stochastic_training(Observation(made.run), Observation(REFERENCE.run))


def test_dropout_of_ones_own_is_for_a_person():
    """No replay can tell what it would have dropped: neither passed nor failed."""
    plain = lambda forward: msgspec.structs.replace(forward, dropping=0)  # noqa: E731
    judge(Made(TWO, forward=plain))  # functional dropout draws as the module does
    with pytest.raises(NeedsReview):
        judge(Made(TWO, forward=plain, change=lambda step, right, _: right**3))
    with pytest.raises(CheckFailed):  # a mistake that has a name is none of dropout's
        judge(Made(TWO, forward=plain, change=lambda step, right, _: right * 12))


def test_batches_are_judged_by_themselves():
    reference = Observation(REFERENCE.run)
    assert_every_sample_once(
        Observation(Made(TWO, change=lambda step, right, _: right * 12).run), reference
    )
    alone = Observation(
        Made(TWO, phase=lambda phase: msgspec.structs.replace(phase, drew=False)).run
    )
    assert_every_sample_once(alone, reference, with_generator=False)
    for made in (alone, Observation(Made(WRONG_BATCHES["same-batch"]).run)):
        with pytest.raises(CheckFailed):
            assert_every_sample_once(made, reference)


def test_accuracy_over_seeds_is_a_last_bound():
    def returning(*values):
        return Observation(Run("call", RunStatus.FINISHED, returned=Items(tuple(values))))

    reference = returning(0.9, 0.92, 0.94)
    assert_accuracy_over_seeds(returning(0.8, 0.9, 0.9), reference, margin=0.1)
    for wrong in (
        returning(0.7, 0.8, 0.8),
        returning(1.0, 0.7, 0.7),
        returning(0.9),
        Observation(Run("call", RunStatus.FINISHED)),
        returning(float("nan"), 1.0, 1.0),
    ):
        with pytest.raises(CheckFailed):
            assert_accuracy_over_seeds(wrong, reference, margin=0.1)


def test_what_could_not_be_recorded_is_for_a_person():
    """The record breaks off, which is not to say that the training does."""
    made = Made(TWO)
    made.run = msgspec.structs.replace(
        made.run,
        batches=BatchLog(made.log.phases, made.log.events[:9], made.log.shapes, dropped=15),
    )
    with pytest.raises(NeedsReview, match="15"):
        judge(made)


def test_a_call_without_batches_is_the_authors_fault():
    with pytest.raises(TypeError, match="record_batches=True"):
        assert_every_sample_once(
            Observation(Run("call", RunStatus.FINISHED)), Observation(REFERENCE.run)
        )
