"""Whether each epoch sees each sample once, in batches as asked, in a new order each time.

False accusations: an honest shuffle of n samples comes out in the data's own order, up to the order
of batches and within batches, with probability p = (b!)^k k! r! / n! for k batches of b samples and
a rest of r; the same p for two epochs that fall into the same batches. For n = 64, b = 16 that is
4e-35, for n = 96 it is 6e-68. Everything else here is counted, not estimated.
"""

from __future__ import annotations

import itertools
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from autograder.judgement.batches.sample_rows import copies
from autograder.judgement.findings.finding import Contract, Finding

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from autograder.evidence.trace import NdArray
    from autograder.judgement.batches.epochs import BatchStory


@dataclass(frozen=True, slots=True)
class Epoch:
    """One pass through the data: the rows of each batch, and the number of the first step."""

    number: int
    first_step: int
    batches: tuple[NdArray, ...]

    @property
    def rows(self) -> NdArray:
        """All rows in the order in which they came."""
        return np.concatenate(self.batches) if self.batches else np.zeros(0, np.int64)

    @property
    def partition(self) -> frozenset[frozenset[int]]:
        """Batches as sets of samples, whatever the order."""
        return frozenset(frozenset(batch.tolist()) for batch in self.batches)


def epochs(story: BatchStory, model: BatchStory) -> tuple[Epoch, ...]:
    """Return the epochs of each training phase.

    They are as many as the reference makes in it, with equal numbers of steps each.
    """
    found: list[Epoch] = []
    for phase in model.trained:
        wanted = max(
            1,
            round(
                sum(len(model.rows(one.forwards[-1])) for one in model.rounds if one.phase == phase)
                / len(model.images)
            ),
        )
        mine = [one for one in story.rounds if one.phase == phase and one.forwards]
        for part in np.array_split(np.arange(len(mine)), wanted):
            rounds = [mine[place] for place in part]
            batches = tuple(story.rows(one.forwards[-1]) for one in rounds)
            found.append(Epoch(len(found) + 1, rounds[0].number if rounds else 0, batches))
    return tuple(found)


def coverage(story: BatchStory, model: BatchStory) -> Iterator[Finding]:
    """Findings about the batches of all epochs.

    Where an epoch made no step there is nothing to say.
    """
    whole = _whole_epochs(story, model)
    if whole is not None:
        yield whole
        return
    made, wanted = epochs(story, model), epochs(model, model)
    if any(not epoch.batches for epoch in made):
        return
    for epoch, right in zip(made, wanted, strict=True):
        problem = _unknown(epoch, story) or _counts(epoch, right, story)
        if problem is not None:
            yield problem
            return
    yield from _orders(made, wanted, len(story.images))


def _whole_epochs(story: BatchStory, model: BatchStory) -> Finding | None:
    """Phases that pass through the data another number of times than asked."""
    for phase in model.trained:
        count, wanted = (
            sum(one.phase == phase for one in rounds) for rounds in (story.rounds, model.rounds)
        )
        passes = max(
            1,
            round(
                sum(len(model.rows(one.forwards[-1])) for one in model.rounds if one.phase == phase)
                / len(model.images)
            ),
        )
        steps = wanted // passes
        if passes > 1 and count != wanted and count and count % steps == 0:
            code = "too-few-steps" if count < wanted else "too-many-steps"
            name = model.log.phases[phase].function
            return Finding(
                code,
                Contract.COUNT,
                f"{name} made {count} steps, those of {count // steps} epochs",
                f"{wanted} steps, those of {passes} epochs",
            )
    return None


def _finding(code: str, observed: str, expected: str, step: int | None = None) -> Finding:
    return Finding(code, Contract.BATCHES, observed, expected, step)


def _unknown(epoch: Epoch, story: BatchStory) -> Finding | None:
    strange = int((epoch.rows < 0).sum())
    if not strange:
        return None
    seen = next(
        story.forward(one.forwards[-1]).seen
        for one in story.rounds
        if one.forwards and (story.rows(one.forwards[-1]) < 0).any()
    )
    values = np.asarray(seen.numpy(), np.float64)
    least, most, data = float(values.min(initial=0.0)), float(values.max(initial=0.0)), story.images
    observed = (
        f"in epoch {epoch.number} the model saw {strange} rows that are in no image passed in, of"
        f" shape {tuple(seen.shape)}, numbers from {least:.3g} to {most:.3g}"
    )
    expected = (
        f"rows of the images as they are: numbers from {float(data.min()):.3g} to"
        f" {float(data.max()):.3g}"
    )
    return _finding("changes-inputs", observed, expected, epoch.first_step)


