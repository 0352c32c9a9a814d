"""All findings about one run of a call that trains by minibatches, the first of them what a student
should look at first.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from autograder.evidence.trace import Array
from autograder.judgement.batches.coverage import coverage
from autograder.judgement.batches.naming import name_gradient
from autograder.judgement.batches.replayed import gaps, judged, update_gaps
from autograder.judgement.findings.finding import Contract, Finding
from autograder.judgement.observation import describe, plain

if TYPE_CHECKING:
    from autograder.evidence.trace import Value
    from autograder.judgement.batches.epochs import BatchStory
    from autograder.judgement.observation import Replayed

RETURN_BAR = 1e-4
"""Relative difference of a returned mean loss: a sum of some hundred float32 losses rounds by
1e-6.
"""

GRAPHS = 4
"""Losses whose graphs are alive at once.

A loop holds one, or two where it keeps the last; one that adds up losses as tensors holds them all.
"""


def training(story: BatchStory, model: BatchStory) -> Iterator[Finding]:
    """Yield the findings that need no gradients of the reference: events, modes, batches."""
    order = tuple(_events(story, model))
    yield from order
    if any(finding.code in STOPS for finding in order):
        return
    yield from _modes(story, model)
    yield from coverage(story, model)


def examine(
    story: BatchStory, model: BatchStory, replayed: Replayed | None, bar: float
) -> tuple[Finding, ...]:
    """Return all findings about the training phases."""
    shape = tuple(_shape(story, model))
    if shape:
        return shape
    found = [*training(story, model)]
    codes = {finding.code for finding in found}
    if not codes & STOPS:
        if replayed is not None and not codes & UNREPLAYED:
            wrong = [
                finding
                for finding in name_gradient(story, replayed, bar)
                if not (codes & EXPLAINS.get(finding.code, frozenset()))
            ]
            found += wrong
            found += _update(story, replayed, bar)
        found += _graphs(story)
    means = _returns(story, model)
    found += [
        finding
        for finding in means
        if finding.code not in FOLLOWING or all(one.contract is Contract.RETURN for one in found)
    ]
    return tuple(found)


FOLLOWING = frozenset({"mean-of-means", "wrong-mean-loss"})
"""A wrong number that may follow from whatever else is wrong."""


STOPS = frozenset(
    {"no-training", "no-step", "no-backward", "own-optimizer", "no-graph", "steps-rarely"}
)
"""Without a step of the optimizer for each batch there is nothing else to look at."""
UNREPLAYED = frozenset({"changes-inputs"})
"""Batches that are not of the data have no labels, and can't be replayed."""
EXPLAINS = {
    "wrong-loss": frozenset({"eval-mode-training", "step-twice"}),
    "scales-batch-loss": frozenset({"step-twice"}),
    "empty-gradients": frozenset({"step-twice"}),
    "eval-mode-training": frozenset({"eval-mode-training"}),
    "step-before-backward": frozenset({"step-twice", "step-before-backward"}),
}
"""What need not be said of a gradient because something found before explains it."""


def _events(story: BatchStory, model: BatchStory) -> Iterator[Finding]:
    """Yield a finding unless each batch has one backward pass and one of the optimizer's steps."""
    steps, backwards = len(story.rounds), story.count("backward")
    others = story.count("step") - steps
    wanted = len(model.rounds)
    if not steps and others:
        yield Finding(
            "own-optimizer",
            Contract.OPTIMIZER,
            f"another optimizer made {others} steps, the one passed in none",
            f"{wanted} steps of the one passed in",
        )
    elif not steps and not backwards:
        yield Finding(
            "no-training", Contract.COUNT, "neither backward() nor step() ran", f"{wanted} steps"
        )
    elif not steps:
        yield Finding(
            "no-step",
            Contract.COUNT,
            f"{backwards} backward passes and no step",
            f"{wanted} steps, one after each backward pass",
        )
    elif not backwards and not any(one.forwards for one in story.rounds):
        yield Finding(
            "no-graph",
            Contract.COUNT,
            f"{steps} steps, but no forward pass that autograd recorded",
            "a forward pass with gradients for each step",
        )
    elif (
        not backwards
        and not np.nan_to_num(story.flat("gradients") if story.order else np.zeros(1)).any()
    ):
        yield Finding(
            "no-backward",
            Contract.COUNT,
            f"{steps} steps and no backward pass",
            "a backward pass before each step",
        )
    elif others:
        yield Finding(
            "own-optimizer",
            Contract.OPTIMIZER,
            f"another optimizer made {others} steps besides",
            "only the optimizer passed in moves the parameters",
        )
    else:
        yield from _counts(story, wanted)


