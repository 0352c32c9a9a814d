"""What a wrong gradient is, told from the student's gradients and the reference's at the same
states.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np

from autograder.judgement.batches.replayed import Gap, gaps, judged, residual
from autograder.judgement.findings.finding import Contract, Finding

if TYPE_CHECKING:
    from autograder.evidence.trace import NdArray
    from autograder.judgement.batches.epochs import BatchStory
    from autograder.judgement.observation import Replayed

FIT = 1e-3
"""Residual, judged as a verdict's is, at which an explanation fits.

Half precision would fit within it; that is asked for first.
"""

FACTOR = 1e-3
"""How far a fitted factor may lie from 1."""

Explanation = Callable[["BatchStory", Sequence[Gap]], "tuple[str, str, str] | None"]


def name_gradient(story: BatchStory, replayed: Replayed, bar: float) -> Iterator[Finding]:
    """The one explanation that fits, or a general word; nothing where the gradients are right."""
    found = gaps(story, replayed.gradients)
    if not found or judged(np.array([gap.residual for gap in found])) <= bar:
        return
    first = next(gap for gap in found if gap.residual > bar)
    for explain in EXPLANATIONS:
        said = explain(story, found)
        if said is not None:
            yield Finding(said[0], Contract.GRADIENT, said[1], said[2], first.step)
            return
    for code, gradients in replayed.others.items():
        other = gaps(story, gradients)
        if other and judged(np.array([gap.residual for gap in other])) <= FIT:
            wanted = _size(first.theirs)
            observed = (
                "with the batch, parameters and dropout of your own step, the gradient's greatest"
                f" entry is {_size(first.mine):.4g}"
            )
            yield Finding(
                code.partition("#")[0],
                Contract.GRADIENT,
                observed,
                f"{wanted:.4g}; yours is what this mistake leads to, in all {len(other)} steps",
                first.step,
            )
            return
    observed = (
        "with the batch, parameters and dropout of your own step, the gradient differs by"
        f" {first.residual:.2g} of its size (in {_wrong(found, bar)} of {len(found)} steps)"
    )
    yield Finding(
        "wrong-loss",
        Contract.GRADIENT,
        observed,
        "the gradient of the mean cross entropy of that batch",
        first.step,
    )


def _wrong(found: Sequence[Gap], bar: float) -> int:
    return sum(gap.residual > bar for gap in found)


def _size(values: NdArray) -> float:
    return float(np.abs(values).max(initial=0.0))


def _fits(pairs: Sequence[tuple[NdArray, NdArray]]) -> bool:
    return judged(np.array([residual(mine, theirs) for mine, theirs in pairs])) <= FIT


def _factor(gap: Gap) -> float:
    power = float(gap.theirs @ gap.theirs)
    return float(gap.mine @ gap.theirs) / power if power else float("nan")


def _missing(_story: BatchStory, found: Sequence[Gap]) -> tuple[str, str, str] | None:
    if any(gap.mine.any() for gap in found):
        return None
    return (
        "empty-gradients",
        "every step found gradients of 0, or none",
        "the gradient of the batch's loss",
    )


def _rounded(_story: BatchStory, found: Sequence[Gap]) -> tuple[str, str, str] | None:
    numbers = np.concatenate([gap.mine for gap in found])
    numbers = numbers[np.isfinite(numbers) & (numbers != 0) & (np.abs(numbers) < 65504)]
    close = judged(np.array([gap.residual for gap in found])) < 0.2
    few = numbers.size > 16 and bool(
        ((numbers.astype(np.float32).view(np.uint32) & 0xFFF) == 0).mean() > 0.9
    )
    return (
        ("half-precision", "the gradients have only 3 digits", "float32 throughout")
        if close and few
        else None
    )


def _frozen(story: BatchStory, found: Sequence[Gap]) -> tuple[str, str, str] | None:
    """Explain gradients of which some tensors never get any, and all others the right one."""
    dead = [
        part
        for part in story.slices
        if not any(gap.mine[part].any() for gap in found)
        and any(gap.theirs[part].any() for gap in found)
    ]
    if not dead or len(dead) == len(story.slices):
        return None
    living = np.ones(len(found[0].mine), bool)
    for part in dead:
        living[part] = False
    if not _fits([(gap.mine[living], gap.theirs[living]) for gap in found]):
        return None
    shapes = ", ".join(
        str(shape)
        for shape, part in zip(story.log.shapes, story.slices, strict=True)
        if part in dead
    )
    return (
        "frozen-layer",
        f"no gradient ever reaches the parameters of shape {shapes}",
        "gradients for all parameters of the model",
    )


def _scaled(story: BatchStory, found: Sequence[Gap]) -> tuple[str, str, str] | None:
    """Explain gradients of right direction and wrong length.

    They are scaled by one factor, by the batch's size, or cut to a greatest norm.
    """
    factors = np.array([_factor(gap) for gap in found])
    if not np.isfinite(factors).all() or not _fits(
        [(gap.mine, factor * gap.theirs) for gap, factor in zip(found, factors, strict=True)]
    ):
        return None
    sizes = np.array([len(story.rows(gap.event)) for gap in found])
    middle = float(np.median(factors))
    passes = {one.number: one.backwards for one in story.rounds}
    times = np.array([passes[gap.step] for gap in found])
    if _near(factors, times) and (times > 1).mean() > 0.5:
        return (
            "backward-twice",
            f"backward() ran {times.max()} times before a step, each adding the whole gradient",
            "once for each step",
        )
    if _near(factors, np.full(len(found), middle)):
        if middle < 0:
            return (
                "maximises",
                f"the gradient is {middle:.3g} times the expected one: it points the other way",
                "downhill",
            )
        return (
            "scales-batch-loss",
            f"every gradient is {middle:.4g} times the expected one; its direction is right",
            "the mean over the batch",
        )
    if _near(factors / sizes, np.full(len(found), np.median(factors / sizes))):
        observed = (
            f"gradients grow with the batch: {factors[0]:.4g} times the expected one for {sizes[0]}"
            f" samples, {factors[-1]:.4g} for {sizes[-1]}"
        )
        return "scales-batch-loss", observed, "the mean over the batch, whatever its size"
    observed = (
        f"gradients are {factors.min():.3g} to {factors.max():.3g} times the expected ones; their"
        " direction is right"
    )
    return _cut_to_norm(found, factors) or (
        "scales-batch-loss",
        observed,
        "the mean over the batch",
    )


def _cut_to_norm(found: Sequence[Gap], factors: NdArray) -> tuple[str, str, str] | None:
    norms = np.array([float(np.linalg.norm(gap.mine)) for gap in found])
    cut = factors < 1 - FACTOR
    if not cut.any() or (factors > 1 + FACTOR).any():
        return None
    limit = float(norms[cut].max())
    if float(np.ptp(norms[cut])) > FIT * limit or norms.max() > limit * (1 + FIT):
        return None
    return (
        "clips-gradients",
        f"in {int(cut.sum())} of {len(found)} steps the gradient was cut to length {limit:.3g}",
        "gradients as backward() left them",
    )


def _clamped(_story: BatchStory, found: Sequence[Gap]) -> tuple[str, str, str] | None:
    """Explain gradients of which each entry is cut to a greatest size."""
    limit = max(_size(gap.mine) for gap in found)
    cut = sum(_size(gap.theirs) > limit * (1 + FIT) for gap in found)
    if not cut or not _fits([(gap.mine, np.clip(gap.theirs, -limit, limit)) for gap in found]):
        return None
    return (
        "clips-gradients",
        f"in {cut} of {len(found)} steps entries of the gradient were cut to {limit:.3g}",
        "gradients as backward() left them",
    )


def _other_labels(story: BatchStory, found: Sequence[Gap]) -> tuple[str, str, str] | None:
    """Explain gradients of other labels, by the last bias.

    Its gradient is the mean probability less the share of each class in the batch: where it differs
    by whole samples, the labels are others.
    """
    classes = int(story.labels.max(initial=0)) + 1
    for part in reversed([part for part in story.slices if part.stop - part.start == classes]):
        moved = [(gap.theirs[part] - gap.mine[part]) * len(story.rows(gap.event)) for gap in found]
        whole = np.array([float(np.abs(one - np.round(one)).max()) for one in moved])
        if judged(whole) <= 0.01 and any(np.round(one).any() for one in moved):
            count = int(np.abs(np.round(moved[0])).sum()) // 2
            observed = f"the gradient is that of a batch in which {count} samples have other labels"
            return "labels-misaligned", observed, "each image with its own label"
    return None


def _near(values: NdArray, wanted: NdArray) -> bool:
    apart = np.abs(values - wanted) / np.maximum(np.abs(wanted), 1e-30)
    return judged(apart) <= FACTOR


def _accumulated(_story: BatchStory, found: Sequence[Gap]) -> tuple[str, str, str] | None:
    """Explain gradients that are sums: of all so far, or of those since the last clearing."""
    if len(found) < 3:
        return None
    kept = [
        residual(after.mine - before.mine, after.theirs) <= FIT
        for before, after in itertools.pairwise(found)
    ]
    alone = [gap.residual <= FIT for gap in found[1:]]
    explained = np.array([a or b for a, b in zip(kept, alone, strict=True)])
    if not any(kept) or explained.mean() < 0.9:
        return None
    if all(kept):
        return (
            "never-clears",
            "each step found the sum of all gradients so far",
            ".grad cleared before each backward()",
        )
    return (
        "clears-sometimes",
        (
            f"{sum(kept)} of {len(found)} steps found the gradient of the step before added to"
            " their own"
        ),
        ".grad cleared before each backward()",
    )


def _late(_story: BatchStory, found: Sequence[Gap]) -> tuple[str, str, str] | None:
    """Explain steps that each used the gradient of the batch before."""
    shifted = [(after.mine, before.theirs) for before, after in itertools.pairwise(found)]
    if len(shifted) < 2 or not _fits(shifted):
        return None
    return (
        "step-before-backward",
        "each step used the gradient of the batch before it",
        "backward(), then step()",
    )


def _penalised(story: BatchStory, found: Sequence[Gap]) -> tuple[str, str, str] | None:
    """The gradient holds a multiple of the parameters."""
    rows = [(gap.mine - gap.theirs, _parameters(story, gap.event)) for gap in found]
    if any(gap.shape != point.shape for gap, point in rows):
        return None
    power = sum(float(point @ point) for _, point in rows)
    strength = sum(float(gap @ point) for gap, point in rows) / power if power else 0.0
    if not np.isfinite(strength) or abs(strength) < 1e-6:
        return None
    left = judged(
        np.array(
            [
                float(np.abs(gap - strength * point).max()) / max(float(np.abs(gap).max()), 1e-30)
                for gap, point in rows
            ]
        )
    )
    if left > 0.05:
        return None
    return (
        "weight-penalty",
        f"each gradient holds {strength:.3g} times the parameters themselves",
        "the gradient of the cross entropy alone",
    )


def _parameters(story: BatchStory, event: int) -> NdArray:
    values = story.forward(event).parameters
    return np.zeros(0) if values is None else values.numpy().astype(np.float64)


EXPLANATIONS: tuple[Explanation, ...] = (
    _missing,
    _rounded,
    _scaled,
    _accumulated,
    _late,
    _frozen,
    _clamped,
    _penalised,
    _other_labels,
)
