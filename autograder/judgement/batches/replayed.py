"""What the reference makes of a student's own states, and how far the student lies from it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from autograder.judgement.comparing.distance import Distance

if TYPE_CHECKING:
    from autograder.evidence.trace import NdArray
    from autograder.judgement.batches.epochs import BatchStory
    from autograder.judgement.observation import Replayed

QUANTILE = 0.95
"""The judged residual, counted from below: of 20 steps one may be odd, of 40 two.

A ReLU whose input lies within rounding of 0 can go the other way and move one gradient by a
percent; that takes one of the 15,000 inputs of 20 batches to lie within 1e-7 of 0, which happens to
one honest run in some hundred.
"""


@dataclass(frozen=True, slots=True)
class Gap:
    """One step: the student's gradient beside the reference's, both flat.

    `residual` is their greatest difference relative to the reference's greatest number.
    """

    step: int
    event: int
    mine: NdArray
    theirs: NdArray
    residual: float


def gaps(story: BatchStory, gradients: NdArray) -> tuple[Gap, ...]:
    """Return one gap for each round that was replayed and recorded.

    Of a round's forward passes the one that fits best counts.
    """
    if story.order is None or len(gradients) != len(story.pairs):
        return ()
    assert story.trace is not None
    seen = np.nan_to_num(story.flat("gradients"), nan=0.0, posinf=np.inf, neginf=-np.inf)
    places = {step: row for row, step in enumerate(story.trace.recorded.numpy().tolist())}
    best: dict[int, Gap] = {}
    for (place, event), theirs in zip(story.pairs, gradients, strict=True):
        step = story.rounds[place].number
        if step not in places:
            continue
        mine = seen[places[step]]
        found = Gap(step, event, mine, theirs, residual(mine, theirs))
        if step not in best or found.residual < best[step].residual:
            best[step] = found
    return tuple(best.values())


def residual(mine: NdArray, theirs: NdArray) -> float:
    """Return the greatest difference relative to the greatest number of `theirs`.

    inf where that is 0 or something is not finite.
    """
    size = float(np.abs(theirs).max(initial=0.0))
    gap = float(np.abs(mine - theirs).max(initial=0.0))
    if gap == 0:
        return 0.0
    return gap / size if np.isfinite(gap) and size > 0 else float("inf")


def judged(residuals: NdArray) -> float:
    """Return the residual that a run is judged by: its `QUANTILE`, never interpolated.

    inf for a run without steps.
    """
    return (
        float(np.quantile(residuals, QUANTILE, method="lower")) if len(residuals) else float("inf")
    )


def update_gaps(story: BatchStory, replayed: Replayed) -> NdArray:
    """Return each step's distance from the end of a real optimizer's step, by the greatest move.

    float64 of shape (steps,).
    """
    if replayed.after is None or story.order is None:
        return np.zeros(0)
    after = story.flat("parameters")
    count = min(len(after), len(replayed.after))
    before = np.concatenate([story.start[None], after])[:count]
    moves = np.abs(replayed.after[:count] - before).max(axis=1)
    found = np.abs(after[:count] - replayed.after[:count]).max(axis=1)
    # parameters are rounded to 1e-7 of their own size, however small the step
    rounding = 4 * 2.0**-23 * np.abs(after[:count]).max(axis=1)
    return np.asarray(np.where(found <= rounding, 0.0, found / np.maximum(moves, 1e-30)))


def stochastic_residuals(story: BatchStory, replayed: Replayed) -> tuple[NdArray, NdArray]:
    """Steps and, for each, the greater one of the residuals of gradient and update."""
    found = gaps(story, replayed.gradients)
    moved = update_gaps(story, replayed)
    steps = np.array([gap.step for gap in found], int)
    values = np.array(
        [max(gap.residual, moved[gap.step - 1] if gap.step <= len(moved) else 0.0) for gap in found]
    )
    return steps, values


def stochastic_distance(story: BatchStory | None, replayed: Replayed | None) -> Distance:
    """Measure how far a training by minibatches lies from the reference at its own states.

    Judged as by `assert_same_stochastic_training`; inf where it could not be replayed.
    """
    if story is None or replayed is None:
        return Distance(float("inf"), np.zeros(0), np.zeros(0, int))
    steps, residuals = stochastic_residuals(story, replayed)
    return Distance(judged(residuals), residuals, steps)
