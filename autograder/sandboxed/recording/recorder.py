"""Records what optimizers do: one trace for each, in order of first step.

What it says is testimony; the judge recomputes what it can.

torch's step hooks never see the loss, so `torch.autograd.backward` is wrapped, which
`Tensor.backward` calls too. Snapshots are copies: parameters are changed in place. Long runs are
nearly all steps without a row, so those take a short way through the hooks (`_quiet`);
benchmarks/recording.py times both.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any

import torch
from torch.optim.optimizer import (
    register_optimizer_step_post_hook,
    register_optimizer_step_pre_hook,
)

from autograder.evidence.trace import Trace, array_of
from autograder.sandboxed.recording.batch_recorder import BatchRecorder
from autograder.sandboxed.recording.full_recorder import FullRecorder
from autograder.sandboxed.recording.rows import Rows
from autograder.sandboxed.recording.values import plain_tensor, settings_of
from autograder.sandboxed.text import type_name

MAX_TRACES = 64
"""Rebuilding the optimizer each epoch makes thousands: the first ones tell all there is to tell."""

_NAN = float("nan")


class StepBudgetExceeded(BaseException):
    """A call has made more optimizer steps than it may.

    No Exception, so that `except Exception` does not catch it.
    """


class _Watched:
    """One optimizer under observation."""

    __slots__ = (
        *(
            "after",
            "before",
            "due",
            "first_seen",
            "fresh",
            "given",
            "groups",
            "next_due",
            "optimizer",
        ),
        *(
            "paces",
            "parameters",
            "read_at",
            "rows",
            "same_as",
            "seen",
            "steps",
            "versions",
            "was_fresh",
        ),
    )

    def __init__(self, optimizer: torch.optim.Optimizer, seen: int, *, given: bool) -> None:
        self.optimizer, self.given, self.seen, self.first_seen = optimizer, given, seen, seen
        self.steps = self.before = self.fresh = self.read_at = 0
        self.due, self.next_due = True, 1
        self.was_fresh = not optimizer.state
        self.rows = Rows([], 0)
        self.same_as: tuple[str, ...] = ()
        self.groups: list[dict[str, Any]] = []
        self.after: list[bytes | None] = []
        self.parameters: list[torch.Tensor] = []
        self.versions: list[int] = []
        self.paces: list[int] | None = None

    def count_step(self, backwards: int) -> None:
        """Count one more step, before which the process had made `backwards` backward passes.

        How often it has changed each parameter in place is torch's `_version`.
        """
        self.steps += 1
        self.fresh, self.seen = backwards - self.seen, backwards
        versions = [parameter._version for parameter in self.parameters]  # noqa: SLF001
        if self.steps == self.read_at + 1:
            paces = [now - before for now, before in zip(versions, self.versions, strict=False)]
            # the first step has none before it
            self.paces = paces if self.steps <= 2 or paces == self.paces else None
        elif versions != self.expected_versions():
            self.paces = None
        self.versions, self.read_at = versions, self.steps

    def expected_versions(self) -> list[int] | None:
        """Return the parameters' versions if only steps have changed them since they were read.

        None if steps change them irregularly.
        """
        left_out = self.steps - self.read_at
        if left_out == 0:
            return self.versions
        return (
            None
            if self.paces is None
            else [
                now + left_out * pace for now, pace in zip(self.versions, self.paces, strict=True)
            ]
        )


class Recorder:
    """Watches every optimizer of the process once `install` was called.

    It never raises into student code, but for the step budget.
    """

    def __init__(self) -> None:
        self._left_bytes = 0
        self.full: FullRecorder | None = None
        self.batches: BatchRecorder | None = None
        self.start(0)

    def install(self) -> None:
        """Put the hooks in; once per process, before student code."""
        register_optimizer_step_pre_hook(self._before_step)
        register_optimizer_step_post_hook(self._after_step)
        _wrap_backward(self)

    def start(
        self,
        limit_bytes: int,
        *,
        names: Mapping[int, str] | None = None,
        given: tuple[torch.optim.Optimizer, ...] = (),
        max_steps: int | None = None,
        full: FullRecorder | None = None,
        batches: BatchRecorder | None = None,
    ) -> None:
        """Forget all and begin anew.

        `names` maps id(tensor) to argument names; `given` are the optimizers that the grader built;
        above `max_steps` steps, counted over all optimizers, `StepBudgetExceeded` is raised. `full`
        and `batches` record besides, until the next start or their `finish`.
        """
        for one in (self.full, self.batches):
            if one is not None:
                one.finish()
        self.full, self.batches = full, batches
        if full is not None:
            full.install()
        self._watched: dict[int, _Watched] = {}
        self._left_bytes = limit_bytes
        self._names, self._given, self._max_steps = (
            dict(names or {}),
            {id(optimizer) for optimizer in given},
            max_steps,
        )
        self._steps = self._others = self._other_steps = 0
        self.backwards = self._at_step = self._round_start = 0
        self.root: object = _NAN
        self._current: _Watched | None = None
        self._quiet: _Watched | None = None

    def loss(self) -> float:
        """The value that the last backward pass started from; NaN if that is no single number."""
        return self.root if isinstance(self.root, float) else _number(self.root)

    def traces(self) -> tuple[Trace, ...]:
        """Return the traces recorded since `start`.

        If there were more than `MAX_TRACES` optimizers, a last trace without rows stands for the
        others.
        """
        made = []
        for watched in self._watched.values():
            try:
                made.append(self._trace(watched))
            # an optimizer that can't be described leaves no trace
            except Exception:  # noqa: BLE001, S112
                continue
        if self._others:
            empty = array_of([])
            name = f"({self._others} more optimizers)"
            made.append(
                Trace(
                    name, False, self._other_steps, (), (), (), array_of([0][:0]), empty, (), (), ()
                )
            )
        return tuple(made)

    def _before_step(
        self, optimizer: torch.optim.Optimizer, _args: object, _settings: object
    ) -> None:
        quiet = self._quiet
        if quiet is not None and quiet.optimizer is optimizer:
            return
        self._steps += 1
        if self._max_steps is not None and self._steps > self._max_steps:
            message = (
                f"this call has made {self._max_steps} optimizer steps, far more than asked for"
            )
            raise StepBudgetExceeded(message)
        if self.full is not None:
            # the frame of the step
            self.full.step_began(optimizer, sys._getframe(1))  # noqa: SLF001
        if self.batches is not None:
            self.batches.saw_step(optimizer)
        watched = self._watched.get(id(optimizer))
        if watched is not None and not watched.due:
            return
        try:
            watched = watched or self._watch(optimizer)
            if watched is not None:
                watched.before = self.backwards
                watched.after = watched.rows.pack(_gradients(optimizer))
        except Exception:  # noqa: BLE001 - a recorder never breaks what it records
            return

    def _after_step(self, optimizer: torch.optim.Optimizer, args: object, settings: object) -> None:
        backwards = self.backwards
        if backwards != self._at_step:
            self._round_start, self._at_step = self._at_step, backwards
        quiet = self._quiet
        if quiet is not None and quiet.optimizer is optimizer:
            quiet.steps += 1
            quiet.fresh, quiet.seen = backwards - quiet.seen, backwards
            if quiet.steps + 1 >= quiet.next_due:
                quiet.due, self._quiet = True, None
        else:
            self._after_other_step(optimizer, args, settings)

    def _after_other_step(
        self, optimizer: torch.optim.Optimizer, args: object, settings: object
    ) -> None:
        """After a step that has a row, or is not of the one optimizer that runs quietly."""
        if self.full is not None:
            self.full.step_ended(sys._getframe(2))  # noqa: SLF001 - the frame of the step
        self._quiet = None
        watched = self._current = self._watched.get(id(optimizer))
        if watched is None:
            return
        watched.count_step(self.backwards)
        if watched.due:
            try:
                if self.backwards != watched.before or _has_closure(
                    args, settings
                ):  # gradients came about inside the step
                    watched.after = watched.rows.pack(_gradients(optimizer))
                self._take(watched, watched.after)
            except Exception:  # noqa: BLE001
                watched.rows.stop()
            watched.next_due = watched.rows.next_after(watched.steps)
        watched.due = watched.steps + 1 >= watched.next_due
        if (
            not watched.due
            and watched.paces is not None
            and self._max_steps is None
            and self.full is None
            and self.batches is None
        ):
            self._quiet = watched

    def _take(self, watched: _Watched, gradients: list[bytes | None]) -> None:
        """Take the row of the optimizer's latest step, and its settings."""
        watched.groups = [dict(group) for group in watched.optimizer.param_groups]
        parameters = [
            _detached(p) for group in watched.optimizer.param_groups for p in group["params"]
        ]
        watched.rows.add(
            watched.steps, self.loss() if watched.fresh else _NAN, parameters, gradients
        )

    def _watch(self, optimizer: torch.optim.Optimizer) -> _Watched | None:
        if len(self._watched) >= MAX_TRACES:
            self._others += not getattr(optimizer, "_counted_by_recorder", False)
            optimizer._counted_by_recorder = True  # type: ignore[attr-defined]  # noqa: SLF001
            self._other_steps += 1
            return None
        seen = self._round_start if self.backwards == self._at_step else self._at_step
        watched = self._watched[id(optimizer)] = _Watched(
            optimizer, seen, given=self._is_given(optimizer)
        )
        parameters = watched.parameters = [
            p for group in optimizer.param_groups for p in group["params"]
        ]
        watched.same_as = tuple(self._names.get(id(p), "") for p in parameters)
        limit = self._left_bytes // 2
        # a model too large for its values still has losses; one too many for anything has rows that
        # take nothing
        watched.rows = (
            Rows.of([_detached(p) for p in parameters], limit) or Rows.of([], limit) or Rows([], 0)
        )
        self._left_bytes -= watched.rows.max_bytes
        return watched

    def _is_given(self, optimizer: torch.optim.Optimizer) -> bool:
        return id(optimizer) in self._given or (
            self.batches is not None and self.batches.is_given(optimizer)
        )

    def _trace(self, watched: _Watched) -> Trace:
        rows = watched.rows
        versions = [parameter._version for parameter in watched.parameters]  # noqa: SLF001
        if rows.last != watched.steps and versions == watched.expected_versions():
            # the last step left out by the stride: nothing has changed the parameters since
            self._take(watched, rows.pack(_gradients(watched.optimizer)))
        table = rows.table()
        trailing = self.backwards - watched.seen if watched is self._current else 0
        return Trace(
            optimizer=type_name(watched.optimizer),
            given=watched.given,
            steps=watched.steps,
            settings=tuple(settings_of(group) for group in watched.groups),
            same_as=watched.same_as if table.start else (),
            start=table.start,
            recorded=table.recorded,
            losses=table.losses,
            parameters=table.parameters,
            gradients=table.gradients,
            missing=table.missing,
            backwards=watched.seen - watched.first_seen + trailing,
            fresh=watched.was_fresh,
        )


