"""Does a trace contradict itself? Recorded updates, computed again from the recorded gradients.

Evidence is testimony: student code shares memory with the recorder, and parameters may be set by
hand between steps that do nothing. Of optimizers without a memory of earlier steps the update
follows from one row alone, wherever the run started: plain SGD, theta_k = theta_{k-1} - lr * (g_k +
weight_decay * theta_{k-1}) (torch.optim.SGD without momentum). Of momentum, Adam and AdamW it
follows from all rows before, if they began without a state. Of others nothing is computed; but what
moves while nearly every gradient is zero was not moved by any of them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec
import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from autograder.evidence.trace import NdArray, Setting, Trace

_ROUNDING = 1e-5
"""Of a parameter's size: float32's 6e-8 with much to spare, for half of it is lost where parameter
and update are of like size.
"""

_OF_UPDATE = 1e-2

_MANY, _NEARLY_ALL = 8, 0.9
"""Momentum moves on for a while when gradients vanish; it does not begin to."""


@dataclass(frozen=True, slots=True)
class Contradiction:
    """A step that gradient and settings do not explain.

    At `step` a parameter went to `observed`, shape of the tensor; they make `computed`.
    """

    step: int
    observed: NdArray
    computed: NdArray


def moves_without_gradients(trace: Trace) -> int | None:
    """Return the first recorded step that moved a parameter without any gradient.

    None unless nearly all steps of the trace's dense beginning did.
    """
    steps = trace.recorded.numpy()
    dense = int((np.cumprod(np.diff(steps, prepend=0) == 1)).sum())
    if dense < _MANY or not trace.start:
        return None
    moved, idle = np.zeros(dense, dtype=bool), np.ones(dense, dtype=bool)
    for start, parameters, gradients, missing in zip(
        trace.start, trace.parameters, trace.gradients, trace.missing, strict=True
    ):
        after = parameters.numpy()[:dense].reshape(dense, -1)
        before = np.concatenate([start.numpy().reshape(1, -1), after[:-1]])
        moved |= (before != after).any(axis=1)
        none = missing.numpy()[:dense].astype(bool)
        idle &= none | ~np.nan_to_num(gradients.numpy()[:dense].reshape(dense, -1)).any(axis=1)
    suspect = np.flatnonzero(moved & idle)
    return int(steps[suspect[0]]) if suspect.size > _NEARLY_ALL * dense else None


def contradiction(trace: Trace) -> Contradiction | None:
    """Return the first recorded step that the optimizer does not make of the gradients.

    None if there is none, or it can't be computed again (`recomputable`).
    """
    make = _RULES.get(trace.optimizer)
    if make is None or not recomputable(trace):
        return None
    settings = trace.settings[0]
    steps = trace.recorded.numpy()
    follows = np.diff(steps, prepend=0) == 1  # the row before is of the step before, or the start
    rows_used = int(np.cumprod(follows).sum()) if _remembers(trace) else len(steps)
    follows = follows[:rows_used]
    first: Contradiction | None = None
    for start, parameters, gradients, missing in zip(
        trace.start, trace.parameters, trace.gradients, trace.missing, strict=True
    ):
        after = parameters.numpy()[:rows_used].astype(np.float64)
        if not after.size:
            continue
        before = np.concatenate([start.numpy().astype(np.float64)[None], after[:-1]])
        there = ~missing.numpy()[:rows_used].astype(bool)
        with np.errstate(all="ignore"):
            update = np.zeros_like(after)
            update[there] = make(
                gradients.numpy()[:rows_used].astype(np.float64)[there], before[there], settings
            )
            allowed = (
                _ROUNDING * (np.abs(before) + np.abs(after)) + _OF_UPDATE * np.abs(update) + 1e-12
            )
            # NaN, where it diverges, is not wrong
            wrong = np.abs(before - update - after) > allowed
        rows = np.flatnonzero(wrong.reshape(len(after), -1).any(axis=1) & follows)
        if rows.size and (first is None or int(steps[rows[0]]) < first.step):
            first = Contradiction(int(steps[rows[0]]), after[rows[0]], (before - update)[rows[0]])
    return first


def contradicts_itself(trace: Trace) -> bool:
    """Tell whether steps are recorded that the trace's optimizer can't have made."""
    return contradiction(trace) is not None or moves_without_gradients(trace) is not None


def recomputable(trace: Trace) -> bool:
    """Tell whether updates follow from what was recorded.

    The rule is known, with one group of settings, and no earlier step is remembered.
    """
    if trace.optimizer not in _RULES or len(trace.settings) != 1 or not trace.start:
        return False
    settings = trace.settings[0]
    numbers = isinstance(settings.get("lr"), int | float) and isinstance(
        settings.get("weight_decay", 0), int | float
    )
    if trace.optimizer != "SGD" and _betas(settings) is None:
        return False
    return (
        numbers
        and not settings.get("maximize")
        and not settings.get("amsgrad")
        and (trace.fresh or not _remembers(trace))
    )


def remembers_unseen_steps(trace: Trace) -> bool:
    """Tell whether only memory of earlier steps keeps updates from following from gradients."""
    return (
        not trace.fresh
        and _remembers(trace)
        and recomputable(msgspec.structs.replace(trace, fresh=True))
    )


def _remembers(trace: Trace) -> bool:
    return trace.optimizer != "SGD" or bool(trace.settings and trace.settings[0].get("momentum"))


def _sgd(slopes: NdArray, before: NdArray, settings: Mapping[str, Setting]) -> NdArray:
    """Return updates of torch.optim.SGD, shape (rows, *shape of the tensor).

    `slopes` and `before`, of the same shape, are the gradients and the values that the steps found.
    """
    lr, decay, momentum, dampening = (
        _number(settings, name) for name in ("lr", "weight_decay", "momentum", "dampening")
    )
    slopes = slopes + decay * before
    if not momentum:
        return lr * slopes
    velocities = np.empty_like(slopes)
    for row, slope in enumerate(slopes):
        velocities[row] = momentum * velocities[row - 1] + (1 - dampening) * slope if row else slope
    return lr * (slopes + momentum * velocities if settings.get("nesterov") else velocities)


def _adam(
    slopes: NdArray, before: NdArray, settings: Mapping[str, Setting], *, decoupled: bool = False
) -> NdArray:
    """Return updates of torch.optim.Adam, and with `decoupled` weight decay of AdamW.

    Shapes as for `_sgd` (Kingma and Ba, 2015; Loshchilov and Hutter, 2019).
    """
    lr, decay, eps = (_number(settings, name) for name in ("lr", "weight_decay", "eps"))
    first_beta, second_beta = _betas(settings) or (0.0, 0.0)
    apart = bool(settings.get("decoupled_weight_decay", decoupled))
    slopes = slopes if apart else slopes + decay * before
    first, second, updates = (
        np.zeros_like(before[:1]),
        np.zeros_like(before[:1]),
        np.empty_like(before),
    )
    for row, slope in enumerate(slopes):
        first = first_beta * first + (1 - first_beta) * slope
        second = second_beta * second + (1 - second_beta) * slope**2
        mean, spread = (
            first / (1 - first_beta ** (row + 1)),
            np.sqrt(second / (1 - second_beta ** (row + 1))),
        )
        updates[row] = (lr * mean / (spread + eps))[0]
    return updates + lr * decay * before if apart else updates


def _adamw(slopes: NdArray, before: NdArray, settings: Mapping[str, Setting]) -> NdArray:
    return _adam(slopes, before, settings, decoupled=True)


_RULES: Mapping[str, Callable[[NdArray, NdArray, Mapping[str, Setting]], NdArray]] = {
    "SGD": _sgd,
    "Adam": _adam,
    "AdamW": _adamw,
}
"""What a step subtracts from a tensor, by the optimizer's name: of steps one after another from a
fresh state, where it has one.
"""


def _betas(settings: Mapping[str, Setting]) -> tuple[float, float] | None:
    betas = settings.get("betas")
    return (betas[0], betas[1]) if isinstance(betas, tuple) and len(betas) == 2 else None


def _number(settings: Mapping[str, Setting], name: str) -> float:
    value = settings.get(name, 0)
    return float(value) if isinstance(value, int | float) else 0.0
