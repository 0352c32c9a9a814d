"""A call's arguments, made from the plain data that the host sent."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch

from autograder.evidence.limits import Device
from autograder.evidence.protocol import Argument, ArgumentList, Leaf, OptimizerSpec
from autograder.evidence.trace import Array


@dataclass(frozen=True, slots=True)
class Arguments:
    """Real objects by argument name.

    `names` maps id(tensor) to its place ("params", "params[0]"); `optimizers` are those made here;
    `leaves` are the tensors that require gradients, by place.
    """

    values: dict[str, Any]
    names: dict[int, str]
    optimizers: tuple[torch.optim.Optimizer, ...]
    leaves: dict[str, torch.Tensor]


def build_arguments(arguments: dict[str, Argument], device: Device = Device.CPU) -> Arguments:
    """Build tensors first, on `device`, then the optimizers over them.

    Raises:
        ValueError: if an optimizer is over an argument that is no tensor or list of tensors, or is
            none of torch.optim.
        TypeError: if torch does not take its settings.
    """
    values: dict[str, Any] = {
        name: _value(spec, device)
        for name, spec in arguments.items()
        if not isinstance(spec, OptimizerSpec)
    }
    places = {
        place: tensor for name, value in values.items() for place, tensor in _tensors(name, value)
    }
    names = {id(tensor): place for place, tensor in places.items()}
    leaves = {place: tensor for place, tensor in places.items() if tensor.requires_grad}
    specs = {name: spec for name, spec in arguments.items() if isinstance(spec, OptimizerSpec)}
    made = {name: _optimizer(spec, values) for name, spec in specs.items() if spec.over}
    makers: dict[str, Callable[..., torch.optim.Optimizer]] = {
        name: _maker(spec) for name, spec in specs.items() if not spec.over
    }
    return Arguments(
        {name: (values | made | makers)[name] for name in arguments},
        names,
        tuple(made.values()),
        leaves,
    )


def tensor_of(array: Array, device: Device = Device.CPU) -> torch.Tensor:
    """Return a new tensor on `device` with the array's values.

    `source` "torch.bfloat16" is given back as such.
    """
    tensor = torch.from_numpy(array.numpy().copy())
    wanted = (
        getattr(torch, array.source.removeprefix("torch."), None)
        if array.source.startswith("torch.")
        else None
    )
    return tensor.to(device=device.value, dtype=wanted if isinstance(wanted, torch.dtype) else None)


def _value(spec: Argument, device: Device) -> Any:
    if isinstance(spec, Leaf):
        leaf = tensor_of(spec.values, device).requires_grad_()
        leaf.grad = None if spec.grad is None else tensor_of(spec.grad, device)
        return leaf
    if isinstance(spec, Array):
        return tensor_of(spec, device).requires_grad_(spec.requires_grad)
    if isinstance(spec, ArgumentList):
        return [_value(item, device) for item in spec.values]
    return spec


def _tensors(name: str, value: Any) -> list[tuple[str, torch.Tensor]]:
    if isinstance(value, torch.Tensor):
        return [(name, value)]
    if isinstance(value, list):
        return [pair for k, item in enumerate(value) for pair in _tensors(f"{name}[{k}]", item)]
    return []


def _optimizer(spec: OptimizerSpec, values: dict[str, Any]) -> torch.optim.Optimizer:
    over = values.get(spec.over)
    tensors = [over] if isinstance(over, torch.Tensor) else over
    if not isinstance(tensors, list):
        message = (
            f"there is no tensor or list of tensors {spec.over!r} for the optimizer to be over"
        )
        raise ValueError(message)
    return _maker(spec)(tensors)


def _maker(spec: OptimizerSpec) -> Callable[..., torch.optim.Optimizer]:
    """Return a function that makes the optimizer over the parameters that it is given."""
    kind = getattr(torch.optim, spec.name, None)
    if not (isinstance(kind, type) and issubclass(kind, torch.optim.Optimizer)):
        message = f"torch.optim has no optimizer {spec.name!r}"
        raise ValueError(message)
    settings: dict[str, Any] = dict(spec.settings)
    return functools.partial(kind, **settings)
