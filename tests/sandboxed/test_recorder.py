# ruff: noqa: PT012, SIM105
"""What the recorder writes down, in this process."""

from __future__ import annotations

import sys

import numpy as np
import pytest
import torch

from autograder.sandboxed.recording.recorder import MAX_TRACES, Recorder, StepBudgetExceeded
from autograder.sandboxed.recording.rows import DENSE, Rows

from .conftest import RECORDER

MB = 1 << 20


@pytest.fixture
def recorder() -> Recorder:
    """The process's recorder, emptied."""
    RECORDER.start(4 * MB)
    return RECORDER


def step(optimizer: torch.optim.Optimizer, loss: torch.Tensor) -> None:
    """One ordinary step."""
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()


def test_snapshots_do_not_alias(recorder: Recorder) -> None:
    """Rows stay as they were although parameters and gradients change in place."""
    p = torch.ones(2, requires_grad=True)
    optimizer = torch.optim.SGD([p], lr=0.25)
    for _ in range(3):
        step(optimizer, (p**2).sum())
    trace = recorder.traces()[0]
    assert trace.parameters[0].numpy()[:, 0].tolist() == [0.5, 0.25, 0.125]
    assert trace.gradients[0].numpy()[:, 0].tolist() == [2, 1, 0.5]
    assert trace.losses.numpy().tolist() == [2, 0.5, 0.125]
    assert trace.start[0].numpy().tolist() == [1, 1]


def test_a_step_without_backward_has_no_loss(recorder: Recorder) -> None:
    """The loss is NaN where no backward came since the previous step, and missing gradients are
    marked.
    """
    p, q = torch.ones(1, requires_grad=True), torch.ones(1, requires_grad=True)
    optimizer = torch.optim.SGD([p, q], lr=0.1)
    step(optimizer, p.sum())
    optimizer.step()
    trace = recorder.traces()[0]
    assert np.isnan(trace.losses.numpy()).tolist() == [False, True]
    assert [array.numpy().tolist() for array in trace.missing] == [[0, 0], [1, 1]]
    assert np.isnan(trace.gradients[1].numpy()).all()


@pytest.mark.parametrize("by_keyword", [False, True])
def test_gradients_that_a_closure_sets_by_hand_are_those_of_the_step(
    recorder: Recorder, *, by_keyword: bool
) -> None:
    """torch.autograd.grad calls no backward that could be seen; without a closure, gradients are
    those that the step found.
    """
    p = torch.ones(1, requires_grad=True)
    optimizer = torch.optim.SGD([p], lr=0.25)

    def closure() -> torch.Tensor:
        loss = (p**2).sum()
        (p.grad,) = torch.autograd.grad(loss, [p])
        return loss

    for _ in range(2):
        if by_keyword:
            optimizer.step(closure=closure)
        else:
            optimizer.step(closure)
    p.grad = torch.full((1,), 7.0)
    optimizer.step()
    trace = recorder.traces()[0]
    assert trace.gradients[0].numpy().reshape(-1).tolist() == [2, 1, 7]
    assert trace.missing[0].numpy().tolist() == [0, 0, 0]


def test_backwards_are_counted(recorder: Recorder) -> None:
    """backward twice per step, and once more after the last one."""
    p = torch.ones(1, requires_grad=True)
    optimizer = torch.optim.SGD([p], lr=0.1)
    for _ in range(3):
        p.sum().backward()
        torch.autograd.backward(p.sum())
        optimizer.step()
    p.sum().backward()
    assert recorder.traces()[0].backwards == 7


def test_two_optimizers_share_a_backward(recorder: Recorder) -> None:
    """Both see the loss of the one backward before their steps; the order is that of first
    steps.
    """
    p, q = torch.ones(1, requires_grad=True), torch.ones(1, requires_grad=True)
    first, second = torch.optim.SGD([p], lr=0.1), torch.optim.Adam([q])
    for _ in range(2):
        (p + q).sum().backward()
        second.step()
        first.step()
    traces = recorder.traces()
    assert [trace.optimizer for trace in traces] == ["Adam", "SGD"]
    assert all(np.isfinite(trace.losses.numpy()).all() and trace.backwards == 2 for trace in traces)


