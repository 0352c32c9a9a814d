"""Checks for Lecture 8, Optimizers: 92 points; 8 more are for the two answers that a person marks
(assignment.toml).
"""

from autograder.checks import (
    CheckFailed,
    Tolerance,
    assert_close,
    assert_long_run,
    assert_optimizer,
    assert_same_training,
    call,
    cell,
    each,
    leaf,
    optim,
    points,
    tensor,
)

T_C = [0.5, 14.0, 15.0, 28.0, 11.0, 8.0, 3.0, -4.0, 6.0, 13.0, 21.0]
T_U = [35.7, 55.9, 58.2, 81.9, 56.3, 48.9, 33.9, 21.8, 48.4, 60.4, 68.4]
T_UN = [0.1 * t for t in T_U]
LECTURE = dict(params=leaf([1.0, 0.0]), t_u=T_UN, t_c=T_C)

# Data that students have not seen: another line, another number of samples, another start.
UNSEEN_U = [-1.2, 0.4, 0.9, 1.7, 2.6, -0.3, 1.1, -2.0]
UNSEEN_C = [1.9, -0.4, -1.3, -2.2, -4.4, 0.8, -1.0, 3.7]
UNSEEN = dict(params=leaf([0.3, -0.7]), t_u=UNSEEN_U, t_c=UNSEEN_C)
TWO_TENSORS = dict(params=[leaf(-1.5), leaf(2.0)], t_u=UNSEEN_U[:5], t_c=UNSEEN_C[:5])


def batches(t_u, t_c, *sizes):
    """The samples cut into batches of these sizes, in order."""
    ends = [sum(sizes[: number + 1]) for number in range(len(sizes))]
    return [
        (tensor(t_u[end - size : end]), tensor(t_c[end - size : end]))
        for size, end in zip(sizes, ends, strict=True)
    ]


STAGES = ("constructor", "forward", "backward", "step", "zero_grad")


def assert_same_figure(seen, reference):
    """The same parameters and gradients after each stage; a cleared gradient may be None or
    zeros.
    """
    if not isinstance(seen, dict) or set(seen) != set(STAGES):
        message = (
            "Observed:"
            f" {f'the keys {list(seen)}' if isinstance(seen, dict) else f'a {type(seen).__name__}'}\nExpected:"
            f" a dict with the keys {list(STAGES)}"
        )
        raise CheckFailed(message)
    for stage, (values, gradient) in reference.returned.items():
        try:
            assert_same_look(
                seen[stage],
                values,
                gradient,
                Tolerance(reference.bar or 5e-5, reference.bar or 5e-5),
                cleared=stage == "zero_grad",
            )
        except CheckFailed as difference:
            message = f"After {stage}:\n{difference}"
            raise CheckFailed(message) from difference


def assert_same_look(look, values, gradient, tolerance, *, cleared):
    """One pair: params, and params.grad or None."""
    if not isinstance(look, list | tuple) or len(look) != 2:
        message = "Observed: no pair\nExpected: a pair, params and params.grad"
        raise CheckFailed(message)
    assert_close(look[0], values, tolerance=tolerance)
    if gradient is not None:
        assert_close(look[1], gradient, tolerance=tolerance)
    elif look[1] is not None and cleared:
        assert_close(look[1], 0 * values)
    elif look[1] is not None:
        message = "Observed: a gradient\nExpected: None, for there was no backward pass yet"
        raise CheckFailed(message)


# --- Part 1: Recall -------------------------------------------------------------------------------


@points(2)
@call("model", t_u=[3.5, 5.5, 8.0], w=2.0, b=-1.0)
def test_model(run, reference):
    """The model is the line w * t_u + b"""
    assert_close(run.returned, reference.returned)


@points(3)
@call("loss_fn", t_p=T_UN, t_c=T_C)
def test_loss_fn(run, reference):
    """The loss at w = 1, b = 0 is 80.364"""
    assert_close(run.returned, reference.returned)


@points(2, visibility="after_due_date")
@call("model", t_u=UNSEEN_U, w=-1.8, b=0.25)
def test_model_on_unseen_data(run, reference):
    """The model on data you have not seen"""
    assert_close(run.returned, reference.returned)