def _has_closure(args: object, settings: object) -> bool:
    """Tell whether `step` was called with a closure.

    One may set gradients by hand, without a backward pass.
    """
    if isinstance(args, tuple) and any(
        value is not None for value in args[1:2]
    ):  # the first is the optimizer
        return True
    return isinstance(settings, dict) and settings.get("closure") is not None


def _number(tensors: object) -> float:
    """The value of a tensor, or of the first of several; NaN if that is no single number."""
    try:
        if not issubclass(type(tensors), torch.Tensor):
            tensors = tensors[0]  # type: ignore[index]
        plain = tensors if type(tensors) is torch.Tensor else plain_tensor(tensors)  # type: ignore[arg-type]
        return plain.item() if plain.numel() == 1 and not plain.is_complex() else _NAN
    except Exception:  # noqa: BLE001 - whatever was passed, torch will have said so itself
        return _NAN


def _detached(tensor: torch.Tensor) -> torch.Tensor:
    return (
        tensor.detach()
        if type(tensor) is torch.Tensor or type(tensor) is torch.nn.Parameter
        else plain_tensor(tensor)
    )


def _gradients(optimizer: torch.optim.Optimizer) -> list[torch.Tensor | None]:
    """The gradients, dense; None where there is none."""
    found: list[torch.Tensor | None] = []
    for group in optimizer.param_groups:
        for parameter in group["params"]:
            gradient = parameter.grad
            if gradient is None:
                found.append(None)
            else:
                found.append(
                    _detached(gradient)
                    if gradient.layout == torch.strided
                    else plain_tensor(gradient).to_dense()
                )
    return found


