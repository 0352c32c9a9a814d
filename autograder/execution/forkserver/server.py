# ruff: noqa: PTH115, PTH208, SIM105, RET503
# os.listdir, os.readlink and try/pass: this runs between fork and sandbox; NoReturn functions end a
# branch without a return.
"""The warm process that submissions are forked from: one at a time, each in its sandbox, watched to
its end.

It is started by exec with a clean environment and knows nothing of the grader. It never reads what
students send: otherwise the next child would inherit it. When its control socket closes, the host
is gone, and it ends the submission and itself. (PDEATHSIG would not do: that is about the host's
thread, not the host.)
"""

from __future__ import annotations

import os
import resource
import select
import signal
import socket
import sys
import time
import traceback
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, NoReturn

import msgspec

from autograder.errors import SandboxError
from autograder.evidence.limits import Limits
from autograder.evidence.protocol import FRAME_HEADER, LAUNCH, ForkserverReady, LaunchEnded, frame
from autograder.evidence.trace import Ended, Ending
from autograder.execution import watch
from autograder.execution.forkserver.control import END, PAUSE, ForkserverConfig
from autograder.execution.forkserver.large_pages import merge_pages
from autograder.execution.layers import sandbox
from autograder.execution.layers.mounts import bound, resize, show_only
from autograder.execution.processes import DUMPABLE, SUBREAPER, TREE_CPU_FACTOR, prctl

_LOOK_EVERY_S = 0.2
_SANDBOXED, _NO_DEVICE = b"y", b"n"
"""What a child says before it runs code of a student's: all layers are on; the device can't be
used.
"""


@dataclass(slots=True)
class _Child:
    """One submission's first process."""

    pid: int
    limits: Limits
    sandboxed_pipe: int
    started: float = field(default_factory=time.monotonic)
    paused_since: float | None = None
    paused_s: float = 0.0
    peak_bytes: int = 0

    @property
    def wall_s(self) -> float:
        """Seconds since the start without those in which the host was judging."""
        now = time.monotonic()
        return (
            now
            - self.started
            - self.paused_s
            - (now - self.paused_since if self.paused_since is not None else 0.0)
        )

    def pause(self) -> None:
        self.paused_since = self.paused_since or time.monotonic()

    def resume(self) -> None:
        if self.paused_since is not None:
            self.paused_s += time.monotonic() - self.paused_since
            self.paused_since = None


