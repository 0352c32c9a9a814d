# ruff: noqa: SLF001
# torch has no public name for switching subclasses off, nor for the class whose attributes are
# torch's own.
"""The tensors that a full recording follows, each once, and what they hold before and after an
event. Values are taken as bytes: nothing aliases.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import torch

from autograder.evidence.trace import Array, DType, Snapshot, TensorSeen
from autograder.sandboxed.recording.values import array_of_tensor

MAX_TENSORS = 64
MAX_NUMBERS = 100_000
"""Of all followed tensors together, per event."""

_MAX_BYTES = MAX_NUMBERS * 16
_ARRAY_BYTES = 110
"""What an array takes in a frame besides its data."""

_SNAPSHOT_BYTES = 80
_PROPER = (torch.Tensor, torch.nn.Parameter)
_AS_THEY_ARE: dict[torch.dtype, DType] = {
    torch.float32: "float32",
    torch.float64: "float64",
    torch.int64: "int64",
    torch.float16: "float16",
}
_Own: Any = torch._C.TensorBase


class LimitReached(Exception):
    """The recording is as large as it may become."""


@dataclass(slots=True)
class Budget:
    """Bytes that the recording may still take."""

    left: int

    def charge(self, size: int) -> None:
        """Take `size` bytes.

        Raises:
            LimitReached: if there are not as many, and takes none.
        """
        if size > self.left:
            raise LimitReached
        self.left -= size


@dataclass(frozen=True, slots=True)
class Before:
    """A followed tensor as an event found it."""

    tensor: int
    value: Array
    gradient: Array | None


class Followed:
    """Tensors by index, in the order in which they were first seen.

    Holding on to them keeps their ids theirs.
    """

    def __init__(self, budget: Budget) -> None:
        self._budget = budget
        self._tensors: list[torch.Tensor] = []
        self._names: list[str] = []
        self._starts: list[Array] = []
        self._index: dict[int, int | None] = {}
        self._unreadable: list[torch.Tensor] = []

    def index(self, tensor: torch.Tensor, name: str = "") -> int | None:
        """The index of `tensor`, which is followed from now on; None for one without values.

        Raises:
            LimitReached: if it is one too many, or too large.
        """
        known = id(tensor)
        if known in self._index:
            return self._index[known]
        if len(self._tensors) >= MAX_TENSORS or math.prod(_shape(tensor)) > MAX_NUMBERS:
            raise LimitReached
        start = _array(tensor)
        if start is None:
            self._unreadable.append(tensor)
            self._index[known] = None
            return None
        self._budget.charge(3 * _size(start) + _SNAPSHOT_BYTES + len(name))
        self._index[known] = len(self._tensors)
        self._tensors.append(tensor)
        self._names.append(name)
        self._starts.append(start)
        return self._index[known]

    def before(self) -> list[Before]:
        """Return all tensors as an event finds them. Sets aside the bytes that `after` may need.

        Raises:
            LimitReached: if that is too much.
        """
        found = []
        for index, tensor in enumerate(self._tensors):
            value = _array(tensor)
            if value is not None:
                found.append(Before(index, value, _gradient(tensor)))
        if sum(math.prod(one.value.shape) for one in found) > MAX_NUMBERS:
            raise LimitReached
        self._budget.charge(_reserved(found))
        return found

    def after(self, before: list[Before]) -> tuple[Snapshot, ...]:
        """Return snapshots of the tensors before and after the event."""
        made = []
        for one in before:
            tensor = self._tensors[one.tensor]
            value = _array(tensor)
            changed = value is not None and (value.data, value.shape, value.dtype) != (
                one.value.data,
                one.value.shape,
                one.value.dtype,
            )
            made.append(
                Snapshot(
                    one.tensor,
                    one.value,
                    one.gradient,
                    _gradient(tensor),
                    value if changed else None,
                )
            )
        self._budget.left += _reserved(before) - sum(_snapshot_size(snapshot) for snapshot in made)
        return tuple(made)

    def seen(self) -> tuple[TensorSeen, ...]:
        """Return all tensors, as they are now."""
        return tuple(
            TensorSeen(name, start, _array(tensor) or start, _gradient(tensor))
            for name, start, tensor in zip(self._names, self._starts, self._tensors, strict=True)
        )


def _reserved(before: list[Before]) -> int:
    return sum(4 * _size(one.value) + _SNAPSHOT_BYTES for one in before)


def _snapshot_size(snapshot: Snapshot) -> int:
    arrays = (snapshot.value, snapshot.grad_before, snapshot.grad_after, snapshot.value_after)
    return _SNAPSHOT_BYTES + sum(_size(array) for array in arrays if array is not None)


def _size(array: Array) -> int:
    return _ARRAY_BYTES + len(array.data)


def _shape(tensor: torch.Tensor) -> tuple[int, ...]:
    with torch._C.DisableTorchFunctionSubclass():
        return tuple(_Own.shape.__get__(tensor))


def _array(tensor: torch.Tensor) -> Array | None:
    """Copy the tensor's values; None where there is nothing to read, as on the meta device."""
    try:
        if (
            type(tensor) in _PROPER
            and tensor.dtype in _AS_THEY_ARE
            and tensor.layout is torch.strided
            and tensor.device.type == "cpu"
        ):
            return _array_of_proper(tensor)
        return array_of_tensor(tensor, _MAX_BYTES)
    except Exception:  # noqa: BLE001 - subclasses and exotic layouts fail in many ways
        return None


def _array_of_proper(tensor: torch.Tensor) -> Array:
    """Copy an ordinary tensor as `array_of_tensor` does, in half the time."""
    name = _AS_THEY_ARE[tensor.dtype]
    values = tensor.detach().numpy()
    if values.nbytes > _MAX_BYTES:
        message = f"tensor of shape {values.shape}, too large to record"
        raise ValueError(message)
    return Array(name, values.shape, values.tobytes(), f"torch.{name}", tensor.requires_grad)


def _gradient(tensor: torch.Tensor) -> Array | None:
    """The gradient by value, dense; None where there is none or it can't be read."""
    try:
        with torch._C.DisableTorchFunctionSubclass():
            if not (_Own.is_leaf.__get__(tensor) or _Own.retains_grad.__get__(tensor)):
                return None  # torch would print a warning
            gradient = _Own.grad.__get__(tensor)
    except Exception:  # noqa: BLE001 - as above
        return None
    return None if gradient is None else _array(gradient)