def _counts(story: BatchStory, wanted: int) -> Iterator[Finding]:
    steps = len(story.rounds)
    empty = [one.number for one in story.rounds if not one.backwards and not one.forwards]
    if empty == [1]:
        yield Finding(
            "step-before-backward",
            Contract.COUNT,
            "step 1 came before the first backward pass",
            "backward(), then step(), for each batch",
            1,
        )
    elif len(empty) >= steps // 3 and empty:
        yield Finding(
            "step-twice",
            Contract.COUNT,
            f"{len(empty)} of {steps} steps had no backward pass of their own",
            "one step for each backward pass",
            empty[0],
        )
    elif steps < wanted and sum(len(one.forwards) for one in story.rounds) >= max(
        wanted - wanted // 4, 2 * steps - 1
    ):
        yield Finding(
            "steps-rarely",
            Contract.COUNT,
            f"{steps} steps for {wanted} batches: gradients of several batches were added up",
            "one step for each batch",
        )


def _modes(story: BatchStory, model: BatchStory) -> Iterator[Finding]:
    """Yield a finding if dropout was off while training, or a copy of the model was trained."""
    seen = [story.forward(one.forwards[-1]) for one in story.rounds if one.forwards]
    meant = [model.forward(one.forwards[-1]) for one in model.rounds if one.forwards]
    off = [one for one in seen if not one.training and not one.dropping]
    if meant and all(one.training for one in meant) and len(off) > len(seen) // 10:
        yield Finding(
            "eval-mode-training",
            Contract.GRADIENT,
            f"in {len(off)} of {len(seen)} training batches the model was in evaluation mode, its"
            " dropout switched off",
            "model.train() before the first batch of every epoch",
        )
    other = [one for one in seen if not one.own]
    if other:
        yield Finding(
            "trains-a-copy",
            Contract.OPTIMIZER,
            f"in {len(other)} of {len(seen)} batches a copy of the model made the forward pass",
            "the model that was passed in",
        )


def _shape(story: BatchStory, model: BatchStory) -> Iterator[Finding]:
    """Yield a finding unless the parameters are those of the model as asked for."""
    if (
        not story.log.shapes
    ):  # no forward pass that autograd recorded: nothing is known of the model
        return
    if sorted(story.log.shapes) != sorted(model.log.shapes):
        shapes = ", ".join(str(shape) for shape in story.log.shapes) or "none"
        wanted = ", ".join(str(shape) for shape in model.log.shapes)
        yield Finding(
            "other-architecture", Contract.GRADIENT, f"parameters of shapes {shapes}", wanted
        )
    elif story.order is None and story.trace is not None:
        there = len(story.trace.start)
        yield Finding(
            "other-parameters",
            Contract.OPTIMIZER,
            f"the optimizer holds {there} tensors that are not the model's",
            f"the {len(model.log.shapes)} parameters of the model",
        )


def _update(story: BatchStory, replayed: Replayed, bar: float) -> Iterator[Finding]:
    """Yield a finding unless the optimizer alone moves parameters, as a real one would.

    A real one makes each step from the student's own gradients.
    """
    trace = story.trace
    moved = _moved(story)
    if moved is not None:
        yield Finding(
            "moves-parameters",
            Contract.UPDATE,
            f"parameters changed between step {moved - 1} and the forward pass of step {moved}",
            "only step() moves them",
            moved,
        )
        return
    apart = update_gaps(story, replayed)
    if trace is None or not len(apart) or judged(apart) <= bar:
        return
    step = int(np.flatnonzero(apart > bar)[0]) + 1
    observed = (
        f"step {step} ended {apart[step - 1]:.2g} of its length away from where this optimizer"
        " leads"
    )
    yield Finding(
        "changes-update",
        Contract.UPDATE,
        observed,
        "the optimizer as it was passed in, settings and memory untouched",
        step,
    )


