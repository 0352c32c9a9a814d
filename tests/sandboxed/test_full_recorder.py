"""What a full recording tells of loops as students write them."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from .recordings import T_C, T_U, kinds, leaf, loss_of, numbers, only, record, train


def test_the_textbook_loop() -> None:
    """Each epoch is zero_grad, backward, step, in this order, with the leaf, the owner, the loss
    and the gradients around each.
    """
    params = leaf(1, 0)
    optimizer = torch.optim.SGD([params], lr=1e-2)
    recording = record(lambda: train(3, params, optimizer), {"params": params}, (optimizer,))
    assert kinds(recording) == ["zero_grad", "backward", "step"] * 3
    (tensor,), (seen,) = recording.tensors, recording.optimizers
    assert (tensor.name, numbers(tensor.start), numbers(tensor.end)) == (
        "params",
        [1, 0],
        params.tolist(),
    )
    assert (seen.name, seen.given, seen.owns, seen.settings[0]["lr"]) == ("SGD", True, (0,), 1e-2)
    at = leaf(1, 0)
    for zero, backward, step in zip(*[iter(recording.events)] * 3, strict=True):
        loss = loss_of(at)
        (gradient,) = torch.autograd.grad(loss, at)
        assert (zero.optimizer, backward.optimizer, step.optimizer) == (0, None, 0)
        assert (backward.leaves, zero.leaves, step.settings, step.inside) == ((0,), (), None, None)
        assert backward.loss == pytest.approx(loss.item(), rel=1e-6)
        assert only(zero).grad_after is None
        assert only(backward).grad_before is None
        assert only(backward).value_after is None
        assert (
            numbers(only(backward).grad_after)
            == numbers(only(step).grad_before)
            == numbers(only(step).grad_after)
        )
        np.testing.assert_allclose(only(step).grad_before.numpy(), gradient.tolist(), rtol=1e-5)
        np.testing.assert_allclose(only(step).value.numpy(), at.tolist(), rtol=1e-5)
        with torch.no_grad():
            at -= 1e-2 * gradient
        np.testing.assert_allclose(only(step).value_after.numpy(), at.tolist(), rtol=1e-6)
    assert numbers(tensor.end_grad) == numbers(only(recording.events[-1]).grad_after)
    assert recording.dropped == 0


def test_never_cleared() -> None:
    """Without zero_grad the second backward finds the first one's gradient and adds to it."""
    params = leaf(1, 0)
    optimizer = torch.optim.SGD([params], lr=0.0)

    def work() -> None:
        for _ in range(2):
            loss_of(params).backward()
            optimizer.step()

    first, _, second, _ = record(work, {"params": params}, (optimizer,)).events
    assert only(first).grad_before is None
    assert numbers(only(second).grad_before) == numbers(only(first).grad_after)
    np.testing.assert_allclose(
        only(second).grad_after.numpy(), 2 * only(first).grad_after.numpy(), rtol=1e-6
    )


def test_a_gradient_from_before_the_call() -> None:
    """What .grad held when the call began is seen by the first event; zero_grad(set_to_none=False)
    leaves zeros.
    """
    params = leaf(1, 0)
    params.grad = torch.tensor([5.0, 6.0])
    optimizer = torch.optim.SGD([params], lr=0.1)
    (event,) = record(
        lambda: optimizer.zero_grad(set_to_none=False), {"params": params}, (optimizer,)
    ).events
    assert (numbers(only(event).grad_before), numbers(only(event).grad_after)) == ([5, 6], [0, 0])


@pytest.mark.parametrize("kind", [torch.optim.LBFGS, torch.optim.SGD])
def test_closures(kind: type[torch.optim.Optimizer]) -> None:
    """A step stands where it began; what its closure does comes after it and says so; its gradients
    are those at its ends.
    """
    params = leaf(1, 0)
    optimizer = kind([params], lr=0.01)

    def closure() -> torch.Tensor:
        optimizer.zero_grad()
        loss = loss_of(params)
        loss.backward()
        return loss

    recording = record(
        lambda: [optimizer.step(closure) for _ in range(2)], {"params": params}, (optimizer,)
    )
    steps = [k for k, event in enumerate(recording.events) if event.kind == "step"]
    assert len(steps) == 2
    assert steps[0] == 0
    assert kinds(recording)[1:3] == ["zero_grad", "backward"]
    assert [event.inside for event in recording.events] == [
        None if k in steps else max(step for step in steps if step < k)
        for k in range(len(recording.events))
    ]
    first, second = (only(recording.events[k]) for k in steps)
    assert first.grad_before is None
    assert numbers(first.grad_after) == numbers(second.grad_before)
    assert numbers(first.value_after) == numbers(second.value)


def test_an_optimizer_made_inside() -> None:
    """The student's own optimizer is not given, and owns the given tensor."""
    params = leaf(1, 0)
    given = torch.optim.SGD([params], lr=0.1)
    recording = record(
        lambda: train(2, params, torch.optim.Adam([params], lr=0.3)), {"params": params}, (given,)
    )
    assert [(seen.name, seen.given, seen.owns) for seen in recording.optimizers] == [
        ("SGD", True, (0,)),
        ("Adam", False, (0,)),
    ]
    assert recording.optimizers[1].settings[0]["betas"] == (0.9, 0.999)
    assert {event.optimizer for event in recording.events if event.kind == "step"} == {1}


