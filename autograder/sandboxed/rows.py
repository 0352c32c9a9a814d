"""The rows of a trace: every step at first, then every second, fourth, ... so that a run of any length stays small and costs little."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass

import torch

from autograder.sandboxed.values import array_of_tensor
from autograder.trace import Array, array_of

DENSE = 64
"""Steps that are always recorded one by one: checks look at 60 steps at most."""

OCTAVE_BITS = 6
"""Later on, 2 ** (OCTAVE_BITS - 1) = 32 steps are recorded from each power of two to the next: 265 rows of 5000 steps, 510 of a million.
A row costs about 60 us in a fork."""

MAX_ROWS = 2048
_MAX_BYTES = 1 << 40
_Tensors = list[torch.Tensor]
_Row = tuple[int, float, _Tensors, list[torch.Tensor | None]]


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
        self._rows: list[_Row] = []
        self._stopped = False

    def next_after(self, step: int) -> int:
        """The next step whose row is one to take; beyond all steps if none is."""
        if self._stopped or len(self._rows) >= self._max_rows:
            return sys.maxsize
        if step < DENSE:
            return step + 1
        stride = 1 << (step.bit_length() - OCTAVE_BITS)
        return (step // stride + 1) * stride

    @property
    def last(self) -> int:
        """The last step that has a row; 0 if none has."""
        return self._rows[-1][0] if self._rows else 0

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
        """Take the row of `step`. When the parameters are others than at the start, rows end here."""
        if self._stopped:
            return
        if not self._start:
            parameters, gradients = [], []
        elif len(parameters) != len(self._start) or any(now.shape != then.shape for now, then in zip(parameters, self._start, strict=True)):
            self._stopped = True
            return
        self._rows.append((step, loss, parameters, gradients))

    def table(self) -> Table:
        """All rows as arrays."""
        rows = self._rows
        kept = range(len(self._start))
        columns = [[row[3][k] if k < len(row[3]) else None for row in rows] for k in kept]
        return Table(
            start=tuple(_array(tensor) for tensor in self._start),
            recorded=array_of(torch.tensor([row[0] for row in rows], dtype=torch.int64).numpy()),
            losses=array_of(torch.tensor([row[1] for row in rows], dtype=torch.float64).numpy()),
            parameters=tuple(_stack([row[2][k] for row in rows], self._start[k]) for k in kept),
            gradients=tuple(_stack(columns[k], self._start[k]) for k in kept),
            missing=tuple(
                array_of(torch.tensor([not _fits(g, self._start[k]) for g in columns[k]], dtype=torch.uint8).numpy()) for k in kept
            ),
        )


def _fits(tensor: torch.Tensor | None, like: torch.Tensor) -> bool:
    return tensor is not None and tensor.shape == like.shape


def _stack(column: Sequence[torch.Tensor | None], like: torch.Tensor) -> Array:
    """Shape (rows, *like.shape) in `like`'s dtype; NaN (0 for whole numbers) where a row has nothing that fits."""
    if not column:
        return _array(like.new_empty((0, *like.shape)))
    nothing = torch.full_like(like, float("nan") if like.is_floating_point() or like.is_complex() else 0)
    return _array(
        torch.stack([tensor.to(like.dtype) if tensor is not None and tensor.shape == like.shape else nothing for tensor in column])
    )


def _array(tensor: torch.Tensor) -> Array:
    return array_of_tensor(tensor, _MAX_BYTES)
