"""Checks for Every optimizer: 100 points, and 10 more as extra credit.

Adadelta, RMSprop and Adafactor never settle, so no call makes more than 50 steps.
"""

import numpy as np

from autograder.checks import (
    CheckFailed,
    assert_close,
    assert_optimizer,
    assert_same_training,
    call,
    each,
    leaf,
    needs_torch,
    optim,
    points,
)

T_C = [0.5, 14.0, 15.0, 28.0, 11.0, 8.0, 3.0, -4.0, 6.0, 13.0, 21.0]
T_U = [35.7, 55.9, 58.2, 81.9, 56.3, 48.9, 33.9, 21.8, 48.4, 60.4, 68.4]
T_UN = [0.1 * t for t in T_U]
LECTURE = dict(params=[leaf(1.0), leaf(0.0)], t_u=T_UN, t_c=T_C)

# Data that students have not seen.
UNSEEN_U = [-1.2, 0.4, 0.9, 1.7, 2.6, -0.3, 1.1, -2.0]
UNSEEN_C = [1.9, -0.4, -1.3, -2.2, -4.4, 0.8, -1.0, 3.7]
UNSEEN = dict(params=[leaf(0.6), leaf(-0.9)], t_u=UNSEEN_U, t_c=UNSEEN_C)
WITH_IDLE = dict(params=[leaf(0.6), leaf(-0.9), leaf(0.25)], t_u=UNSEEN_U, t_c=UNSEEN_C)

TABLE = np.float32(
    [[0.1, -0.3, 0.5], [0.7, 0.2, -0.6], [-0.4, 0.9, 0.3], [0.8, -0.1, -0.2], [0.05, 0.6, -0.7]]
)
WORDS = np.array([[0, 2], [2, 3], [0, 3], [3, 3]])
TARGETS = np.float32([np.outer([1, -1], [0.5, 1.0, -1.5]) + 0.25 * step for step in range(4)])
OTHER_TABLE = np.float32(np.sin(np.arange(14, dtype=float)).reshape(7, 2))
# never word 6
OTHER_WORDS = np.array(
    [[(3 * step * step + 2 * place) % 6 for place in range(3)] for step in range(24)]
)
OTHER_TARGETS = np.float32(np.cos(np.arange(24 * 3 * 2, dtype=float)).reshape(24, 3, 2))

MATRIX = dict(
    params=[leaf([[0.5, -0.2], [0.1, 0.4], [-0.6, 0.3]])],
    x=np.float32(
        [[1.0, -0.5, 2.0], [0.3, 1.2, -0.7], [-1.1, 0.8, 0.4], [0.6, 0.9, 1.5], [-0.2, -1.3, 0.1]]
    ),
    y=np.float32([[1.2, -0.7], [0.4, 2.1], [-1.5, 0.3], [0.9, 1.1], [-0.6, -1.8]]),
)


def assert_plugged_in(run, reference):
    """The right optimizer stepped: class, settings, the very tensors, and the path on which it led
    them.
    """
    if run.trace is None:
        message = (
            f"Observed: no optimizer of torch.optim made a step\nExpected: {reference.steps} steps"
            f" of {reference.trace.optimizer}"
        )
        raise CheckFailed(message)
    assert_optimizer(run.trace, reference.trace)
    assert_same_training(run, reference)


def plugged_in(title, worth, made):
    """A check of its own: `made` is the call, in which a student's function builds the
    optimizer.
    """

    def check(run, reference):
        assert_plugged_in(run, reference)

    check.__doc__ = title
    return worth(made(check))


def first(make, lr, title, worth=2, *, bonus=False):
    """Visible: three epochs on the lecture's data, whose numbers the notebook quotes."""
    return plugged_in(
        title,
        points(worth, bonus=bonus),
        call(make, driver="train", make=make, lr=lr, n_epochs=3, **LECTURE),
    )


def unseen(make, lr, n_epochs, title, worth=2, *, bonus=False):
    """Hidden: another learning rate, other data, another start."""
    hidden = points(worth, bonus=bonus, visibility="after_due_date")
    return plugged_in(
        title, hidden, call(make, driver="train", make=make, lr=lr, n_epochs=n_epochs, **UNSEEN)
    )