def _wrap_backward(recorder: Recorder) -> None:
    original = torch.autograd.backward

    # torch's own parameters by name: to collect and spread them takes as long as to read the loss
    def backward(
        tensors: Any,
        grad_tensors: Any = None,
        retain_graph: Any = None,
        create_graph: Any = False,  # noqa: FBT002
        grad_variables: Any = None,
        inputs: Any = None,
        **more: Any,
    ) -> None:
        __tracebackhide__ = True  # IPython leaves such frames out
        recorder.backwards += 1
        if type(tensors) is torch.Tensor and tensors.is_cpu and not tensors.ndim:
            recorder.root = tensors.item()
        # read when a row is taken: most steps of a long run have none. Detached: a graph must not
        # live longer than without us
        else:
            recorder.root = tensors.detach() if type(tensors) is torch.Tensor else _number(tensors)
        if recorder.batches is not None:
            recorder.batches.saw_backward(tensors, recorder.loss())
        full = recorder.full
        if full is None:
            original(
                tensors, grad_tensors, retain_graph, create_graph, grad_variables, inputs, **more
            )
            return
        opened = full.backward_began(tensors)
        try:
            original(
                tensors, grad_tensors, retain_graph, create_graph, grad_variables, inputs, **more
            )
        finally:
            full.backward_ended(opened)

    backward.__doc__ = original.__doc__
    torch.autograd.backward = backward
