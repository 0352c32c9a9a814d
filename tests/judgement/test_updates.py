"""Updates computed again from recorded gradients: torch's own agree, made-up ones don't."""

import msgspec
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from autograder.checks import CheckFailed, NeedsReview, Observation, assert_long_run
from autograder.evidence.limits import Limits
from autograder.evidence.protocol import Cell, ExecutionRequest
from autograder.evidence.trace import Trace, array_of
from autograder.judgement.comparing.updates import (
    contradiction,
    recomputable,
    remembers_unseen_steps,
)

T_U, T_C = torch.tensor([3.57, 5.59, 5.82, 8.19, 5.63]), torch.tensor([0.5, 14.0, 15.0, 28.0, 11.0])
OPTIMIZERS = {
    "sgd": ("SGD", {"lr": 1e-2, "weight_decay": 0.1}),
    "momentum": ("SGD", {"lr": 1e-3, "momentum": 0.9, "weight_decay": 0.1}),
    "nesterov": ("SGD", {"lr": 1e-3, "momentum": 0.8, "nesterov": True}),
    "dampening": ("SGD", {"lr": 1e-3, "momentum": 0.9, "dampening": 0.5}),
    "adam": ("Adam", {"lr": 0.1}),
    "adam with decay": (
        "Adam",
        {"lr": 0.05, "betas": (0.8, 0.95), "weight_decay": 0.2, "eps": 1e-3},
    ),
    "adamw": ("AdamW", {"lr": 0.1, "weight_decay": 0.3}),
}


def trained(name, options, steps=40, *, without=(), before=0):
    """The trace of a real optimizer over two tensors; at the steps `without` the second has no
    gradient. `before`: steps that it has made already.
    """
    params = [torch.tensor([1.0], requires_grad=True), torch.tensor([0.5], requires_grad=True)]
    optimizer = getattr(torch.optim, name)(params, **options)
    rows, slopes, gone, start = ([], []), ([], []), ([], []), []
    for step in range(1 - before, steps + 1):
        if step == 1:
            start = [array_of(p.detach().numpy().copy()) for p in params]
            fresh = not optimizer.state
        optimizer.zero_grad()
        ((params[0] * T_U + params[1] - T_C) ** 2).mean().backward()
        if step in without:
            params[1].grad = None
        if step >= 1:
            for k, p in enumerate(params):
                gone[k].append(p.grad is None)
                slopes[k].append(
                    np.full(1, np.nan, np.float32) if p.grad is None else p.grad.numpy().copy()
                )
        optimizer.step()
        if step >= 1:
            for k, p in enumerate(params):
                rows[k].append(p.detach().numpy().copy())
    groups = [
        {key: value for key, value in group.items() if key != "params"}
        for group in optimizer.param_groups
    ]
    return Trace(
        optimizer=name,
        given=True,
        steps=steps,
        settings=tuple(groups),
        same_as=("", ""),
        start=tuple(start),
        recorded=array_of(np.arange(1, steps + 1)),
        losses=array_of(np.zeros(steps)),
        parameters=tuple(array_of(np.array(one)) for one in rows),
        gradients=tuple(array_of(np.array(one)) for one in slopes),
        missing=tuple(array_of(np.array(one, np.uint8)) for one in gone),
        fresh=fresh,
    )


@pytest.mark.parametrize("which", OPTIMIZERS)
@pytest.mark.parametrize(
    "without",
    [(), (1, 2, 7), range(1, 41)],
    ids=["all gradients", "some missing", "one tensor without"],
)
def test_torchs_own_updates_are_no_contradiction(which, without):
    """Whatever the settings, and where a tensor has no gradient, so that its memory stands
    still.
    """
    trace = trained(*OPTIMIZERS[which], without=without)
    assert recomputable(trace)
    assert contradiction(trace) is None


@pytest.mark.parametrize("which", OPTIMIZERS)
@pytest.mark.parametrize("step", [1, 2, 30])
def test_a_step_that_went_further_is_named(which, step):
    """A twentieth of an update more at one step, in one tensor; what comes after is honest from
    there.
    """
    trace = trained(*OPTIMIZERS[which])
    values = trace.parameters[1].numpy().copy()
    before = trace.start[1].numpy() if step == 1 else values[step - 2]
    values[step - 1 :] += 0.05 * (values[step - 1] - before) + 1e-2
    found = contradiction(
        msgspec.structs.replace(trace, parameters=(trace.parameters[0], array_of(values)))
    )
    assert found is not None
    assert found.step == step