def test_an_optimizer_for_each_epoch(recorder: Recorder) -> None:
    """Thousands of optimizers leave a bounded number of traces, the last one counting the others;
    each counts its own backward.
    """
    p = torch.ones(1, requires_grad=True)
    for _ in range(MAX_TRACES + 10):
        step(torch.optim.SGD([p], lr=0.1), p.sum())
    traces = recorder.traces()
    assert len(traces) == MAX_TRACES + 1
    assert {trace.backwards for trace in traces[:-1]} == {1}
    assert (traces[-1].optimizer, traces[-1].steps) == ("(10 more optimizers)", 10)


def test_long_runs_stay_small(recorder: Recorder) -> None:
    """The first steps are dense, the last one is there, rows are bounded."""
    p = torch.ones(1, requires_grad=True)
    optimizer = torch.optim.SGD([p], lr=1e-5)
    for _ in range(5001):
        step(optimizer, p.sum())
    trace = recorder.traces()[0]
    recorded = trace.recorded.numpy().tolist()
    assert trace.steps == recorded[-1] == 5001
    assert recorded[:DENSE] == list(range(1, DENSE + 1))
    assert recorded == sorted(set(recorded))
    # 32 from each power of two to the next
    assert all(
        sum(low <= step < 2 * low for step in recorded) == 32
        for low in (64, 128, 256, 512, 1024, 2048)
    )
    assert len(recorded) < 300
    assert len(trace.losses.numpy()) == len(trace.parameters[0].numpy()) == len(recorded)


def test_large_models_keep_losses_only(recorder: Recorder) -> None:
    """A model too large for its rows leaves its losses and number of steps."""
    p = torch.ones(1_000_000, requires_grad=True)
    step(torch.optim.SGD([p], lr=0.1), p.sum())
    trace = recorder.traces()[0]
    assert (trace.steps, trace.parameters, trace.start) == (1, (), ())
    assert trace.losses.numpy().tolist() == [1_000_000]


def test_settings_are_those_of_the_last_step(recorder: Recorder) -> None:
    """A learning rate changed during training shows; a tensor as learning rate becomes a number."""
    p = torch.ones(1, requires_grad=True)
    optimizer = torch.optim.Adam([p], lr=torch.tensor(0.5), betas=(0.8, 0.9))
    step(optimizer, p.sum())
    assert recorder.traces()[0].settings[0]["lr"] == 0.5
    assert recorder.traces()[0].settings[0]["betas"] == (0.8, 0.9)
    optimizer.param_groups[0]["lr"] = 0.25
    step(optimizer, p.sum())
    assert recorder.traces()[0].settings[0]["lr"] == 0.25


def test_odd_gradients_do_no_harm(recorder: Recorder) -> None:
    """Sparse gradients, complex parameters, a change of shape or of the parameters, no parameters
    with gradients: never an error.
    """
    table = torch.nn.Embedding(4, 2, sparse=True)
    step(torch.optim.SparseAdam(table.parameters()), table(torch.tensor([1])).sum())
    z = torch.ones(2, dtype=torch.complex64, requires_grad=True)
    step(torch.optim.SGD([z], lr=0.1), (z.abs() ** 2).sum())
    p = torch.ones(2, requires_grad=True)
    optimizer = torch.optim.SGD([p], lr=0.1)
    step(optimizer, p.sum())
    optimizer.add_param_group({"params": [torch.ones(3, requires_grad=True)]})
    step(optimizer, p.sum())
    p.data, p.grad = torch.ones(5), None
    step(optimizer, p.sum())
    sparse, complex_, changed = recorder.traces()
    assert sparse.gradients[0].numpy()[0].tolist() == [[0, 0], [1, 1], [0, 0], [0, 0]]
    assert complex_.parameters[0].dtype == "complex64"
    assert (changed.steps, len(changed.recorded.numpy())) == (3, 1)


def test_step_budget(recorder: Recorder) -> None:
    """More steps than allowed raise an error that `except Exception` does not catch."""
    recorder.start(MB, max_steps=2)
    p = torch.ones(1, requires_grad=True)
    optimizer = torch.optim.SGD([p], lr=0.1)
    with pytest.raises(StepBudgetExceeded):
        for _ in range(3):
            try:
                step(optimizer, p.sum())
            except Exception:
                pass
    assert recorder.traces()[0].steps == 2


