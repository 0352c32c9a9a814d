"""Checks of a tiny assignment: 10 points."""

from autograder.checks import (
    assert_close,
    assert_long_run,
    assert_same_training,
    call,
    cell,
    leaf,
    optim,
    points,
)


@points(2)
@call("loss_fn", values=[1.0, 3.0])
def test_loss_fn(run, reference):
    """The mean of the squares"""
    assert_close(run.returned, reference.returned)


@points(3)
@cell("train", of="training_loop", capture=["weights"])
def test_train(run, reference):
    """Thirty epochs"""
    assert_long_run(run, reference)


@points(5, visibility="after_due_date")
@call("training_loop", n_epochs=20, optimizer=optim.Adam(lr=0.1), params=leaf([1.0, -2.0]))
def test_loop(run, reference):
    """Any optimizer"""
    assert_same_training(run, reference)
