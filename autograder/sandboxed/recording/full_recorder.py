"""Records, for a call made alone, every backward pass, optimizer step and zero_grad, with what the
parameters held around each.

The light recorder's hooks pass steps and backward passes on; zero_grad is wrapped only while a
recording lasts. It never raises into student code: above a limit, or where a student's object can't
be read, events are counted and no longer recorded.
"""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import FrameType
from typing import Any

import torch
from msgspec import structs

from autograder.evidence.trace import Event, OptimizerSeen, Recording, Setting
from autograder.sandboxed.recording.autograd_graph import leaves_of, loss_of, roots_of
from autograder.sandboxed.recording.followed import Before, Budget, Followed, LimitReached
from autograder.sandboxed.recording.values import settings_of
from autograder.sandboxed.text import type_name

MAX_EVENTS = 400
"""60 steps at most, three events each, and some more for closures."""

MAX_BYTES = 8 << 20
"""Of one call; an eighth of what a whole submission may send by default."""

_EVENT_BYTES = 250
_SETTING_BYTES = 40
_NAN = float("nan")
Settings = tuple[dict[str, Setting], ...]


@dataclass(frozen=True, slots=True)
class Opened:
    """An event under way: where it stands, what it found, and what is known of it already."""

    place: int
    before: list[Before]
    event: Event
    frame: FrameType | None = None
    """Of the step that runs, by which to tell later whether it still does."""


@dataclass(slots=True)
class _Known:
    """An optimizer and what was last seen of it."""

    optimizer: torch.optim.Optimizer
    name: str
    given: bool
    owns: dict[int, None]
    first: Settings
    last: Settings


