"""Reference of the light assignment."""

import torch


def standardised(values):
    """`values` with mean 0 and standard deviation 1; any shape."""
    ### BEGIN SOLUTION
    return (values - values.mean()) / values.std()
    ### END SOLUTION


def softmax(scores):
    """Probabilities from scores of shape (n, classes), row by row."""
    ### BEGIN SOLUTION
    weights = (scores - scores.max(1, keepdim=True).values).exp()
    return weights / weights.sum(1, keepdim=True)
    ### END SOLUTION


def accuracy(scores, labels):
    """The share of rows of `scores`, shape (n, classes), whose greatest score is the one of
    `labels`, shape (n,).
    """
    ### BEGIN SOLUTION
    return (scores.argmax(1) == labels).float().mean().item()
    ### END SOLUTION


def one_hot(labels, classes):
    """Zeros with a 1 at each label: labels of shape (n,) to shape (n, classes)."""
    ### BEGIN SOLUTION
    return torch.eye(classes)[labels]
    ### END SOLUTION
