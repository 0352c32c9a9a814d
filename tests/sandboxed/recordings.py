"""How the tests here make full recordings and look at them."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import torch

from autograder.evidence.trace import Array, Event, Recording, Snapshot
from autograder.sandboxed.recording.full_recorder import FullRecorder

from .conftest import RECORDER

MB = 1 << 20
T_U = torch.tensor([3.57, 5.59, 5.82, 8.19])
T_C = torch.tensor([0.5, 14.0, 15.0, 28.0])


def record(
    work: Callable[[], object],
    leaves: Mapping[str, torch.Tensor] | None = None,
    given: tuple[torch.optim.Optimizer, ...] = (),
    limit_bytes: int = 4 * MB,
    max_steps: int | None = None,
) -> Recording:
    """The full recording of `work`, beside a light one."""
    full = FullRecorder(limit_bytes, leaves or {}, given)
    RECORDER.start(2 * MB, given=given, max_steps=max_steps, full=full)
    try:
        work()
    finally:
        recording = full.finish()
    return recording


def leaf(*values: float) -> torch.Tensor:
    """A leaf tensor."""
    return torch.tensor(values, dtype=torch.float32, requires_grad=True)


def loss_of(params: torch.Tensor) -> torch.Tensor:
    """The lecture's."""
    return ((params[0] * T_U + params[1] - T_C) ** 2).mean()


def train(n_epochs: int, params: torch.Tensor, optimizer: torch.optim.Optimizer) -> torch.Tensor:
    """The textbook loop."""
    for _ in range(n_epochs):
        loss = loss_of(params)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return params


def kinds(recording: Recording) -> list[str]:
    return [event.kind for event in recording.events]


def numbers(array: Array | None) -> list[float] | None:
    return None if array is None else array.numpy().tolist()


def only(event: Event) -> Snapshot:
    """The snapshot of an event at which one tensor is followed."""
    (snapshot,) = event.snapshots
    return snapshot