class Forkserver:
    """Serves launches over the control socket until the host is gone."""

    def __init__(self, config: ForkserverConfig) -> None:
        self._config = config
        self._control = socket.socket(fileno=config.control)
        self._resizable: Sequence[str] = ()

    def serve(self) -> None:
        """Warm up, say so, then run one submission after another.

        Raises:
            SandboxError: if the interpreter can't be read by the submissions' user, or this process
                has more than one thread.
        """
        # else submissions share the grader's user, and what that one has
        apart = self._config.uid is not None or self._config.bounded
        without = self._config.without
        writable = [self._config.scratch, *(["/dev/shm"] if apart else [])]  # noqa: S108
        mounts = show_only(self._config.readable) if self._config.uid is not None else "not needed"
        bounded = sandbox.LEFT_OUT if sandbox.SCRATCH in without else self._bound(writable)
        self._layers, report = sandbox.make_layers(
            self._config.uid,
            self._config.readable,
            writable,
            without,
            sockets=apart,
            device=self._config.device,
        )
        self._warm()
        prctl(SUBREAPER, 1)
        prctl(DUMPABLE, 0)
        self._base_bytes = watch.resident_bytes()
        self._control.sendall(
            frame(
                ForkserverReady(
                    os.getpid(),
                    {**report, sandbox.MOUNTS: mounts, sandbox.SCRATCH: bounded},
                    self._versions(),
                )
            )
        )
        if self._layers.uid is not None:
            # of a forkserver before this one that was killed with a submission under way
            watch.kill_all(self._layers.uid)
        while (launch := self._receive()) is not None:
            self._control.sendall(frame(self._run(*launch)))

    def _bound(self, writable: Sequence[str]) -> str:
        """Put the folders that submissions may write to on tmpfs of their own; "yes" or why not."""
        if self._config.bounded:
            return sandbox.YES
        held = (
            bound(writable, Limits().scratch_bytes)
            if os.geteuid() == 0
            else "needs root or bubblewrap"
        )
        if held == sandbox.YES:
            self._resizable = writable
            if self._config.uid is not None:
                os.chown(self._config.scratch, self._config.uid, self._config.uid)
        return held

    def _warm(self) -> None:
        from autograder.sandboxed import preparing, worker

        self._worker = worker
        self._shell, self._recorder = preparing.warm(self._config.packages)
        self._initialise = preparing.initialise
        merge_pages()
        if (
            "site-packages" not in self._config.package_root
        ):  # beside the package may lie what students must not find
            sys.path[:] = [path for path in sys.path if path != self._config.package_root]
        if len(os.listdir("/proc/self/task")) != 1:
            message = "the forkserver has threads after warming up, forking would not be safe"
            raise SandboxError(message)
        if _has_card_open():
            message = (
                "CUDA was initialised while warming up, which no fork survives; does one of the"
                " assignment's packages do that when it is imported?"
            )
            raise SandboxError(message)

    def _versions(self) -> dict[str, str]:
        import torch

        return {"torch": str(torch.__version__), "python": ".".join(map(str, sys.version_info[:3]))}

    def _receive(self) -> tuple[Limits, int, int] | None:
        """The next launch with its two descriptors, or None when the host has gone."""
        while True:
            data, descriptors, _, _ = socket.recv_fds(self._control, 1 << 16, 2)
            if not data:
                return None
            if len(descriptors) == 2:
                while len(data) > FRAME_HEADER.size + FRAME_HEADER.unpack_from(data)[0]:
                    data = data[1:]  # a byte that was meant for a run which had just ended
                return (
                    LAUNCH.decode(data[FRAME_HEADER.size :]).limits,
                    descriptors[0],
                    descriptors[1],
                )

    def _run(self, limits: Limits, connection: int, log: int) -> LaunchEnded:
        uid, scratch = self._layers.uid, self._config.scratch
        watch.sweep(uid, scratch)
        resize(self._resizable, limits.scratch_bytes)
        child = self._fork(limits, connection, log)
        os.close(connection)
        os.close(log)
        before = _cpu_of_reaped()
        reason, detail = self._watch(child)
        if reason is not None:
            os.kill(child.pid, signal.SIGKILL)
        cpu = watch.cpu_of(watch.processes_of(uid))
        _, status, usage = os.wait4(child.pid, 0)
        # orphans are handed to us, so with no child left no process is
        left, gone = (
            0,
            watch.reap(),
        )
        if not gone:
            left = len(watch.processes_of(uid))
            gone = watch.kill_all(uid)
        said = os.read(child.sandboxed_pipe, len(_SANDBOXED + _NO_DEVICE))
        sandboxed = said.startswith(_SANDBOXED)
        os.close(child.sandboxed_pipe)
        watch.sweep(uid, scratch)
        if reason is None:
            reason, detail = _how_it_ended(status, usage.ru_utime + usage.ru_stime, limits)
        if not sandboxed:
            reason, detail = Ended.SANDBOX_FAILED, "a layer of the sandbox failed"
        elif said.endswith(_NO_DEVICE):
            reason, detail = Ended.NO_DEVICE, "the device can't be used"
        elif not gone:
            detail += "; some of its processes could not be ended"
        ending = Ending(
            reason=reason,
            detail=detail,
            cpu_s=max(cpu, _cpu_of_reaped() - before),
            wall_s=child.wall_s,
            peak_rss_bytes=max(child.peak_bytes, usage.ru_maxrss * 1024),
            left_behind=left,
        )
        return LaunchEnded(ending, sandboxed)

    def _fork(self, limits: Limits, connection: int, log: int) -> _Child:
        reading, writing = os.pipe()
        pid = os.fork()
        if pid:
            os.close(writing)
            return _Child(pid, limits, reading)
        self._become_submission(limits, connection, log, writing)

    def _become_submission(
        self, limits: Limits, connection: int, log: int, sandboxed: int
    ) -> NoReturn:
        """In the child: drop everything of the forkserver's, enter the sandbox, run."""
        try:
            null = os.open("/dev/null", os.O_RDONLY)
            for descriptor, standard in ((null, 0), (log, 1), (log, 2)):
                os.dup2(descriptor, standard)
            kept = {0, 1, 2, connection, sandboxed}
            if self._layers.rules is not None:
                kept.add(self._layers.rules.fileno())
            for name in os.listdir("/proc/self/fd"):
                if int(name) not in kept:
                    _close(int(name))
            os.chdir(self._config.scratch)
            sandbox.enter(limits, self._layers)
            os.write(sandboxed, _SANDBOXED)
            try:
                self._initialise(self._config.device)
            except BaseException:
                os.write(sandboxed, _NO_DEVICE)
                raise
            os.close(sandboxed)  # before any code of the student's
            self._worker.run_submission(connection, self._shell, self._recorder)
            os._exit(0)
        except BaseException:  # noqa: BLE001 - to the log, which the host reads
            os.write(2, traceback.format_exc().encode(errors="replace")[-4000:])
        finally:
            os._exit(70)

    def _watch(self, child: _Child) -> tuple[Ended | None, str]:
        """Wait for the child's end; why it has to be ended, or None if it ended by itself."""
        descriptor = os.pidfd_open(child.pid)
        sources: list[Any] = [descriptor, self._control]
        try:
            while True:
                ready = select.select(sources, [], [], _LOOK_EVERY_S)[0]
                if descriptor in ready:
                    return None, ""
                if self._control in ready:
                    said = self._control.recv(100)
                    if not said or END in said:
                        return Ended.EXITED, "ended by the grader"
                    for byte in said:
                        child.pause() if byte == PAUSE[0] else child.resume()
                if reason := self._excess(child):
                    return reason
        finally:
            os.close(descriptor)

    def _excess(self, child: _Child) -> tuple[Ended, str] | None:
        """What the submission uses too much of, if anything."""
        limits, pids = child.limits, watch.processes_of(self._layers.uid)
        if watch.cpu_of(pids) > TREE_CPU_FACTOR * limits.cpu_s:
            return (
                Ended.CPU_LIMIT,
                f"more than {TREE_CPU_FACTOR * limits.cpu_s} s of computing in all its processes",
            )
        memory = watch.memory_of(pids, limits.memory_bytes, self._base_bytes)
        child.peak_bytes = max(child.peak_bytes, memory)
        if memory > limits.memory_bytes:
            return (
                Ended.MEMORY_LIMIT,
                (
                    f"{memory >> 20} MB in all its processes, the limit is"
                    f" {limits.memory_bytes >> 20} MB"
                ),
            )
        if (
            watch.disk_of(self._layers.uid, self._config.scratch, limits.scratch_bytes)
            > limits.scratch_bytes
        ):
            return Ended.DISK_LIMIT, f"more than {limits.scratch_bytes >> 20} MB of files"
        if child.paused_since is None and child.wall_s > limits.wall_s:
            return Ended.WALL_LIMIT, f"not done after {limits.wall_s} s"
        return None