@points(3, visibility="after_due_date")
@call("loss_fn", t_p=UNSEEN_U, t_c=UNSEEN_C)
def test_loss_fn_on_unseen_data(run, reference):
    """The loss on data you have not seen"""
    assert_close(run.returned, reference.returned)


# --- Part 2: Build and step -----------------------------------------------------------------------


@points(2)
@call("make_sgd", params=leaf([1.0, 0.0]), lr=1e-2)
def test_make_sgd(run, reference):
    """make_sgd builds a torch.optim.SGD that holds params"""
    assert_optimizer(run.returned, reference.returned)


@points(2, visibility="after_due_date")
@call("make_sgd", params=leaf([0.5, 2.0, -1.0]), lr=0.25)
def test_make_sgd_with_another_learning_rate(run, reference):
    """make_sgd uses the learning rate it is given"""
    assert_optimizer(run.returned, reference.returned)


@points(2)
@call("holds", driver="held", params=[leaf([1.0, 0.0])])
def test_holds(run, reference):
    """holds tells the very tensor from a copy of it"""
    assert_close(run.returned, reference.returned)


@points(2, visibility="after_due_date")
@call("holds", driver="held", params=[leaf(2.5), leaf(2.5), leaf([2.5, 2.5])])
def test_holds_by_identity(run, reference):
    """holds is not misled by other tensors of equal value"""
    assert_close(run.returned, reference.returned)


@points(3)
@call("figure_1", driver="trip", trains=False, kind="SGD", lr=1e-2, **LECTURE)
def test_figure_1(run, reference):
    """Figure 1, stage by stage, for the lecture's data"""
    assert_same_figure(run.returned, reference)


@points(2, visibility="after_due_date")
@call(
    "figure_1",
    driver="trip",
    trains=False,
    setting=each(
        old_gradient=dict(
            kind="Adam",
            lr=0.25,
            params=leaf([0.3, -0.7], grad=[30.0, -7.0]),
            t_u=UNSEEN_U,
            t_c=UNSEEN_C,
        ),
        no_learning_rate=dict(kind="SGD", lr=0.0, **UNSEEN),
    ),
)
def test_figure_1_elsewhere(run, reference):
    """Figure 1 with another optimizer and other data"""
    assert_same_figure(run.returned, reference)


@points(4)
@call("one_step", optimizer=optim.SGD(lr=1e-2), **LECTURE)
def test_one_step(run, reference):
    """One step of gradient descent moves the parameters to tensor([1.7761, 0.1064])"""
    assert_same_training(run, reference)


@points(3, visibility="after_due_date")
@call(
    "one_step",
    optimizer=optim.SGD(lr=1e-2),
    params=leaf([1.0, 0.0], grad=[30.0, -7.0]),
    t_u=T_UN,
    t_c=T_C,
)
def test_one_step_clears_gradients(run, reference):
    """One step is right also when .grad held something before"""
    assert_same_training(run, reference)


@points(3, visibility="after_due_date")
@call("one_step", optimizer=optim.Adam(lr=0.05), **UNSEEN)
def test_one_step_with_any_optimizer(run, reference):
    """One step with another optimizer, on data you have not seen"""
    assert_same_training(run, reference)


# --- Part 3: The loop -----------------------------------------------------------------------------


@points(4)
@call("training_loop", n_epochs=3, optimizer=optim.SGD(lr=1e-2), **LECTURE)
def test_first_losses(run, reference):
    """The first three losses are 80.364, 37.575, 30.871"""
    assert_same_training(run, reference)


@points(6)
@cell("train_sgd", of="training_loop", capture=["sgd_params"])
def test_lecture_run(run, reference):
    """5000 epochs of SGD end at tensor([5.3671, -17.3012]), loss 2.927647"""
    assert_long_run(run, reference, result="sgd_params")


# A wrong loop keeps the points of what was right in it: each contract is judged at the loop's own
# parameters.


@points(
    8,
    visibility="after_due_date",
    contracts={
        "gradient": 2,
        "clearing": 2,
        "count + untouched + update": 2,
        "optimizer": 1,
        "return": 1,
    },
)
@call("training_loop", n_epochs=41, optimizer=optim.SGD(lr=0.02), **UNSEEN)
def test_loop_on_unseen_data(run, reference):
    """Your loop for 41 epochs of SGD, on data you have not seen"""
    assert_same_training(run, reference)


