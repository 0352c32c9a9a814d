"""One warm executor for all tests here, and short ways to say what to run."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from autograder.evidence.limits import MB, Limits
from autograder.evidence.protocol import Call, Cell, ExecutionRequest, Leaf, OptimizerSpec
from autograder.evidence.trace import Array, Evidence, array_of
from autograder.execution.executor import Executor
from autograder.execution.layers.sandbox import BUBBLEWRAP, SCRATCH

T_C = [0.5, 14.0, 15.0, 28.0, 11.0, 8.0, 3.0, -4.0, 6.0, 13.0, 21.0]
T_U = [3.57, 5.59, 5.82, 8.19, 5.63, 4.89, 3.39, 2.18, 4.84, 6.04, 6.84]

LOOP = """
import torch

def training_loop(n_epochs, optimizer, params, t_u, t_c):
    for epoch in range(n_epochs):
        w, b = params
        loss = ((w * t_u + b - t_c) ** 2).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return params
"""

LIMITS = Limits(cpu_s=20, wall_s=60, memory_bytes=2048 * MB)


def f32(values: object) -> Array:
    """A float32 array."""
    return array_of(np.array(values, dtype=np.float32))


def leaf(values: object, grad: object = None) -> Leaf:
    """A leaf tensor."""
    return Leaf(f32(values), None if grad is None else f32(grad))


def request(
    *sources: str,
    limits: Limits = LIMITS,
    capture: tuple[str, ...] = (),
    hold: tuple[int, ...] = (),
    drivers: str = "",
) -> ExecutionRequest:
    """Cells named c0, c1, ... with these sources."""
    cells = tuple(Cell(f"c{k}", source, capture, k in hold) for k, source in enumerate(sources))
    return ExecutionRequest(cells, 0, limits, drivers=drivers)


def train_call(name: str = "call", n_epochs: int = 10, **settings: object) -> Call:
    """training_loop on the lecture's data with SGD."""
    optimizer = OptimizerSpec("SGD", {"lr": 1e-2, **settings})
    return Call(
        name,
        "training_loop",
        {
            "n_epochs": n_epochs,
            "optimizer": optimizer,
            "params": leaf([1, 0]),
            "t_u": f32(T_U),
            "t_c": f32(T_C),
        },
    )


def plain(name: str, function: str, **arguments: object) -> Call:
    """A call with these arguments."""
    return Call(name, function, arguments)  # type: ignore[arg-type]


class Runs:
    """Runs submissions on the shared executor."""

    def __init__(self, executor: Executor) -> None:
        self.executor = executor

    def __call__(self, *sources: str, calls: tuple[Call, ...] = (), **options: object) -> Evidence:
        """Evidence of cells with these sources and of `calls`."""
        return self.executor.run("key", request(*sources, **options), calls)  # type: ignore[arg-type]

    def text(self, source: str, **options: object) -> str:
        """What one cell prints."""
        return self(source, **options).cells[0].run.output


@pytest.fixture(scope="session")
def executor() -> Iterator[Executor]:
    """One slot, warm."""
    with Executor(1) as warm:
        warm.start()
        yield warm


@pytest.fixture(scope="session")
def run(executor: Executor) -> Runs:
    """Run cells and calls."""
    return Runs(executor)


@pytest.fixture(scope="session")
def unbounded() -> Iterator[Runs]:
    """Run cells and calls outside of bubblewrap, with the scratch folder on the machine's own
    disk.
    """
    with Executor(1, without={BUBBLEWRAP, SCRATCH}) as warm:
        yield Runs(warm)
