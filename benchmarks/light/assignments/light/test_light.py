"""Checks of the light assignment: 8 points."""

import numpy as np

from autograder.checks import assert_close, call, points
from autograder.evidence.trace import array_of

SCORES = [[0.5, -1.0, 2.0], [3.0, 0.0, 0.0]]


@points(2)
@call("standardised", values=SCORES)
def test_standardised(run, reference):
    """Mean 0 and standard deviation 1"""
    assert_close(run.returned, reference.returned)


@points(2)
@call("softmax", scores=SCORES)
def test_softmax(run, reference):
    """Rows that add up to 1"""
    assert_close(run.returned, reference.returned)


@points(2)
@call("accuracy", scores=SCORES, labels=array_of(np.array([2, 1])))
def test_accuracy(run, reference):
    """The share of rows whose greatest score is the label's"""
    assert_close(run.returned, reference.returned)


@points(2)
@call("one_hot", labels=array_of(np.array([2, 0])), classes=3)
def test_one_hot(run, reference):
    """A 1 at each label"""
    assert_close(run.returned, reference.returned)