def _how_it_ended(status: int, cpu_s: float, limits: Limits) -> tuple[Ended, str]:
    if os.WIFSIGNALED(status):
        number = os.WTERMSIG(status)
        if number == signal.SIGXCPU or (number == signal.SIGKILL and cpu_s >= limits.cpu_s):
            return Ended.CPU_LIMIT, f"more than {limits.cpu_s} s of computing"
        if number == signal.SIGKILL:
            return Ended.KILLED, "SIGKILL"
        return Ended.SIGNALLED, (
            signal.Signals(number).name
            if number in {known.value for known in signal.Signals}
            else f"signal {number}"
        )
    code = os.WEXITSTATUS(status)
    return (Ended.FINISHED, "") if code == 0 else (Ended.EXITED, f"exit code {code}")


def _has_card_open() -> bool:
    """Whether this process has spoken to a GPU's driver."""
    for name in os.listdir("/proc/self/fd"):
        try:
            if os.readlink(f"/proc/self/fd/{name}").startswith("/dev/nvidia"):
                return True
        except OSError:
            continue  # listdir's own
    return False


def _cpu_of_reaped() -> float:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def _close(descriptor: int) -> None:
    try:
        os.close(descriptor)
    except OSError:
        pass  # listdir's own


def main(argument: str) -> Any:
    """Entry of the process: `argument` is a ForkserverConfig as JSON."""
    try:
        Forkserver(msgspec.json.decode(argument, type=ForkserverConfig)).serve()
    except SandboxError as error:
        sys.exit(f"SandboxError: {error}")
    except BrokenPipeError:
        sys.exit("the host is gone")
