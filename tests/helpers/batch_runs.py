"""Runs by minibatches, made by hand: a model of two tensors whose gradient for a batch is a fixed
function of its rows and the parameters.
"""

from __future__ import annotations

import numpy as np

from autograder.evidence.trace import (
    Array,
    BatchEvent,
    BatchLog,
    Forward,
    Phase,
    Run,
    RunStatus,
    Trace,
    array_of,
)
from autograder.judgement.batches.epochs import BatchStory, story_of
from autograder.judgement.observation import Observation, Replayed

COUNT, BATCH, LR = 40, 12, 0.1
SHAPES = ((4, 3), (3,))
NUMBERS = 15
IMAGES = np.random.default_rng(0).normal(size=(COUNT, 5)).astype(np.float32)
LABELS = np.random.default_rng(1).integers(0, 3, COUNT)
LABELS[0] = 2


def shuffled(seed: int) -> list[np.ndarray]:
    """An epoch as it should be: batches of 12, 12, 12 and 4."""
    order = np.random.default_rng(seed).permutation(COUNT)
    return [order[start : start + BATCH] for start in range(0, COUNT, BATCH)]


def right_gradient(
    rows: np.ndarray, parameters: np.ndarray, labels: np.ndarray = LABELS
) -> np.ndarray:
    """Made up, but for the last three numbers: as in cross entropy, a mean probability less the
    share of each class.
    """
    seed = int(np.sum(rows.astype(np.int64) ** 2)) % 1000
    made = np.random.default_rng(seed).normal(size=NUMBERS) + np.sin(parameters)
    shares = np.bincount(labels[np.maximum(rows, 0)], minlength=3)[:3] / max(1, len(rows))
    made[-3:] = np.array([0.5, 0.3, 0.2]) - shares
    return made


class Made:
    """A run and what the reference makes of it.

    `change(step, right, all_right)` gives the gradient that the student's step found.
    """

    def __init__(
        self,
        epochs,
        *,
        change=None,
        forward=None,
        phase=None,
        images=IMAGES,
        alive=1,
        loss=None,
        move=None,
        returned=None,
    ) -> None:
        parameters = np.random.default_rng(5).normal(size=NUMBERS).astype(np.float32)
        start, events, phases = parameters.copy(), [], []
        self.right, found, after = [], [], []
        for number, batches in enumerate(epochs):
            losses = []
            for rows in batches:
                right = right_gradient(rows, parameters.astype(float))
                self.right.append(right)
                gradient = right if change is None else change(len(self.right), right, self.right)
                seen = array_of(images[rows])
                made = Forward(
                    seen, training=True, dropping=1, graph=True, parameters=array_of(parameters)
                )
                events.append(
                    BatchEvent("forward", number, made if forward is None else forward(made))
                )
                losses.append(1.0 + float(np.mean(rows)) / COUNT if loss is None else loss)
                events.append(
                    BatchEvent(
                        "backward",
                        number,
                        loss=losses[-1],
                        alive=alive if isinstance(alive, int) else alive(len(self.right)),
                    )
                )
                events.append(BatchEvent("step", number))
                parameters = (parameters - LR * gradient).astype(np.float32)
                found.append(gradient)
                after.append(parameters)
                if move is not None:
                    parameters = move(parameters)
            sizes = [len(rows) for rows in batches]
            mean = float(np.average(losses, weights=sizes)) if losses else 0.0
            made_phase = Phase(
                "train_epoch", mean if returned is None else returned(losses, sizes), drew=True
            )
            phases.append(made_phase if phase is None else phase(made_phase))
        self.log = BatchLog(tuple(phases), tuple(events), SHAPES)
        self.run = self._run(start, np.array(found), np.array(after))
        expected = (
            np.concatenate([start[None], np.array(after)])[:-1] - LR * np.array(found)
            if found
            else None
        )
        self.replayed = Replayed(np.array(self.right), np.zeros(len(self.right)), expected)

    def _run(self, start, gradients, after) -> Run:
        data = {"images": array_of(IMAGES), "labels": array_of(LABELS)}
        if not len(gradients):
            return Run("call", RunStatus.FINISHED, arguments=data, batches=self.log)

        def columns(values) -> tuple[Array, ...]:
            values = np.asarray(values, np.float32)
            return array_of(values[:, :12].reshape(-1, 4, 3)), array_of(values[:, 12:])

        steps = array_of(np.arange(1, len(after) + 1))
        missing = (array_of(np.zeros(len(after), np.uint8)),) * 2
        begun = (array_of(start[:12].reshape(4, 3)), array_of(start[12:]))
        trace = Trace(
            "SGD",
            True,
            len(after),
            (),
            ("", ""),
            begun,
            steps,
            array_of(np.zeros(len(after))),
            columns(after),
            columns(gradients),
            missing,
        )
        return Run("call", RunStatus.FINISHED, arguments=data, traces=(trace,), batches=self.log)

    def story(self) -> BatchStory:
        """On the reference's data."""
        found = story_of(Observation(self.run), Observation(REFERENCE.run))
        assert found is not None
        return found


REFERENCE = Made([shuffled(1), shuffled(2)])
MODEL = story_of(Observation(REFERENCE.run), Observation(REFERENCE.run))
assert MODEL is not None
