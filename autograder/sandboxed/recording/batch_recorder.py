"""Records what models see and what follows, batch by batch, while a driver calls the student's
functions. What it says is testimony; the judge recomputes what it can.

A recorded batch costs about 0.2 ms. The models are those that the driver passes to the student:
`forward` of their class is wrapped for the time of the call, so that ``model.forward(x)`` and
copies of the model are seen too.
"""

from __future__ import annotations

import functools
import types
import weakref
from collections.abc import Callable
from typing import Any

import torch

from autograder.evidence.trace import BatchEvent, BatchLog, Forward, Phase
from autograder.sandboxed.recording.values import ValueReader, array_of_tensor, plain_tensor

MAX_EVENTS = 20_000
"""Without values an event is small, but there is no end to them in a loop that has none."""

# what Dropout, AlphaDropout and the others have in common
_DROPOUT = torch.nn.modules.dropout._DropoutNd  # noqa: SLF001


class _Sentinel:
    """Lives as long as the node of a graph that holds it."""


class BatchRecorder:
    """Recorder of the calls that a driver makes through `watched`.

    It never raises into student code.
    """

    def __init__(self, limit_bytes: int) -> None:
        self._left_bytes = limit_bytes
        self._phases: list[Phase] = []
        self._events: list[BatchEvent] = []
        self._dropped = 0
        self._phase = -1
        self._depth = 0
        self._originals: dict[type, Callable[..., Any] | None] = {}
        self._own: dict[int, torch.nn.Module] = {}  # held, so that ids stay theirs
        self._given: dict[int, torch.optim.Optimizer] = {}
        self._shapes: tuple[tuple[int, ...], ...] = ()
        self._losses: list[weakref.ref[_Sentinel]] = []

    # --- the driver's calls -----------------------------------------------------------------------

    def watched(self, name: str, value: Any) -> Any:
        """Return `value` as the driver gets it: a student's function, with its calls as phases.

        Anything but a function is returned as it is.
        """
        if type(value) is not types.FunctionType:
            return value

        @functools.wraps(value)
        def call(*args: Any, **settings: Any) -> Any:
            __tracebackhide__ = True  # IPython leaves such frames out
            if (
                self._phase >= 0
                # drivers call one function after another; what calls itself is the student's own
                # business
            ):
                return value(*args, **settings)
            passed = [*args, *settings.values()]
            before = self._begin(name, passed)
            returned: Any = None
            try:
                returned = value(*args, **settings)
                return returned
            finally:
                self._end(name, passed, before, returned)

        return call

    def _begin(self, name: str, passed: list[Any]) -> tuple[list[Any], ...]:
        self._phases.append(Phase(name))
        self._phase = len(self._phases) - 1
        for value in passed:
            if issubclass(type(value), torch.nn.Module):
                self._own[id(value)] = value
                self._wrap(type(value))
            elif issubclass(type(value), torch.optim.Optimizer):
                self._given[id(value)] = value
        return self._state(passed)

    def _state(self, passed: list[Any]) -> tuple[list[Any], ...]:
        """States of generators; values and gradients of parameters."""
        generators = [value.get_state() for value in passed if type(value) is torch.Generator]
        models = [value for value in passed if issubclass(type(value), torch.nn.Module)]
        parameters = [
            parameter for model in models for parameter in torch.nn.Module.parameters(model)
        ]
        gradients = [None if p.grad is None else plain_tensor(p.grad).clone() for p in parameters]
        return generators, [plain_tensor(p).clone() for p in parameters], gradients

    def _end(
        self, name: str, passed: list[Any], before: tuple[list[Any], ...], returned: object
    ) -> None:
        try:
            after = self._state(passed)
            same = [
                len(now) == len(then)
                and all(_same(one, other) for one, other in zip(now, then, strict=True))
                for now, then in zip(after, before, strict=True)
            ]
            value = ValueReader(min(self._left_bytes, 1 << 16)).read(returned)
            drew = not same[0] if before[0] else None
            self._phases[self._phase] = Phase(
                name, value, drew, left_gradients=not same[2], moved=not same[1]
            )
        except Exception:  # noqa: BLE001, S110 - a recorder never breaks what it records
            pass
        self._phase = -1

    # --- what happens during them -----------------------------------------------------------------

    def _wrap(self, kind: type) -> None:
        """Put a wrapper around `kind`.forward."""
        original = getattr(kind, "forward", None)
        if kind in self._originals or original is None:
            return
        self._originals[kind] = kind.__dict__.get("forward")  # None: inherited
        recorder = self

        @functools.wraps(original)
        def forward(model: torch.nn.Module, *args: Any, **settings: Any) -> Any:
            __tracebackhide__ = True
            if recorder._depth == 0:
                recorder._saw_forward(model, [*args, *settings.values()])
            recorder._depth += 1
            try:
                return original(model, *args, **settings)
            finally:
                recorder._depth -= 1

        kind.forward = forward  # type: ignore[attr-defined]

    def finish(self) -> BatchLog:
        """Put everything back and give what was recorded."""
        for kind, original in self._originals.items():
            if original is None:
                del kind.forward  # type: ignore[attr-defined]
            else:
                kind.forward = original  # type: ignore[attr-defined]
        self._originals.clear()
        return BatchLog(tuple(self._phases), tuple(self._events), self._shapes, self._dropped)

    def _saw_forward(self, model: torch.nn.Module, passed: list[Any]) -> None:
        try:
            seen = next(value for value in passed if issubclass(type(value), torch.Tensor))
            modules = list(torch.nn.Module.modules(model))
            graph = torch.is_grad_enabled()
            parameters = None
            if graph:
                tensors = [
                    plain_tensor(parameter) for parameter in torch.nn.Module.parameters(model)
                ]
                self._shapes = self._shapes or tuple(tuple(tensor.shape) for tensor in tensors)
                parameters = array_of_tensor(
                    torch.cat([tensor.reshape(-1) for tensor in tensors]), self._left_bytes
                )
            forward = Forward(
                seen=array_of_tensor(seen, self._left_bytes),
                training=bool(model.training),
                dropping=sum(
                    isinstance(module, _DROPOUT) and module.training for module in modules
                ),
                graph=graph,
                own=id(model) in self._own,
                random=torch.get_rng_state().numpy().tobytes() if graph else b"",
                parameters=parameters,
            )
            used = (
                len(forward.seen.data)
                + len(forward.random)
                + (len(parameters.data) if parameters else 0)
            )
            self._add(BatchEvent("forward", self._phase, forward), used)
        except Exception:  # noqa: BLE001
            self._dropped += 1

    def saw_backward(self, root: object, loss: float) -> None:
        """Note a backward pass from tensor `root`."""
        try:
            node = root.grad_fn if issubclass(type(root), torch.Tensor) else None  # type: ignore[attr-defined]
            if node is not None:  # memory that grows: a node's metadata lives as long as the node
                sentinel = _Sentinel()
                node.metadata["gradstep"] = sentinel
                self._losses.append(weakref.ref(sentinel))
                del sentinel
            self._losses = [one for one in self._losses if one() is not None]
            self._add(BatchEvent("backward", self._phase, loss=loss, alive=len(self._losses)), 64)
        except Exception:  # noqa: BLE001
            self._dropped += 1

    def saw_step(self, optimizer: torch.optim.Optimizer) -> None:
        """Note that a step of `optimizer` begins."""
        self._add(BatchEvent("step", self._phase, given=id(optimizer) in self._given), 64)

    def is_given(self, optimizer: torch.optim.Optimizer) -> bool:
        """Tell whether the driver has passed `optimizer` to the student."""
        return id(optimizer) in self._given

    def _add(self, event: BatchEvent, used_bytes: int) -> None:
        if used_bytes > self._left_bytes or len(self._events) >= MAX_EVENTS or self._dropped:
            self._dropped += 1
            return
        self._left_bytes -= used_bytes
        self._events.append(event)


def _same(one: torch.Tensor | None, other: torch.Tensor | None) -> bool:
    if one is None or other is None:
        return one is other
    return one.shape == other.shape and bool(torch.equal(one, other))
