"""Lecture 9, A classifier: mistakes that are not made of one changed place in the solution.

This file is parsed and never imported: `autograder validate classifier` puts each function into the
solution in place of the one that it names.
"""

import torch
from solution import evaluate, train_epoch
from torch import nn
from torch.nn import functional

from autograder.mistakes.written import mistake


@mistake(of="make_model", rows=(52,), name="freezes the first layer")
def frozen_first_layer():
    model = nn.Sequential(
        nn.Linear(64, 32),
        nn.ReLU(),
        nn.Dropout(0.2),
        nn.Linear(32, 16),
        nn.ReLU(),
        nn.Dropout(0.2),
        nn.Linear(16, 10),
    )
    model[0].requires_grad_(False)
    return model


@mistake(of="make_model", name="drops inputs too")
def dropout_on_pixels():
    return nn.Sequential(
        nn.Dropout(0.2),
        nn.Linear(64, 32),
        nn.ReLU(),
        nn.Dropout(0.2),
        nn.Linear(32, 16),
        nn.ReLU(),
        nn.Dropout(0.2),
        nn.Linear(16, 10),
    )


@mistake(of="make_model", name="keeps dropout on in evaluation mode")
def dropout_always_on():
    class Model(nn.Module):
        def __init__(self):
            super().__init__()
            self.first, self.second, self.third = (
                nn.Linear(64, 32),
                nn.Linear(32, 16),
                nn.Linear(16, 10),
            )

        def forward(self, x):
            x = functional.dropout(self.first(x).relu(), 0.2)
            return self.third(functional.dropout(self.second(x).relu(), 0.2))

    return Model()


@mistake(of="train_epoch", rows=(26,), name="shuffles images and labels apart")
def labels_apart(model, optimizer, images, labels, batch_size, generator):
    model.train()
    order, other = (
        torch.randperm(len(images), generator=generator),
        torch.randperm(len(images), generator=generator),
    )
    total = 0.0
    for rows, classes in zip(order.split(batch_size), other.split(batch_size), strict=True):
        loss = functional.cross_entropy(model(images[rows]), labels[classes])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        total += loss.item() * len(rows)
    return total / len(images)


@mistake(of="train_epoch", rows=(26,), name="shuffles only the images")
def labels_in_their_own_order(model, optimizer, images, labels, batch_size, generator):
    model.train()
    images = images[torch.randperm(len(images), generator=generator)]
    total = 0.0
    for seen, wanted in zip(images.split(batch_size), labels.split(batch_size), strict=True):
        loss = functional.cross_entropy(model(seen), wanted)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        total += loss.item() * len(seen)
    return total / len(images)


