"""Gradient descent on the lecture's data in plain numpy: traces to compare, made without the
recorder.
"""

import numpy as np

from autograder.evidence.trace import Run, RunStatus, Trace, array_of
from autograder.judgement.observation import Observation

T_U = np.array([3.57, 5.59, 5.82, 8.19, 5.63, 4.89, 3.39, 2.18, 4.84, 6.04, 6.84])
T_C = np.array([0.5, 14.0, 15.0, 28.0, 11.0, 8.0, 3.0, -4.0, 6.0, 13.0, 21.0])


def gradient(theta):
    """Of the mean squared error of w * t_u + b; shape (2,)."""
    error = theta[0] * T_U + theta[1] - T_C
    return np.array([2 * np.mean(error * T_U), 2 * np.mean(error)]), float(np.mean(error**2))


def descend(
    epochs, lr=1e-2, start=(1.0, 0.0), *, noise=0.0, optimizer="SGD", given=True, scale=1.0
):
    """An observation of `epochs` steps.

    `noise` is relative rounding; `scale` multiplies each gradient.
    """
    theta, rows, gradients, losses = np.array(start, dtype=float), [], [], []
    generator = np.random.default_rng(0)
    for _ in range(epochs):
        slope, loss = gradient(theta)
        slope = slope * scale * (1 + noise * generator.standard_normal(2))
        theta = theta - lr * slope
        rows.append(theta)
        gradients.append(slope)
        losses.append(loss)
    trace = Trace(
        optimizer=optimizer,
        given=given,
        steps=epochs,
        settings=({"lr": lr},),
        same_as=("params",),
        start=(array_of(np.float32(start)),),
        recorded=array_of(np.arange(1, epochs + 1)),
        losses=array_of(np.array(losses)),
        parameters=(array_of(np.array(rows, np.float32).reshape(epochs, 2)),),
        gradients=(array_of(np.array(gradients, np.float32).reshape(epochs, 2)),),
        missing=(array_of(np.zeros(epochs, np.uint8)),),
    )
    return Observation(
        Run(
            "call",
            RunStatus.FINISHED,
            returned=array_of(np.float32(theta)),
            traces=(trace,) if epochs else (),
        )
    )
