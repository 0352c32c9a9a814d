"""A full recording as the contracts read it: arrays instead of bytes, and the events grouped into
rounds.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from autograder.evidence.trace import Array, Event, NdArray, Recording, Run


@dataclass(frozen=True)
class Round:
    """Events up to and including one optimizer step.

    The backward passes since the step before, then `step` (None after the last step).
    """

    number: int
    backwards: tuple[int, ...]
    step: int | None


@dataclass(frozen=True)
class Story:
    """The recording of `run`. Tensors and events are named by their indices."""

    run: Run
    recording: Recording

    @cached_property
    def events(self) -> tuple[Event, ...]:
        """All events in order."""
        return self.recording.events

    @cached_property
    def given(self) -> int | None:
        """The optimizer that the call passed in."""
        return next(
            (index for index, optimizer in enumerate(self.recording.optimizers) if optimizer.given),
            None,
        )

    @cached_property
    def trained(self) -> tuple[int, ...]:
        """The call's own tensors that training is about: those that the given optimizer holds;
        without one, all leaf arguments.
        """
        named = tuple(index for index, tensor in enumerate(self.recording.tensors) if tensor.name)
        if self.given is None:
            return named
        owned = self.recording.optimizers[self.given].owns
        return tuple(index for index in owned if index in named) or named

    @cached_property
    def steps(self) -> tuple[int, ...]:
        """Step events of all optimizers.

        What an optimizer does inside its own step, such as to have another one step, is part of
        that step.
        """
        return tuple(
            index
            for index, event in enumerate(self.events)
            if event.kind == "step" and event.inside is None
        )

    @cached_property
    def given_steps(self) -> tuple[int, ...]:
        """Step events of the optimizer that counts.

        That is the given one, or, where the call passes none, any.
        """
        return (
            self.steps
            if self.given is None
            else tuple(index for index in self.steps if self.events[index].optimizer == self.given)
        )

    @cached_property
    def backwards(self) -> tuple[int, ...]:
        """Backward events."""
        return tuple(index for index, event in enumerate(self.events) if event.kind == "backward")

    @cached_property
    def passes(self) -> int:
        """Number of backward passes as a loop makes them.

        Those inside one step, which a closure makes as often as the optimizer asks, count as one.
        """
        return len([index for index in self.backwards if self.events[index].inside is None]) + len(
            {
                self.outermost(index)
                for index in self.backwards
                if self.events[index].inside is not None
            }
        )

    def closure_moved(self, one: int, other: int) -> bool:
        """Tell whether two backward passes of one step's closure began at other parameters.

        If so, the optimizer had the closure run anew between them.
        """
        same_step = self.events[one].inside is not None and self.outermost(one) == self.outermost(
            other
        )
        points = self.point(one), self.point(other)
        if not same_step or points[0] is None or points[1] is None:
            return False
        return not np.array_equal(flat(points[0]), flat(points[1]), equal_nan=True)

    def outermost(self, event: int) -> int:
        """Return the step that an event happened inside, by however many steps within it.

        The event itself if there is none.
        """
        while (inside := self.events[event].inside) is not None:
            event = inside
        return event

    @cached_property
    def rounds(self) -> tuple[Round, ...]:
        """The events cut at each step.

        A closure's backward belongs to the step that it happened inside.
        """
        rounds: list[Round] = []
        waiting: list[int] = []
        for index, event in enumerate(self.events):
            if event.kind == "backward" and event.inside is None:
                waiting.append(index)
            elif event.kind == "step" and event.inside is None:
                inside = [
                    other
                    for other in self.backwards
                    if other > index and self.outermost(other) == index
                ]
                rounds.append(Round(len(rounds) + 1, (*waiting, *inside), index))
                waiting = []
        return (*rounds, Round(len(rounds) + 1, tuple(waiting), None)) if waiting else tuple(rounds)

    def value(self, event: int, tensor: int) -> NdArray | None:
        """The tensor when the event began; None if it did not exist yet."""
        return self._part(event, tensor, "value")

    def before(self, event: int, tensor: int) -> NdArray | None:
        """Return the tensor's gradient when the event began; None if there was none."""
        return self._part(event, tensor, "grad_before")

    def after(self, event: int, tensor: int) -> NdArray | None:
        """Return the tensor's gradient after the event."""
        return self._part(event, tensor, "grad_after")

    def value_after(self, event: int, tensor: int) -> NdArray | None:
        """The tensor after the event."""
        moved = self._part(event, tensor, "value_after")
        return moved if moved is not None else self.value(event, tensor)

    def stand_in(self, event: int, position: int) -> int | None:
        """The tensor that plays the part of trained tensor number `position` in a backward pass:
        itself if the loss depends on it, else a leaf of the student's own of the same shape.
        """
        wanted = self.trained[position]
        leaves = self.events[event].leaves
        if wanted in leaves:
            return wanted
        shape = self.recording.tensors[wanted].start.shape
        own = sorted(
            leaf
            for leaf in leaves
            if leaf not in self.trained and self.recording.tensors[leaf].start.shape == shape
        )
        rivals = [
            tensor
            for tensor in self.trained
            if tensor not in leaves and self.recording.tensors[tensor].start.shape == shape
        ]
        place = rivals.index(wanted)
        return own[place] if place < len(own) else None

    def point(self, event: int) -> tuple[NdArray, ...] | None:
        """Return the trained parameters' values when the event began.

        They are those of stand-ins where the student works with others.
        """
        found = []
        for position, tensor in enumerate(self.trained):
            actor = (
                self.stand_in(event, position) if self.events[event].kind == "backward" else tensor
            )
            value = self.value(event, tensor if actor is None else actor)
            if value is None:
                return None
            found.append(value.astype(np.float64))
        return tuple(found)

    def increment(self, event: int) -> tuple[NdArray, ...] | None:
        """Return what a backward pass added to the gradients of the trained parameters.

        Stand-ins count as these; zeros where it did not reach one.
        """
        found = []
        for position, tensor in enumerate(self.trained):
            actor = self.stand_in(event, position)
            after = None if actor is None else self.after(event, actor)
            if actor is None or after is None:
                found.append(np.zeros(self.recording.tensors[tensor].start.shape))
                continue
            before = self.before(event, actor)
            found.append(
                after.astype(np.float64) - (0.0 if before is None else before.astype(np.float64))
            )
        return tuple(found)

    @cached_property
    def snapshots(self) -> tuple[dict[int, int], ...]:
        """Place of each tensor's snapshot, for each event."""
        return tuple(
            {snapshot.tensor: place for place, snapshot in enumerate(event.snapshots)}
            for event in self.events
        )

    def _part(self, event: int, tensor: int, part: str) -> NdArray | None:
        place = self.snapshots[event].get(tensor)
        if place is None:
            return None
        packed: Array | None = getattr(self.events[event].snapshots[place], part)
        return None if packed is None else packed.numpy()


def flat(arrays: tuple[NdArray, ...]) -> NdArray:
    """All numbers of several arrays in one row, float64."""
    return (
        np.concatenate([np.asarray(array, dtype=np.float64).reshape(-1) for array in arrays])
        if arrays
        else np.zeros(0)
    )


def is_clean(gradient: NdArray | None) -> bool:
    """Tell whether a gradient is None or all zeros."""
    return gradient is None or not gradient.any()
