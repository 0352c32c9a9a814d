"""Checks for Lecture 9, A classifier: 100 points."""

import numpy as np
from sklearn.datasets import load_digits

from autograder.checks import Tolerance, assert_close, call, cell, each, optim, points
from autograder.checks.stochastic import (
    assert_accuracy_over_seeds,
    assert_evaluates,
    assert_every_sample_once,
    assert_same_stochastic_training,
)

DIGITS = load_digits()
PIXELS = (DIGITS.data / 16).astype(np.float32)  # (1797, 64), no two rows the same
CLASSES = DIGITS.target.astype(np.int64)  # (1797,)
ORDER = np.random.default_rng(9).permutation(len(PIXELS))


def rows(start, count):
    """`count` images and labels that the notebook does not train on one after another."""
    chosen = ORDER[start : start + count]
    return dict(images=PIXELS[chosen], labels=CLASSES[chosen])


def held_out(start, count):
    """The same as arguments of `fit`."""
    return {f"test_{name}": values for name, values in rows(start, count).items()}


def numbers(seed):
    """Parameters for every layer, float32 of shape (2778,)."""
    return np.random.default_rng(seed).normal(0.0, 0.3, 2778).astype(np.float32)


SGD = optim.SGD(lr=0.05, momentum=0.9, over="")


# --- Part 1: The model ----------------------------------------------------------------------------


@points(4)
@call("make_model", driver="shapes")
def test_shapes(run, reference):
    """make_model has three linear layers, 64 to 32 to 16 to 10, all trainable"""
    assert_close(run.returned, reference.returned)


@points(8, visibility="after_due_date")
@call("make_model", driver="logits", images=PIXELS[ORDER[:7]], numbers=numbers(1))
def test_logits(run, reference):
    """With dropout off, the model gives the right logits for given parameters"""
    assert_close(run.returned, reference.returned)


@points(6, visibility="after_due_date")
@call("make_model", driver="dropout", images=PIXELS[ORDER[7:10]], numbers=numbers(2), repeats=4000)
def test_dropout(run, reference):
    """With dropout on, a fifth of the hidden units is dropped behind each ReLU"""
    # Means of 4000 draws lie within std / 63 of the truth, standard deviations within std / 89 or
    # so: 6 of those for each of two runs, over 60 numbers, is 1 in 10 million.
    spread = float(reference.returned[1].max())
    assert_close(run.returned, reference.returned, tolerance=Tolerance(0.0, 0.14 * spread))


# --- Part 2: One epoch ----------------------------------------------------------------------------


@points(8)
@call(
    "train_epoch",
    driver="train",
    record_batches=True,
    seed=1,
    n_epochs=1,
    batch_size=16,
    optimizer=SGD,
    shuffle_seed=2,
    **rows(0, 96),
)
def test_one_epoch(run, reference):
    """One epoch of six batches"""
    assert_same_stochastic_training(run, reference)


@points(12, visibility="after_due_date")
@call(
    "train_epoch",
    driver="train",
    record_batches=True,
    seed=3,
    n_epochs=2,
    batch_size=16,
    optimizer=SGD,
    shuffle_seed=4,
    **rows(200, 150),
)
def test_every_sample_once(run, reference):
    """Every epoch sees every sample once, in a new order drawn from the generator"""
    assert_every_sample_once(run, reference)


@points(12, visibility="after_due_date")
@call(
    "train_epoch",
    driver="train",
    record_batches=True,
    setting=each(
        momentum=dict(n_epochs=2, batch_size=16, optimizer=SGD, shuffle_seed=6, **rows(400, 150)),
        adam=dict(
            n_epochs=3,
            batch_size=24,
            optimizer=optim.Adam(lr=0.01, over=""),
            shuffle_seed=7,
            **rows(600, 160),
        ),
    ),
)
def test_epochs_on_unseen_data(run, reference):
    """Two or three epochs on data you have not seen, with any optimizer"""
    assert_same_stochastic_training(run, reference)


# --- Part 3: Evaluation ---------------------------------------------------------------------------


@points(6)
@call(
    "evaluate",
    driver="evaluation",
    images=PIXELS[ORDER[1000:1100]],
    labels=CLASSES[ORDER[1000:1100]],
    numbers=numbers(3),
    batch_size=20,
)
def test_accuracy(run, reference):
    """The accuracy of a model with given parameters on 100 images"""
    assert_close(run.returned, reference.returned)


@points(14, visibility="after_due_date")
@call(
    "evaluate",
    driver="evaluation",
    record_batches=True,
    numbers=numbers(4),
    batch_size=16,
    **rows(1100, 150),
)
def test_evaluation(run, reference):
    """Evaluation sees every sample with dropout off, and changes nothing"""
    assert_evaluates(run, reference)


# --- Part 4: Fit ----------------------------------------------------------------------------------


@points(4)
@call(
    "fit",
    driver="standstill",
    n_epochs=3,
    batch_size=25,
    optimizer=optim.SGD(lr=0.0, over=""),
    shuffle_seed=9,
    numbers=numbers(5),
    **rows(0, 50),
    **held_out(1400, 80),
)
def test_history(run, reference):
    """fit returns one accuracy on the test set for each epoch"""
    assert_close(run.returned, reference.returned)


@points(8, visibility="after_due_date")
@call(
    "fit",
    driver="whole",
    record_batches=True,
    seed=5,
    n_epochs=3,
    batch_size=25,
    optimizer=SGD,
    shuffle_seed=8,
    **rows(0, 120),
    **held_out(1300, 40),
)
def test_fit(run, reference):
    """fit trains on one set and evaluates on the other, epoch by epoch"""
    assert_same_stochastic_training(run, reference)


@points(2)
@cell("train", of="fit", capture=["accuracies"])
def test_digits_run(run, reference):
    """Twenty epochs on the digits reach a good accuracy"""
    # A last bound: 40 right runs with other seeds ended between 0.86 and 0.93, with a standard
    # deviation of 0.014.
    found, wanted = run.variables.get("accuracies"), reference.variables["accuracies"]
    assert isinstance(found, list), f"Observed: {found!r:.80}\nExpected: a list of accuracies"
    assert len(found) == len(wanted), f"Observed: {found!r:.80}\nExpected: {len(wanted)} accuracies"
    assert found[-1] > 0.7, (
        f"Observed: an accuracy of {found[-1]:.3f}\nExpected: about {wanted[-1]:.3f}"
    )


@points(4, visibility="after_due_date")
@call(
    "fit",
    driver="seeds",
    n_epochs=6,
    batch_size=32,
    optimizer=SGD,
    count=3,
    **rows(0, 1200),
    **held_out(1200, 597),
)
def test_accuracy_over_seeds(run, reference):
    """After six epochs the classifier is about as good as ours, over three seeds"""
    # Single runs have a standard deviation of 0.019, the difference of two means of three 0.015:
    # the margin is six of those.
    assert_accuracy_over_seeds(run, reference, margin=0.1)
