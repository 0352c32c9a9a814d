"""One notebook whose calls are made by the process that ran its cells, and by others like it where
calls want a fresh one.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterator
from itertools import groupby
from typing import Protocol

import msgspec

from autograder.evidence.protocol import (
    BatchEnded,
    Call,
    CallBatch,
    CallFrame,
    CellFrame,
    CellsEnded,
    ExecutionRequest,
    FromChild,
    ToChild,
)
from autograder.evidence.trace import CellRun, Ended, Ending, ErrorReport, Run, RunStatus
from autograder.execution.retry import BY_A_CALL
from autograder.sandboxed.calls.allowance import FRESH_PROCESS, CallLimits

GRACE_S = 5
FRESH = f"exit code {FRESH_PROCESS}"
"""Detail of the ending with which a process asks for a fresh one."""


class Stopped(Exception):
    """The process answers no more. `late`: this side has ended it for waiting too long."""

    def __init__(self, ending: Ending, *, late: bool = False) -> None:
        super().__init__(ending.reason, ending.detail)
        self.ending, self.late = ending, late


class Process(Protocol):
    """A process that speaks `autograder.evidence.protocol`."""

    def send(self, message: ToChild) -> None:
        """Send a frame; one that nobody reads any more is dropped, and `receive` says so."""

    def receive(self, timeout_s: float) -> FromChild:
        """The next frame.

        Raises:
            Stopped: if none comes; the process has ended then.
        """

    def corrupt(self, detail: str) -> Stopped:
        """End it, since what it sent is not what was asked for; the error to raise."""

    def end(self) -> Ending:
        """End it, if it has not ended yet; how it did."""


class Trip:
    """Runs the cells of `request` in processes that `start` gives.

    `apart`: each call of a batch that is to be made alone gets a process of its own.

    `ending` is how the notebook ended; once it is anything but FINISHED, nothing more is run.
    """

    def __init__(
        self,
        start: Callable[[ExecutionRequest], Process],
        request: ExecutionRequest,
        *,
        apart: bool,
    ) -> None:
        self._start, self._request, self._apart = start, request, apart
        self._process: Process | None = None
        self._once = ""
        self.ending = Ending(Ended.FINISHED)

    def cells(self) -> tuple[CellRun, ...]:
        """Run all cells; those that were not reached say so."""
        found: list[CellRun] = []
        try:
            self._process = self._started(self._request)
            found.extend(_cells_of(self._process, self._request))
        except Stopped as stopped:
            self._process = None
            self.ending = stopped.ending
        return (
            *found,
            *(
                CellRun(Run(cell.id, RunStatus.NOT_RUN))
                for cell in self._request.cells[len(found) :]
            ),
        )

    def answers(self, batch: CallBatch) -> tuple[Run, ...]:
        """One run for each call of `batch`, in order."""
        runs: list[Run] = []
        for after, calls in groupby(batch.calls, key=lambda call: call.after):
            alone = self._apart and batch.alone
            for group in ([call] for call in calls) if alone else [list(calls)]:
                own_state = alone or after is not None or bool(batch.given)
                if own_state:
                    self.close()
                runs += self._answer(group, batch, after)
                if own_state:
                    self.close()
        return tuple(runs)

    def close(self) -> None:
        """End the process."""
        if self._process is not None:
            self._process.end()
            self._process = None

    def _answer(self, waiting: list[Call], batch: CallBatch, after: str | None) -> Iterator[Run]:
        while waiting:
            if self.ending.reason is not Ended.FINISHED:
                yield from (_unanswered(call, batch, RunStatus.NOT_RUN) for call in waiting)
                return
            try:
                process = self._process = self._process or self._fresh(after)
            except Stopped as stopped:  # the cells did not get through a second time
                if stopped.ending.reason in BY_A_CALL or stopped.late:
                    report = ErrorReport("StateLost", "the state after the cells is gone")
                    yield from (
                        _unanswered(call, batch, RunStatus.KILLED, report) for call in waiting
                    )
                    return
                self.ending = stopped.ending
                continue
            answered = yield from self._from_process(process, waiting, batch)
            del waiting[:answered]

    def _from_process(
        self, process: Process, waiting: list[Call], batch: CallBatch
    ) -> Generator[Run, None, int]:
        """Collect runs of `waiting` as far as `process` gets, and of the call that ended it.

        Returns how many.
        """
        limits, answered = CallLimits.of(self._request.limits), 0
        process.send(msgspec.structs.replace(batch, calls=tuple(waiting)))
        try:
            for call in waiting:
                yield _run_of(process, call, batch, limits)
                answered += 1
            if not isinstance(process.receive(GRACE_S + limits.wall_s), BatchEnded):
                message = "expected the end of the batch"
                raise process.corrupt(message)
        except Stopped as stopped:
            self._process = None
            ending = stopped.ending
            if ending.reason not in BY_A_CALL and not stopped.late:
                self.ending = ending
                return answered
            if answered == len(waiting) or (
                answered and (ending.reason, ending.detail) == (Ended.EXITED, FRESH)
            ):
                return answered
            if ending.reason is Ended.KILLED and self._once != waiting[answered].id:
                self._once = waiting[
                    answered
                ].id  # not by the call itself, most likely: the machine may have had to
                return answered
            yield _failed(waiting[answered], batch, stopped, limits)
            answered += 1
        return answered

    def _fresh(self, after: str | None) -> Process:
        """A process in the state after all cells, or after one of them.

        Raises:
            Stopped: if it does not get there.
        """
        names = [cell.id for cell in self._request.cells]
        count = len(names) if after is None else names.index(after) + 1
        request = msgspec.structs.replace(self._request, cells=self._request.cells[:count])
        process = self._started(request)
        for _ in _cells_of(process, request):
            pass
        return process

    def _started(self, request: ExecutionRequest) -> Process:
        process = self._start(request)
        process.send(request)
        return process


def _cells_of(process: Process, request: ExecutionRequest) -> Iterator[CellRun]:
    """The runs of the cells, as they come.

    Raises:
        Stopped: if one does not come.
    """
    until = time.monotonic() + request.limits.wall_s + GRACE_S
    for cell in request.cells:
        message = process.receive(until - time.monotonic())
        if not isinstance(message, CellFrame) or message.cell.run.id != cell.id:
            raise process.corrupt(f"expected the run of cell {cell.id}")
        yield message.cell
    if not isinstance(process.receive(GRACE_S + request.limits.wall_s), CellsEnded):
        problem = "expected the end of the cells"
        raise process.corrupt(problem)


def _run_of(process: Process, call: Call, batch: CallBatch, limits: CallLimits) -> Run:
    message = process.receive(limits.wall_s + limits.cpu_s)
    if not isinstance(message, CallFrame) or message.run.id != call.id:
        raise process.corrupt(f"expected the run of call {call.id}")
    if (
        message.run.given != batch.given_names or message.run.alone != batch.alone
    ):  # what the host knows better is not taken from it
        raise process.corrupt(f"the run of call {call.id} claims another batch")
    return message.run


def _failed(call: Call, batch: CallBatch, stopped: Stopped, limits: CallLimits) -> Run:
    """The run of a call in which the process ended."""
    ending = stopped.ending
    if stopped.late:
        report = ErrorReport("TimeLimit", f"the call waited for longer than {limits.wall_s:.0f} s")
        return _unanswered(call, batch, RunStatus.TIMED_OUT, report)
    match ending.reason:
        case Ended.CPU_LIMIT:
            report = ErrorReport("TimeLimit", "the call needed more than its computing time")
            return _unanswered(call, batch, RunStatus.TIMED_OUT, report)
        case Ended.KILLED:
            return _unanswered(
                call,
                batch,
                RunStatus.KILLED,
                ErrorReport("Killed", "the process was killed during the call, twice"),
            )
        case Ended.SIGNALLED:
            report = ErrorReport(
                "Killed", f"the process was killed by {ending.detail} during the call"
            )
        case _:
            report = ErrorReport(
                "Exited", f"the call ended Python with {ending.detail or 'exit code 0'}"
            )
    return _unanswered(call, batch, RunStatus.DIED, report)


def _unanswered(
    call: Call, batch: CallBatch, status: RunStatus, report: ErrorReport | None = None
) -> Run:
    return Run(id=call.id, status=status, error=report, given=batch.given_names, alone=batch.alone)
