"""Known wrong objectives of training by minibatches: the reference with one known mistake in it, or
with the labels of other samples.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from autograder.mistakes.mutants import Mutant, mutants

if TYPE_CHECKING:
    from autograder.evidence.trace import NdArray

CODES = {
    "softmax-before-cross-entropy": "softmax-before-loss",
    "log-likelihood-of-logits": "likelihood-of-logits",
    "squared-error-of-classes": "squared-error-on-classes",
    "smooths-labels": "label-smoothing",
    "eval-mode": "eval-mode-training",
    "relu-on-logits": "relu-on-logits",
}
"""From a mutation operator's code to the finding that its gradients lead to."""


@functools.cache
def mutations(source: str, path: Path) -> tuple[Mutant, ...]:
    """The solution's mutants whose gradients are compared."""
    return tuple(mutant for mutant in mutants(source, path) if mutant.code in CODES)


def losses(programs: Sequence[Mutant]) -> Iterator[tuple[str, str]]:
    """Finding and mutant, for each of `programs`."""
    for mutant in programs:
        yield CODES[mutant.code], mutant.id


def sources(programs: Sequence[Mutant]) -> dict[str, str]:
    """Source of each of `programs`, by its id."""
    return {mutant.id: mutant.source for mutant in programs}


def labels(rows: NdArray, count: int) -> Iterator[tuple[str, NdArray]]:
    """Finding and rows of the labels, shape like `rows`: shifted by one, reversed, those of the
    same batch in another order, or in the data's own order although the images are shuffled.
    """
    there = rows >= 0
    for shift in (1, -1):
        yield "labels-misaligned", np.where(there, (rows + shift) % count, -1)
    yield "labels-misaligned", np.where(there, count - 1 - rows, -1)
    yield "labels-misaligned", np.array([[*row[row >= 0][::-1], *row[row < 0]] for row in rows])
    yield "labels-misaligned", np.array([[*np.sort(row[row >= 0]), *row[row < 0]] for row in rows])
    yield (
        "labels-misaligned",
        np.array([[*np.roll(row[row >= 0], 1), *row[row < 0]] for row in rows]),
    )
    yield "labels-misaligned", _in_own_order(rows, count)


def _in_own_order(rows: NdArray, count: int) -> NdArray:
    """Labels counted through from the first in each epoch, batch after batch."""
    found, place = np.full_like(rows, -1), 0
    for mine, row in zip(found, rows, strict=True):
        size = int((row >= 0).sum())
        mine[:size] = (place + np.arange(size)) % count
        place = (place + size) % count
    return found
