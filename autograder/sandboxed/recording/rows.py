"""The rows of a trace: every step at first, then every second, fourth, ... so that a run of any
length stays small and costs little.
"""

from __future__ import annotations

import sys
from array import array
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from autograder.evidence.trace import Array, array_of
from autograder.sandboxed.recording.values import array_of_tensor

DENSE = 64
"""Steps that are always recorded one by one: checks look at 60 steps at most."""

OCTAVE_BITS = 6
"""Later on, 2 ** (OCTAVE_BITS - 1) = 32 steps are recorded from each power of two to the next: 265
rows of 5000 steps, 510 of a million.
"""

MAX_ROWS = 2048
_MAX_BYTES = 1 << 40
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
    """Snapshots by step.

    The first `DENSE` steps are all there, then 32 between each power of two and the next, chosen by
    their number alone, so that two runs of one loop have the same rows. The last step is added when
    the table is made.
    """

    def __init__(self, start: _Tensors, max_rows: int) -> None:
        self._max_rows, self._row_bytes = max_rows, _row_bytes(start)
        self._steps, self._losses = array("q"), array("d")
        self._parameters, self._gradients = (
            [_Column(like) for like in start],
            [_Column(like) for like in start],
        )
        self._start = tuple(array_of_tensor(tensor, _MAX_BYTES) for tensor in start)
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
        """Return rows for parameters like `start` in at most `limit_bytes`.

        None where not even two rows and the start fit.
        """
        fitting = limit_bytes // _row_bytes(start) - 2
        return cls(start, min(MAX_ROWS, fitting)) if fitting >= 1 else None

    def stop(self) -> None:
        """Take no more rows: the parameters can't be followed any longer."""
        self._stopped = True

    @property
    def max_bytes(self) -> int:
        """Greatest size of the arrays, roughly."""
        return (self._max_rows + 2) * self._row_bytes

    def pack(self, gradients: Sequence[torch.Tensor | None]) -> list[bytes | None]:
        """Copies of the gradients for a row to come; None where there is nothing that fits."""
        return [
            None if gradient is None else column.packed(gradient)
            for column, gradient in zip(self._gradients, gradients, strict=False)
        ]

    def add(
        self, step: int, loss: float, parameters: _Tensors, gradients: list[bytes | None]
    ) -> None:
        """Copy the row of `step`.

        When the parameters are others than at the start, rows end here.
        """
        if self._stopped:
            return
        if self._parameters and len(parameters) != len(self._parameters):
            self._stopped = True
            return
        packed = [
            column.packed(tensor)
            for column, tensor in zip(self._parameters, parameters, strict=False)
        ]
        if None in packed:
            self._stopped = True
            return
        for place, (values, slopes) in enumerate(
            zip(self._parameters, self._gradients, strict=True)
        ):
            values.add(packed[place])
            slopes.add(gradients[place] if place < len(gradients) else None)
        self._steps.append(step)
        self._losses.append(loss)

    def table(self) -> Table:
        """All rows as arrays."""
        return Table(
            start=self._start,
            recorded=array_of(np.array(self._steps, dtype=np.int64)),
            losses=array_of(np.array(self._losses, dtype=np.float64)),
            parameters=tuple(column.values() for column in self._parameters),
            gradients=tuple(column.values() for column in self._gradients),
            missing=tuple(
                array_of(np.array(column.missing, dtype=np.uint8)) for column in self._gradients
            ),
        )


def _row_bytes(start: _Tensors) -> int:
    """Return the size of a row: values, gradients, step and loss.

    Small floats travel as float32.
    """
    return 2 * sum(tensor.numel() * max(4, tensor.element_size()) for tensor in start) + 16


class _Column:
    """One tensor's rows, one after another in a run of bytes.

    Thousands of small tensors kept alive would lie scattered over pages that a fork shares, each to
    be copied at first touch; and copying a view's bytes costs a tenth of what a tensor's copy does.
    """

    def __init__(self, like: torch.Tensor) -> None:
        empty = array_of_tensor(like.new_empty((0,)), 0)  # tells how such values travel
        self._shape, self._source, self._dtype = (
            like.shape,
            empty.source,
            getattr(torch, empty.dtype),
        )
        self._plain = like.dtype is self._dtype and not like.is_complex()
        self._numpy = np.dtype(empty.dtype)
        self._data, self._blank = bytearray(), b""
        self.missing = array("B")

    def packed(self, tensor: torch.Tensor) -> bytes | None:
        """Return the values of a tensor without gradient, row-major, in the column's dtype.

        None if the shape is another.
        """
        if tensor.shape != self._shape:
            return None
        if not self._plain or tensor.dtype is not self._dtype or tensor.device.type != "cpu":
            tensor = tensor.to(device="cpu", dtype=self._dtype).resolve_conj().resolve_neg()
        return tensor.numpy().tobytes()

    def add(self, packed: bytes | None) -> None:
        """The next row; NaN (0 for whole numbers) where there is none."""
        if packed is None and not self._blank:
            self._blank = np.full(
                tuple(self._shape), np.nan if self._numpy.kind in "fc" else 0, self._numpy
            ).tobytes()
        self._data += self._blank if packed is None else packed
        self.missing.append(packed is None)

    def values(self) -> Array:
        """Shape (rows, *shape of the tensor)."""
        rows = np.frombuffer(self._data, self._numpy).reshape(len(self.missing), *self._shape)
        return array_of(rows, source=self._source)