class FullRecorder:
    """One call's recording.

    `leaves` are its leaf arguments by name, `given` the optimizers that the grader built.
    """

    def __init__(
        self,
        limit_bytes: int,
        leaves: Mapping[str, torch.Tensor],
        given: tuple[torch.optim.Optimizer, ...] = (),
    ) -> None:
        self._budget = Budget(min(limit_bytes, MAX_BYTES))
        self._followed = Followed(self._budget)
        self._known: dict[int, int] = {}
        self._optimizers: list[_Known] = []
        self._events: list[Event] = []
        self._steps: list[Opened] = []
        self._dropped = 0
        self._stopped = self._finished = self._in_backward = False
        self._restore: list[Callable[[], None]] = []
        self._try(lambda: self._begin_with(leaves, given))

    def install(self) -> None:
        """Wrap zero_grad; `finish` takes the wrappers away."""
        self._restore = [
            _wrap_zero_grad(torch.optim.Optimizer, self),
            _wrap_zero_grad(torch.nn.Module, self),
        ]

    def finish(self) -> Recording:
        """Take the wrappers away and give what was recorded."""
        while self._restore:
            self._restore.pop()()
        while self._steps:
            self.ended(self._steps.pop())
        self._finished = True
        return Recording(
            tensors=self._followed.seen(),
            optimizers=tuple(
                OptimizerSeen(known.name, known.given, tuple(known.owns), known.first)
                for known in self._optimizers
            ),
            events=tuple(self._events),
            dropped=self._dropped,
        )

    def backward_began(self, tensors: object) -> Opened | None:
        """A pass from `tensors` is about to start.

        Passes within it, as of torch.utils.checkpoint, are part of it.
        """
        if self._in_backward:
            return None
        opened = self._open(lambda: self._backward_event(tensors))
        self._in_backward = opened is not None
        return opened

    def backward_ended(self, opened: Opened | None) -> None:
        """The pass that `backward_began` was told of is over."""
        if opened is not None:
            self._in_backward = False
            self.ended(opened)

    def step_began(self, optimizer: torch.optim.Optimizer, frame: FrameType) -> None:
        """Open the step that `optimizer` is about to make in `frame`.

        Its class's step that calls super().step() makes one step, not two.
        """
        self._close_left_steps()
        if any(
            self._optimizers[step.event.optimizer or 0].optimizer is optimizer
            for step in self._steps
        ):
            return
        opened = self._open(lambda: self._step_event(optimizer), frame)
        if opened is not None:
            self._steps.append(opened)

    def step_ended(self, frame: FrameType) -> None:
        """The step in `frame` is over."""
        for k, step in enumerate(self._steps):
            if step.frame is frame:
                del self._steps[k]
                self.ended(step)
                return

    def zero_grad_began(self, owner: object) -> Opened | None:
        """An optimizer or a module is about to clear its gradients."""
        return self._open(lambda: self._zero_grad_event(owner))

    def ended(self, opened: Opened | None) -> None:
        """Complete the event, whether it came to its end or raised an error."""
        if opened is not None and not self._finished:
            self._try(lambda: self._complete(opened))

    def _begin_with(
        self, leaves: Mapping[str, torch.Tensor], given: tuple[torch.optim.Optimizer, ...]
    ) -> None:
        for name, tensor in leaves.items():
            self._followed.index(tensor, name)
        for optimizer in given:
            self._index_of(optimizer, given=True)

    def _try(self, act: Callable[[], None]) -> None:
        try:
            act()
        # a recorder never breaks what it records; LimitReached is one
        except Exception:  # noqa: BLE001
            self._stopped = True

    def _open(self, describe: Callable[[], Event], frame: FrameType | None = None) -> Opened | None:
        """Begin the event that `describe` gives, which may bring new tensors.

        None once the recording has stopped.
        """
        if self._finished:
            return None
        try:
            self._close_left_steps()
            if self._stopped or len(self._events) >= MAX_EVENTS:
                raise LimitReached  # noqa: TRY301 - one way out for all reasons
            event = describe()
            if self._steps:
                event = structs.replace(event, inside=self._steps[-1].place)
            self._budget.charge(
                _EVENT_BYTES + 10 * len(event.leaves) + _settings_bytes(event.settings or ())
            )
            opened = Opened(len(self._events), self._followed.before(), event, frame)
        except Exception:  # noqa: BLE001 - as above
            self._stopped = True
            self._dropped += 1
            return None
        self._events.append(event)
        return opened

    def _complete(self, opened: Opened) -> None:
        self._events[opened.place] = structs.replace(
            opened.event, snapshots=self._followed.after(opened.before)
        )

    def _close_left_steps(self) -> None:
        """Complete steps that have raised an error.

        torch calls no hook after those, but their frames are gone from the stack.
        """
        if not self._steps:
            return
        running: set[FrameType] = set()
        frame: FrameType | None = sys._getframe()  # noqa: SLF001 - the inspect module does the same
        while frame is not None:
            running.add(frame)
            frame = frame.f_back
        while self._steps and self._steps[-1].frame not in running:
            self.ended(self._steps.pop())

    def _backward_event(self, tensors: object) -> Event:
        roots = roots_of(tensors)
        leaves = [self._followed.index(leaf) for leaf in leaves_of(roots)]
        return Event(
            "backward",
            (),
            loss=loss_of(roots),
            leaves=tuple(dict.fromkeys(leaf for leaf in leaves if leaf is not None)),
        )

    def _step_event(self, optimizer: torch.optim.Optimizer) -> Event:
        index = self._index_of(optimizer)
        known = self._optimizers[index]
        settings = _settings(optimizer)
        changed = settings != known.last
        known.last = settings
        return Event("step", (), optimizer=index, settings=settings if changed else None)

    def _zero_grad_event(self, owner: Any) -> Event:
        """Return the event of a zero_grad; a module's is of no known optimizer."""
        return Event(
            "zero_grad",
            (),
            optimizer=(
                self._index_of(owner) if issubclass(type(owner), torch.optim.Optimizer) else None
            ),
        )

    def _index_of(self, optimizer: torch.optim.Optimizer, *, given: bool = False) -> int:
        """The index of `optimizer`, with the parameters that it holds by now."""
        index = self._known.get(id(optimizer))
        if index is None:
            settings = _settings(optimizer)
            self._budget.charge(_EVENT_BYTES + _settings_bytes(settings))
            index = self._known[id(optimizer)] = len(self._optimizers)
            self._optimizers.append(
                _Known(optimizer, type_name(optimizer), given, {}, settings, settings)
            )
        owns = self._optimizers[index].owns
        for group in optimizer.param_groups:
            for parameter in group["params"]:
                tensor = self._followed.index(parameter)
                if tensor is not None:
                    owns[tensor] = None
        return index


def _settings(optimizer: torch.optim.Optimizer) -> Settings:
    return tuple(settings_of(group) for group in optimizer.param_groups)


def _settings_bytes(settings: Settings) -> int:
    return sum(
        _SETTING_BYTES + len(name) + (len(value) * 9 if isinstance(value, (str, tuple)) else 0)
        for group in settings
        for name, value in group.items()
    )


def _wrap_zero_grad(owner: Any, recorder: FullRecorder) -> Callable[[], None]:
    """Have `recorder` told of `owner`'s zero_grad; returns what undoes it."""
    original = owner.zero_grad

    @functools.wraps(original)
    def zero_grad(self: Any, *args: Any, **settings: Any) -> Any:
        __tracebackhide__ = True  # IPython leaves such frames out
        opened = recorder.zero_grad_began(self)
        try:
            return original(self, *args, **settings)
        finally:
            recorder.ended(opened)

    owner.zero_grad = zero_grad

    def undo() -> None:
        if owner.zero_grad is zero_grad:
            owner.zero_grad = original

    return undo