def _moved(story: BatchStory) -> int | None:
    """The first step whose forward pass saw other parameters than the step before had left."""
    if story.order is None or story.trace is None:
        return None
    after = np.concatenate([story.start[None], story.flat("parameters")])
    for one in story.rounds:
        if one.forwards and one.number <= len(after):
            values = story.forward(one.forwards[-1]).parameters
            if values is not None and values.numpy().shape == after[one.number - 1].shape:
                gap = np.abs(values.numpy().astype(np.float64) - after[one.number - 1])
                if one.number > 1 and float(gap.max(initial=0.0)) > 0:
                    return one.number
    return None


def _graphs(story: BatchStory) -> Iterator[Finding]:
    """Yield a finding if the graphs of all batches stay in memory."""
    alive = max((event.alive for event in story.log.events if event.kind == "backward"), default=0)
    per_phase = max((story.count("backward", phase) for phase in story.trained), default=0)
    if alive >= GRAPHS and alive > per_phase // 2:
        yield Finding(
            "keeps-graph",
            Contract.RETURN,
            f"the graphs of {alive} batches were in memory at once",
            "one: a batch's loss is added up as a number, loss.item()",
        )


def _returns(story: BatchStory, model: BatchStory) -> Iterator[Finding]:
    """The mean loss per sample against the losses that backward started from."""
    for phase in model.trained:
        wanted = model.log.phases[phase].returned
        if not isinstance(wanted, float) or phase >= len(story.log.phases):
            continue
        returned = story.log.phases[phase].returned
        name = story.log.phases[phase].function
        value = _number(returned)
        expected = _mean_loss(story, phase)
        if value is None:
            yield Finding(
                "returns-no-loss",
                Contract.RETURN,
                f"{name} returned {describe(plain(returned))}",
                "the mean loss per sample, a number",
            )
            return
        if isinstance(returned, Array) and returned.requires_grad:
            yield Finding(
                "keeps-graph",
                Contract.RETURN,
                f"{name} returned a tensor that still holds its graph",
                "a plain number: loss.item()",
            )
            return
        if expected is None or abs(value - expected) <= RETURN_BAR * max(1.0, abs(expected)):
            continue
        yield _wrong_mean(story, phase, value, expected)
        return


def _wrong_mean(story: BatchStory, phase: int, value: float, expected: float) -> Finding:
    name = story.log.phases[phase].function
    losses = [one.loss for one in story.rounds if one.phase == phase]
    shown = f"{name} returned {value:.5g} in call {phase + 1}"
    if abs(value - float(np.mean(losses))) <= RETURN_BAR * max(1.0, abs(value)):
        return Finding(
            "mean-of-means",
            Contract.RETURN,
            f"{shown}, the mean of its {len(losses)} batch losses",
            f"the mean over samples, {expected:.5g}: the last batch is smaller",
        )
    return Finding(
        "wrong-mean-loss",
        Contract.RETURN,
        shown,
        f"the mean of the losses of all samples, {expected:.5g}",
    )


def _mean_loss(story: BatchStory, phase: int) -> float | None:
    """Return the mean over samples of the losses that `phase`'s backward passes started from.

    None where they are no batch means.
    """
    rounds = [one for one in story.rounds if one.phase == phase and one.forwards]
    sizes = np.array([len(story.rows(one.forwards[-1])) for one in rounds], float)
    losses = np.array([one.loss for one in rounds])
    if not rounds or not np.isfinite(losses).all():
        return None
    return float((sizes * losses).sum() / sizes.sum())


def _number(value: Value) -> float | None:
    if isinstance(value, bool):
        return None
    if isinstance(value, int | float):
        return float(value)
    return (
        float(value.numpy().reshape(-1)[0])
        if isinstance(value, Array) and value.numpy().size == 1
        else None
    )


def own_dropout(story: BatchStory, model: BatchStory) -> bool:
    """Tell whether the model trains with other dropout modules than the reference's.

    Its masks may be drawn in another way, and no replay can tell.
    """
    seen = {story.forward(one.forwards[-1]).dropping for one in story.rounds if one.forwards}
    meant = {model.forward(one.forwards[-1]).dropping for one in model.rounds if one.forwards}
    return seen != meant and all(
        story.forward(one.forwards[-1]).training for one in story.rounds if one.forwards
    )


def replay_failed(story: BatchStory, replayed: Replayed | None) -> bool:
    """Tell whether there are steps, but nothing to compare their gradients with."""
    return bool(story.rounds) and (replayed is None or not gaps(story, replayed.gradients))
