# ruff: noqa: SIM105, RET503
# NoReturn functions end a branch without a return.
"""Calls in forks of the state after the cells, so that none can spoil that state.

The leader only relays what its runners send.

Calls of a batch run one after another in one runner; when one errs, dies, hangs or disturbs what
the others share, the rest goes on in a fresh one.
"""

from __future__ import annotations

import gc
import os
import resource
import select
import signal
import time
from collections.abc import Callable, Iterator
from typing import NoReturn

from autograder.evidence.protocol import Call, CallBatch, CallFrame, frame
from autograder.evidence.trace import ErrorReport, Run, RunStatus
from autograder.sandboxed.calls.allowance import FRESH_PROCESS, CallLimits, needs_fresh_process
from autograder.sandboxed.calls.calling import answer_call, define_given
from autograder.sandboxed.calls.disturbance import SharedState
from autograder.sandboxed.channel import FrameSplitter, die_with_parent, write_all
from autograder.sandboxed.session import Session
from autograder.sandboxed.threads import use_threads

Deliver = Callable[[bytes], None]


def answer(session: Session, batch: CallBatch, deliver: Deliver) -> None:
    """Make all calls of `batch`; `deliver` takes one frame per call, in order."""
    gc.freeze()  # a collection in a fork would copy every page
    waiting, once = list(batch.calls), ""
    while waiting:
        group = waiting[:1] if batch.alone else waiting
        answered, failure = _run_group(session, batch, group, deliver)
        if failure is not None:
            status, report = failure
            if (
                status is RunStatus.KILLED and once != group[answered].id
            ):  # not by the call itself, most likely: the machine may have had to
                once = group[answered].id
                del waiting[:answered]
                continue
            run = Run(
                id=group[answered].id,
                status=status,
                error=report,
                given=batch.given_names,
                alone=batch.alone,
            )
            deliver(frame(CallFrame(run)))
            answered += 1
        del waiting[:answered]


def _run_group(
    session: Session, batch: CallBatch, calls: list[Call], deliver: Deliver
) -> tuple[int, tuple[RunStatus, ErrorReport] | None]:
    """Run `calls` in one fork.

    Returns how many were answered, and why the next one was not, if the fork ended in it.
    """
    limits = CallLimits.of(session.request.limits)
    pid, pipe = _fork_runner(session, batch, calls, limits)
    answered, failure = 0, None
    try:
        for whole in _frames(pid, pipe, limits, session.request.limits.evidence_bytes):
            deliver(whole)
            session.sent_bytes += len(whole)
            answered += 1
            if answered == len(calls):
                break
    except _RunnerStopped as stopped:
        failure = stopped.args[0]
    os.close(pipe)
    if answered == len(calls) or failure is not None:
        _kill(pid)
    _, status = os.waitpid(pid, 0)
    if answered == len(calls):
        return answered, None
    if (
        failure is None
        and os.WIFEXITED(status)
        and answered > 0
        and os.WEXITSTATUS(status) in (0, FRESH_PROCESS)
    ):
        return answered, None  # it has asked for a fresh fork, or seems to: the next fork will tell
    return answered, failure or _how_it_died(status)


class _RunnerStopped(Exception):
    """The leader has ended the runner; says why."""


def _frames(pid: int, pipe: int, limits: CallLimits, limit_bytes: int) -> Iterator[bytes]:
    """The frames of a runner, as they come.

    Raises:
        _RunnerStopped: when the present call is over its limits, or sends too much.
    """
    splitter = FrameSplitter(limit_bytes // 4)
    since, cpu_since = time.monotonic(), 0.0
    while True:
        if not select.select([pipe], [], [], 0.25)[0]:
            if time.monotonic() - since > limits.wall_s:
                raise _RunnerStopped(
                    (
                        RunStatus.TIMED_OUT,
                        _timeout(f"the call waited for longer than {limits.wall_s:.0f} s"),
                    )
                )
            if _cpu_of(pid) - cpu_since > limits.cpu_s + 2:  # it ignores SIGXCPU
                raise _RunnerStopped(
                    (
                        RunStatus.TIMED_OUT,
                        _timeout(f"the call needed more than {limits.cpu_s} s of computing time"),
                    )
                )
            continue
        data = os.read(pipe, 1 << 20)
        if not data:
            return
        try:
            for whole in splitter.feed(data):
                since, cpu_since = time.monotonic(), _cpu_of(pid)
                yield whole
        except ValueError as error:
            raise _RunnerStopped(
                (RunStatus.DIED, ErrorReport("FrameTooLarge", str(error)))
            ) from error


def _timeout(message: str) -> ErrorReport:
    return ErrorReport("TimeLimit", message)


def _how_it_died(status: int) -> tuple[RunStatus, ErrorReport]:
    if os.WIFSIGNALED(status):
        number = os.WTERMSIG(status)
        if number == signal.SIGXCPU:
            return RunStatus.TIMED_OUT, _timeout("the call needed more than its computing time")
        if number == signal.SIGKILL:
            return RunStatus.KILLED, ErrorReport(
                "Killed", "the process was killed during the call, twice"
            )
        name = (
            signal.Signals(number).name
            if number in {known.value for known in signal.Signals}
            else str(number)
        )
        return RunStatus.DIED, ErrorReport(
            "Killed", f"the process was killed by {name} during the call"
        )
    return RunStatus.DIED, ErrorReport(
        "Exited", f"the call ended Python with exit code {os.WEXITSTATUS(status)}"
    )


def _cpu_of(pid: int) -> float:
    """CPU seconds of a process; 0 once it is gone."""
    try:
        # the clock id that clock_getcpuclockid(3) computes
        return time.clock_gettime((~pid << 3) | 2)
    except OSError:
        return 0.0


def _kill(pid: int) -> None:
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        pass


def _fork_runner(
    session: Session, batch: CallBatch, calls: list[Call], limits: CallLimits
) -> tuple[int, int]:
    reading, writing = os.pipe()
    pid = os.fork()
    if pid:
        os.close(writing)
        return pid, reading
    os.close(reading)
    _run_calls(session, batch, calls, limits, writing)


def _run_calls(
    session: Session, batch: CallBatch, calls: list[Call], limits: CallLimits, pipe: int
) -> NoReturn:
    """In the runner: make the calls, send a frame after each, exit."""
    code = 70
    try:
        die_with_parent()
        use_threads(1)  # before anything else: OpenMP's threads did not survive the fork
        session.loop = type(
            session.loop
        )()  # the old one's epoll descriptor is shared with the leader
        problem = define_given(session, batch)
        shared = SharedState(session.namespace)
        for call in calls:
            allow_cpu(limits)
            run = answer_call(session, call, batch, problem)
            whole = frame(CallFrame(run))
            session.sent_bytes += len(whole)
            write_all(pipe, whole)
            if needs_fresh_process(run) or shared.disturbed():
                code = FRESH_PROCESS
                break
        else:
            code = 0
    finally:
        os._exit(code)


def allow_cpu(limits: CallLimits) -> None:
    """Let the next call use `limits.cpu_s` more: the soft limit moves, the hard one stays."""
    signal.signal(signal.SIGXCPU, signal.SIG_DFL)
    _, hard = resource.getrlimit(resource.RLIMIT_CPU)
    wanted = int(time.process_time()) + 1 + limits.cpu_s
    resource.setrlimit(
        resource.RLIMIT_CPU, (wanted if hard == resource.RLIM_INFINITY else min(wanted, hard), hard)
    )
