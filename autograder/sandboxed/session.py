"""One submission's live state in this process: the shell, the event loop, the recorder, and how
much evidence may still be sent.
"""

from __future__ import annotations

import asyncio
import random
import signal
import sys
import time
import types
from dataclasses import dataclass, field
from typing import Any, NoReturn

import numpy as np
import torch

from autograder.evidence.protocol import Cell, CellFrame, ExecutionRequest, frame
from autograder.evidence.trace import CellRun, ErrorReport, Run, RunStatus, Value
from autograder.sandboxed.cells.shell import COLLECTED, CellResult, Shell, run_cell
from autograder.sandboxed.failure import report_of
from autograder.sandboxed.recording.recorder import Recorder
from autograder.sandboxed.recording.values import ValueReader
from autograder.sandboxed.text import clean


@dataclass(slots=True)
class Session:
    """State that cells and calls work on. `sent_bytes` counts the evidence so far."""

    shell: Shell
    recorder: Recorder
    request: ExecutionRequest
    sent_bytes: int = 0
    loop: asyncio.AbstractEventLoop = field(default_factory=asyncio.new_event_loop)

    @property
    def namespace(self) -> dict[str, Any]:
        """The notebook's names."""
        return self.shell.user_ns  # type: ignore[no-any-return]

    @property
    def allowance_bytes(self) -> int:
        """Size that the next run's arrays may have.

        A share of what is left, so that an honest notebook never meets the limit.
        """
        limit = self.request.limits.evidence_bytes
        return max(0, min(limit // 16, (limit - self.sent_bytes) // 8))


def seed_everything(seed: int) -> None:
    """Seed Python's, numpy's and torch's random numbers.

    torch.manual_seed would besides note a whole stack for each kind of device that is not in use:
    0.2 ms.
    """
    random.seed(seed)
    np.random.seed(seed % (1 << 32))  # noqa: NPY002 - what students use
    torch.default_generator.manual_seed(seed)
    if torch.cuda.is_initialized():  # type: ignore[no-untyped-call]
        torch.cuda.manual_seed_all(seed)


def run_cell_frame(session: Session, cell: Cell) -> bytes:
    """Run `cell` and give the frame that tells how it went."""
    COLLECTED.start()
    session.recorder.start(session.allowance_bytes)
    cpu, wall = time.process_time(), time.perf_counter()
    result = _run_in_time(session, cell)
    run = Run(
        id=cell.id,
        status=RunStatus.FINISHED if result.error is None else RunStatus.RAISED,
        variables=variables_of(session, cell.capture),
        traces=session.recorder.traces(),
        output=COLLECTED.text,
        error=None if result.error is None else describe(session, result.error, cell.id),
        cpu_s=time.process_time() - cpu,
        wall_s=time.perf_counter() - wall,
    )
    whole = frame(CellFrame(CellRun(run, COLLECTED.json(), result.execution_count)))
    if len(whole) > session.request.limits.evidence_bytes // 2:
        lighter = Run(
            id=run.id,
            status=run.status,
            output=run.output,
            error=run.error,
            cpu_s=run.cpu_s,
            wall_s=run.wall_s,
        )
        whole = frame(CellFrame(CellRun(lighter, "[]", result.execution_count)))
    session.sent_bytes += len(whole)
    return whole


class CellTimeoutError(KeyboardInterrupt):
    """A cell has taken longer than `Limits.cell_s`.

    No Exception, so that a student's `except Exception` lets it pass.
    """


def _run_in_time(session: Session, cell: Cell) -> CellResult:
    """Run the cell, interrupted when its own time is up; the submission's limits hold besides."""
    limit_s = session.request.limits.cell_s
    if limit_s is None:
        return run_cell(session.shell, session.loop, cell.id, cell.source)

    def interrupt(*_: object) -> NoReturn:
        message = f"the cell took longer than {limit_s} s"
        raise CellTimeoutError(message)

    signal.signal(signal.SIGALRM, interrupt)
    signal.setitimer(signal.ITIMER_REAL, limit_s)
    try:
        return run_cell(session.shell, session.loop, cell.id, cell.source)
    except CellTimeoutError as error:  # it came while the shell was tidying up
        return CellResult(None, error)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)


def variables_of(session: Session, names: tuple[str, ...]) -> dict[str, Value]:
    """The values of those names that the notebook has."""
    reader = ValueReader(session.allowance_bytes)
    return {
        name: reader.read(session.namespace[name]) for name in names if name in session.namespace
    }


def describe(session: Session, error: BaseException, cell: str = "") -> ErrorReport:
    """Report an error as text; `cell` is its place if no frame lies in a cell."""
    report = report_of(error, session.shell.compile.places)
    if report.cell or not cell:
        return report
    return ErrorReport(
        report.type, report.message, report.traceback, cell, report.line, report.module
    )


def drivers_module(source: str) -> types.ModuleType:
    """The assignment's drivers, executed in a module of their own.

    Raises:
        Exception: whatever they raise.
    """
    module = types.ModuleType("drivers")
    sys.modules["drivers"] = module
    # this process exists to run code
    exec(compile(source, "drivers.py", "exec"), module.__dict__)  # noqa: S102
    return module


def short(text: str) -> str:
    """Cut a text to the length of messages."""
    return clean(text, 1000)
