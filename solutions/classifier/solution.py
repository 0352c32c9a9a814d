"""Lecture 9, A classifier: the reference solution.

The data are scikit-learn's digits: 1797 handwritten digits of 8 x 8 pixels, from E. Alpaydin and C. Kaynak, "Optical Recognition of Handwritten Digits", UCI Machine Learning
Repository (1998). Shapes stand behind the code: b images in a batch, 64 pixels, 10 classes.
"""

import torch
from torch import nn
from torch.nn import functional


def make_model():
    """Build the classifier: 64 pixels in, 32 hidden units, 16 hidden units, 10 logits out.

    A linear layer stands between one and the next, a ReLU behind each hidden one, and behind each ReLU dropout with p = 0.2 (nn.Dropout).
    The model takes a tensor of shape (b, 64) and gives raw logits of shape (b, 10): no softmax.
    Returns an nn.Module with fresh parameters, all of them trainable.
    """
    ### BEGIN SOLUTION
    return nn.Sequential(
        nn.Linear(64, 32),  # (b, 32)
        nn.ReLU(),
        nn.Dropout(0.2),
        nn.Linear(32, 16),  # (b, 16)
        nn.ReLU(),
        nn.Dropout(0.2),
        nn.Linear(16, 10),  # (b, 10)
    )
    ### END SOLUTION


def train_epoch(model, optimizer, images, labels, batch_size, generator):
    """Train `model` for one epoch, in place: one step of `optimizer` on each batch, each sample in exactly one batch.

    The samples are shuffled anew in every call, in an order drawn from `generator`. The loss of a batch is the mean cross entropy of its samples.

    model: takes (b, 64), gives logits (b, 10); in whichever mode it was left
    optimizer: any torch optimizer over the model's parameters
    images: float tensor of shape (n, 64); labels: int64 tensor of shape (n,)
    batch_size: samples in a batch; the last one has what is left, at least one
    generator: a torch.Generator
    Returns the mean loss per sample over the epoch, a Python float.
    """
    ### BEGIN SOLUTION
    model.train()  # dropout on
    order = torch.randperm(len(images), generator=generator)  # (n,)
    total = 0.0
    for rows in order.split(batch_size):  # (b,)
        logits = model(images[rows])  # (b, 10)
        loss = functional.cross_entropy(logits, labels[rows])  # ()

        optimizer.zero_grad()
        loss.backward()
        optimizer.step()

        total += loss.item() * len(rows)  # a number, not a tensor with its graph
    return total / len(images)
    ### END SOLUTION


def evaluate(model, images, labels, batch_size):
    """The share of samples whose greatest logit is that of their label. Changes nothing but the model's mode.

    model: as in `train_epoch`; it is evaluated with dropout off, and no graph is recorded
    images: float tensor of shape (n, 64); labels: int64 tensor of shape (n,)
    batch_size: samples that the model sees at once; the last batch has what is left
    Returns the accuracy, a Python float between 0 and 1.
    """
    ### BEGIN SOLUTION
    model.eval()  # dropout off
    right = 0
    with torch.no_grad():
        for seen, wanted in zip(images.split(batch_size), labels.split(batch_size), strict=True):
            predicted = model(seen).argmax(dim=1)  # (b,)
            right += (predicted == wanted).sum().item()
    return right / len(images)
    ### END SOLUTION


def fit(model, optimizer, images, labels, test_images, test_labels, n_epochs, batch_size, generator):
    """Train `model` for `n_epochs` epochs, and evaluate it on the test set after each.

    Arguments as in `train_epoch` and `evaluate`.
    Returns a list of `n_epochs` accuracies on the test set.
    """
    ### BEGIN SOLUTION
    accuracies = []
    for _ in range(n_epochs):
        train_epoch(model, optimizer, images, labels, batch_size, generator)
        accuracies.append(evaluate(model, test_images, test_labels, batch_size))
    return accuracies
    ### END SOLUTION
