# ruff: noqa: SLF001
# torch has no public name for switching subclasses off, nor for the class whose attributes are
# torch's own.
"""What a backward pass starts from and where it ends: read from the graph before the pass, which
may free it.
"""

from __future__ import annotations

from typing import Any

import torch

from autograder.sandboxed.recording.values import plain_tensor

MAX_NODES = 10_000
"""Of a graph, looked at per pass: a loop that never lets go of its losses makes graphs that grow
for ever. 10,000 take about 5 ms.
"""

_Own: Any = torch._C.TensorBase


def roots_of(tensors: object) -> list[torch.Tensor]:
    """The tensors among what torch.autograd.backward was given."""
    if issubclass(type(tensors), torch.Tensor):
        return [tensors]  # type: ignore[list-item]
    if issubclass(type(tensors), tuple):
        items: list[Any] = list(tuple.__iter__(tensors))  # type: ignore[arg-type]
    elif issubclass(type(tensors), list):
        items = list(list.__iter__(tensors))  # type: ignore[arg-type]
    else:
        return []
    return [item for item in items if issubclass(type(item), torch.Tensor)]


def loss_of(roots: list[torch.Tensor]) -> float:
    """The one number that the pass starts from, else NaN."""
    if len(roots) != 1:
        return float("nan")
    try:
        plain = plain_tensor(roots[0])
        return (
            float(plain.item()) if plain.numel() == 1 and not plain.is_complex() else float("nan")
        )
    except Exception:  # noqa: BLE001 - the meta device, a subclass without memory
        return float("nan")


def leaves_of(roots: list[torch.Tensor]) -> list[torch.Tensor]:
    """Return the leaf tensors that the graph of `roots` reaches, in the order they are met.

    Only those within `MAX_NODES` nodes are found.
    """
    leaves: list[torch.Tensor] = []
    waiting: list[Any] = []
    with torch._C.DisableTorchFunctionSubclass():
        for root in reversed(roots):
            function = _Own.grad_fn.__get__(root)
            if function is not None:
                waiting.append(function)
            elif _Own.requires_grad.__get__(root):
                leaves.append(root)
    met = set(waiting)  # nodes, not their ids: Python's wrappers of nodes come and go
    while waiting:
        node = waiting.pop()
        if type(node).__name__ == "AccumulateGrad":
            leaves.append(node.variable)
            continue
        for following, _ in reversed(node.next_functions):
            if following is not None and following not in met and len(met) < MAX_NODES:
                met.add(following)
                waiting.append(following)
    return leaves
