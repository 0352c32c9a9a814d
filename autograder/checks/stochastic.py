"""What the author of a check imports for training by minibatches, where no two right programs make
the same numbers.

The check's call is made with ``record_batches=True`` through a driver that passes model, optimizer,
images, labels and generator to the student's functions as they are::

    @points(20, visibility="after_due_date")
    @call("train_epoch", driver="train", record_batches=True, seed=5, epochs=2, batch_size=16, images=IMAGES, labels=LABELS, optimizer=optim.SGD(lr=0.1, over=""))
    def test_unseen_data(run, reference):
        "Two epochs on data you have not seen"
        assert_same_stochastic_training(run, reference)

The reference's function is replayed from the student's own parameters, random state and batch, up
to its first step: it must shuffle by torch.randperm or a DataLoader, and draw no random numbers
before the model does.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from autograder.checks.verdicts import CheckFailed, NeedsReview
from autograder.judgement.batches import coverage as covering
from autograder.judgement.batches.epochs import BatchStory, story_of
from autograder.judgement.batches.evaluation import evaluation
from autograder.judgement.batches.examine import examine, own_dropout, replay_failed, training
from autograder.judgement.batches.replayed import judged, stochastic_residuals
from autograder.judgement.comparing.tolerance import TRAINING_BAR
from autograder.judgement.findings.finding import Contract

if TYPE_CHECKING:
    from collections.abc import Sequence

    from autograder.judgement.findings.finding import Finding
    from autograder.judgement.observation import Observation

__all__ = [
    "assert_accuracy_over_seeds",
    "assert_evaluates",
    "assert_every_sample_once",
    "assert_same_stochastic_training",
]


def assert_same_stochastic_training(
    run: Observation, reference: Observation, *, bar: float | None = None
) -> None:
    """Each epoch sees each sample once, and each step has the gradient and makes the update that
    the reference makes from the student's own state; what is returned fits the losses.

    `bar` bounds the residual of the steps, one in twenty excepted. None: as calibration has
    measured for this check, else `TRAINING_BAR`.

    Raises:
        CheckFailed: naming the first thing that is wrong.
        NeedsReview: where the gradients are not the reference's, nothing known explains them, and
            the model may draw its dropout in another way; here and below also where there was too
            much to record.
    """
    mine, model = _stories(run, reference)
    measured = TRAINING_BAR if reference.bar is None else reference.bar
    findings = examine(mine, model, run.replayed, measured if bar is None else bar)
    if [finding.code for finding in findings] == ["wrong-loss"] and own_dropout(mine, model):
        message = (
            "The gradients are not those of a model with nn.Dropout, and this one has none that is"
            f" switched on: its own dropout may be right.\n{_told(findings)}"
        )
        raise NeedsReview(message)
    if findings:
        raise CheckFailed(_told(findings))
    if replay_failed(mine, run.replayed):
        message = (
            "Observed: steps that can't be compared with the reference's\nExpected: steps of the"
            " model that was passed in, on batches of the images that were passed in"
        )
        raise CheckFailed(message)
    _, residuals = (
        stochastic_residuals(mine, run.replayed)
        if run.replayed is not None
        else (None, np.zeros(0))
    )
    if not judged(residuals) <= (measured if bar is None else bar):
        message = (
            f"Observed: gradients or steps that are {judged(residuals):.2g} of their size away from"
            " the reference's\nExpected: the same, from your own parameters, batch and dropout"
        )
        raise CheckFailed(message)


def assert_every_sample_once(
    run: Observation, reference: Observation, *, with_generator: bool = True
) -> None:
    """Each epoch sees each sample once, in batches as asked, in a new random order, drawn
    (`with_generator`) from the generator that was passed in. What the steps do is another check's
    business.

    Raises:
        CheckFailed: naming the first thing that is wrong.
    """
    mine, model = _stories(run, reference)
    findings = [
        finding
        for finding in training(mine, model)
        if finding.code not in ("eval-mode-training", "step-twice", "step-before-backward")
    ]
    if not findings and with_generator:
        findings = list(covering.generator(mine, model))
    if findings:
        raise CheckFailed(_told(findings))


def assert_evaluates(run: Observation, reference: Observation) -> None:
    """The phases in which the reference only runs the model see every sample in evaluation mode,
    change nothing, build no graph and return the right number.

    Raises:
        CheckFailed: naming the first thing that is wrong.
    """
    mine, model = _stories(run, reference)
    findings = evaluation(mine, model)
    if findings:
        raise CheckFailed(_told(findings))


def assert_accuracy_over_seeds(run: Observation, reference: Observation, *, margin: float) -> None:
    """The mean of the returned numbers, one per seed, lies no more than `margin` below the
    reference's. A last bound: wide, so that no right program falls below it by bad luck.

    Raises:
        CheckFailed: with both means.
    """
    mine, model = (
        np.asarray(one.returned, float) if isinstance(one.returned, list | tuple) else np.zeros(0)
        for one in (run, reference)
    )
    if mine.shape != model.shape or not np.isfinite(mine).all():
        message = f"Observed: {run.returned!r:.100}\nExpected: {len(model)} accuracies"
        raise CheckFailed(message)
    if float(mine.mean()) < float(model.mean()) - margin:
        message = (
            f"Observed: a mean accuracy of {mine.mean():.3f} over {len(mine)} seeds\nExpected:"
            f" about {model.mean():.3f}; less than {model.mean() - margin:.3f} is no bad luck"
        )
        raise CheckFailed(message)


def findings_of(run: Observation, reference: Observation, bar: float | None) -> tuple[Finding, ...]:
    """All findings about training and evaluation phases, for the feedback on a failed check."""
    mine, model = story_of(run, reference), story_of(reference, reference)
    if mine is None or model is None:
        return ()
    found = (
        examine(mine, model, run.replayed, TRAINING_BAR if bar is None else bar)
        if model.rounds
        else ()
    )
    drawn = (
        ()
        if any(finding.contract is Contract.BATCHES for finding in found)
        else covering.generator(mine, model)
    )
    return (*found, *drawn, *evaluation(mine, model))


def _stories(run: Observation, reference: Observation) -> tuple[BatchStory, BatchStory]:
    mine, model = story_of(run, reference), story_of(reference, reference)
    if mine is None or model is None:
        message = (
            "the call records no batches (record_batches=True), or passes no images with labels"
        )
        raise TypeError(message)
    if mine.log.dropped:
        message = (
            f"This call did so much that {mine.log.dropped} of its forward and backward passes"
            " could not be recorded, so its batches can't be judged."
        )
        raise NeedsReview(message)
    return mine, model


def _told(findings: Sequence[Finding]) -> str:
    first = findings[0]
    where = f"step {first.step}: " if first.step is not None else ""
    return f"Observed: {where}{first.observed}\nExpected: {first.expected}"