def test_rows_within_a_budget() -> None:
    """Fewer rows fit for larger parameters, none at all for huge ones."""
    assert Rows.of([torch.zeros(2)], MB) is not None
    assert Rows.of([torch.zeros(MB)], MB) is None


def test_rows_end_where_the_budget_does() -> None:
    """A row of two numbers takes 32 bytes: values and gradients, 4 bytes a number, and 16 for step
    and loss. One for the start and one for the last step stay free.
    """
    assert Rows.of([torch.zeros(2)], 3 * 32 - 1) is None
    rows = Rows.of([torch.zeros(2)], 7 * 32)
    assert rows is not None
    assert rows.max_bytes == 7 * 32
    for number in range(1, 6):
        assert rows.next_after(number - 1) == number
        rows.add(number, 0.0, [torch.zeros(2)], [None])
    assert rows.next_after(5) == sys.maxsize
    assert rows.last == 5


def test_whether_an_optimizer_has_stepped_before(recorder: Recorder) -> None:
    """One with a state from an earlier cell remembers steps that nobody has seen; then its updates
    can't be computed again.
    """
    p, q = torch.ones(1, requires_grad=True), torch.ones(1, requires_grad=True)
    old, new = torch.optim.Adam([p]), torch.optim.Adam([q])
    step(old, p.sum())
    recorder.start(MB)
    step(old, p.sum())
    for _ in range(2):
        step(new, q.sum())
    assert [trace.fresh for trace in recorder.traces()] == [False, True]


def test_the_last_row_is_of_the_last_step_and_of_nothing_after_it(recorder: Recorder) -> None:
    """A last step that the stride leaves out is taken when the table is made; if something has
    moved the parameters since, the row before stands.
    """
    for after, last in ((leave, 201), (clear, 200), (second_optimizer, 200)):
        recorder.start(MB)
        params = torch.tensor([1.0, 0.0], requires_grad=True)
        train(params, torch.optim.SGD([params], lr=1e-3), 201)
        ended = params.detach().clone()
        after(params)
        trace = recorder.traces()[0]
        assert trace.steps == 201
        assert trace.recorded.numpy()[-1] == last
        assert (trace.parameters[0].numpy()[-1] == ended.numpy()).all() == (last == 201)


def leave(params: torch.Tensor) -> None:
    """Nothing happens after training."""


def clear(params: torch.Tensor) -> None:
    with torch.no_grad():
        params.zero_()


def second_optimizer(params: torch.Tensor) -> None:
    train(params, torch.optim.SGD([params], lr=0.5), 3)


def train(params: torch.Tensor, optimizer: torch.optim.Optimizer, epochs: int) -> None:
    for _ in range(epochs):
        optimizer.zero_grad()
        ((params - 3) ** 2).sum().backward()
        optimizer.step()


@pytest.mark.parametrize("changed", [False, True])
def test_steps_that_change_parameters_irregularly(recorder: Recorder, changed: bool) -> None:
    """Whether anything but the steps has moved the parameters is known also where some steps are
    followed by a change in place and others are not.
    """
    p = torch.ones(2, requires_grad=True)
    optimizer = torch.optim.SGD([p], lr=1e-3)
    for k in range(201):
        if k % 7 == 3:
            with torch.no_grad():
                p.clamp_(max=0.99)
        step(optimizer, (p**2).sum())
    left = p.detach().clone()
    if changed:
        with torch.no_grad():
            p.zero_()
    trace = recorder.traces()[0]
    assert trace.steps == 201
    assert trace.recorded.numpy()[-1] == (200 if changed else 201)
    assert changed or np.array_equal(trace.parameters[0].numpy()[-1], left.numpy())


def test_one_change_in_a_long_run_is_no_end(recorder: Recorder) -> None:
    """A single change in place, between two steps that have no rows: from the next row on every
    step is looked at, so that the last one is there.
    """
    p = torch.ones(2, requires_grad=True)
    optimizer = torch.optim.SGD([p], lr=1e-3)
    for k in range(1001):
        if k == 900:
            with torch.no_grad():
                p += 1
        step(optimizer, (p**2).sum())
    trace = recorder.traces()[0]
    assert (trace.steps, trace.backwards) == (1001, 1001)
    assert trace.recorded.numpy()[-1] == 1001
