"""What a call has changed of what later calls share: missed, a later check is judged on another
student's state than it should be.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from autograder.sandboxed.calls.disturbance import SharedState


@pytest.fixture
def shared() -> SimpleNamespace:
    """A notebook's namespace."""

    def remember(item: int, seen: list[int] = []) -> list[int]:  # noqa: B006 - as students write
        seen.append(item)
        return seen

    weight = torch.ones(3, requires_grad=True)
    weight.grad = torch.zeros(3)
    net = torch.nn.Sequential(torch.nn.Linear(2, 2), torch.nn.BatchNorm1d(2))
    return SimpleNamespace(
        weight=weight,
        plain=torch.zeros(2),
        large=torch.zeros(100_000),
        half=torch.zeros(2, dtype=torch.bfloat16),
        data=np.zeros(3),
        losses=[1.0, [2.0]],
        history={"loss": [1.0]},
        net=net,
        remember=remember,
        n=3,
    )


@pytest.fixture(autouse=True)
def switches(tmp_path: Path) -> Iterator[None]:
    """What a test switches is as it was before for the next one."""
    folder, errors = Path.cwd(), np.geterr()
    yield
    os.chdir(folder)
    np.seterr(**errors)
    torch.set_default_dtype(torch.float32)
    torch.set_grad_enabled(True)
    torch.autograd.set_detect_anomaly(False)
    torch.use_deterministic_algorithms(False)


CHANGES: dict[str, Callable[[SimpleNamespace], object]] = {
    "a parameter in place": lambda of: of.weight.data.add_(1),
    "a tensor in place": lambda of: of.plain.fill_(2),
    "a large tensor in place": lambda of: of.large.fill_(2),
    "a tensor of half precision": lambda of: of.half.fill_(2),
    "a gradient in place": lambda of: of.weight.grad.fill_(7),
    "a gradient that is gone": lambda of: setattr(of.weight, "grad", None),
    "a tensor that requires gradients now": lambda of: of.plain.requires_grad_(),
    "a net's weights": lambda of: of.net[0].weight.data.zero_(),
    "a net's gradients": lambda of: of.net(torch.ones(2, 2)).sum().backward(),
    "a net's running mean": lambda of: of.net(torch.ones(2, 2)),
    "a net's mode": lambda of: of.net.eval(),
    "an array in place": lambda of: of.data.fill(1),
    "a list": lambda of: of.losses.append(3.0),
    "an item of a list": lambda of: of.losses.__setitem__(0, 5.0),
    "a list in a list": lambda of: of.losses[1].append(3.0),
    "a list in a dict": lambda of: of.history["loss"].append(3.0),
    "a default argument": lambda of: of.remember(1),
    "a function's attribute": lambda of: setattr(of.remember, "calls", 1),
    "another value": lambda of: setattr(of, "n", 4),
    "a new name": lambda of: setattr(of, "m", 4),
    "a name that is gone": lambda of: delattr(of, "n"),
    "the default dtype": lambda of: torch.set_default_dtype(torch.float64),
    "no gradients from now on": lambda of: torch.set_grad_enabled(False),
    "anomaly detection": lambda of: torch.autograd.set_detect_anomaly(True),
    "deterministic algorithms": lambda of: torch.use_deterministic_algorithms(True),
    "numpy's warnings": lambda of: np.seterr(all="ignore"),
    "the folder": lambda of: os.chdir("/"),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_a_change_is_noticed(
    shared: SimpleNamespace, change: Callable[[SimpleNamespace], object]
) -> None:
    """In a name's value, deep inside of one, or in a switch of torch's, numpy's or the
    process's.
    """
    state = SharedState(vars(shared))
    change(shared)
    assert state.disturbed()


def test_a_thread_that_goes_on_is_noticed(shared: SimpleNamespace) -> None:
    """It may change anything at any time."""
    state, done = SharedState(vars(shared)), threading.Event()
    thread = threading.Thread(target=done.wait)
    thread.start()
    try:
        assert state.disturbed()
    finally:
        done.set()
        thread.join()
    assert not state.disturbed()


def test_what_only_reads_disturbs_nothing(shared: SimpleNamespace) -> None:
    """A fresh fork for every call would take a class hours."""
    state = SharedState(vars(shared))
    with torch.no_grad():
        shared.net.state_dict()
        (shared.weight * shared.plain.sum()).sum()
    torch.optim.SGD([shared.weight], lr=0.1).state_dict()
    sorted(shared.losses, key=str)
    assert not state.disturbed()
