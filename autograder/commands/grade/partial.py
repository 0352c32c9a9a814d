"""Running a submission of which earlier evidence holds some of the calls: its cells run once, then
only what is wanted besides.

What is taken over was made in the same state, by the same code, under the same isolation; where
that is not certain, everything is run again:

- the earlier run came to its end, of the same cells, files, drivers, seed, limits, given
  definitions, grader and torch (`Plan.cells_key`);
- a call is the same to its last argument, and in the state after the same cell (`Plan.asked`), and
  its run ended by itself: what hung or died is tried again;
- the cells have now done what they did then, to the byte but for times: a notebook that does
  something else each time is in another state now;
- both ran on equal versions and layers of isolation.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec

from autograder.evidence.trace import Ended, Evidence, Run, RunStatus

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from autograder.course.plan import Plan
    from autograder.evidence.protocol import Call, CallBatch
    from autograder.evidence.trace import CellRun

ENDED_BY_ITSELF = (RunStatus.FINISHED, RunStatus.RAISED, RunStatus.UNDEFINED)

_Repetition = tuple[str, tuple[str, ...]]
"""A run that was made again, alone: the call's id and the names of the given definitions."""


@dataclass(slots=True)
class PartialRun:
    """One run of `plan` for which `earlier` evidence has `kept` (by call id) and `again`.

    `follow_up` says, as for an executor, what is to be repeated.
    """

    plan: Plan
    earlier: Evidence
    follow_up: Callable[[Evidence], Sequence[CallBatch]]
    kept: Mapping[str, Run]
    again: Mapping[_Repetition, Run]
    batches: tuple[CallBatch, ...] = ()
    """Of the last `follow_up`."""

    @property
    def calls(self) -> tuple[Call, ...]:
        """Those to make."""
        return tuple(call for call in self.plan.calls if call.id not in self.kept)

    def without_running(self) -> Evidence | None:
        """The whole evidence, where the earlier has all of it; else None."""
        if self.calls:
            return None
        self.batches = tuple(self.follow_up(self._whole(self.earlier, {}, ())))
        if any(self._missing(batch).calls for batch in self.batches):
            return None
        return self._whole(self.earlier, {}, self.batches)

    def ask(self, evidence: Evidence) -> list[CallBatch]:
        """What is to be made besides, when the cells and `calls` have been; nothing where what is
        kept does not fit: then all of it is to be run.
        """
        self.batches = ()
        if not self._fits(evidence):
            return []
        self.batches = tuple(self.follow_up(self._whole(evidence, _by_id(evidence), ())))
        return [missing for batch in self.batches if (missing := self._missing(batch)).calls]

    def merged(self, evidence: Evidence) -> Evidence | None:
        """`evidence` of `calls` and what was asked for besides, with what is kept; None where that
        does not fit.
        """
        if evidence.ending.reason is not Ended.FINISHED or not self._fits(evidence):
            return None
        return self._whole(evidence, _by_id(evidence), self.batches)

    def _fits(self, evidence: Evidence) -> bool:
        then, now = self.earlier, evidence
        return then.environment == now.environment and list(map(_timeless, then.cells)) == list(
            map(_timeless, now.cells)
        )

    def _missing(self, batch: CallBatch) -> CallBatch:
        calls = tuple(
            call for call in batch.calls if (call.id, batch.given_names) not in self.again
        )
        return msgspec.structs.replace(batch, calls=calls)

    def _whole(
        self, evidence: Evidence, made: Mapping[str, Run], batches: Sequence[CallBatch]
    ) -> Evidence:
        """In the order in which one run makes its calls: the plan's, then those of `batches`."""
        first = [
            self.kept[call.id] if call.id in self.kept else made[call.id]
            for call in self.plan.calls
        ]
        repeated = _repetitions(evidence)
        names = [(call.id, batch.given_names) for batch in batches for call in batch.calls]
        alone = [self.again[name] if name in self.again else repeated[name] for name in names]
        return msgspec.structs.replace(evidence, key=self.plan.key, calls=(*first, *alone))


def resume(
    plan: Plan, earlier: Evidence, follow_up: Callable[[Evidence], Sequence[CallBatch]]
) -> PartialRun | None:
    """The run of `plan` that takes over what `earlier` evidence of the same submission holds; None
    where that is nothing.
    """
    if (
        not earlier.cells_key
        or earlier.cells_key != plan.cells_key
        or earlier.ending.reason is not Ended.FINISHED
    ):
        return None
    same = {call for call, digest in plan.asked.items() if earlier.asked.get(call) == digest}
    kept = {
        name: run
        for name, run in _by_id(earlier).items()
        if name in same and run.status in ENDED_BY_ITSELF
    }
    if not kept:
        return None
    # With given definitions a call is made after all cells, wherever the student's own was: its id
    # tells its content
    again = {
        (name, given): run
        for (name, given), run in _repetitions(earlier).items()
        if run.status in ENDED_BY_ITSELF and (given or name in same)
    }
    return PartialRun(plan, earlier, follow_up, kept, again)


def _by_id(evidence: Evidence) -> dict[str, Run]:
    return {run.id: run for run in evidence.calls if not run.alone}


def _repetitions(evidence: Evidence) -> dict[_Repetition, Run]:
    return {(run.id, run.given): run for run in evidence.calls if run.alone}


def _timeless(cell: CellRun) -> bytes:
    """As bytes, since NaN differs from itself."""
    return msgspec.msgpack.encode(
        msgspec.structs.replace(cell, run=msgspec.structs.replace(cell.run, cpu_s=0.0, wall_s=0.0))
    )