def _counts(epoch: Epoch, right: Epoch, story: BatchStory) -> Finding | None:
    total = len(story.images)
    there = copies(story.images)
    seen = np.bincount(epoch.rows, minlength=total)
    missing, extra = int(np.maximum(there - seen, 0).sum()), int(np.maximum(seen - there, 0).sum())
    sizes, wanted = ([len(batch) for batch in one.batches] for one in (epoch, right))
    every = f"each of the {total} samples once"
    if len(sizes) > 1 and len(epoch.partition) == 1 and missing:
        return _finding(
            "same-batch",
            f"all {len(sizes)} steps of epoch {epoch.number} saw the same {sizes[0]} samples",
            every,
            epoch.first_step,
        )
    if missing and extra:
        observed = (
            f"epoch {epoch.number} saw {extra} samples more than once and {missing} not at all"
        )
        return _finding("samples-with-replacement", observed, every, epoch.first_step)
    if missing:
        rest = wanted[-1] if len(set(wanted)) > 1 else 0
        code = "drops-last-batch" if missing == rest and len(set(sizes)) == 1 else "skips-samples"
        return _finding(
            code,
            f"epoch {epoch.number} left out {missing} of {total} samples; its batches had"
            f" {_sizes(sizes)}",
            every,
            epoch.first_step,
        )
    if extra:
        return _finding(
            "repeats-samples",
            f"epoch {epoch.number} saw {extra} samples more than once",
            every,
            epoch.first_step,
        )
    if sorted(sizes) != sorted(wanted):
        return _finding(
            "batch-size",
            f"epoch {epoch.number} had batches of {_sizes(sizes)}",
            f"{_sizes(wanted)}",
            epoch.first_step,
        )
    return None


def _sizes(sizes: Sequence[int]) -> str:
    return (
        ", ".join(
            f"{count} x {size}" for size, count in sorted(Counter(sizes).items(), reverse=True)
        )
        + " samples"
    )


def _orders(made: Sequence[Epoch], wanted: Sequence[Epoch], total: int) -> Iterator[Finding]:
    """Yield a finding if samples come in the data's own order or in the same batches twice.

    One batch that holds everything has no order that counts.
    """
    several = [epoch for epoch, right in zip(made, wanted, strict=True) if len(right.batches) > 1]
    natural = {epoch.number for epoch in several if _is_natural(epoch)}
    if natural:
        first = next(epoch for epoch in several if epoch.number in natural)
        observed = (
            f"in {'every epoch' if len(natural) == len(several) else f'epoch {first.number}'} the"
            " batches are the data's own order cut into pieces"
        )
        yield _finding(
            "no-shuffle", observed, f"a random order of all {total} samples", first.first_step
        )
        return
    for before, after in itertools.pairwise(several):
        if before.partition == after.partition:
            observed = (
                f"epochs {before.number} and {after.number} cut the samples into the same"
                f" {len(after.batches)} batches"
            )
            yield _finding(
                "same-order", observed, "a new random order in each epoch", after.first_step
            )
            return


def _is_natural(epoch: Epoch) -> bool:
    """Tell whether every batch is a run of neighbours.

    A batch of one is; an epoch of such is natural only if they come in order.
    """
    if all(len(batch) == 1 for batch in epoch.batches):
        return bool((np.diff(epoch.rows) > 0).all())
    return all(int(batch.max()) - int(batch.min()) == len(batch) - 1 for batch in epoch.batches)


def generator(story: BatchStory, model: BatchStory) -> Iterator[Finding]:
    """Yield a finding if the generator that was passed in had no part in the order.

    A right order by other means trains as well, but can't be repeated.
    """
    for phase in model.trained:
        if (
            model.log.phases[phase].drew
            and phase < len(story.log.phases)
            and story.log.phases[phase].drew is False
        ):
            name = story.log.phases[phase].function
            yield _finding(
                "ignores-generator",
                f"{name} drew nothing from the generator that was passed in",
                "the order comes from that generator",
            )
            return
