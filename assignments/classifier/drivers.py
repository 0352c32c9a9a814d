"""Calls that plain data can't say.

`student` has the notebook's definitions as attributes; nothing here knows an answer.
"""

import torch

SHAPES = ((32, 64), (32,), (16, 32), (16,), (10, 16), (10,))


def load(model, numbers):
    """Put `numbers`, shape (2778,), into the model's parameters, told apart by their shapes: names
    and order are the student's business.
    """
    parts = torch.split(numbers, [torch.Size(shape).numel() for shape in SHAPES])
    for parameter in model.parameters():
        shape = tuple(parameter.shape)
        if shape not in SHAPES:
            message = (
                f"the model has a parameter of shape {shape}; the layers of this classifier have"
                f" parameters of shapes {', '.join(map(str, SHAPES))}"
            )
            raise ValueError(message)
        with torch.no_grad():
            parameter.copy_(parts[SHAPES.index(shape)].reshape(shape))
    return model


def shapes(student):
    """Shapes of all parameters that are trained, in an order that does not depend on the
    model's.
    """
    return sorted(
        [
            list(parameter.shape)
            for parameter in student.make_model().parameters()
            if parameter.requires_grad
        ]
    )


def logits(student, images, numbers):
    """The model's answers with the parameters `numbers`, dropout off. images: (n, 64); returns (n,
    10).
    """
    model = load(student.make_model(), numbers).to(images.dtype).eval()
    with torch.no_grad():
        return model(images)


def dropout(student, images, numbers, repeats):
    """Mean and standard deviation of the model's answers over `repeats` draws of its dropout.
    images: (n, 64); returns (2, n, 10).
    """
    model = load(student.make_model(), numbers).to(images.dtype).train()
    with torch.no_grad():
        answers = model(images.repeat(repeats, 1)).reshape(repeats, len(images), 10)
    return torch.stack([answers.mean(dim=0), answers.std(dim=0)])


def train(student, images, labels, n_epochs, batch_size, optimizer, shuffle_seed):
    """`n_epochs` epochs with the student's own model, which is in evaluation mode before each, as
    an evaluation leaves it.
    """
    model = student.make_model().to(images.dtype)
    made = optimizer(model.parameters())
    generator = torch.Generator().manual_seed(shuffle_seed)
    losses = []
    for _ in range(n_epochs):
        model.eval()
        losses.append(student.train_epoch(model, made, images, labels, batch_size, generator))
    return losses


def evaluation(student, images, labels, numbers, batch_size):
    """The accuracy of a model that was left in training mode, with gradients in its parameters."""
    model = load(student.make_model(), numbers).to(images.dtype).train()
    for parameter in model.parameters():
        parameter.grad = torch.ones_like(parameter)
    return student.evaluate(model, images, labels, batch_size)


def whole(
    student, images, labels, test_images, test_labels, n_epochs, batch_size, optimizer, shuffle_seed
):
    """The student's `fit` with the student's own model."""
    model = student.make_model().to(images.dtype)
    generator = torch.Generator().manual_seed(shuffle_seed)
    return student.fit(
        model,
        optimizer(model.parameters()),
        images,
        labels,
        test_images,
        test_labels,
        n_epochs,
        batch_size,
        generator,
    )


def standstill(
    student,
    images,
    labels,
    test_images,
    test_labels,
    numbers,
    n_epochs,
    batch_size,
    optimizer,
    shuffle_seed,
):
    """`fit` with given parameters and an optimizer that does not move them: every accuracy is that
    of the start.
    """
    model = load(student.make_model(), numbers).to(images.dtype)
    generator = torch.Generator().manual_seed(shuffle_seed)
    return student.fit(
        model,
        optimizer(model.parameters()),
        images,
        labels,
        test_images,
        test_labels,
        n_epochs,
        batch_size,
        generator,
    )


def seeds(
    student, images, labels, test_images, test_labels, n_epochs, batch_size, optimizer, count
):
    """The last accuracy of `fit`, for each of `count` seeds."""
    last = []
    for seed in range(count):
        torch.manual_seed(seed)
        last.append(
            whole(
                student,
                images,
                labels,
                test_images,
                test_labels,
                n_epochs,
                batch_size,
                optimizer,
                seed,
            )[-1]
        )
    return last
