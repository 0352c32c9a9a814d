"""What a call did, batch by batch: rounds of forward, backward and step, and the evaluations
between them.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from autograder.evidence.trace import Array
from autograder.judgement.batches.sample_rows import match_rows

if TYPE_CHECKING:
    from collections.abc import Sequence

    from autograder.evidence.trace import BatchLog, Forward, NdArray, Trace
    from autograder.judgement.observation import Observation

CANDIDATES = 3
"""Forward passes of one round that may be the one that backward went through: some compute a
training accuracy beside it.
"""


@dataclass(frozen=True, slots=True)
class Round:
    """Events that led to one step of the given optimizer.

    `number` is the step's, 1-based; `forwards` index the log's events, those that autograd
    recorded, oldest first; `loss` is the last backward's.
    """

    number: int
    phase: int
    forwards: tuple[int, ...]
    backwards: int
    loss: float


class BatchStory:
    """A run's log beside the data that the driver passed to the student.

    `images` have shape (n, ...), `labels` (n,).
    """

    def __init__(
        self,
        run: Observation,
        log: BatchLog,
        data: tuple[str, str],
        images: NdArray,
        labels: NdArray,
    ) -> None:
        """Take the call's run; `data` names the images and labels among its arguments."""
        self.run, self.log, self.data, self.images, self.labels = run, log, data, images, labels

    @cached_property
    def rounds(self) -> tuple[Round, ...]:
        """Rounds, one for each step of the given optimizer."""
        found: list[Round] = []
        forwards: list[int] = []
        backwards, loss = 0, float("nan")
        for number, event in enumerate(self.log.events):
            if event.kind == "forward" and event.forward is not None and event.forward.graph:
                forwards.append(number)
            elif event.kind == "backward":
                backwards, loss = backwards + 1, event.loss
            elif event.kind == "step" and event.given:
                found.append(Round(len(found) + 1, event.phase, tuple(forwards), backwards, loss))
                forwards, backwards, loss = [], 0, float("nan")
        return tuple(found)

    @cached_property
    def trained(self) -> tuple[int, ...]:
        """Phases in which a step was made."""
        return tuple(dict.fromkeys(one.phase for one in self.rounds))

    def count(self, kind: str, phase: int | None = None) -> int:
        """Count the events of `kind`, in all or in one phase."""
        return sum(event.kind == kind and phase in (None, event.phase) for event in self.log.events)

    def forward(self, event: int) -> Forward:
        """The forward pass that is event number `event`."""
        found = self.log.events[event].forward
        assert found is not None
        return found

    def rows(self, event: int) -> NdArray:
        """Return the rows of the data that forward pass `event` saw.

        int64 of shape (b,), -1 for what is not in the data.
        """
        return self._rows[event]

    @cached_property
    def _rows(self) -> dict[int, NdArray]:
        return {
            number: match_rows(event.forward.seen.numpy(), self.images)
            for number, event in enumerate(self.log.events)
            if event.forward is not None
        }

    def seen_in(self, phase: int, *, graph: bool) -> tuple[int, ...]:
        """Forward passes of a phase, those that autograd recorded or the others."""
        events = enumerate(self.log.events)
        return tuple(
            number
            for number, event in events
            if event.phase == phase and event.forward and event.forward.graph is graph
        )

    @cached_property
    def pairs(self) -> tuple[tuple[int, int], ...]:
        """Rounds (by place) and forward passes (by event) of everything that is replayed.

        These are passes of whole rows of the data.
        """
        return tuple(
            (place, event)
            for place, one in enumerate(self.rounds)
            for event in one.forwards[-CANDIDATES:]
            if len(self.rows(event)) and (self.rows(event) >= 0).all()
        )

    @property
    def trace(self) -> Trace | None:
        """The given optimizer's."""
        trace = self.run.trace
        return trace if trace is not None and trace.given else None

    @cached_property
    def order(self) -> tuple[int, ...] | None:
        """Place in the trace of each of the model's parameters, told by shape, then by order.

        None if the trace's parameters have other shapes.
        """
        trace = self.trace
        return (
            None
            if trace is None
            else same_shapes(self.log.shapes, [array.shape for array in trace.start])
        )

    def flat(self, which: str) -> NdArray:
        """Return the given optimizer's gradients or parameters at each recorded step.

        float64 of shape (steps, numbers), in the model's order.
        """
        assert self.trace is not None
        assert self.order is not None
        columns = [getattr(self.trace, which)[place].numpy() for place in self.order]
        return np.concatenate(
            [column.reshape(len(column), -1).astype(np.float64) for column in columns], axis=1
        )

    @cached_property
    def start(self) -> NdArray:
        """The parameters before the first step, float64 of shape (numbers,)."""
        assert self.trace is not None
        assert self.order is not None
        return np.concatenate(
            [self.trace.start[place].numpy().reshape(-1).astype(np.float64) for place in self.order]
        )

    @cached_property
    def slices(self) -> tuple[slice, ...]:
        """Place of each parameter in a flat row."""
        ends = np.cumsum([0, *(int(np.prod(shape)) for shape in self.log.shapes)]).tolist()
        return tuple(slice(a, b) for a, b in itertools.pairwise(ends))


def story_of(run: Observation, reference: Observation) -> BatchStory | None:
    """Return the story of `run` on the data of its call.

    The data are taken from the reference's run, since a student may change them. None if no batches
    were recorded, or the call passes none.

    Data are the first argument with rows of numbers and the first of whole numbers that is as long.
    """
    if run.run.batches is None:
        return None
    arrays = {
        name: value.numpy()
        for name, value in reference.run.arguments.items()
        if isinstance(value, Array)
    }
    for name, images in arrays.items():
        for other, labels in arrays.items():
            if (
                images.ndim >= 2
                and images.dtype.kind == "f"
                and labels.ndim == 1
                and labels.dtype.kind == "i"
                and len(labels) == len(images)
            ):
                return BatchStory(run, run.run.batches, (name, other), images, labels)
    return None


def same_shapes(
    wanted: Sequence[tuple[int, ...]], there: Sequence[tuple[int, ...]]
) -> tuple[int, ...] | None:
    """Return for each of `wanted` the place of its counterpart in `there`; None if shapes differ.

    Counterparts have the same shape, and the same place among those of that shape.
    """
    if sorted(wanted) != sorted(there):
        return None
    waiting: dict[tuple[int, ...], list[int]] = {}
    for place, shape in enumerate(there):
        waiting.setdefault(shape, []).append(place)
    return tuple(waiting[shape].pop(0) for shape in wanted)
