"""Whether an evaluation sees each sample in evaluation mode, changes nothing, and counts right."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from autograder.evidence.trace import Array
from autograder.judgement.batches.sample_rows import copies
from autograder.judgement.findings.finding import Contract, Finding
from autograder.judgement.observation import describe, plain

if TYPE_CHECKING:
    from autograder.evidence.trace import Value
    from autograder.judgement.batches.epochs import BatchStory


def evaluation(story: BatchStory, model: BatchStory) -> tuple[Finding, ...]:
    """Findings about the phases in which the reference trains nothing but runs the model."""
    phases = [
        phase
        for phase in range(len(model.log.phases))
        if phase not in model.trained and model.seen_in(phase, graph=False)
    ]
    found: dict[str, Finding] = {}
    for phase in phases:
        for finding in _phase(story, model, phase):
            found.setdefault(finding.code, finding)
    return tuple(found.values())


def _phase(story: BatchStory, model: BatchStory, phase: int) -> Iterator[Finding]:
    if phase >= len(story.log.phases):
        return
    name, mine = story.log.phases[phase].function, story.log.phases[phase]
    recorded, without = story.seen_in(phase, graph=True), story.seen_in(phase, graph=False)
    every = [story.forward(event) for event in (*recorded, *without)]
    if not every:
        yield Finding(
            "evaluates-nothing",
            Contract.COUNT,
            f"{name} never ran the model",
            f"the model's answers for all {len(story.images)} samples",
        )
        return
    if (
        any(event.kind == "step" and event.phase == phase for event in story.log.events)
        or mine.moved
    ):
        yield Finding(
            "evaluation-trains",
            Contract.UPDATE,
            f"{name} changed the model's parameters",
            "an evaluation changes nothing",
        )
    dropped = [one for one in every if one.dropping or one.training]
    if dropped:
        yield Finding(
            "evaluates-in-train-mode",
            Contract.GRADIENT,
            f"in {name} the model was in training mode for {len(dropped)} of {len(every)} batches,"
            " its dropout switched on",
            "model.eval() before the first batch",
        )
    if recorded:
        yield Finding(
            "evaluation-builds-graph",
            Contract.GRADIENT,
            f"in {name} autograd recorded {len(recorded)} of {len(every)} forward passes",
            "torch.no_grad() around them",
        )
    if mine.left_gradients:
        yield Finding(
            "evaluation-leaves-gradients",
            Contract.UNTOUCHED,
            f"{name} changed .grad",
            "an evaluation leaves gradients alone",
        )
    left_out = tuple(_rows(story, phase, (*recorded, *without)))
    yield from left_out
    if not dropped and not mine.moved and not left_out:  # a wrong number would follow from these
        yield from _value(mine.returned, model.log.phases[phase].returned, name)


def _rows(story: BatchStory, phase: int, events: tuple[int, ...]) -> Iterator[Finding]:
    name, total = story.log.phases[phase].function, len(story.images)
    rows = np.concatenate([story.rows(event) for event in events])
    if (rows < 0).any():
        yield Finding(
            "changes-inputs",
            Contract.BATCHES,
            f"in {name} the model saw {int((rows < 0).sum())} rows that are in no image passed in",
            "rows of the images as they are",
        )
        return
    missing = int(np.maximum(copies(story.images) - np.bincount(rows, minlength=total), 0).sum())
    if missing:
        yield Finding(
            "evaluation-skips-samples",
            Contract.BATCHES,
            f"{name} left out {missing} of {total} samples",
            "every sample, the last batch too",
        )


def _value(returned: Value, wanted: Value, name: str) -> Iterator[Finding]:
    if not isinstance(wanted, float | int):
        return
    value = (
        float(returned)
        if isinstance(returned, float | int) and not isinstance(returned, bool)
        else None
    )
    if isinstance(returned, Array) and returned.numpy().size == 1:
        value = float(returned.numpy().reshape(-1)[0])
    if value is None:
        yield Finding(
            "miscounts-accuracy",
            Contract.RETURN,
            f"{name} returned {describe(plain(returned))}",
            f"{float(wanted):.4f}, a number",
        )
    elif not abs(value - float(wanted)) <= 1e-6:
        yield Finding(
            "miscounts-accuracy",
            Contract.RETURN,
            f"{name} returned {value:.4f}",
            f"{float(wanted):.4f}, the share of all samples whose greatest logit is that of their"
            " label",
        )
