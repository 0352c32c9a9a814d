"""Full recordings of odd programs: nested and failing events, hostile objects, limits, and what a
recording must not change.
"""

from __future__ import annotations

import gc
import weakref
from collections.abc import Callable

import msgspec
import numpy as np
import pytest
import torch

from autograder.sandboxed.recording import followed, full_recorder
from autograder.sandboxed.recording.full_recorder import FullRecorder
from autograder.sandboxed.recording.recorder import StepBudgetExceeded

from .conftest import RECORDER
from .recordings import MB, kinds, leaf, loss_of, numbers, only, record, train


def test_subclasses_of_optimizers() -> None:
    """A step that calls super().step() is one event, and so is a zero_grad that calls
    super().zero_grad().
    """

    class Mine(torch.optim.SGD):
        def step(self, closure=None):
            return super().step(closure)

        def zero_grad(self, set_to_none=True):
            super().zero_grad(set_to_none)

    params = leaf(1, 0)
    torch.optim.SGD([params], lr=0.1)
    recording = record(lambda: train(2, params, Mine([params], lr=0.1)), {"params": params})
    assert kinds(recording) == ["zero_grad", "backward", "step"] * 2
    assert recording.optimizers[0].name == "Mine"


def test_a_step_inside_a_step() -> None:
    """An optimizer that steps another one: the inner step is inside the outer."""
    params = leaf(1, 0)
    inner = torch.optim.SGD([params], lr=0.1)

    class Outer(torch.optim.Optimizer):
        def step(self, closure=None):
            inner.step()

    loss_of(params).backward()
    recording = record(lambda: Outer([params], {}).step(), {"params": params})
    assert [
        (event.kind, event.inside, recording.optimizers[event.optimizer or 0].name)
        for event in recording.events
    ] == [
        ("step", None, "Outer"),
        ("step", 0, "SGD"),
    ]
    assert numbers(only(recording.events[0]).value_after) == params.tolist()


def test_a_step_that_fails() -> None:
    """What comes after a step that raised an error is not inside of it."""
    params = leaf(1, 0)
    optimizer = torch.optim.LBFGS([params])

    def work() -> None:
        with pytest.raises(TypeError):
            optimizer.step()  # type: ignore[call-arg]
        loss_of(params).backward()

    assert [(event.kind, event.inside) for event in record(work, {"params": params}).events] == [
        ("step", None),
        ("backward", None),
    ]


def test_a_backward_that_fails() -> None:
    """The student's own error comes through, the event is there, and later ones too."""
    params = leaf(1, 0)

    def work() -> None:
        loss = loss_of(params)
        loss.backward()
        with pytest.raises(RuntimeError, match="second time"):
            loss.backward()
        with pytest.raises(RuntimeError, match="does not require grad"):
            torch.ones(1).backward()
        loss_of(params).backward()

    recording = record(work, {"params": params})
    assert [event.leaves for event in recording.events] == [(0,), (0,), (), (0,)]


def test_what_is_no_backward_pass() -> None:
    """torch.autograd.grad and torch.func.grad make no events; a gradient assigned by hand shows in
    the step.
    """
    params = leaf(1, 0)
    optimizer = torch.optim.SGD([params], lr=0.1)

    def work() -> None:
        torch.autograd.grad(loss_of(params), params)
        params.grad = torch.func.grad(loss_of)(params.detach())
        optimizer.step()

    recording = record(work, {"params": params})
    assert kinds(recording) == ["step"]
    assert only(recording.events[0]).grad_before is not None


def test_roots() -> None:
    """Several roots have no one loss; a leaf may be a root; a pass inside a pass is part of it."""
    p, q = leaf(1), leaf(2)

    def work() -> None:
        torch.autograd.backward([p.sum(), (q * 3).sum()])
        p.backward()
        torch.utils.checkpoint.checkpoint(lambda x: x * 2, q, use_reentrant=True).sum().backward()

    several, single, checkpointed = record(work).events
    assert np.isnan(several.loss)
    assert several.leaves == (0, 1)
    assert (single.leaves, single.loss) == ((0,), 1)
    assert (checkpointed.leaves, checkpointed.loss) == ((1,), 4)


def test_hostile_objects() -> None:
    """Tensor subclasses that refuse everything, tensors without values and weird optimizers never
    break the student's code.
    """

    class Refusing(torch.Tensor):
        armed = False

        @classmethod
        def __torch_function__(cls, func, types, args=(), kwargs=None):
            if cls.armed and "__get__" in str(func):
                raise RuntimeError
            return super().__torch_function__(func, types, args, kwargs or {})

    class Weird(torch.optim.Optimizer):
        def __init__(self) -> None:
            pass

    refusing = torch.tensor([1.0]).as_subclass(Refusing).requires_grad_()
    weird = Weird()

    def work() -> None:
        loss = (refusing * 2).sum()
        Refusing.armed = True
        torch.autograd.backward(loss)
        Refusing.armed = False
        torch.zeros(2, device="meta", requires_grad=True).sum().backward()
        with pytest.raises(AttributeError):
            weird.zero_grad()
        leaf(1).sum().backward()

    recording = record(work)
    assert kinds(recording) == ["backward", "backward"]
    assert numbers(only(recording.events[0]).grad_after) == [2]
    assert recording.events[1].leaves == ()
    assert recording.dropped == 2


