"""The host's side of calls made without forks: which run each call gets, whatever the process that
makes them sends, or however it ends.
"""

from __future__ import annotations

from collections.abc import Callable

import msgspec
import pytest

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
from autograder.evidence.trace import CellRun, Ended, Ending, Run, RunStatus
from autograder.execution.conversing.trip import FRESH, Stopped, Trip
from autograder.execution.launched import Launches

from .conftest import plain, request

CALLS = (plain("a", "f"), plain("b", "f"), plain("c", "f"))
Reaction = Callable[[Call, CallBatch], Run | Stopped]


def done(call: Call, batch: CallBatch) -> Run:
    """What an honest process answers."""
    return Run(call.id, RunStatus.FINISHED, given=batch.given_names, alone=batch.alone)


class Child:
    """What stands at the other end: it runs all cells, answers each call as `react` says, and `log`
    has what it was asked.
    """

    def __init__(self, react: Reaction, log: list[str]) -> None:
        self._react, self._log = react, log
        self._frames: list[FromChild | Stopped] = []
        self._over: Stopped | None = None

    def send(self, message: ToChild) -> None:
        if isinstance(message, ExecutionRequest):
            self._log.append(" ".join(cell.id for cell in message.cells))
            self._frames += [
                CellFrame(CellRun(Run(cell.id, RunStatus.FINISHED))) for cell in message.cells
            ]
            self._frames.append(CellsEnded())
            return
        for call in message.calls:
            self._log.append(call.id)
            answer = self._react(call, message)
            self._frames.append(answer if isinstance(answer, Stopped) else CallFrame(answer))
            if isinstance(answer, Stopped):
                return
        self._frames.append(BatchEnded())

    def receive(self, timeout_s: float) -> FromChild:
        frame = self._frames.pop(0)
        if isinstance(frame, Stopped):
            raise frame
        return frame

    def corrupt(self, detail: str) -> Stopped:
        return Stopped(Ending(Ended.CORRUPT_FRAMES, detail))

    def end(self) -> Ending:
        self._log.append("end")
        return Ending(Ended.FINISHED)


def trip_with(react: Reaction, *, apart: bool = False) -> tuple[Trip, list[str]]:
    """A trip whose cells have run, and what its processes were asked so far."""
    log: list[str] = []
    trip = Trip(lambda _: Child(react, log), request("x = 1", "y = 2", hold=(0,)), apart=apart)
    assert [cell.run.status for cell in trip.cells()] == [RunStatus.FINISHED] * 2
    return trip, log


def statuses(trip: Trip, batch: CallBatch) -> list[RunStatus]:
    runs = trip.answers(batch)
    assert [run.id for run in runs] == [call.id for call in batch.calls]
    assert {(run.given, run.alone) for run in runs} == {(batch.given_names, batch.alone)}
    return [run.status for run in runs]


def ends_at(name: str, ending: Ending, *, times: int = 1, late: bool = False) -> Reaction:
    """A process that ends while it makes the call `name`, so many times."""
    left = [times]

    def react(call: Call, batch: CallBatch) -> Run | Stopped:
        if call.id != name or not left[0]:
            return done(call, batch)
        left[0] -= 1
        return Stopped(ending, late=late)

    return react


FINISHED, NOT_RUN = RunStatus.FINISHED, RunStatus.NOT_RUN


@pytest.mark.parametrize(
    ("ending", "times", "late", "second"),
    [
        (Ending(Ended.EXITED, "exit code 3"), 1, False, RunStatus.DIED),
        (Ending(Ended.SIGNALLED, "SIGSEGV"), 1, False, RunStatus.DIED),
        (Ending(Ended.CPU_LIMIT), 1, False, RunStatus.TIMED_OUT),
        (Ending(Ended.EXITED), 1, True, RunStatus.TIMED_OUT),
        (Ending(Ended.KILLED), 1, False, FINISHED),  # once may have been the machine's doing
        (Ending(Ended.KILLED), 2, False, RunStatus.KILLED),
        (
            Ending(Ended.EXITED, FRESH),
            1,
            False,
            FINISHED,
        ),  # a call before it has disturbed the state
    ],
)
def test_a_call_that_ends_its_process_costs_no_other(
    ending: Ending, times: int, late: bool, second: RunStatus
) -> None:
    """The rest is made in a fresh one, in the state after all cells."""
    trip, log = trip_with(ends_at("b", ending, times=times, late=late))
    assert statuses(trip, CallBatch(CALLS)) == [FINISHED, second, FINISHED]
    assert trip.ending.reason is Ended.FINISHED
    assert log.count("c0 c1") == 1 + times


def test_who_asks_for_a_fresh_process_before_answering_anything_has_ended_it() -> None:
    """Else a call that exits with that code would be made for ever."""
    trip, _ = trip_with(ends_at("a", Ending(Ended.EXITED, FRESH)))
    assert statuses(trip, CallBatch(CALLS)) == [RunStatus.DIED, FINISHED, FINISHED]


