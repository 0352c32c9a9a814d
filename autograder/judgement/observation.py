"""A run as the author of a check sees it: numpy arrays and plain values instead of the codec's
types.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from autograder.evidence.trace import Array, Items, Mapping, Opaque, OptimizerValue, Run, Trace

if TYPE_CHECKING:
    from collections import abc

    from autograder.evidence.trace import NdArray, Value
    from autograder.judgement.test_cell import CellVerdict


@dataclass(frozen=True, slots=True)
class Replayed:
    """The reference's answers at a run's own states.

    `gradients` for each of the story's pairs, float64 of shape (pairs, numbers), in the student's
    order, and its `losses`; `after` are the parameters to which a real optimizer moves from each
    step's own values and gradients, shape (steps, numbers) (None: not replayed). `others` are
    gradients of known mistakes, by finding.
    """

    gradients: NdArray
    losses: NdArray
    after: NdArray | None = None
    others: abc.Mapping[str, NdArray] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Observation:
    """Everything that one call or cell did.

    `bar` of a reference's: how far a training may lie from it, as measured by calibration (None:
    not measured).

    `replayed`: what the reference makes of the run's own states, batch by batch (None: the call
    recorded no batches, or trained none). `graded`: what a test cell that gives points by its own
    run says (None: any other run). `worth`: the points of the check that is judged.
    """

    run: Run
    bar: float | None = None
    replayed: Replayed | None = None
    graded: CellVerdict | None = None
    worth: float = 0.0

    @property
    def returned(self) -> Any:
        """The call's return value.

        ndarray for tensors, list or tuple, dict, number, text, `OptimizerValue`, `Opaque` or None.
        """
        return plain(self.run.returned)

    @property
    def arguments(self) -> dict[str, Any]:
        """The call's tensors after it, by name; those changed in place show their new values."""
        return {name: plain(value) for name, value in self.run.arguments.items()}

    @property
    def variables(self) -> dict[str, Any]:
        """A cell's captured variables after it."""
        return {name: plain(value) for name, value in self.run.variables.items()}

    @property
    def output(self) -> str:
        """Text that the run printed."""
        return self.run.output

    @property
    def trace(self) -> Trace | None:
        """Trace of the optimizer that was passed in, if the call passed one.

        Else that of the one that made the most steps. None if none stepped.
        """
        # the recorder sums up all beyond its limit in one trace without rows
        described = [trace for trace in self.run.traces if trace.parameters]
        return next(
            (trace for trace in described if trace.given),
            max(described, key=lambda trace: trace.steps, default=None),
        )

    @property
    def steps(self) -> int:
        """Number of steps of that optimizer."""
        return self.trace.steps if self.trace else 0

    @property
    def losses(self) -> NdArray:
        """Loss before each recorded step, float64 of shape (n,)."""
        return self.trace.losses.numpy() if self.trace else np.zeros(0)

    @property
    def parameters(self) -> tuple[NdArray, ...]:
        """Per parameter its values after each recorded step, shape (n, *shape)."""
        return tuple(values.numpy() for values in self.trace.parameters) if self.trace else ()

    @property
    def gradients(self) -> tuple[NdArray, ...]:
        """Per parameter its gradient as each recorded step saw it, shape (n, *shape)."""
        return tuple(values.numpy() for values in self.trace.gradients) if self.trace else ()


def plain(value: Value) -> Any:
    """Return `value` with arrays as read-only ndarrays and containers as lists, tuples, dicts."""
    match value:
        case Array():
            return value.numpy()
        case Items(values, kind):
            items = [plain(item) for item in values]
            return tuple(items) if kind == "tuple" else items
        case Mapping(values):
            return {name: plain(item) for name, item in values.items()}
        case _:
            return value


def describe(value: Any) -> str:
    """Name a value's kind, for messages: "a tensor of shape (2,)", "None"."""
    match value:
        case None:
            return "None (is a `return` missing?)"
        case np.ndarray():
            return (
                "a single number"
                if value.shape == ()
                else f"a tensor of shape {tuple(value.shape)}"
            )
        case OptimizerValue() | Opaque():
            return (
                f"a torch.optim.{value.name}"
                if isinstance(value, OptimizerValue)
                else f"a {value.type_name}"
            )
        case dict():
            return (
                "a dict with the keys"
                f" {', '.join(map(str, list(value)[:8]))}{', ...' if len(value) > 8 else ''}"
                if value
                else "an empty dict"
            )
        case list() | tuple():
            return f"a {type(value).__name__} of {len(value)}"
        case _:
            return f"a {type(value).__name__}"
