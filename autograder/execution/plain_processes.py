# ruff: noqa: S603
# The command is our own interpreter.
"""Runs a notebook in plain processes, without a sandbox: on a student's own machine, where he runs
his own code anyway. Works wherever Python does.

The evidence is what the executor with its forkserver would bring; only the limits are held less
strictly (computing time by the process itself, waiting by this side; none on memory and disk).
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
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import IO, Self

import msgspec

import autograder
from autograder.errors import SandboxError
from autograder.evidence.limits import Isolation, Limits
from autograder.evidence.protocol import (
    FRAME_HEADER,
    FROM_CHILD,
    FROM_FORKSERVER,
    Call,
    CallBatch,
    ExecutionRequest,
    ForkserverReady,
    FromChild,
    ToChild,
    frame,
)
from autograder.evidence.trace import Ended, Ending, Evidence
from autograder.execution.conversing.trip import GRACE_S, Stopped, Trip
from autograder.execution.devices import CPU, FoundDevice
from autograder.sandboxed.calls.allowance import CPU_LIMIT

_START = (
    "import sys; sys.path.insert(0, sys.argv[1]); from autograder.sandboxed.calls.unforked import"
    " main; main(*sys.argv[2:])"
)
_ROOT = Path(autograder.__file__).resolve().parent.parent
_WARMING_S = 300
"""Importing torch from a cold disk takes a minute on some laptops."""
_SETTINGS = {
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "MPLBACKEND": "agg",
}

_OF_CI = ("GITHUB_", "ACTIONS_", "RUNNER_", "CI_", "GITLAB_")
"""Variables of a CI job: files that steer it, and tokens. The notebook has no use for them."""


class _Process:
    """One process of `autograder.sandboxed.calls.unforked`."""

    def __init__(self, packages: Sequence[str], device: FoundDevice, limits: Limits) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="gradstep-", ignore_cleanup_errors=True)
        # lives as long as the process
        self._log: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115
        self._limits = limits
        self._frames: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
        self._process = subprocess.Popen(
            [sys.executable, "-s", "-P", "-c", _START, str(_ROOT), device.kind, *packages],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
            cwd=self._folder.name,
            env={name: value for name, value in os.environ.items() if not name.startswith(_OF_CI)}
            | _SETTINGS
            | device.variables(0),
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
            Stopped: if none comes.
        """
        try:
            body = self._frames.get(timeout=max(timeout_s, 0.0))
        except queue.Empty as error:
            self.end()
            raise Stopped(
                Ending(Ended.WALL_LIMIT, f"not done after {self._limits.wall_s} s"), late=True
            ) from error
        if body is None:
            ending = self.end(gently=True)
            raise Stopped(
                Ending(Ended.EXITED, "exit code 0") if ending.reason is Ended.FINISHED else ending
            )
        try:
            return FROM_CHILD.decode(body)
        except (msgspec.DecodeError, ValueError, RecursionError) as error:
            problem = "its messages can't be read"
            raise self.corrupt(problem) from error

    def corrupt(self, detail: str) -> Stopped:
        """End it, since what it sent is not what was asked for; the error to raise."""
        self.end()
        return Stopped(Ending(Ended.CORRUPT_FRAMES, detail))

    def end(self, *, gently: bool = False) -> Ending:
        """End it, at once or after a moment in which it may end by itself; how it did."""
        if gently:
            try:
                self._process.wait(GRACE_S)
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
        return _ending(self._process.returncode, self._limits)

    def _listen(self) -> None:
        """Cut what comes into frames; None at the end, and where a frame claims too much."""
        stream = self._process.stdout
        assert stream is not None
        with stream:
            while len(header := stream.read(FRAME_HEADER.size)) == FRAME_HEADER.size:
                (size,) = FRAME_HEADER.unpack(header)
                body = stream.read(size) if size <= self._limits.evidence_bytes else b""
                if len(body) < size:
                    break
                self._frames.put(body)
        self._frames.put(None)

    def _last_words(self) -> str:
        self._log.seek(0)
        lines = self._log.read().decode(errors="replace").strip().splitlines()
        return lines[-1][:300] if lines else "it said nothing"


class PlainExecutor:
    """Runs one notebook at a time.

    Takes the place of `autograder.execution.executor.Executor` where that can't work.
    """

    jobs = 1
    required = Isolation.NONE

    def __init__(self, packages: Sequence[str] = (), device: FoundDevice = CPU) -> None:
        """Take the packages to import before the notebook's first cell, by their installed names.

        `device` is where it runs.
        """
        self._packages = tuple(packages)
        self.device = device
        self.environment: dict[str, str] = {"isolation": "none"}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Do nothing: each run has ended its own processes."""

    def warm(self, slots: int) -> None:
        """Do nothing: each run starts a process of its own."""

    def aside(self) -> Self:
        """Return this executor itself: runs need no slots here."""
        return self

    def run(
        self,
        key: str,
        request: ExecutionRequest,
        calls: Sequence[Call],
        follow_up: Callable[[Evidence], Sequence[CallBatch]] | None = None,
        # for whoever calls the executor: a run here is stopped by ending the program
        stop: threading.Event | None = None,  # noqa: ARG002
    ) -> Evidence:
        """Run the cells, then `calls`, then the batches that `follow_up` asks for.

        All as the executor does.

        Raises:
            SandboxError: if Python can't be started.
        """
        versions: dict[str, str] = {}

        def start(request: ExecutionRequest) -> _Process:
            process = _Process(self._packages, self.device, request.limits)
            versions.update(process.ready().versions)
            return process

        trip = Trip(start, request, apart=False)
        first, started = CallBatch(tuple(calls)), time.monotonic()
        try:
            cells = trip.cells()
            self.environment = {"isolation": "none", "device": self.device.name, **versions}
            ending = trip.ending
            runs = trip.answers(first)
            evidence = Evidence(key, cells, runs, ending, self.environment)
            if follow_up is not None and trip.ending.reason is Ended.FINISHED:
                runs += tuple(run for batch in follow_up(evidence) for run in trip.answers(batch))
        finally:
            trip.close()
        ending = msgspec.structs.replace(trip.ending, wall_s=time.monotonic() - started)
        return Evidence(key, cells, runs, ending, self.environment)


def _ending(code: int, limits: Limits) -> Ending:
    """Return the ending of a process with this exit code, in the executor's words."""
    if code == CPU_LIMIT:
        return Ending(Ended.CPU_LIMIT, f"more than {limits.cpu_s} s of computing")
    if code < 0:
        name = (
            signal.Signals(-code).name
            if -code in {known.value for known in signal.Signals}
            else f"signal {-code}"
        )
        return Ending(Ended.KILLED if name == "SIGKILL" else Ended.SIGNALLED, name)
    return Ending(Ended.EXITED, f"exit code {code}") if code else Ending(Ended.FINISHED)
