"""The rows of a trace: every step at first, then every second, fourth, ... so that a run of any length stays small."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch

from autograder.sandboxed.values import array_of_tensor
from autograder.trace import Array, array_of

DENSE = 64
"""Steps that are always recorded one by one: checks look at 60 steps at most."""

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
    """Snapshots by step. The first `DENSE` steps and the last are always there; in between every `stride`-th, the stride doubling
    whenever `max_rows` is reached.
    """

    def __init__(self, start: _Tensors, max_rows: int) -> None:
        self._start, self._max_rows = start, max_rows
        self._dense = min(DENSE, max_rows * 3 // 4)
        self._rows: list[_Row] = []
        self._last: _Row | None = None
        self._stride, self._stopped = 1, False

    @classmethod
    def of(cls, start: _Tensors, limit_bytes: int) -> Rows | None:
        """Rows for parameters like `start` in at most `limit_bytes`; None where not even two rows and the start fit."""
        row_bytes = 2 * sum(tensor.numel() * tensor.element_size() for tensor in start) + 16
        fitting = limit_bytes // row_bytes - 2
        return cls(start, min(MAX_ROWS, fitting)) if fitting >= 1 else None

    def stopped(self) -> Rows:
        """Take no more rows: the parameters can't be followed any longer."""
        self._stopped = True
        return self

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
        row = (step, loss, parameters, gradients)
        if step <= self._dense or (step - self._dense) % self._stride == 0:
            if len(self._rows) >= self._max_rows:
                self._stride *= 2
                self._rows = [kept for kept in self._rows if kept[0] <= self._dense or (kept[0] - self._dense) % self._stride == 0]
            if len(self._rows) < self._max_rows and (step <= self._dense or (step - self._dense) % self._stride == 0):
                self._rows.append(row)
        self._last = row

    def table(self) -> Table:
        """All rows as arrays; the last step's comes in, if the stride has left it out."""
        rows = list(self._rows)
        if self._last is not None and (not rows or rows[-1][0] != self._last[0]):
            rows.append(self._last)
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
