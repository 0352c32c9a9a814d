"""What one call may use, and when the next one should not share its process."""

from __future__ import annotations

from dataclasses import dataclass

from autograder.evidence.limits import Limits
from autograder.evidence.trace import Run, RunStatus

FRESH_PROCESS, CPU_LIMIT = 75, 76
"""Exit codes of a process that makes calls: the rest of them want a fresh one; computing took
longer than allowed.
"""


@dataclass(frozen=True, slots=True)
class CallLimits:
    """Time that one call may use, in seconds of computing and of waiting."""

    cpu_s: int
    wall_s: float

    @classmethod
    def of(cls, limits: Limits) -> CallLimits:
        """Return a quarter of the submission's limits, 5 s at least.

        An endless loop in one call leaves time for the others.
        """
        return cls(
            min(limits.cpu_s, max(5, limits.cpu_s // 4)),
            min(limits.wall_s, max(10, limits.wall_s / 4)),
        )


def needs_fresh_process(run: Run) -> bool:
    """Tell whether the call may have left things half done."""
    return run.status is RunStatus.RAISED and (
        run.error is None
        or run.error.type not in ("SignatureError", "ArgumentError", "StepBudgetExceeded")
    )