@pytest.mark.parametrize(
    ("what", "limit"),
    [
        ("tensors", lambda m: m.setattr(followed, "MAX_TENSORS", 2)),
        ("numbers", lambda m: m.setattr(followed, "MAX_NUMBERS", 5)),
        ("events", lambda m: m.setattr(full_recorder, "MAX_EVENTS", 2)),
    ],
)
def test_limits(
    what: str, limit: Callable[[pytest.MonkeyPatch], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Beyond a limit events are counted only, and those before it are whole."""
    limit(monkeypatch)
    recording = record(lambda: [leaf(1, 2).sum().backward() for _ in range(5)])
    assert len(recording.events) == 2, what
    assert recording.dropped == 3
    assert all(
        snapshot.grad_after is not None
        for event in recording.events
        for snapshot in event.snapshots
    )


def test_limit_of_bytes() -> None:
    """A recording takes at most the bytes it may, as sent."""
    params = torch.ones(1000, requires_grad=True)
    optimizer = torch.optim.Adam([params])

    def work() -> None:
        for _ in range(60):
            optimizer.zero_grad()
            (params**2).sum().backward()
            optimizer.step()

    for limit_bytes in (0, 10_000, 100_000, 500_000):
        recording = record(work, {"params": params}, (optimizer,), limit_bytes)
        assert len(msgspec.msgpack.encode(recording)) <= max(limit_bytes, 100)
        assert len(recording.events) + recording.dropped == 180
        assert recording.dropped > 0
    assert len(recording.events) > 20


def test_large_models() -> None:
    """A model above the limit leaves the number of its events."""
    params = torch.ones(200_000, requires_grad=True)
    recording = record(lambda: params.sum().backward(), {"params": params})
    assert (recording.tensors, recording.events, recording.dropped) == ((), (), 1)


@pytest.mark.parametrize(
    "settings", [{}, {"foreach": True}, {"fused": True}, {"momentum": 0.9, "foreach": False}]
)
def test_numerics_stay_the_same(settings: dict[str, object]) -> None:
    """Parameters, gradients, versions, random numbers and .grad's identity are those of a run
    without a recording, bit for bit.
    """

    def run(*, full: bool) -> list[object]:
        torch.manual_seed(0)
        params = leaf(1, 0)
        optimizer = torch.optim.SGD([params], lr=1e-2, **settings)  # type: ignore[arg-type]
        found: list[object] = []

        def work() -> None:
            for k in range(20):
                optimizer.zero_grad(set_to_none=k % 2 == 0)
                held = params.grad
                (loss_of(params) * torch.rand(())).backward()
                found.append(held is None or held is params.grad)
                optimizer.step()
                found.extend(
                    [params.tolist(), params.grad.tolist(), params._version, params.grad._version]
                )  # type: ignore[union-attr]
            found.append(torch.rand(3).tolist())

        if full:
            assert len(record(work, {"params": params}, (optimizer,)).events) == 60
        else:
            RECORDER.start(0)
            work()
        return found

    assert run(full=True) == run(full=False)


def test_graphs_are_let_go() -> None:
    """A recording keeps the leaves, but no graph."""
    seen: list[weakref.ref[torch.Tensor]] = []

    def work() -> None:
        params = leaf(1, 0)
        loss = loss_of(params)
        seen.append(weakref.ref(loss))
        loss.backward()
        del loss
        gc.collect()
        assert seen[0]() is None

    record(work)


def test_the_wrappers_are_taken_away() -> None:
    """zero_grad is torch's own before and after a recording."""
    before = torch.optim.Optimizer.zero_grad, torch.nn.Module.zero_grad
    record(lambda: None)
    assert (torch.optim.Optimizer.zero_grad, torch.nn.Module.zero_grad) == before


def test_the_step_budget_ends_a_recording() -> None:
    """The steps within the budget are recorded; the one that is refused is none."""
    params = leaf(1, 0)
    optimizer = torch.optim.SGD([params], lr=1e-2)
    full = FullRecorder(MB, {"params": params}, (optimizer,))
    RECORDER.start(MB, max_steps=1, full=full)
    with pytest.raises(StepBudgetExceeded):
        train(5, params, optimizer)
    assert kinds(full.finish()) == ["zero_grad", "backward", "step", "zero_grad", "backward"]