@pytest.mark.parametrize(
    "reason",
    [
        Ended.MEMORY_LIMIT,
        Ended.WALL_LIMIT,
        Ended.EVIDENCE_LIMIT,
        Ended.SANDBOX_FAILED,
        Ended.FORKSERVER_DIED,
    ],
)
def test_what_ends_the_whole_notebook_leaves_the_rest_unrun(reason: Ended) -> None:
    """What was answered before counts."""
    trip, log = trip_with(ends_at("b", Ending(reason)))
    assert statuses(trip, CallBatch(CALLS)) == [FINISHED, NOT_RUN, NOT_RUN]
    assert trip.ending.reason is reason
    assert statuses(trip, CallBatch(CALLS)) == [NOT_RUN] * 3
    assert log.count("c0 c1") == 1


@pytest.mark.parametrize(
    "claim",
    [{"alone": True}, {"given": ("f",)}, {"given": ("f",), "alone": True}, {"id": "c"}],
    ids=["alone", "given", "both", "another call"],
)
def test_a_run_that_claims_to_be_of_something_else_is_corrupt(claim: dict[str, object]) -> None:
    """It would be judged as if the student's own function were not at fault."""
    trip, _ = trip_with(
        lambda call, batch: msgspec.structs.replace(
            done(call, batch), **(claim if call.id == "b" else {})
        )
    )
    assert statuses(trip, CallBatch(CALLS)) == [FINISHED, NOT_RUN, NOT_RUN]
    assert trip.ending.reason is Ended.CORRUPT_FRAMES


def test_calls_that_share_a_state_share_a_process() -> None:
    """The one that ran the cells: running them again for every call would take a class hours."""
    trip, log = trip_with(done)
    assert statuses(trip, CallBatch(CALLS[:2])) == [FINISHED] * 2
    assert statuses(trip, CallBatch(CALLS[2:])) == [FINISHED]
    assert log == ["c0 c1", "a", "b", "c"]


def test_calls_that_are_to_be_made_alone_have_a_process_each() -> None:
    """Where processes are apart; and none of them is the one that other calls were made in."""
    trip, log = trip_with(done, apart=True)
    assert statuses(trip, CallBatch(CALLS[:1])) == [FINISHED]
    assert statuses(trip, CallBatch(CALLS[1:], alone=True)) == [FINISHED] * 2
    assert log == ["c0 c1", "a", "end", "c0 c1", "b", "end", "c0 c1", "c", "end"]


def test_a_batch_with_given_definitions_has_a_process_of_its_own() -> None:
    """They take the place of the student's, which later calls are to meet again; no more than one,
    where they share a state.
    """
    trip, log = trip_with(done)
    assert (
        statuses(trip, CallBatch(CALLS[:2], given="def f(): ...", given_names=("f",)))
        == [FINISHED] * 2
    )
    assert statuses(trip, CallBatch(CALLS[2:])) == [FINISHED]
    assert log == ["c0 c1", "end", "c0 c1", "a", "b", "end", "c0 c1", "c"]


def test_a_call_in_an_earlier_state_is_made_after_those_cells_only() -> None:
    """And those around it in the state after all of them."""
    trip, log = trip_with(done)
    early = msgspec.structs.replace(CALLS[1], after="c0")
    assert statuses(trip, CallBatch((CALLS[0], early, CALLS[2]))) == [FINISHED] * 3
    assert log == ["c0 c1", "a", "end", "c0", "b", "end", "c0 c1", "c"]


def test_where_the_cells_do_not_get_through_again_the_state_is_lost() -> None:
    """For the calls that were left; no call is to blame for it."""
    started: list[str] = []

    class Once(Child):
        def receive(self, timeout_s: float) -> FromChild:
            if len(started) > 1:
                raise Stopped(Ending(Ended.EXITED))
            return super().receive(timeout_s)

    def start(_: ExecutionRequest) -> Child:
        started.append("")
        return Once(ends_at("a", Ending(Ended.SIGNALLED, "SIGSEGV")), [])

    trip = Trip(start, request("x = 1"), apart=False)
    trip.cells()
    runs = trip.answers(CallBatch(CALLS))
    assert [run.status for run in runs] == [RunStatus.DIED, RunStatus.KILLED, RunStatus.KILLED]
    assert [run.error and run.error.type for run in runs] == ["Killed", "StateLost", "StateLost"]


def test_cells_that_were_not_reached_say_so() -> None:
    """A process that ends in the second of three."""

    class Ends(Child):
        def receive(self, timeout_s: float) -> FromChild:
            frame = super().receive(timeout_s)
            if isinstance(frame, CellFrame) and frame.cell.run.id == "c1":
                raise Stopped(Ending(Ended.MEMORY_LIMIT))
            return frame

    trip = Trip(lambda _: Ends(done, []), request("x = 1", "y = 2", "z = 3"), apart=False)
    assert [(cell.run.id, cell.run.status) for cell in trip.cells()] == [
        ("c0", FINISHED),
        ("c1", NOT_RUN),
        ("c2", NOT_RUN),
    ]
    assert trip.ending.reason is Ended.MEMORY_LIMIT
    assert statuses(trip, CallBatch(CALLS)) == [NOT_RUN] * 3


def test_what_all_launches_of_a_submission_used() -> None:
    """Computing and waiting in sum, memory at its peak: they ran one after another."""
    launches = Launches(
        None,
        None,
        [Ending(Ended.EXITED, "", 1.0, 2.0, 500, 1), Ending(Ended.FINISHED, "", 3.0, 4.0, 300, 2)],
    )  # type: ignore[arg-type]
    assert launches.total(Ending(Ended.FINISHED, "done")) == Ending(
        Ended.FINISHED, "done", 4.0, 6.0, 500, 3
    )
