"""Whether two programs did the same on every call: only then may one be called identical to the
other.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import numpy as np

from autograder.evidence.trace import Array, Items, Run, RunStatus
from autograder.judgement.comparing.training import compare_training
from autograder.judgement.observation import Observation

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from autograder.evidence.trace import Value

EXACT = 2e-6
"""Residual within which two trainings are the same but for the order of float32 additions."""


class Exhibit(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A known mistake in `function`, and its runs.

    It has words for what it does ("never clears gradients"), and its runs of the checks' calls by
    id.
    """

    name: str
    function: str
    runs: dict[str, Run]


def likenesses(
    function: str, runs: Mapping[str, Run], gallery: Iterable[Exhibit]
) -> tuple[str, ...]:
    """Name the mistakes in `function` whose runs are the same as `runs` on every call.

    There must be at least two calls.
    """
    if len(runs) < 2:
        return ()
    alike = [
        one
        for one in gallery
        if one.function == function
        and all(name in one.runs and same_run(run, one.runs[name]) for name, run in runs.items())
    ]
    return tuple(dict.fromkeys(one.name for one in alike))


def same_run(one: Run, other: Run) -> bool:
    """Tell whether two runs finished, with the same steps along the same path and return."""
    if one.status is not RunStatus.FINISHED or other.status is not RunStatus.FINISHED:
        return False
    mine, theirs = Observation(one), Observation(other)
    if (mine.trace is None) != (theirs.trace is None) or [trace.steps for trace in one.traces] != [
        trace.steps for trace in other.traces
    ]:
        return False
    if (
        theirs.trace is not None
        and compare_training(mine, theirs, EXACT, allow_nonfinite=True) is not None
    ):
        return False
    return _same_value(one.returned, other.returned)


def _same_value(one: Value, other: Value) -> bool:
    if isinstance(one, Array) and isinstance(other, Array):
        a, b = one.numpy(), other.numpy()
        if a.shape != b.shape or a.dtype.kind not in "biuf" or b.dtype.kind not in "biuf":
            return False
        size = float(np.abs(b).max(initial=0.0, where=np.isfinite(b)))
        with np.errstate(all="ignore"):
            return bool(
                ((np.abs(a - b) <= EXACT * size) | (a == b) | (np.isnan(a) & np.isnan(b))).all()
            )
    if isinstance(one, Items) and isinstance(other, Items):
        return len(one.values) == len(other.values) and all(
            _same_value(a, b) for a, b in zip(one.values, other.values, strict=True)
        )
    return one == other
