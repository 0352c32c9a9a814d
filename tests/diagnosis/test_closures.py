"""Loops with closures, which one step may run once or many times: what is wrong is named, and what
a closure does anyway is not.
"""

import pytest
from laboratory import Laboratory, codes

SGD_CLOSURE = """def training_loop(n_epochs, optimizer, params, t_u, t_c):
    def closure():
        {clear}
        loss = {loss}
        {backward}
        return loss

    for _ in range({epochs}):
        optimizer.step(closure)
    return params
"""
LBFGS_CLOSURE = SGD_CLOSURE.replace("training_loop(n_epochs", "train_with_lbfgs(n_steps").replace(
    "{epochs}", "{steps}"
)
RIGHT = dict(
    clear="optimizer.zero_grad()",
    loss="loss_fn(model(t_u, *params), t_c)",
    backward="loss.backward()",
)
HALF = dict(loss="0.5 * loss_fn(model(t_u, *params), t_c)")
TWICE = dict(backward="loss.backward(retain_graph=True); loss.backward()")
BY_HALVES = dict(
    loss=(
        "sum(loss_fn(model(u, *params), c) * len(u) for u, c in zip(t_u.chunk(2), t_c.chunk(2))) /"
        " len(t_u)"
    )
)
ADDED_UP = dict(
    loss=(
        "sum(loss_fn(model(u, *params), c) * len(u) for u, c in zip(t_u.chunk(2), t_c.chunk(2))) /"
        " len(t_u)"
    ),
    backward=(
        "[(loss_fn(model(u, *params), c) * len(u) / len(t_u)).backward() for u, c in"
        " zip(t_u.chunk(2), t_c.chunk(2))]"
    ),
)
ONCE_OUTSIDE = """def train_with_lbfgs(n_steps, optimizer, params, t_u, t_c):
    def closure():
        loss = loss_fn(model(t_u, *params), t_c)
        loss.backward()
        return loss

    for _ in range(n_steps):
        optimizer.zero_grad()
        optimizer.step(closure)
    return params
"""

SGD_LOOPS = {
    "half": (HALF, "n_epochs", {"loss-scaled"}),
    "twice": (TWICE, "n_epochs", {"backward-twice"}),
    "never clears": (dict(clear="pass"), "n_epochs", {"never-clears"}),
    "one short": ({}, "n_epochs - 1", {"too-few-steps"}),
    "right": ({}, "n_epochs", set()),
    "right, half by half": (ADDED_UP, "n_epochs", set()),
}
LBFGS_LOOPS = {
    "half": (HALF, "n_steps", {"loss-scaled"}),
    "never clears": (dict(clear="pass"), "n_steps", {"never-clears"}),
    "one short": ({}, "n_steps - 1", {"too-few-steps"}),
    "one too many": ({}, "n_steps + 1", {"too-many-steps"}),
    "right": ({}, "n_steps", set()),
    "right, half by half": (ADDED_UP, "n_steps", set()),
    "right, summed by halves": (BY_HALVES, "n_steps", set()),
}


@pytest.fixture(scope="module")
def sgd(laboratory):
    """Findings of each loop with closures, on the calls of the Optimizers assignment."""
    programs = [
        ("training_loop", SGD_CLOSURE.format(**RIGHT | changes, epochs=epochs))
        for changes, epochs, _ in SGD_LOOPS.values()
    ]
    return dict(zip(SGD_LOOPS, laboratory.judge(programs), strict=True))


@pytest.fixture(scope="module")
def lbfgs(executor, tmp_path_factory):
    """The same with LBFGS, on the calls of Every optimizer."""
    every = Laboratory(executor, tmp_path_factory.mktemp("evidence"), "every-optimizer")
    programs = [
        ("train_with_lbfgs", LBFGS_CLOSURE.format(**RIGHT | changes, steps=steps))
        for changes, steps, _ in LBFGS_LOOPS.values()
    ]
    judged = every.judge([*programs, ("train_with_lbfgs", ONCE_OUTSIDE)])
    return dict(zip([*LBFGS_LOOPS, "clears outside"], judged, strict=True))


def lost(results):
    return {name for name, result in results.items() if result.points < result.max_points}


@pytest.mark.seconds("loops with closures are judged before the first")
@pytest.mark.parametrize("name", SGD_LOOPS)
def test_a_closure_that_runs_once_in_a_step(sgd, name):
    """The mistake and nothing else: what moves inside step() is step()'s business."""
    assert codes(sgd[name]) == SGD_LOOPS[name][2]
    assert bool(lost(sgd[name])) == bool(SGD_LOOPS[name][2])


@pytest.mark.seconds("loops with closures are judged before the first")
@pytest.mark.parametrize("name", LBFGS_LOOPS)
def test_a_closure_that_lbfgs_runs_as_often_as_it_likes(lbfgs, name):
    """Many backward passes in a step are neither doubled gradients nor missing steps, and a
    gradient is compared where it was taken.
    """
    assert codes(lbfgs[name]) == LBFGS_LOOPS[name][2]
    assert bool(lost(lbfgs[name])) == bool(LBFGS_LOOPS[name][2])


def test_clearing_before_the_step_is_not_enough_for_lbfgs(lbfgs):
    """Each step begins clean, and its second evaluation does not; with one evaluation in a step
    nothing is wrong.
    """
    results = lbfgs["clears outside"]
    assert codes(results) == {"closure-never-clears"}
    assert "test_lbfgs_on_unseen_data[one_iteration]" not in lost(results)
    (finding,) = results["test_train_with_lbfgs"].findings
    assert finding.step == 1
    assert "in step 1 the closure ran 3 times" in finding.observed
