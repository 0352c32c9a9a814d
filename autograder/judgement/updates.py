"""Does a trace contradict itself? Recorded updates, computed again from the recorded gradients.

Evidence is testimony: student code shares memory with the recorder, and parameters may be set by hand between steps that do nothing. Of optimizers without a memory of earlier steps the
update follows from one row alone, wherever the run started: plain SGD, theta_k = theta_{k-1} - lr * (g_k + weight_decay * theta_{k-1}) (torch.optim.SGD without momentum).
Of optimizers with a memory it does not, where they may have made steps before; but what moves while nearly every gradient is zero was not moved by any of them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping

    from autograder.trace import NdArray, Setting, Trace

_ROUNDING = 1e-5
"""Of a parameter's size: float32's 6e-8 with much to spare, for half of it is lost where parameter and update are of like size."""

_OF_UPDATE = 1e-2

_MANY, _NEARLY_ALL = 8, 0.9
"""Momentum moves on for a while when gradients vanish; it does not begin to."""


@dataclass(frozen=True, slots=True)
class Contradiction:
    """At `step` a parameter went to `observed`, shape of the tensor, where gradient and settings make `computed`."""

    step: int
    observed: NdArray
    computed: NdArray


def moves_without_gradients(trace: Trace) -> int | None:
    """The first recorded step that moved a parameter, if nearly all steps of the trace's dense beginning did although no tensor had a gradient; None if it is not so."""
    steps = trace.recorded.numpy()
    dense = int((np.cumprod(np.diff(steps, prepend=0) == 1)).sum())
    if dense < _MANY or not trace.start:
        return None
    moved, idle = np.zeros(dense, dtype=bool), np.ones(dense, dtype=bool)
    for start, parameters, gradients, missing in zip(trace.start, trace.parameters, trace.gradients, trace.missing, strict=True):
        after = parameters.numpy()[:dense].reshape(dense, -1)
        before = np.concatenate([start.numpy().reshape(1, -1), after[:-1]])
        moved |= (before != after).any(axis=1)
        none = missing.numpy()[:dense].astype(bool)
        idle &= none | ~np.nan_to_num(gradients.numpy()[:dense].reshape(dense, -1)).any(axis=1)
    suspect = np.flatnonzero(moved & idle)
    return int(steps[suspect[0]]) if suspect.size > _NEARLY_ALL * dense else None


def contradiction(trace: Trace) -> Contradiction | None:
    """The first recorded step whose update is not what plain SGD makes of its gradient; None if there is none, or the optimizer is another."""
    if trace.optimizer != "SGD" or len(trace.settings) != 1 or not trace.start or not (settings := _plain(trace.settings[0])):
        return None
    lr, decay = settings
    steps = trace.recorded.numpy()
    follows = np.diff(steps, prepend=0) == 1  # the row before is of the step before, or the start
    first: Contradiction | None = None
    for start, parameters, gradients, missing in zip(trace.start, trace.parameters, trace.gradients, trace.missing, strict=True):
        after = parameters.numpy().astype(np.float64)
        if not after.size:
            continue
        before = np.concatenate([start.numpy().astype(np.float64)[None], after[:-1]])
        slopes = np.where(_as_rows(missing.numpy().astype(bool), after), 0, gradients.numpy().astype(np.float64))
        with np.errstate(all="ignore"):
            update = lr * (slopes + np.where(_as_rows(missing.numpy().astype(bool), after), 0, decay * before))
            allowed = _ROUNDING * (np.abs(before) + np.abs(after)) + _OF_UPDATE * np.abs(update) + 1e-12
            wrong = np.abs(before - update - after) > allowed  # NaN, where it diverges, is not wrong
        rows = np.flatnonzero(wrong.reshape(len(after), -1).any(axis=1) & follows)
        if rows.size and (first is None or int(steps[rows[0]]) < first.step):
            first = Contradiction(int(steps[rows[0]]), after[rows[0]], (before - update)[rows[0]])
    return first


def _plain(settings: Mapping[str, Setting]) -> tuple[float, float] | None:
    """Learning rate and weight decay, if nothing else has a say."""
    lr, decay = settings.get("lr"), settings.get("weight_decay", 0)
    if settings.get("momentum") or settings.get("maximize") or not isinstance(lr, int | float) or not isinstance(decay, int | float):
        return None
    return float(lr), float(decay)


def _as_rows(flags: NdArray, like: NdArray) -> NdArray:
    return flags.reshape(len(flags), *(1,) * (like.ndim - 1))
