"""What is written down batch by batch, in this process."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from autograder.evidence.trace import BatchLog
from autograder.sandboxed.recording.batch_recorder import BatchRecorder

from .conftest import RECORDER

MB = 1 << 20
X = torch.arange(24.0).reshape(6, 4)
Y = torch.tensor([0, 1, 2, 0, 1, 2])


def network() -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(4, 5), nn.Dropout(0.5), nn.Linear(5, 3))


def recorded(function: Callable[..., Any], *passed: Any, limit: int = MB) -> BatchLog:
    """`function` called as a driver calls it."""
    batches = BatchRecorder(limit)
    RECORDER.start(MB, batches=batches)
    try:
        batches.watched("train", function)(*passed)
    finally:
        log = batches.finish()
        RECORDER.start(0)
    return log


def train(model: nn.Module, optimizer: torch.optim.Optimizer, generator: torch.Generator) -> float:
    model.train()
    for rows in torch.randperm(6, generator=generator).split(4):
        loss = nn.functional.cross_entropy(model(X[rows]), Y[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return loss.item()


def test_forward_backward_step_in_order() -> None:
    """With what the model saw, its parameters and the random state then, and the loss."""
    model = network()
    start = torch.cat([p.detach().reshape(-1) for p in model.parameters()]).numpy()
    torch.manual_seed(3)
    state = torch.get_rng_state().numpy().tobytes()
    log = recorded(
        train, model, torch.optim.SGD(model.parameters(), lr=0.1), torch.Generator().manual_seed(1)
    )
    assert [event.kind for event in log.events] == ["forward", "backward", "step"] * 2
    first = log.events[0].forward
    assert first is not None
    assert first.parameters is not None
    order = torch.randperm(6, generator=torch.Generator().manual_seed(1))
    assert np.array_equal(first.seen.numpy(), X[order[:4]].numpy())
    assert np.array_equal(first.parameters.numpy(), start)
    assert (first.random, first.training, first.dropping, first.graph, first.own) == (
        state,
        True,
        1,
        True,
        True,
    )
    assert log.shapes == ((5, 4), (5,), (3, 5), (3,))
    assert all(event.given and event.phase == 0 for event in log.events)
    assert np.isfinite(log.events[1].loss)
    (phase,) = log.phases
    assert (phase.function, phase.drew, phase.moved, phase.left_gradients) == (
        "train",
        True,
        True,
        True,
    )
    assert isinstance(phase.returned, float)


def test_the_replayed_gradient_is_the_very_same() -> None:
    """Parameters, random state and batch are all that it takes."""
    model = network()
    log = recorded(
        train, model, torch.optim.SGD(model.parameters(), lr=0.1), torch.Generator().manual_seed(1)
    )
    last = log.events[3].forward
    assert last is not None
    assert last.parameters is not None
    seen = model[0].weight.grad.clone()  # type: ignore[union-attr, operator]
    rows = [int((row == X).all(dim=1).nonzero()[0]) for row in torch.tensor(last.seen.numpy())]
    nn.utils.vector_to_parameters(torch.tensor(last.parameters.numpy()), model.parameters())
    torch.set_rng_state(torch.frombuffer(bytearray(last.random), dtype=torch.uint8))
    model.zero_grad()
    nn.functional.cross_entropy(model(X[rows]), Y[rows]).backward()
    assert torch.equal(model[0].weight.grad, seen)  # type: ignore[arg-type]


def test_an_evaluation_leaves_everything_as_it_was() -> None:
    """No graph, so neither parameters nor random state are kept; nothing has moved."""

    def evaluate(model: nn.Module) -> float:
        model.eval()
        with torch.no_grad():
            return float(model(X).mean())

    log = recorded(evaluate, network())
    (event,) = log.events
    assert event.forward is not None
    assert (event.forward.training, event.forward.dropping, event.forward.graph) == (
        False,
        0,
        False,
    )
    assert (event.forward.random, event.forward.parameters) == (b"", None)
    assert (log.phases[0].moved, log.phases[0].left_gradients, log.phases[0].drew) == (
        False,
        False,
        None,
    )


def test_forward_called_by_name_and_copies_are_seen() -> None:
    """`model.forward(x)` counts, inner modules of the same class do not, and a copy is told from
    the model itself.
    """

    def run(model: nn.Module) -> None:
        model.forward(X)
        copy.deepcopy(model)(X)

    nested = nn.Sequential(nn.Sequential(nn.Linear(4, 3)))
    log = recorded(run, nested)
    assert [event.forward.own for event in log.events if event.forward] == [True, False]


def test_nothing_stays_in_torch() -> None:
    """Classes are as they were, inherited methods inherited."""
    before = nn.Sequential.forward

    class Inheriting(nn.Sequential):
        pass

    recorded(lambda model: model(X), Inheriting(nn.Linear(4, 3)))
    recorded(lambda model: model(X), nn.Sequential(nn.Linear(4, 3)))
    assert nn.Sequential.forward is before
    assert "forward" not in vars(Inheriting)


@pytest.mark.parametrize(("keep", "alive"), [(True, 5), (False, 1)])
def test_living_graphs_are_counted(keep: bool, alive: int) -> None:
    """A sum of loss tensors holds every batch's graph, a sum of numbers none."""

    def run(model: nn.Module) -> None:
        total: Any = 0.0
        for _ in range(5):
            loss = model(X).mean()
            loss.backward()
            total = total + (loss if keep else loss.item())

    log = recorded(run, network())
    assert max(event.alive for event in log.events) == alive


def test_an_optimizer_of_the_students_own_is_not_given() -> None:
    def run(model: nn.Module, _optimizer: torch.optim.Optimizer) -> None:
        own = torch.optim.SGD(model.parameters(), lr=0.1)
        model(X).mean().backward()
        own.step()

    model = network()
    log = recorded(run, model, torch.optim.SGD(model.parameters(), lr=0.1))
    assert [event.given for event in log.events if event.kind == "step"] == [False]


def test_above_the_limit_nothing_more_is_kept_and_that_is_said() -> None:
    """Half a record would look like a loop that stopped early."""

    def run(model: nn.Module) -> None:
        for _ in range(10):
            model(X).mean().backward()

    log = recorded(run, network(), limit=3 * 5500)
    assert log.dropped > 0
    assert 0 < len([event for event in log.events if event.kind == "forward"]) < 10


def test_a_function_that_raises_ends_its_phase() -> None:
    """What it did before is kept, and what comes after is no part of it."""

    def run(model: nn.Module) -> None:
        model(X)
        raise KeyError(0)

    batches, model = BatchRecorder(MB), network()
    with pytest.raises(KeyError):
        batches.watched("run", run)(model)
    model(X)
    log = batches.finish()
    assert [event.phase for event in log.events] == [0, -1]
    assert log.phases[0].returned is None


def test_classes_and_values_are_handed_through() -> None:
    """A driver may need the class itself, as for isinstance."""
    batches = BatchRecorder(MB)
    assert batches.watched("Net", nn.Linear) is nn.Linear
    assert batches.watched("x", X) is X
    batches.finish()
