# ruff: noqa: S603
# The command is our own interpreter.
"""Runs a notebook in plain processes, without a sandbox: on a student's own machine, where he runs his own code anyway. Works wherever Python does.

The evidence is what the executor with its forkserver would bring; only the limits are held less strictly (computing time by the process itself, waiting by this side; none on memory and disk).
"""

from __future__ import annotations

import os
import queue
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from itertools import groupby
from pathlib import Path
from typing import IO, Self

import msgspec

import autograder
from autograder.assignment import Isolation
from autograder.errors import SandboxError
from autograder.protocol import (
    FRAME_HEADER,
    FROM_CHILD,
    FROM_FORKSERVER,
    Call,
    CallBatch,
    CallFrame,
    CellFrame,
    ExecutionRequest,
    ForkserverReady,
    FromChild,
    ToChild,
    frame,
)
from autograder.sandboxed.allowance import CPU_LIMIT, FRESH_PROCESS, CallLimits
from autograder.trace import CellRun, Ended, Ending, ErrorReport, Evidence, Run, RunStatus

_START = "import sys; sys.path.insert(0, sys.argv[1]); from autograder.sandboxed.unforked import main; main(*sys.argv[2:])"
_ROOT = Path(autograder.__file__).resolve().parent.parent
_WARMING_S = 300
"""Importing torch from a cold disk takes a minute on some laptops."""
_GRACE_S = 5
_SETTINGS = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1", "MPLBACKEND": "agg"}

_OF_CI = ("GITHUB_", "ACTIONS_", "RUNNER_", "CI_", "GITLAB_")
"""Variables of a CI job: files that steer it, and tokens. The notebook has no use for them."""


class _Stopped(Exception):
    """The process answers no more: it has ended with `code`, or `late`, it was ended for waiting too long. `corrupt`: it sent what nobody asked for."""

    def __init__(self, code: int, *, late: bool = False, corrupt: bool = False) -> None:
        super().__init__(code)
        self.code, self.late, self.corrupt = code, late, corrupt


class _Process:
    """One process of `autograder.sandboxed.unforked`."""

    def __init__(self, packages: Sequence[str], limit_bytes: int) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="gradstep-", ignore_cleanup_errors=True)
        self._log: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 - lives as long as the process
        self._limit = limit_bytes
        self._frames: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
        self._process = subprocess.Popen(
            [sys.executable, "-s", "-P", "-c", _START, str(_ROOT), *packages],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
            cwd=self._folder.name,
            env={name: value for name, value in os.environ.items() if not name.startswith(_OF_CI)} | _SETTINGS,
        )
        threading.Thread(target=self._listen, daemon=True).start()

    def ready(self) -> ForkserverReady:
        """Wait until it is warm.

        Raises:
            SandboxError: with its last words, if it does not get there.
        """
        try:
            body = self._frames.get(timeout=_WARMING_S)
            message = FROM_FORKSERVER.decode(body) if body is not None else None
        except (queue.Empty, msgspec.DecodeError):
            message = None
        if isinstance(message, ForkserverReady):
            return message
        said = self._last_words()
        self.end()
        problem = f"Python could not be started to run the notebook: {said}"
        raise SandboxError(problem)

    def send(self, message: ToChild) -> None:
        """Send a frame; one that nobody reads any more is dropped, and `receive` says so."""
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(frame(message))
            self._process.stdin.flush()
        except OSError:
            return

    def receive(self, timeout_s: float) -> FromChild:
        """The next frame.

        Raises:
            _Stopped: if none comes.
        """
        try:
            body = self._frames.get(timeout=max(timeout_s, 0.0))
        except queue.Empty as error:
            raise _Stopped(self.end(), late=True) from error
        if body is None:
            raise _Stopped(self.end(gently=True))
        try:
            return FROM_CHILD.decode(body)
        except (msgspec.DecodeError, ValueError, RecursionError) as error:
            raise _Stopped(self.end(), corrupt=True) from error

    def end(self, *, gently: bool = False) -> int:
        """End it, at once or after a moment in which it may end by itself; its exit code."""
        if gently:
            try:
                self._process.wait(_GRACE_S)
            except subprocess.TimeoutExpired:
                gently = False
        if not gently:
            self._process.kill()
            self._process.wait()
        for stream in (self._process.stdin, self._log):
            try:
                stream.close()  # type: ignore[union-attr]  # it was asked for
            except OSError:
                continue  # what was never read can't be flushed
        self._folder.cleanup()
        return self._process.returncode

    def _listen(self) -> None:
        """Cut what comes into frames; None at the end, and where a frame claims too much."""
        stream = self._process.stdout
        assert stream is not None
        with stream:
            while len(header := stream.read(FRAME_HEADER.size)) == FRAME_HEADER.size:
                (size,) = FRAME_HEADER.unpack(header)
                body = stream.read(size) if size <= self._limit else b""
                if len(body) < size:
                    break
                self._frames.put(body)
        self._frames.put(None)

    def _last_words(self) -> str:
        self._log.seek(0)
        lines = self._log.read().decode(errors="replace").strip().splitlines()
        return lines[-1][:300] if lines else "it said nothing"


