"""Checks of a small assignment with variants: 10 points."""

from autograder.checks import (
    assert_close,
    assert_same_training,
    call,
    cell,
    leaf,
    optim,
    points,
    variant,
)


@points(2)
@call("loss_fn", params=[0.5, 0.1], x=variant("x"), y=variant("y"))
def test_loss(run, reference):
    """The mean squared error of your line"""
    assert_close(run.returned, reference.returned)


@points(3)
@cell("train", of="training_loop", capture=["params"])
def test_train(run, reference):
    """Forty epochs on your own measurements"""
    assert_same_training(run, reference)
    assert_close(run.variables["params"], reference.variables["params"])


@points(5, visibility="after_due_date")
@call(
    "training_loop",
    n_epochs=45,
    optimizer=optim.SGD(lr=variant("lr"), momentum=0.9),
    params=leaf([0.3, -0.2]),
    x=variant("unseen_x"),
    y=variant("unseen_y"),
)
def test_loop(run, reference):
    """Momentum, on measurements that you have not seen"""
    assert_same_training(run, reference)
