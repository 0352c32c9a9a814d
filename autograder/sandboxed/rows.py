"""The rows of a trace: every step at first, then every second, fourth, ... so that a run of any length stays small and costs little."""

from __future__ import annotations

import sys
from array import array
from dataclasses import dataclass

import numpy as np
import torch

from autograder.sandboxed.values import array_of_tensor
from autograder.trace import Array, array_of

DENSE = 64
"""Steps that are always recorded one by one: checks look at 60 steps at most."""

OCTAVE_BITS = 6
"""Later on, 2 ** (OCTAVE_BITS - 1) = 32 steps are recorded from each power of two to the next: 265 rows of 5000 steps, 510 of a million."""

MAX_ROWS = 2048
_MAX_BYTES = 1 << 40
_BLOCK_ROWS, _BLOCK_BYTES = 64, 1 << 20
_Tensors = list[torch.Tensor]


@dataclass(frozen=True, slots=True)
class Table:
    """Rows as arrays, as in `Trace`."""

    start: tuple[Array, ...]
    recorded: Array
    losses: Array
    parameters: tuple[Array, ...]
    gradients: tuple[Array, ...]
    missing: tuple[Array, ...]


class Rows:
    """Snapshots by step. The first `DENSE` steps are all there, then 32 between each power of two and the next, chosen by their number alone, so that two runs
    of one loop have the same rows. The last step is added when the table is made.
    """

    def __init__(self, start: _Tensors, max_rows: int) -> None:
        self._start, self._max_rows = start, max_rows
        self._steps, self._losses = array("q"), array("d")
        self._parameters, self._gradients = [_Column(like) for like in start], [_Column(like) for like in start]
        self._stopped = False

    def next_after(self, step: int) -> int:
        """The next step whose row is one to take; beyond all steps if none is."""
        if self._stopped or len(self._steps) >= self._max_rows:
            return sys.maxsize
        if step < DENSE:
            return step + 1
        stride = 1 << (step.bit_length() - OCTAVE_BITS)
        return (step // stride + 1) * stride

    @property
    def last(self) -> int:
        """The last step that has a row; 0 if none has."""
        return self._steps[-1] if self._steps else 0

    @classmethod
    def of(cls, start: _Tensors, limit_bytes: int) -> Rows | None:
        """Rows for parameters like `start` in at most `limit_bytes`; None where not even two rows and the start fit."""
        row_bytes = 2 * sum(tensor.numel() * tensor.element_size() for tensor in start) + 16
        fitting = limit_bytes // row_bytes - 2
        return cls(start, min(MAX_ROWS, fitting)) if fitting >= 1 else None

    def stop(self) -> None:
        """Take no more rows: the parameters can't be followed any longer."""
        self._stopped = True

    @property
    def max_bytes(self) -> int:
        """What the arrays take at most, roughly."""
        return (self._max_rows + 2) * (16 + 2 * sum(tensor.numel() * tensor.element_size() for tensor in self._start))

    def add(self, step: int, loss: float, parameters: _Tensors, gradients: list[torch.Tensor | None]) -> None:
        """Copy the row of `step`. When the parameters are others than at the start, rows end here."""
        if self._stopped:
            return
        if self._start and (
            len(parameters) != len(self._start) or any(now.shape != then.shape for now, then in zip(parameters, self._start, strict=True))
        ):
            self._stopped = True
            return
        for place, (values, slopes) in enumerate(zip(self._parameters, self._gradients, strict=True)):
            values.add(parameters[place])
            slopes.add(gradients[place] if place < len(gradients) else None)
        self._steps.append(step)
        self._losses.append(loss)

    def table(self) -> Table:
        """All rows as arrays."""
        return Table(
            start=tuple(_array(tensor) for tensor in self._start),
            recorded=array_of(np.array(self._steps, dtype=np.int64)),
            losses=array_of(np.array(self._losses, dtype=np.float64)),
            parameters=tuple(column.values() for column in self._parameters),
            gradients=tuple(column.values() for column in self._gradients),
            missing=tuple(array_of(np.array(column.missing, dtype=np.uint8)) for column in self._gradients),
        )


class _Column:
    """One tensor's rows, copied into blocks: thousands of small tensors kept alive would lie scattered over pages that a fork shares, each to be copied at first touch."""

    def __init__(self, like: torch.Tensor) -> None:
        self._like, self._used = like, 0
        self._rows = max(1, min(_BLOCK_ROWS, _BLOCK_BYTES // max(1, like.numel() * like.element_size())))
        self._blocks: list[torch.Tensor] = []
        self.missing = array("B")

    def add(self, tensor: torch.Tensor | None) -> None:
        """Copy the next row; NaN (0 for whole numbers) where there is nothing that fits."""
        place = self._used % self._rows
        if place == 0:
            self._blocks.append(torch.empty((self._rows, *self._like.shape), dtype=self._like.dtype, device=self._like.device))
        row = self._blocks[-1][place]
        fits = tensor is not None and tensor.shape == self._like.shape
        if tensor is not None and fits:
            row.copy_(tensor)
        else:
            row.fill_(float("nan") if self._like.is_floating_point() or self._like.is_complex() else 0)
        self.missing.append(not fits)
        self._used += 1

    def values(self) -> Array:
        """Shape (rows, *shape of the tensor)."""
        return _array(torch.cat(self._blocks)[: self._used] if self._blocks else self._like.new_empty((0, *self._like.shape)))


def _array(tensor: torch.Tensor) -> Array:
    return array_of_tensor(tensor, _MAX_BYTES)