class PlainExecutor:
    """Runs one notebook at a time. Takes the place of `autograder.execution.executor.Executor` where that can't work."""

    jobs = 1
    required = Isolation.NONE

    def __init__(self, packages: Sequence[str] = ()) -> None:
        """`packages`, by the names they are installed under, are imported before the notebook's first cell."""
        self._packages = tuple(packages)
        self.environment: dict[str, str] = {"isolation": "none"}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Each run has ended its own processes."""

    def warm(self, slots: int) -> None:
        """Nothing can be: each run starts a process of its own."""

    def aside(self) -> Self:
        """Runs need no slots here."""
        return self

    def run(
        self,
        key: str,
        request: ExecutionRequest,
        calls: Sequence[Call],
        follow_up: Callable[[Evidence], Sequence[CallBatch]] | None = None,
        stop: threading.Event | None = None,  # noqa: ARG002 - for whoever calls the executor: a run here is stopped by ending the program
    ) -> Evidence:
        """Run the cells, then `calls`, then the batches that `follow_up` asks for, as the executor does.

        Raises:
            SandboxError: if Python can't be started.
        """
        trip = _Trip(self._packages, request)
        started = time.monotonic()
        try:
            cells, ending = trip.cells()
            self.environment = {"isolation": "none", **trip.versions}
            runs = trip.answers(CallBatch(tuple(calls))) if ending.reason is Ended.FINISHED else _not_run(CallBatch(tuple(calls)))
            evidence = Evidence(key, cells, runs, ending, self.environment)
            if follow_up is not None and ending.reason is Ended.FINISHED:
                runs += tuple(run for batch in follow_up(evidence) for run in trip.answers(batch))
        finally:
            trip.close()
        ending = msgspec.structs.replace(ending, wall_s=time.monotonic() - started)
        return Evidence(key, cells, runs, ending, self.environment)


class _Trip:
    """One notebook: a process that has run its cells, and others like it where calls want a fresh one."""

    def __init__(self, packages: Sequence[str], request: ExecutionRequest) -> None:
        self._packages, self._request = packages, request
        self._process: _Process | None = None
        self.versions: dict[str, str] = {}

    def cells(self) -> tuple[tuple[CellRun, ...], Ending]:
        """Run all cells; those that were not reached say so."""
        found: list[CellRun] = []
        ending = Ending(Ended.FINISHED)
        self._process = self._start(self._request)
        try:
            found.extend(_cells_of(self._process, self._request))
        except _Stopped as stopped:
            self._process = None
            ending = _ending(stopped, self._request)
        missing = (CellRun(Run(cell.id, RunStatus.NOT_RUN)) for cell in self._request.cells[len(found) :])
        return (*found, *missing), ending

    def answers(self, batch: CallBatch) -> tuple[Run, ...]:
        """One run for each call of `batch`, in order."""
        runs: list[Run] = []
        for after, calls in groupby(batch.calls, key=lambda call: call.after):
            own_state = after is not None or bool(batch.given)
            if own_state:
                self.close()
            runs += self._answer(list(calls), batch, after)
            if own_state:
                self.close()
        return tuple(runs)

    def close(self) -> None:
        """End the process."""
        if self._process is not None:
            self._process.end()
            self._process = None

    def _answer(self, waiting: list[Call], batch: CallBatch, after: str | None) -> Iterator[Run]:
        limits = CallLimits.of(self._request.limits)
        while waiting:
            answered = 0
            try:
                process = self._process or self._fresh(after)
                self._process = process
            except _Stopped:  # the cells did not get through a second time
                yield from (_unanswered(call, batch, "StateLost", "the state after the cells is gone") for call in waiting)
                return
            process.send(msgspec.structs.replace(batch, calls=tuple(waiting)))
            try:
                for call in waiting:
                    yield _run_of(process.receive(limits.wall_s + limits.cpu_s), call, batch)
                    answered += 1
                process.receive(_GRACE_S + limits.wall_s)
            except _Stopped as stopped:
                process.end()
                self._process = None
                if answered < len(waiting) and not (stopped.code == FRESH_PROCESS and answered):
                    yield _failed(waiting[answered], batch, stopped, limits)
                    answered += 1
            del waiting[:answered]

    def _fresh(self, after: str | None) -> _Process:
        """A process in the state after all cells, or after one of them.

        Raises:
            _Stopped: if it does not get there.
        """
        names = [cell.id for cell in self._request.cells]
        count = len(names) if after is None else names.index(after) + 1
        request = msgspec.structs.replace(self._request, cells=self._request.cells[:count])
        process = self._start(request)
        for _ in _cells_of(process, request):
            pass
        return process

    def _start(self, request: ExecutionRequest) -> _Process:
        process = _Process(self._packages, request.limits.evidence_bytes)
        self.versions = process.ready().versions
        process.send(request)
        return process


def _cells_of(process: _Process, request: ExecutionRequest) -> Iterator[CellRun]:
    """The runs of the cells, as they come.

    Raises:
        _Stopped: if one does not come.
    """
    until = time.monotonic() + request.limits.wall_s
    for cell in request.cells:
        message = process.receive(until - time.monotonic())
        if not isinstance(message, CellFrame) or message.cell.run.id != cell.id:
            raise _Stopped(process.end(), corrupt=True)
        yield message.cell
    process.receive(_GRACE_S + request.limits.wall_s)  # the end of the cells


def _run_of(message: FromChild, call: Call, batch: CallBatch) -> Run:
    if not isinstance(message, CallFrame) or message.run.id != call.id or message.run.alone != batch.alone:
        raise _Stopped(1, corrupt=True)
    return message.run


def _failed(call: Call, batch: CallBatch, stopped: _Stopped, limits: CallLimits) -> Run:
    """The run of a call in which the process ended."""
    if stopped.late:
        run = _unanswered(call, batch, "TimeLimit", f"the call waited for longer than {limits.wall_s:.0f} s")
    elif stopped.code == CPU_LIMIT:
        run = _unanswered(call, batch, "TimeLimit", "the call needed more than its computing time")
    else:
        how = f"the call ended Python with exit code {stopped.code}"
        return _unanswered(
            call, batch, "Exited", how if stopped.code >= 0 else f"the process was killed by {_signal(stopped.code)} during the call"
        )
    return msgspec.structs.replace(run, status=RunStatus.TIMED_OUT)


def _unanswered(call: Call, batch: CallBatch, kind: str, message: str) -> Run:
    return Run(id=call.id, status=RunStatus.DIED, error=ErrorReport(kind, message), alone=batch.alone)


def _not_run(batch: CallBatch) -> tuple[Run, ...]:
    return tuple(Run(call.id, RunStatus.NOT_RUN, alone=batch.alone) for call in batch.calls)


def _ending(stopped: _Stopped, request: ExecutionRequest) -> Ending:
    """How the process that ran the cells ended, in the executor's words."""
    if stopped.late:
        return Ending(Ended.WALL_LIMIT, f"not done after {request.limits.wall_s} s")
    if stopped.corrupt:
        return Ending(Ended.CORRUPT_FRAMES, "its messages can't be read")
    if stopped.code == CPU_LIMIT:
        return Ending(Ended.CPU_LIMIT, f"more than {request.limits.cpu_s} s of computing")
    if stopped.code < 0:
        name = _signal(stopped.code)
        return Ending(Ended.KILLED if name == "SIGKILL" else Ended.SIGNALLED, name)
    return Ending(Ended.EXITED, f"exit code {stopped.code}")


def _signal(code: int) -> str:
    """The name of the signal that an exit code below 0 stands for."""
    return signal.Signals(-code).name if -code in {known.value for known in signal.Signals} else f"signal {-code}"
