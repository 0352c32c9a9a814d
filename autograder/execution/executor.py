"""Runs submissions on this machine and brings back evidence: the trusted side.

Expected values live in this process and never leave it.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

from autograder.errors import SandboxError
from autograder.evidence.limits import Device, Isolation
from autograder.evidence.protocol import Call, CallBatch, ExecutionRequest
from autograder.evidence.trace import CellRun, Ended, Ending, Evidence, Run, RunStatus
from autograder.execution.client import SlotClient
from autograder.execution.conversing.conversation import Broken, Conversation
from autograder.execution.conversing.trip import Trip
from autograder.execution.devices import CPU, FoundDevice
from autograder.execution.launched import Launches, ending_of
from autograder.execution.layers.sandbox import LAYERS, isolation_level

FollowUp = Callable[[Evidence], Sequence[CallBatch]]


@dataclass(slots=True)
class _Collected:
    """Evidence that one submission has sent so far."""

    key: str
    request: ExecutionRequest
    environment: dict[str, str]
    cells: list[CellRun] = field(default_factory=list)
    calls: list[Run] = field(default_factory=list)
    asked: list[tuple[Call, CallBatch]] = field(default_factory=list)

    def evidence(self, ending: Ending) -> Evidence:
        """Return one run for each cell and call that was asked for.

        Those without an answer were not run.
        """
        cells = [
            *self.cells,
            *(
                CellRun(Run(cell.id, RunStatus.NOT_RUN))
                for cell in self.request.cells[len(self.cells) :]
            ),
        ]
        unanswered = self.asked[len(self.calls) :]
        calls = [
            *self.calls,
            *(
                Run(call.id, RunStatus.NOT_RUN, given=batch.given_names, alone=batch.alone)
                for call, batch in unanswered
            ),
        ]
        return Evidence(self.key, tuple(cells), tuple(calls), ending, self.environment)


class Executor:
    """Runs up to `jobs` submissions at a time.

    Each slot has a forkserver of its own, started when first needed.

    `isolation` is the least that must hold, GOOD unless said otherwise; NONE switches all layers
    off (limits stay). Thread-safe: call `run` from `jobs` threads.
    """

    def __init__(
        self,
        jobs: int,
        isolation: Isolation | None = None,
        variables: Mapping[str, str] | None = None,
        packages: Sequence[str] = (),
        without: Collection[str] = (),
        device: FoundDevice = CPU,
    ) -> None:
        """Make `jobs` slots, on GPUs at most one for each.

        `variables` are added to the environment in which torch is imported and submissions run;
        `packages`, by the names they are installed under, are imported before submissions are
        forked. `without` names layers of the sandbox (`sandbox.LAYERS`) to leave out, to try what
        each is for. `device` is where requests run: of GPUs each slot has one to itself.
        """
        self.jobs = max(1, min(jobs, len(device.gpus)) if device.kind is Device.CUDA else jobs)
        self.device = device
        self._required = Isolation.GOOD if isolation is None else isolation
        self._without = frozenset(LAYERS if self._required is Isolation.NONE else without)
        self._clients = [
            SlotClient(
                self._without,
                {**device.variables(slot), **(variables or {})},
                packages,
                device.kind,
            )
            for slot in range(self.jobs)
        ]
        self._free: queue.SimpleQueue[SlotClient] = queue.SimpleQueue()
        for client in self._clients:
            self._free.put(client)
        self._closing = threading.Event()
        self._variables, self._packages = variables, tuple(packages)
        self._aside: Executor | None = None
        self._asking = threading.Lock()
        self.environment: dict[str, str] = {}

    @property
    def required(self) -> Isolation:
        """The least isolation that must hold."""
        return self._required

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        tb: TracebackType | None,
    ) -> None:
        self.close()

    def start(self) -> dict[str, str]:
        """Warm one slot, so that `environment` is known.

        It says torch, python, isolation, and "layer: ..." for each layer.

        Raises:
            SandboxError: if the forkserver can't start, or less than the required isolation holds.
        """
        client = self._free.get()
        try:
            self._ready(client)
        finally:
            self._free.put(client)
        return self.environment

    def warm(self, slots: int) -> None:
        """Start so many slots, or all if there are less, in the background.

        They are warm when there is work for them. What goes wrong is told by the `run` that needs
        the slot.
        """
        for _ in self._clients[:slots]:
            threading.Thread(target=self._warm_one, daemon=True).start()

    def _warm_one(self) -> None:
        client = self._free.get()
        try:
            self._ready(client)
        except SandboxError:
            pass
        finally:
            self._free.put(client)

    def run(
        self,
        key: str,
        request: ExecutionRequest,
        calls: Sequence[Call],
        follow_up: FollowUp | None = None,
        stop: threading.Event | None = None,
    ) -> Evidence:
        """Run the cells, then `calls`, then the batches that `follow_up` asks for.

        It asks when it has seen the evidence so far (in which the ending is FINISHED). Runs of
        later batches come after the first ones, with the same ids; `alone` and `given` tell them
        apart. Blocks while all slots are busy.

        Raises:
            SandboxError: if no submission can be run here, or `stop` was set, or the executor was
                closed. Whatever a submission does is evidence.
            ValueError: if a call is `after` a cell that is not to be held, or the request is for
                another device.
        """
        check_request(request, calls)
        if request.device is not self.device.kind:
            message = (
                f"the request is for {request.device}, and this executor runs on {self.device.kind}"
            )
            raise ValueError(message)
        client = self._free.get()
        try:
            self._ready(client)
            collected = _Collected(key, request, self.environment)
            run = self._run_unforked if request.unforked else self._run
            return run(client, collected, calls, follow_up, stop)
        except BaseException:
            client.kill()  # whatever state it is in
            raise
        finally:
            self._free.put(client)

    def aside(self) -> Executor:
        """Return one more slot, made when first asked for and closed with this one.

        It is for runs that are wanted while a submission's run is waiting for them.
        """
        with self._asking:
            if self._closing.is_set():
                message = "the executor is closed"
                raise SandboxError(message)
            self._aside = self._aside or Executor(
                1, self._required, self._variables, self._packages, self._without, self.device
            )
            return self._aside

    def close(self) -> None:
        """End all forkservers and what they run.

        Runs under way in other threads raise SandboxError.
        """
        self._closing.set()
        with self._asking:
            if self._aside is not None:
                self._aside.close()
        for client in self._clients:
            client.close()

    def _ready(self, client: SlotClient) -> None:
        if self._closing.is_set():
            message = "the executor is closed"
            raise SandboxError(message)
        ready = client.start()
        level = (
            Isolation.NONE if self._required is Isolation.NONE else isolation_level(ready.layers)
        )
        if level.rank < self._required.rank:
            reasons = "; ".join(
                f"{name}: {held}" for name, held in ready.layers.items() if held != "yes"
            )
            message = f"isolation here is {level}, required is {self._required} ({reasons})"
            raise SandboxError(message)
        self.environment = {
            **ready.versions,
            "device": self.device.name,
            "isolation": str(level),
            **{f"layer: {name}": held for name, held in ready.layers.items()},
        }

    def _run(
        self,
        client: SlotClient,
        collected: _Collected,
        calls: Sequence[Call],
        follow_up: FollowUp | None,
        stop: threading.Event | None,
    ) -> Evidence:
        try:
            conversation, connection, log = client.launch(collected.request.limits, stop)
        except OSError:
            client.kill()
            return collected.evidence(
                Ending(Ended.FORKSERVER_DIED, "the forkserver died before this submission")
            )
        with connection, log:
            broken = None
            try:
                _converse(conversation, collected, calls, follow_up)
            except Broken as error:
                broken = error
            try:
                ending = ending_of(conversation, broken, log, collected.request.limits)
            except Broken as error:
                client.kill()
                self._check_open(error)
                ending = Ending(error.reason, error.detail)
            return collected.evidence(ending)

    def _check_open(self, error: Broken | None = None) -> None:
        if self._closing.is_set():
            message = "the executor was closed"
            raise SandboxError(message) from error

    def _run_unforked(
        self,
        client: SlotClient,
        collected: _Collected,
        calls: Sequence[Call],
        follow_up: FollowUp | None,
        stop: threading.Event | None,
    ) -> Evidence:
        """Run requests that are `unforked`, otherwise as `_run`.

        While `follow_up` judges, no process waits: what it asks for takes fresh ones.
        """
        launches, first = Launches(client, stop), CallBatch(tuple(calls))
        trip = Trip(launches.start, collected.request, apart=True)
        collected.asked += [(call, first) for call in calls]
        collected.cells += trip.cells()
        collected.calls += trip.answers(first)
        trip.close()
        if follow_up is not None and trip.ending.reason is Ended.FINISHED:
            for batch in follow_up(collected.evidence(Ending(Ended.FINISHED))):
                check_request(collected.request, batch.calls)
                collected.asked += [(call, batch) for call in batch.calls]
                collected.calls += trip.answers(batch)
            trip.close()
        if trip.ending.reason is Ended.FORKSERVER_DIED:
            self._check_open()
        return collected.evidence(launches.total(trip.ending))


def _converse(
    conversation: Conversation,
    collected: _Collected,
    calls: Sequence[Call],
    follow_up: FollowUp | None,
) -> None:
    """The whole trip of one submission.

    Raises:
        Broken: when it can't go on.
    """
    first = CallBatch(tuple(calls))
    collected.asked += [(call, first) for call in calls]
    conversation.send(collected.request)
    for cell in conversation.cells([cell.id for cell in collected.request.cells]):
        collected.cells.append(cell)
    _ask(conversation, collected, first)
    if follow_up is None:
        return
    conversation.pause()
    batches = follow_up(collected.evidence(Ending(Ended.FINISHED)))
    conversation.resume()
    for batch in batches:
        check_request(collected.request, batch.calls)
    collected.asked += [(call, batch) for batch in batches for call in batch.calls]
    for batch in batches:
        _ask(conversation, collected, batch)


def _ask(conversation: Conversation, collected: _Collected, batch: CallBatch) -> None:
    if not batch.calls:
        return
    conversation.send(batch)
    for run in conversation.calls([call.id for call in batch.calls]):
        collected.calls.append(_as_asked(run, batch))


def _as_asked(run: Run, batch: CallBatch) -> Run:
    """Return the run unless it names another batch than the one we sent.

    Raises:
        Broken: if it does.
    """
    if run.given == batch.given_names and run.alone == batch.alone:
        return run
    raise Broken(Ended.CORRUPT_FRAMES, f"the run of call {run.id} claims another batch")


def check_request(request: ExecutionRequest, calls: Sequence[Call]) -> None:
    """Check that the calls can be made in the states that the request keeps.

    Raises:
        ValueError: if a call is `after` a cell that is not to be held.
    """
    held = {cell.id for cell in request.cells if cell.hold}
    for call in calls:
        if call.after is not None and call.after not in held:
            message = f"call {call.id} is after cell {call.after!r}, which is not to be held"
            raise ValueError(message)
