"""Checks for @title@: 10 points.

A check declares the call that it wants made; its docstring is the title that students read; its
body compares `run` with `reference`. `pytest assignments/@slug@` tries them on the reference.
"""

from autograder.checks import assert_close, assert_same_training, call, each, leaf, optim, points

SHOWN = dict(x=[0.0, 1.0, 2.0, 3.0], y=[1.0, 2.9, 5.1, 7.0])
# other data, of another length
UNSEEN = dict(x=[-1.0, 0.5, 1.5, 2.0, -0.3], y=[2.2, -0.4, -2.1, -3.2, 1.0])


@points(2)
@call("loss_fn", params=[1.0, 0.0], **SHOWN)
def test_loss(run, reference):
    """The loss at w = 1, b = 0"""
    assert_close(run.returned, reference.returned)


@points(1, visibility="after_due_date")
@call("loss_fn", params=[-0.5, 2.0], **UNSEEN)
def test_loss_on_unseen_data(run, reference):
    """The loss on data you have not seen"""
    assert_close(run.returned, reference.returned)


@points(2)
@call("training_loop", n_epochs=3, optimizer=optim.SGD(lr=0.1), params=leaf([1.0, 0.0]), **SHOWN)
def test_three_epochs(run, reference):
    """Three epochs of SGD"""
    assert_same_training(run, reference)


# A few dozen epochs, far from convergence: that tells wrong loops from right ones, where the end of
# a long run can't. Points are for each optimizer.
@points(2.5, visibility="after_due_date")
@call(
    "training_loop",
    n_epochs=41,
    optimizer=each(momentum=optim.SGD(lr=0.02, momentum=0.9), adam=optim.Adam(lr=0.1)),
    params=leaf([0.3, -0.7]),
    **UNSEEN,
)
def test_any_optimizer(run, reference):
    """Your loop with any optimizer, on data you have not seen"""
    assert_same_training(run, reference)