@points(
    7,
    visibility="after_due_date",
    contracts={
        "gradient": 2,
        "clearing": 1,
        "count + untouched + update": 2,
        "optimizer": 1,
        "return": 1,
    },
)
@call(
    "training_loop",
    setting=each(
        momentum=dict(
            n_epochs=47,
            optimizer=optim.SGD(lr=0.003, momentum=0.9),
            params=leaf([-2.0, 4.0]),
            t_u=T_UN,
            t_c=T_C,
        ),
        adam_two_tensors=dict(n_epochs=53, optimizer=optim.Adam(lr=0.1), **TWO_TENSORS),
    ),
)
def test_loop_with_any_optimizer(run, reference):
    """Your loop with another optimizer, from another start"""
    assert_same_training(run, reference)


# --- Part 4: Swap ---------------------------------------------------------------------------------


@points(2)
@call("make_adam", params=leaf([1.0, 0.0]), lr=1e-1)
def test_make_adam(run, reference):
    """make_adam builds a torch.optim.Adam that holds params"""
    assert_optimizer(run.returned, reference.returned)


@points(2, visibility="after_due_date")
@call("make_adam", params=leaf([0.5, 2.0, -1.0]), lr=0.25)
def test_make_adam_with_another_learning_rate(run, reference):
    """make_adam uses the learning rate it is given"""
    assert_optimizer(run.returned, reference.returned)


@points(4)
@cell("train_adam", of="make_adam", capture=["adam_params"])
def test_adam_run(run, reference):
    """2000 epochs of Adam on unscaled data end at tensor([0.5367, -17.3021])"""
    assert_long_run(run, reference, result="adam_params")


@points(4, visibility="after_due_date")
@call("make_adam", driver="swap", n_epochs=60, lr=0.2, **UNSEEN)
def test_swap(run, reference):
    """Your Adam in your loop for 60 epochs, on data you have not seen"""
    assert_same_training(run, reference)


# --- Part 5: Minibatches --------------------------------------------------------------------------


@points(3)
@call(
    "minibatch_loop",
    n_epochs=2,
    optimizer=optim.SGD(lr=1e-2),
    params=leaf([1.0, 0.0]),
    batches=batches(T_UN, T_C, 4, 4, 3),
    turns="batches",
)
def test_minibatches(run, reference):
    """Two epochs of minibatches of 4, 4 and 3 samples: six steps"""
    assert_same_training(run, reference)


@points(3, visibility="after_due_date")
@call(
    "minibatch_loop",
    n_epochs=43,
    optimizer=optim.SGD(lr=0.01, momentum=0.5),
    params=leaf([0.3, -0.7]),
    batches=batches(UNSEEN_U, UNSEEN_C, 8),
    turns="batches",
)
def test_full_batch(run, reference):
    """All samples as one minibatch train exactly as the plain loop does"""
    assert_same_training(run, reference)


@points(
    4,
    visibility="after_due_date",
    contracts={
        "gradient": 1,
        "clearing": 1,
        "count + untouched + update": 1,
        "optimizer + return": 1,
    },
)
@call(
    "minibatch_loop",
    n_epochs=17,
    optimizer=optim.Adam(lr=0.05),
    params=[leaf(-1.5), leaf(2.0)],
    batches=batches(UNSEEN_U, UNSEEN_C, 5, 1, 2),
    turns="batches",
)
def test_unequal_batches(run, reference):
    """Unequal minibatches, another optimizer, data you have not seen"""
    assert_same_training(run, reference)


@points(1)
@call("mean_loss", params=leaf([1.0, 0.0]), batches=batches(T_UN, T_C, 4, 4, 3))
def test_mean_loss(run, reference):
    """The mean over batches of 4, 4 and 3 is the mean over all 11 samples"""
    assert_close(run.returned, reference.returned)


@points(2, visibility="after_due_date")
@call("mean_loss", params=leaf([-1.8, 0.25]), batches=batches(UNSEEN_U, UNSEEN_C, 1, 5, 2))
def test_mean_loss_on_unseen_batches(run, reference):
    """The mean over other unequal batches"""
    assert_close(run.returned, reference.returned)