def assert_own_rule(run, reference):
    """The student's own class did it, with no ready-made optimizer inside."""
    made = [trace.optimizer for trace in run.run.traces]
    if len(set(made)) > 1 or len(made) > len(reference.run.traces):
        message = (
            f"Observed: steps were made by {' and '.join(dict.fromkeys(made))}, {len(made)}"
            f" optimizers in all\nExpected: by your own rule alone, {len(reference.run.traces)}"
        )
        raise CheckFailed(message)
    assert_same_training(run, reference)


# --- Part 1: Along the gradient -------------------------------------------------------------------

test_make_sgd = first("make_sgd", 1e-2, "SGD in your hands: three epochs with lr 0.01")
test_sgd_on_unseen_data = unseen(
    "make_sgd", 0.03, 50, "SGD for 50 epochs, on data you have not seen"
)
test_make_momentum = first(
    "make_momentum", 1e-3, "SGD with momentum in Nesterov's form: three epochs with lr 0.001"
)
test_momentum_on_unseen_data = unseen(
    "make_momentum", 0.01, 50, "SGD with momentum for 50 epochs, on data you have not seen"
)
test_make_asgd = first("make_asgd", 1e-2, "ASGD: three epochs with lr 0.01")
test_asgd_on_unseen_data = unseen(
    "make_asgd", 0.06, 50, "ASGD for 50 epochs, on data you have not seen"
)
test_make_rprop = first("make_rprop", 0.5, "Rprop: three epochs from step sizes of 0.5")
test_rprop_on_unseen_data = unseen(
    "make_rprop", 0.01, 40, "Rprop for 40 epochs, on data you have not seen"
)


# --- Part 2: A step size for each parameter -------------------------------------------------------

test_make_adagrad = first("make_adagrad", 0.5, "Adagrad: three epochs with lr 0.5")
test_adagrad_on_unseen_data = unseen(
    "make_adagrad", 0.2, 50, "Adagrad for 50 epochs, on data you have not seen"
)
test_make_rmsprop = first("make_rmsprop", 0.1, "RMSprop: three epochs with lr 0.1")
test_rmsprop_on_unseen_data = unseen(
    "make_rmsprop", 0.01, 40, "RMSprop for 40 epochs, on data you have not seen"
)
test_make_adadelta = first("make_adadelta", 1.0, "Adadelta: three epochs with lr 1")
test_adadelta_on_unseen_data = unseen(
    "make_adadelta", 0.5, 40, "Adadelta for 40 epochs, on data you have not seen"
)


# --- Part 3: The Adam family ----------------------------------------------------------------------

test_make_adam = first("make_adam", 0.1, "Adam: three epochs with lr 0.1")
test_adam_on_unseen_data = unseen(
    "make_adam", 0.05, 50, "Adam for 50 epochs, on data you have not seen"
)
test_make_adamw = first("make_adamw", 0.1, "AdamW: three epochs with lr 0.1")
test_adamw_on_unseen_data = unseen(
    "make_adamw", 0.05, 50, "AdamW for 50 epochs, on data you have not seen"
)
test_make_adamax = first("make_adamax", 0.1, "Adamax: three epochs with lr 0.1")
test_adamax_on_unseen_data = unseen(
    "make_adamax", 0.05, 50, "Adamax for 50 epochs, on data you have not seen"
)


# --- Part 4: LBFGS --------------------------------------------------------------------------------


@points(3)
@call("make_lbfgs", params=[leaf(1.0), leaf(0.0)], lr=0.7)
def test_make_lbfgs(run, reference):
    """make_lbfgs builds a torch.optim.LBFGS with the settings asked for"""
    assert_optimizer(run.returned, reference.returned)


@points(4)
@call("train_with_lbfgs", n_steps=3, optimizer=optim.LBFGS(lr=0.5, max_iter=3), **LECTURE)
def test_train_with_lbfgs(run, reference):
    """Three steps of LBFGS through a closure"""
    assert_same_training(run, reference)