@pytest.mark.parametrize("places", [(30, 2), (2, 30)], ids=str)
def test_of_several_tensors_the_first_step_that_went_further_is_named(places):
    """What comes after may follow from it."""
    trace = trained(*OPTIMIZERS["adam"])
    rows = [values.numpy().copy() for values in trace.parameters]
    for values, step in zip(rows, places, strict=True):
        values[step - 1 :] += 0.1
    found = contradiction(msgspec.structs.replace(trace, parameters=tuple(map(array_of, rows))))
    assert found.step == 2


@settings(max_examples=25, deadline=None)
@given(
    st.sampled_from(["Adam", "AdamW"]),
    st.floats(1e-4, 0.5),
    st.floats(0, 0.99),
    st.floats(0.5, 0.9999),
    st.floats(0, 0.5),
    st.booleans(),
)
def test_any_settings_of_adam(name, lr, first, second, decay, truthful):
    """Computed as torch does, and not as torch does with another learning rate."""
    trace = trained(name, {"lr": lr, "betas": (first, second), "weight_decay": decay}, steps=12)
    group = trace.settings[0] if truthful else {**trace.settings[0], "lr": 1.2 * lr}
    assert (contradiction(msgspec.structs.replace(trace, settings=(group,))) is None) is truthful


@pytest.mark.parametrize("which", ["momentum", "adam", "adamw"])
def test_steps_of_before_are_remembered(which):
    """Then nothing can be computed, which is said; plain SGD has no memory, and a fresh optimizer
    none yet.
    """
    trace = trained(*OPTIMIZERS[which], before=3)
    assert not trace.fresh
    assert contradiction(trace) is None
    assert remembers_unseen_steps(trace)
    assert contradiction(msgspec.structs.replace(trace, fresh=True)) is not None
    assert not remembers_unseen_steps(trained(*OPTIMIZERS[which]))
    assert not remembers_unseen_steps(trained(*OPTIMIZERS["sgd"], before=3))


@pytest.mark.parametrize(
    "group",
    [
        {"lr": "0.1"},
        {"lr": 0.1, "betas": "no"},
        {"lr": 0.1, "betas": (0.9,)},
        {"lr": 0.1, "amsgrad": True, "betas": (0.9, 0.999)},
        {},
    ],
    ids=str,
)
def test_settings_that_say_nothing_are_no_contradiction(group):
    """They are a student's words, which may be anything."""
    assert (
        contradiction(msgspec.structs.replace(trained(*OPTIMIZERS["adam"]), settings=(group,)))
        is None
    )
    assert (
        contradiction(
            msgspec.structs.replace(
                trained(*OPTIMIZERS["adam"]), settings=({"lr": 0.1, "betas": (1.0, 1.0)},)
            )
        )
        is None
    )


SETTING = """
import torch
t_u = torch.tensor([3.57, 5.59, 5.82, 8.19, 5.63])
t_c = torch.tensor([0.5, 14.0, 15.0, 28.0, 11.0])
params = torch.tensor([1.0, 0.0], requires_grad=True)
optimizer = torch.optim.Adam([params], lr=0.1)
"""
HONEST = """
for _ in range(400):
    optimizer.zero_grad()
    ((params[0] * t_u + params[1] - t_c) ** 2).mean().backward()
    optimizer.step()
"""
MADE_UP = """
end, start, generator = torch.tensor({end}), params.detach().clone(), torch.Generator().manual_seed(0)
optimizer.register_step_post_hook(lambda *_: params.data.copy_(start + (end - start) * (step + 1) / 400))
for step in range(400):
    params.grad = torch.randn(2, generator=generator)
    optimizer.step()
"""
WARMED_UP = (
    "start = params.detach().clone()\n"
    + HONEST.replace("400", "2")
    + "with torch.no_grad():\n    params.copy_(start)\n"
)


def long_run(executor, *sources):
    """The last cell's run, as the check gets it."""
    cells = tuple(Cell(f"c{k}", source, ("params",)) for k, source in enumerate(sources))
    evidence = executor.run("key", ExecutionRequest(cells, 0, Limits()), ())
    return Observation(evidence.cells[-1].run)


def test_a_made_up_path_of_adam_is_no_training(executor):
    """From a real process: the path and its gradients are made up, and the end is the right one.

    An honest run passes; one whose optimizer had a state before waits for a person.
    """
    reference = long_run(executor, SETTING, HONEST)
    assert_long_run(long_run(executor, SETTING, HONEST), reference, result="params")
    end = reference.run.traces[0].parameters[0].numpy()[-1].tolist()
    with pytest.raises(CheckFailed, match="which Adam makes of the gradient"):
        assert_long_run(
            long_run(executor, SETTING, MADE_UP.format(end=end)), reference, result="params"
        )
    with pytest.raises(NeedsReview, match="had a state before its first step"):
        assert_long_run(
            long_run(executor, SETTING, WARMED_UP, HONEST), reference, result="params", bar=0.1
        )
