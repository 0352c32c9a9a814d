# ruff: noqa: SLF001, PLR0911
# A table of cases by type; torch has no public name for switching subclasses off.
"""Students' values as plain data.

Nothing of theirs is called: no __repr__, no __torch_function__, no property.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, cast

import numpy as np
import torch

from autograder.evidence.trace import Array, Items, Opaque, OptimizerValue, Setting, Value, array_of
from autograder.evidence.trace import Mapping as MappingValue
from autograder.sandboxed.text import clean, message_of, type_name

_NODES = 20_000
_DEPTH = 8
_TEXT = 100_000
_AS_SENT = {
    torch.bfloat16: torch.float32,
    torch.complex32: torch.complex64,
    torch.uint16: torch.int64,
    torch.uint32: torch.int64,
    torch.uint64: torch.int64,
}
_INT64 = range(-(1 << 63), 1 << 63)


def plain_tensor(tensor: torch.Tensor) -> torch.Tensor:
    """The values of `tensor` as a detached torch.Tensor proper; shares memory.

    Raises:
        RuntimeError: where a subclass has no memory of its own.
    """
    if type(tensor) is torch.Tensor or type(tensor) is torch.nn.Parameter:
        return tensor.detach()
    with torch._C.DisableTorchFunctionSubclass():
        return torch.Tensor.detach(torch.Tensor.as_subclass(tensor, torch.Tensor))


def array_of_tensor(tensor: torch.Tensor, limit_bytes: int) -> Array:
    """Copy the tensor's values.

    Dtypes that can't travel become the nearest that can, with `source` saying what they were.

    Raises:
        ValueError: above `limit_bytes` once dense, or without values (the meta device).
    """
    with torch._C.DisableTorchFunctionSubclass():
        requires_grad = bool(tensor.requires_grad)
    plain = plain_tensor(tensor)
    if plain.device.type == "meta" or plain.numel() * plain.element_size() > limit_bytes:
        message = (
            f"tensor of shape {tuple(plain.shape)}, too large to send"
            if plain.device.type != "meta"
            else "tensor without values"
        )
        raise ValueError(message)
    source = f"torch.{str(plain.dtype).removeprefix('torch.')}"
    if plain.is_quantized:
        plain = plain.dequantize()
    if plain.layout != torch.strided:
        plain = plain.to_dense()
    sent = _AS_SENT.get(
        plain.dtype, torch.float32 if "float8" in source or "float4" in source else plain.dtype
    )
    plain = plain.to(device="cpu", dtype=sent).resolve_conj().resolve_neg()
    return array_of(plain.numpy(), source=source, requires_grad=requires_grad)


def settings_of(group: Mapping[str, Any]) -> dict[str, Setting]:
    """The plain settings of an optimizer's parameter group, without its parameters."""
    settings: dict[str, Setting] = {}
    for name, value in group.items():
        if name == "params" or type(name) is not str:
            continue
        if plain := _plain_setting(value):
            settings[name] = plain[0]
    return settings


def _plain_setting(value: object) -> tuple[Setting] | tuple[()]:
    """Return `value` as a one-tuple, or () when it is not plain."""
    if value is None or type(value) in (bool, float):
        return (value,)  # type: ignore[return-value]
    if type(value) is int:
        return (value,) if value in _INT64 else ()
    if type(value) is str:
        return (clean(value, 1000),)
    if type(value) in (tuple, list) and len(value) <= 16:  # type: ignore[arg-type]
        numbers = [_number(item) for item in value]  # type: ignore[attr-defined]
        return (
            (tuple(number for number in numbers if number is not None),)
            if None not in numbers
            else ()
        )
    number = _number(value)
    return (number,) if number is not None else ()


def _number(value: object) -> float | None:
    if type(value) in (int, float):
        try:
            return float(value)  # type: ignore[arg-type]
        except OverflowError:
            return None
    if issubclass(type(value), torch.Tensor):
        plain = plain_tensor(value)  # type: ignore[arg-type]
        return float(plain) if plain.numel() == 1 and not plain.is_complex() else None
    return float(value) if issubclass(type(value), (np.floating, np.integer)) else None  # type: ignore[arg-type]