@points(2, visibility="after_due_date")
@call(
    "train_with_lbfgs",
    setting=each(
        fixed_rate=dict(n_steps=5, optimizer=optim.LBFGS(lr=0.25, max_iter=4), **UNSEEN),
        line_search=dict(
            n_steps=2,
            optimizer=optim.LBFGS(lr=0.1, max_iter=2, line_search_fn="strong_wolfe"),
            **UNSEEN,
        ),
        one_iteration=dict(n_steps=9, optimizer=optim.LBFGS(lr=0.3, max_iter=1), **UNSEEN),
    ),
)
def test_lbfgs_on_unseen_data(run, reference):
    """LBFGS with other settings, on data you have not seen"""
    assert_same_training(run, reference)


# --- Part 5: Sparse gradients ---------------------------------------------------------------------


@points(3)
@call("make_embedding", driver="look_up", table=TABLE, words=WORDS[1])
def test_make_embedding(run, reference):
    """The embedding looks its rows up, and its gradient is sparse"""
    if isinstance(run.returned, dict) and run.returned.get("sparse") is False:
        message = "Observed: a dense gradient\nExpected: a sparse one"
        raise CheckFailed(message)
    assert_close(run.returned, reference.returned)


@points(2)
@call("make_sparse_adam", driver="describe_sparse_adam", table=TABLE, lr=0.03)
def test_make_sparse_adam(run, reference):
    """make_sparse_adam builds a torch.optim.SparseAdam with the settings asked for"""
    assert_optimizer(run.returned, reference.returned)


@points(4)
@call(
    "train_embedding",
    driver="train_given_embedding",
    table=TABLE,
    words=WORDS,
    targets=TARGETS,
    kind="SparseAdam",
    lr=0.1,
)
def test_train_embedding(run, reference):
    """Four steps of SparseAdam move the rows of the words that came, and no others"""
    assert_same_training(run, reference)


@points(2, visibility="after_due_date")
@call(
    "train_embedding",
    driver="train_given_embedding",
    table=OTHER_TABLE,
    words=OTHER_WORDS,
    targets=OTHER_TARGETS,
    kind="SGD",
    lr=0.8,
)
def test_train_embedding_with_sgd(run, reference):
    """Your embedding loop with another optimizer, on words you have not seen"""
    assert_same_training(run, reference)


@points(2, visibility="after_due_date")
@call(
    "make_sparse_adam",
    driver="train_own_embedding",
    table=OTHER_TABLE,
    words=OTHER_WORDS,
    targets=OTHER_TARGETS,
    lr=0.05,
)
def test_sparse_adam_on_unseen_data(run, reference):
    """Embedding, SparseAdam and loop together, on words you have not seen"""
    assert_same_training(run, reference)


# --- Part 6: Optimizer itself ---------------------------------------------------------------------


@points(3)
@call("MySGD", driver="own", name="MySGD", n_epochs=5, lr=1e-3, momentum=0.9, **LECTURE)
def test_my_sgd(run, reference):
    """MySGD makes the first five steps as torch.optim.SGD does"""
    assert_own_rule(run, reference)


@points(3, visibility="after_due_date")
@call(
    "MySGD",
    driver="own",
    name="MySGD",
    n_epochs=40,
    setting=each(momentum=dict(lr=0.02, momentum=0.7), plain=dict(lr=0.05)),
    **UNSEEN,
)
def test_my_sgd_on_unseen_data(run, reference):
    """MySGD for 40 steps, on data you have not seen"""
    assert_own_rule(run, reference)


@points(2, visibility="after_due_date")
@call(
    "MySGD",
    driver="own_groups",
    name="MySGD",
    n_epochs=20,
    lr=0.02,
    momentum=0.6,
    second=0.005,
    **WITH_IDLE,
)
def test_my_sgd_with_groups(run, reference):
    """MySGD with two parameter groups, each with a learning rate of its own"""
    assert_own_rule(run, reference)


@points(2, visibility="after_due_date")
@call("MySGD", driver="own_gaps", name="MySGD", n_epochs=20, lr=0.02, momentum=0.6, **WITH_IDLE)
def test_my_sgd_without_gradients(run, reference):
    """MySGD leaves alone what has no gradient"""
    assert_own_rule(run, reference)


