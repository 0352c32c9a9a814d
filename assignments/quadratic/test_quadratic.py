"""Checks for the homework after Lecture 8, a parabola in place of the line: 100 points."""

from autograder.checks import (
    as_list,
    assert_close,
    assert_long_run,
    assert_same_training,
    call,
    cell,
    each,
    leaf,
    optim,
    points,
)

T_C = [0.5, 14.0, 15.0, 28.0, 11.0, 8.0, 3.0, -4.0, 6.0, 13.0, 21.0]
T_U = [35.7, 55.9, 58.2, 81.9, 56.3, 48.9, 33.9, 21.8, 48.4, 60.4, 68.4]
T_UN = [0.1 * t for t in T_U]
LECTURE = dict(params=leaf([0.0, 1.0, 0.0]), t_u=T_UN, t_c=T_C)

# Data that students have not seen, and of another length. The greatest learning rate at which SGD
# converges on it is 0.097.
UNSEEN_U = [-1.2, 0.4, 0.9, 1.7, 2.6, -0.3, 1.1, -2.0]
UNSEEN_C = [3.1, 0.2, -0.6, 0.4, 2.9, 1.2, -0.5, 6.4]
UNSEEN = dict(params=leaf([0.5, -0.2, 1.0]), t_u=UNSEEN_U, t_c=UNSEEN_C)


# --- Part 1: The parabola -------------------------------------------------------------------------


@points(6)
@call("model", t_u=[0.0, 1.0, 2.0], w2=3.0, w1=-1.0, b=0.5)
def test_model(run, reference):
    """The model is w2 * t_u**2 + w1 * t_u + b"""
    assert_close(run.returned, reference.returned)


@points(4, visibility="after_due_date")
@call("model", t_u=UNSEEN_U, w2=-0.7, w1=1.8, b=0.25)
def test_model_on_unseen_data(run, reference):
    """The model on data you have not seen"""
    assert_close(run.returned, reference.returned)


# --- Part 2: The loop -----------------------------------------------------------------------------


@points(8)
@call("training_loop", n_epochs=3, optimizer=optim.SGD(lr=1e-4), **LECTURE)
def test_first_epochs(run, reference):
    """Three epochs of SGD with learning rate 0.0001"""
    assert_same_training(run, reference)


@points(
    12,
    visibility="after_due_date",
    contracts={
        "gradient": 3,
        "clearing": 3,
        "count + untouched + update": 3,
        "optimizer": 2,
        "return": 1,
    },
)
@call("training_loop", n_epochs=41, optimizer=optim.SGD(lr=0.02), **UNSEEN)
def test_loop_on_unseen_data(run, reference):
    """Your loop for 41 epochs of SGD, on data you have not seen"""
    assert_same_training(run, reference)


@points(8, visibility="after_due_date")
@call(
    "training_loop",
    setting=each(
        momentum=dict(
            n_epochs=47,
            optimizer=optim.SGD(lr=3e-5, momentum=0.9),
            params=leaf([0.2, -1.0, 3.0]),
            t_u=T_UN,
            t_c=T_C,
        ),
        adam_three_tensors=dict(
            n_epochs=53,
            optimizer=optim.Adam(lr=0.1),
            params=[leaf(-0.5), leaf(2.0), leaf(0.3)],
            t_u=UNSEEN_U[:5],
            t_c=UNSEEN_C[:5],
        ),
    ),
)
def test_loop_with_any_optimizer(run, reference):
    """Your loop with another optimizer, from another start"""
    assert_same_training(run, reference)


@points(6, visibility="after_due_date")
@call(
    "training_loop",
    driver="go_on",
    n_epochs=21,
    optimizer=optim.SGD(lr=0.01, momentum=0.8),
    **UNSEEN,
)
def test_loop_goes_on(run, reference):
    """Your loop, called again with the same optimizer and a smaller learning rate"""
    assert_same_training(run, reference)


# Grows 22-fold in each epoch, overflows in epoch 28: well before the end for every right loop in
# float32, and the numbers before tell wrong ones.
@points(8, visibility="after_due_date")
@call("training_loop", n_epochs=41, optimizer=optim.SGD(lr=0.01), **LECTURE)
def test_loop_diverges(run, reference):
    """Your loop runs all epochs also when training diverges"""
    assert_same_training(run, reference, allow_nonfinite=True)


# --- Part 3: Learning rates -----------------------------------------------------------------------


@points(8)
@cell("rates", of="compare_rates", capture=["final_losses"])
def test_rates(run, reference):
    """The losses after 400 epochs with learning rates 0.1, 0.01, 0.001 and 0.0001"""
    assert_close(
        run.variables.get("final_losses"), reference.variables["final_losses"], diverging=True
    )


# On this data 0.5 is gone long before 45 epochs, 0.12 has grown to 1e15 and is still a number, the
# other two converge.
@points(12, visibility="after_due_date")
@call(
    "compare_rates",
    rates=as_list([0.12, 0.003, 0.5, 0.03]),
    n_epochs=45,
    t_u=UNSEEN_U,
    t_c=UNSEEN_C,
)
def test_rates_on_unseen_data(run, reference):
    """Other learning rates, on data you have not seen"""
    assert_close(run.returned, reference.returned, diverging=True)


# --- Part 4: Parabola and line --------------------------------------------------------------------


@points(8)
@cell("train", of="training_loop", capture=["parabola"])
def test_long_run(run, reference):
    """2000 epochs of SGD with learning rate 0.0001"""
    assert_long_run(run, reference, result="parabola")


@points(6)
@call("compare_with_line", params=[0.0, 1.0, 0.0], line=[5.0, -17.0], t_u=T_UN, t_c=T_C)
def test_comparison(run, reference):
    """The losses of a parabola and of a line"""
    assert_close(run.returned, reference.returned)


@points(6, visibility="after_due_date")
@call("compare_with_line", params=[0.9, -1.3, 0.2], line=[-0.4, 2.0], t_u=UNSEEN_U, t_c=UNSEEN_C)
def test_comparison_on_unseen_data(run, reference):
    """The comparison on data you have not seen"""
    assert_close(run.returned, reference.returned)