def test_an_optimizer_for_each_epoch() -> None:
    """Each is one of its own, although Python gives the same id to new objects."""
    params = leaf(1, 0)
    recording = record(
        lambda: [train(1, params, torch.optim.Adam([params])) for _ in range(5)], {"params": params}
    )
    assert [event.optimizer for event in recording.events if event.kind == "step"] == [
        0,
        1,
        2,
        3,
        4,
    ]


def test_manual_updates() -> None:
    """Updates by hand and `.grad = None` are no events, but show between events and at the end."""
    params = leaf(1, 0)

    def work() -> None:
        for _ in range(2):
            loss_of(params).backward()
            with torch.no_grad():
                params.sub_(params.grad)  # type: ignore[arg-type]
            params.grad = None

    recording = record(work, {"params": params})
    first, second = (only(event) for event in recording.events)
    assert kinds(recording) == ["backward"] * 2
    assert second.grad_before is None
    np.testing.assert_allclose(
        second.value.numpy(), first.value.numpy() - first.grad_after.numpy(), rtol=1e-6
    )
    assert numbers(recording.tensors[0].end) == params.tolist() != numbers(second.value)


def test_rebound_parameters() -> None:
    """A new leaf each epoch: each is a tensor of its own, the given one stays as it was, the old
    ones are still followed.
    """
    given = leaf(1, 0)

    def work() -> None:
        params = given
        for _ in range(3):
            loss_of(params).backward()
            params = (params - 0.1 * params.grad).detach().requires_grad_()

    recording = record(work, {"params": given})
    assert [event.leaves for event in recording.events] == [(0,), (1,), (2,)]
    assert [tensor.name for tensor in recording.tensors] == ["params", "", ""]
    assert [len(event.snapshots) for event in recording.events] == [1, 2, 3]
    assert numbers(recording.tensors[0].end) == [1, 0]


def test_an_optimizer_over_a_copy() -> None:
    """The graph's leaf is the given tensor, the optimizer owns another one."""
    params = leaf(1, 0)

    def work() -> None:
        train(2, params, torch.optim.SGD([params.detach().clone().requires_grad_()], lr=0.1))

    recording = record(work, {"params": params})
    assert recording.optimizers[0].owns == (1,)
    assert {event.leaves for event in recording.events if event.kind == "backward"} == {(0,)}


def test_clipped_gradients() -> None:
    """What changes .grad between backward and step makes the step's gradient differ from the
    backward's.
    """
    params = leaf(1, 0)
    optimizer = torch.optim.SGD([params], lr=0.1)

    def work() -> None:
        loss_of(params).backward()
        torch.nn.utils.clip_grad_norm_([params], 1.0)
        optimizer.step()

    backward, step = record(work, {"params": params}).events
    assert np.linalg.norm(only(backward).grad_after.numpy()) > 2
    assert np.linalg.norm(only(step).grad_before.numpy()) == pytest.approx(1, rel=1e-4)


def test_a_module() -> None:
    """A module's parameters are leaves and owned; its zero_grad is an event of no optimizer."""
    model = torch.nn.Linear(1, 1)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)

    def work() -> None:
        for _ in range(2):
            model.zero_grad()
            ((model(T_U[:, None]) - T_C[:, None]) ** 2).mean().backward()
            optimizer.step()

    recording = record(work)
    assert kinds(recording) == ["zero_grad", "backward", "step"] * 2
    assert [event.optimizer for event in recording.events] == [None, None, 0] * 2
    assert set(recording.events[1].leaves) == set(recording.optimizers[0].owns) == {0, 1}
    assert all(
        snapshot.grad_before is not None and snapshot.grad_after is None
        for snapshot in recording.events[3].snapshots
    )


def test_sparse_gradients() -> None:
    """They are recorded dense."""
    table = torch.nn.Embedding(3, 1, sparse=True)
    optimizer = torch.optim.SparseAdam(table.parameters())

    def work() -> None:
        table(torch.tensor([1, 1])).sum().backward()
        optimizer.step()

    recording = record(work)
    assert numbers(only(recording.events[1]).grad_before) == [[0], [2], [0]]


def test_changed_settings() -> None:
    """A step tells its settings where they are others than before."""
    params = leaf(1, 0)
    optimizer = torch.optim.SGD([params], lr=0.1)

    def work() -> None:
        for rate in (0.1, 0.1, 0.05, 0.05):
            optimizer.param_groups[0]["lr"] = rate
            optimizer.step()

    recording = record(work, {"params": params}, (optimizer,))
    assert recording.optimizers[0].settings[0]["lr"] == 0.1
    assert [event.settings and event.settings[0]["lr"] for event in recording.events] == [
        None,
        None,
        0.05,
        None,
    ]


def test_parameters_added_later() -> None:
    """An optimizer owns what it holds by its last event."""
    p, q = leaf(1), leaf(2)
    optimizer = torch.optim.SGD([p], lr=0.1)

    def work() -> None:
        optimizer.step()
        optimizer.add_param_group({"params": [q]})
        optimizer.step()

    recording = record(work, {"p": p, "q": q}, (optimizer,))
    assert recording.optimizers[0].owns == (0, 1)
    assert recording.events[1].settings is not None