@points(1, visibility="after_due_date")
@call("MySGD", driver="own_closure", name="MySGD", n_epochs=6, lr=0.02, momentum=0.6, **UNSEEN)
def test_my_sgd_with_a_closure(run, reference):
    """MySGD.step takes a closure and returns its loss"""
    assert_own_rule(run, reference)


@points(5)
@call("MyAdam", driver="own", name="MyAdam", n_epochs=5, lr=0.1, **LECTURE)
def test_my_adam(run, reference):
    """MyAdam makes the first five steps as torch.optim.Adam does"""
    assert_own_rule(run, reference)


@points(3, visibility="after_due_date")
@call(
    "MyAdam",
    driver="own",
    name="MyAdam",
    setting=each(
        other_betas=dict(n_epochs=40, lr=0.05, betas=[0.7, 0.9]),
        small_gradients=dict(n_epochs=20, lr=0.05, betas=[0.8, 0.9], scale=1e-4),
    ),
    **UNSEEN,
)
def test_my_adam_on_unseen_data(run, reference):
    """MyAdam with other settings, on data you have not seen"""
    assert_own_rule(run, reference)


@points(4, visibility="after_due_date")
@call("MyAdam", driver="own_groups", name="MyAdam", n_epochs=20, lr=0.05, second=0.01, **WITH_IDLE)
def test_my_adam_with_groups(run, reference):
    """MyAdam with two parameter groups, each with a learning rate of its own"""
    assert_own_rule(run, reference)


@points(3, visibility="after_due_date")
@call("MyAdam", driver="own_gaps", name="MyAdam", n_epochs=20, lr=0.05, **WITH_IDLE)
def test_my_adam_without_gradients(run, reference):
    """MyAdam leaves alone what has no gradient, and counts steps for each tensor"""
    assert_own_rule(run, reference)


@points(2, visibility="after_due_date")
@call("MyAdam", driver="own_closure", name="MyAdam", n_epochs=6, lr=0.05, **UNSEEN)
def test_my_adam_with_a_closure(run, reference):
    """MyAdam.step takes a closure and returns its loss"""
    assert_own_rule(run, reference)


# --- Extra credit ---------------------------------------------------------------------------------

test_make_nadam = first("make_nadam", 0.1, "NAdam: three epochs with lr 0.1", 1, bonus=True)
test_nadam_on_unseen_data = unseen(
    "make_nadam", 0.05, 50, "NAdam for 50 epochs, on data you have not seen", 1, bonus=True
)
test_make_radam = first("make_radam", 0.1, "RAdam: three epochs with lr 0.1", 1, bonus=True)
test_radam_on_unseen_data = unseen(
    "make_radam", 0.05, 50, "RAdam for 50 epochs, on data you have not seen", 1, bonus=True
)
test_make_adafactor = needs_torch("2.5")(
    first("make_adafactor", 0.1, "Adafactor: three epochs with lr 0.1", 1, bonus=True)
)
test_adafactor_on_unseen_data = needs_torch("2.5")(
    unseen(
        "make_adafactor",
        0.2,
        12,
        "Adafactor for 12 epochs, on data you have not seen",
        1,
        bonus=True,
    )
)


@needs_torch("2.9")
@points(1, bonus=True)
@call("make_muon", driver="train_matrix", make="make_muon", lr=0.02, n_epochs=3, **MATRIX)
def test_make_muon(run, reference):
    """Muon: three epochs on a matrix with lr 0.02"""
    assert_plugged_in(run, reference)


@needs_torch("2.9")
@points(1, bonus=True, visibility="after_due_date")
@call("make_muon", driver="train_matrix", make="make_muon", lr=0.005, n_epochs=5, **MATRIX)
def test_muon_with_another_rate(run, reference):
    """Muon for 5 epochs with another learning rate"""
    assert_plugged_in(run, reference)


@points(2, bonus=True, visibility="after_due_date")
@call("MyAdam", driver="own_saved", name="MyAdam", n_epochs=20, lr=0.05, **UNSEEN)
def test_my_adam_saved_and_loaded(run, reference):
    """MyAdam goes on from its state_dict as if nothing had happened"""
    assert_own_rule(run, reference)