@mistake(of="train_epoch", rows=(51,), name="shuffles the batches, but not the samples")
def shuffles_batches_only(model, optimizer, images, labels, batch_size, generator):
    model.train()
    batches = torch.arange(len(images)).split(batch_size)
    total = 0.0
    for place in torch.randperm(len(batches), generator=generator):
        rows = batches[place]
        loss = functional.cross_entropy(model(images[rows]), labels[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        total += loss.item() * len(rows)
    return total / len(images)


@mistake(
    of="train_epoch",
    rows=(49,),
    name="takes the logarithm of a softmax and the mean squared logits too",
)
def penalises_logits(model, optimizer, images, labels, batch_size, generator):
    model.train()
    total = 0.0
    for rows in torch.randperm(len(images), generator=generator).split(batch_size):
        logits = model(images[rows])
        loss = functional.cross_entropy(logits, labels[rows]) + 0.01 * (logits**2).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        total += loss.item() * len(rows)
    return total / len(images)


@mistake(
    of="train_epoch", rows=(16,), name="divides each batch's loss by batch_size, the last one's too"
)
def divides_by_batch_size(model, optimizer, images, labels, batch_size, generator):
    model.train()
    total = 0.0
    for rows in torch.randperm(len(images), generator=generator).split(batch_size):
        loss = (
            functional.cross_entropy(model(images[rows]), labels[rows], reduction="sum")
            / batch_size
        )
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        total += loss.item() * batch_size
    return total / len(images)


@mistake(of="train_epoch", rows=(42,), name="adds up the gradients of an epoch and steps once")
def one_step_per_epoch(model, optimizer, images, labels, batch_size, generator):
    model.train()
    total = 0.0
    optimizer.zero_grad()
    for rows in torch.randperm(len(images), generator=generator).split(batch_size):
        loss = functional.cross_entropy(model(images[rows]), labels[rows])
        loss.backward()
        total += loss.item() * len(rows)
    optimizer.step()
    return total / len(images)


@mistake(of="train_epoch", rows=(41,), name="trains on all samples at once")
def full_batch(model, optimizer, images, labels, batch_size, generator):
    model.train()
    loss = functional.cross_entropy(model(images), labels)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    return loss.item()


@mistake(of="train_epoch", rows=(24,), name="standardises the images in each batch")
def standardises(model, optimizer, images, labels, batch_size, generator):
    model.train()
    total = 0.0
    for rows in torch.randperm(len(images), generator=generator).split(batch_size):
        seen = images[rows]
        loss = functional.cross_entropy(model((seen - seen.mean()) / seen.std()), labels[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        total += loss.item() * len(rows)
    return total / len(images)


@mistake(of="train_epoch", rows=(52,), name="trains only the last layer")
def last_layer_only(model, optimizer, images, labels, batch_size, generator):
    model.train()
    for parameter in list(model.parameters())[:-2]:
        parameter.requires_grad_(False)
    total = 0.0
    for rows in torch.randperm(len(images), generator=generator).split(batch_size):
        loss = functional.cross_entropy(model(images[rows]), labels[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        total += loss.item() * len(rows)
    return total / len(images)


@mistake(of="train_epoch", rows=(37,), name="clamps the parameters after each step")
def clamps(model, optimizer, images, labels, batch_size, generator):
    model.train()
    total = 0.0
    for rows in torch.randperm(len(images), generator=generator).split(batch_size):
        loss = functional.cross_entropy(model(images[rows]), labels[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        with torch.no_grad():
            for parameter in model.parameters():
                parameter.clamp_(-0.2, 0.2)
        total += loss.item() * len(rows)
    return total / len(images)


@mistake(of="train_epoch", name="seeds torch anew in each epoch")
def same_masks(model, optimizer, images, labels, batch_size, generator):
    generator.manual_seed(0)
    model.train()
    total = 0.0
    for rows in torch.randperm(len(images), generator=generator).split(batch_size):
        loss = functional.cross_entropy(model(images[rows]), labels[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        total += loss.item() * len(rows)
    return total / len(images)


@mistake(of="evaluate", rows=(25,), name="leaves out the last batch")
def evaluates_whole_batches(model, images, labels, batch_size):
    model.eval()
    right = total = 0
    with torch.no_grad():
        for start in range(0, len(images) - batch_size + 1, batch_size):
            rows = slice(start, start + batch_size)
            right += (model(images[rows]).argmax(dim=1) == labels[rows]).sum().item()
            total += batch_size
    return right / total


@mistake(of="evaluate", name="trains a little while it evaluates")
def evaluates_and_trains(model, images, labels, batch_size):
    model.eval()
    loss = functional.cross_entropy(model(images), labels)
    loss.backward()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter -= 0.01 * parameter.grad
        return (model(images).argmax(dim=1) == labels).float().mean().item()


@mistake(of="evaluate", name="returns the number of right answers")
def counts_only(model, images, labels, batch_size):
    model.eval()
    with torch.no_grad():
        return float((model(images).argmax(dim=1) == labels).sum())


@mistake(of="fit", name="trains on the test set")
def trains_on_test(
    model, optimizer, images, labels, test_images, test_labels, n_epochs, batch_size, generator
):
    accuracies = []
    for _ in range(n_epochs):
        train_epoch(model, optimizer, test_images, test_labels, batch_size, generator)
        accuracies.append(evaluate(model, test_images, test_labels, batch_size))
    return accuracies


@mistake(of="fit", name="evaluates on the training set")
def evaluates_on_training(
    model, optimizer, images, labels, test_images, test_labels, n_epochs, batch_size, generator
):
    accuracies = []
    for _ in range(n_epochs):
        train_epoch(model, optimizer, images, labels, batch_size, generator)
        accuracies.append(evaluate(model, images, labels, batch_size))
    return accuracies


@mistake(of="fit", rows=(39,), name="begins every epoch with fresh random states")
def reseeds(
    model, optimizer, images, labels, test_images, test_labels, n_epochs, batch_size, generator
):
    accuracies = []
    for _ in range(n_epochs):
        generator.manual_seed(0)
        train_epoch(model, optimizer, images, labels, batch_size, generator)
        accuracies.append(evaluate(model, test_images, test_labels, batch_size))
    return accuracies


@mistake(of="fit", rows=(8,), name="trains one epoch too few")
def one_short(
    model, optimizer, images, labels, test_images, test_labels, n_epochs, batch_size, generator
):
    accuracies = []
    for _ in range(1, n_epochs):
        train_epoch(model, optimizer, images, labels, batch_size, generator)
        accuracies.append(evaluate(model, test_images, test_labels, batch_size))
    return accuracies


EXCUSED = {}