class ValueReader:
    """Turns values into `Value`s under a common cap on bytes and on the number of values.

    `names` maps id(tensor) to the name of the call's argument that it is.
    """

    def __init__(self, limit_bytes: int, names: Mapping[int, str] | None = None) -> None:
        self._left_bytes, self._left_nodes = limit_bytes, _NODES
        self._names = names or {}

    def read(self, value: object) -> Value:
        """Return `value` as plain data, or as an `Opaque` if it has no plain form. Never raises."""
        try:
            return self._value(value, 0)
        # a student's object may fail in any way, and must not end the runner
        except BaseException as error:  # noqa: BLE001
            return Opaque(
                type_name(value),
                clean(f"could not be read: {type_name(error)}: {message_of(error)}", 300),
            )

    def _value(self, value: object, depth: int) -> Value:
        self._left_nodes -= 1
        kind = type(value)
        if value is None or kind is bool or kind is float:
            return value  # type: ignore[return-value]
        if kind is int:
            return _integer(value)  # type: ignore[arg-type]
        if kind is str:
            text = clean(value, _TEXT)  # type: ignore[arg-type]
            self._left_bytes -= len(text)
            return text if text == value and self._left_bytes >= 0 else Opaque("str", text[:1000])
        if issubclass(kind, torch.Tensor) or issubclass(kind, (np.ndarray, np.generic)):
            return self._array(value)
        if self._left_nodes <= 0 or depth >= _DEPTH:
            return Opaque(type_name(value), "(too many values, or too deeply nested)")
        if issubclass(kind, list):
            return self._items(list.__iter__(value), "list", depth)  # type: ignore[arg-type]
        if issubclass(kind, tuple):
            return self._items(tuple.__iter__(value), "tuple", depth)  # type: ignore[arg-type]
        if issubclass(kind, dict):
            return self._mapping(value, depth)  # type: ignore[arg-type]
        if issubclass(kind, torch.optim.Optimizer):
            return self._optimizer(value)  # type: ignore[arg-type]
        return Opaque(type_name(value), _short(value))

    def _items(self, values: Iterable[object], kind: Any, depth: int) -> Items:
        read = []
        for value in values:
            read.append(
                self._value(value, depth + 1)
                if self._left_nodes > 0
                else Opaque(type_name(value), "(too many values)")
            )
            if self._left_nodes <= 0:
                break
        return Items(tuple(read), kind)

    def _mapping(self, value: dict[object, object], depth: int) -> Value:
        keys = [_key(key) for key in dict.keys(value)]
        if any(key is None for key in keys):
            return Opaque(type_name(value), "its keys are not all text or numbers")
        if len(set(keys)) < len(keys):
            return Opaque(type_name(value), "two of its keys read the same")
        items = list(zip(keys, dict.values(value), strict=True))[: max(0, self._left_nodes)]
        return MappingValue(
            {key: self._value(item, depth + 1) for key, item in items if key is not None}
        )

    def _array(self, value: object) -> Value:
        try:
            if issubclass(type(value), torch.Tensor):
                array = array_of_tensor(value, self._left_bytes)  # type: ignore[arg-type]
            else:
                array = _array_of_numpy(value, self._left_bytes)
        except Exception as error:  # noqa: BLE001 - subclasses and exotic layouts fail in many ways
            return Opaque(type_name(value), clean(str(error), 300))
        self._left_bytes -= len(array.data)
        return array

    def _optimizer(self, optimizer: torch.optim.Optimizer) -> OptimizerValue:
        groups = list(vars(optimizer)["param_groups"])
        parameters = [parameter for group in groups for parameter in group["params"]]
        kept = [(parameter, self._array(parameter)) for parameter in parameters[:1000]]
        arrays = [(parameter, array) for parameter, array in kept if isinstance(array, Array)]
        return OptimizerValue(
            name=type_name(optimizer),
            settings=tuple(settings_of(group) for group in groups),
            parameters=tuple(array for _, array in arrays),
            same_as=tuple(self._names.get(id(parameter), "") for parameter, _ in arrays),
        )


def _key(key: object) -> str | None:
    """A dict's key as text: numbers that are equal read the same (0.1; 2 for 2.0 as well).

    None for any other.
    """
    if type(key) is str:
        return clean(key, 1000)
    if type(key) is int:
        return str(key) if key in _INT64 else None
    if type(key) is float or issubclass(type(key), np.floating):
        number = float(key)  # type: ignore[arg-type]
        return str(int(number)) if number.is_integer() and abs(number) < 1e15 else repr(number)
    return None


def _array_of_numpy(value: object, limit_bytes: int) -> Array:
    plain: np.ndarray[Any, Any] = (
        np.ndarray.view(cast("Any", value), np.ndarray)
        if issubclass(type(value), np.ndarray)
        else np.asarray(value)
    )
    if plain.nbytes > limit_bytes:
        message = f"array of shape {plain.shape}, too large to send"
        raise ValueError(message)
    if plain.dtype.byteorder == ">":
        plain = plain.astype(plain.dtype.newbyteorder("<"))
    return array_of(plain, source=f"numpy.{plain.dtype.name}")


def _short(value: object) -> str:
    """Return a few words on values of Python's own types.

    There are none for others, whose __repr__ may do anything.
    """
    if type(value) in (complex, bytes, range, slice):
        return clean(repr(value), 200)
    if type(value) in (set, frozenset):
        return f"{len(value)} elements"  # type: ignore[arg-type]
    return ""


def _integer(value: int) -> int | Opaque:
    return value if value in _INT64 else Opaque("int", f"an integer of {value.bit_length()} bits")
