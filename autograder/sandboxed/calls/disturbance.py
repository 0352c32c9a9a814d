# ruff: noqa: PTH109, SLF001, PLR0911
# A table of cases by type; torch has no public name for a tensor's version or for switching
# subclasses off.
"""Has a call changed what other calls share? If so, the next one gets a fresh fork.

A look at names, tensors, plain containers and torch's global switches; not proof. What fails is run
again alone before it counts.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch

from autograder.sandboxed.recording.values import plain_tensor

_SMALL_BYTES = 1 << 16
_MEMBERS = 256


class SharedState:
    """A snapshot of the notebook's namespace and of torch's switches."""

    def __init__(self, namespace: Mapping[str, Any]) -> None:
        self._namespace = namespace
        self._names = dict(namespace)  # keeps the values alive, so that their ids stay theirs
        self._print = {name: _fingerprint(value, 0) for name, value in self._names.items()}
        self._switches = _switches()

    def disturbed(self) -> bool:
        """Whether anything differs now."""
        if _switches() != self._switches or self._namespace.keys() != self._names.keys():
            return True
        for name, value in self._names.items():
            if self._namespace[name] is not value or _fingerprint(value, 0) != self._print[name]:
                return True
        return False


def _switches() -> tuple[object, ...]:
    return (
        torch.get_default_dtype(),
        torch.is_grad_enabled(),
        torch.is_inference_mode_enabled(),
        torch.is_anomaly_enabled(),
        torch.are_deterministic_algorithms_enabled(),
        threading.active_count(),
        os.getcwd(),
        tuple(sorted(np.geterr().items())),
    )


def _fingerprint(value: Any, depth: int) -> object:
    """Something cheap that differs once `value` was changed in place."""
    kind = type(value)
    try:
        if issubclass(kind, torch.Tensor):
            return _of_tensor(value, depth)
        if kind is np.ndarray:
            small = value.nbytes <= _SMALL_BYTES and not value.dtype.hasobject
            return value.tobytes() if small else value.nbytes
        if depth > 2:
            return id(value)
        if kind in (list, tuple, dict):
            members = list(value.values())[:_MEMBERS] if kind is dict else value[:_MEMBERS]
            return [(id(item), _fingerprint(item, depth + 1)) for item in members], len(value)
        if issubclass(kind, torch.nn.Module):
            tensors = [*value.parameters(), *value.buffers()]
            return [_of_tensor(item, depth) for item in tensors], value.training
        if callable(value) and hasattr(value, "__defaults__"):
            return [
                (id(item), _fingerprint(item, depth + 1)) for item in value.__defaults__ or ()
            ], _fingerprint(vars(value), depth + 1)
    except Exception:  # noqa: BLE001 - a student's object may fail in any way
        return None
    return id(value)


def _of_tensor(tensor: torch.Tensor, depth: int) -> object:
    plain = plain_tensor(tensor)
    small = (
        plain.layout == torch.strided
        and plain.numel() * plain.element_size() <= _SMALL_BYTES
        and plain.dtype != torch.bfloat16
    )
    # .data writes leave _version as it is
    content = plain.cpu().numpy().tobytes() if small else plain._version
    with torch._C.DisableTorchFunctionSubclass():
        gradient = tensor.grad if tensor.is_leaf and depth <= 3 else None
        requires_grad = tensor.requires_grad
    return (
        tuple(plain.shape),
        content,
        requires_grad,
        None if gradient is None else (id(gradient), _of_tensor(gradient, 4)),
    )
