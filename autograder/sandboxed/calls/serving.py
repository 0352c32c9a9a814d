"""Cells and calls in one process, for where none can be forked in between: on a GPU, and on systems
without fork.
"""

from __future__ import annotations

import os
from collections.abc import Callable

from autograder.evidence.protocol import BatchEnded, CallFrame, CellsEnded, frame
from autograder.evidence.trace import Run
from autograder.sandboxed.calls.allowance import FRESH_PROCESS, CallLimits, needs_fresh_process
from autograder.sandboxed.calls.calling import answer_call, define_given
from autograder.sandboxed.calls.disturbance import SharedState
from autograder.sandboxed.channel import write_all
from autograder.sandboxed.preparing import batches_from
from autograder.sandboxed.session import Session, run_cell_frame


def serve(
    session: Session, incoming: int, outgoing: int, allow: Callable[[CallLimits], None]
) -> None:
    """Run the cells of `session`, then answer batches until the host shuts its side down.

    `allow` lets the next call compute for so long from now on.

    After a call that errs or disturbs what others share, the process exits with `FRESH_PROCESS`.

    Raises:
        OSError: if the connection breaks, as when student code has closed it.
        msgspec.DecodeError: if the host sends anything but its part of the protocol.
    """
    for cell in session.request.cells:
        write_all(outgoing, run_cell_frame(session, cell))
    write_all(outgoing, frame(CellsEnded()))
    limits = CallLimits.of(session.request.limits)
    for batch in batches_from(incoming):
        problem = define_given(session, batch)
        shared = SharedState(session.namespace)
        for call in batch.calls:
            allow(limits)
            if (
                not _answer(session, answer_call(session, call, batch, problem), outgoing)
                or shared.disturbed()
            ):
                os._exit(FRESH_PROCESS)
        write_all(outgoing, frame(BatchEnded()))


def _answer(session: Session, run: Run, outgoing: int) -> bool:
    """Send a call's run; whether another one may follow in this process."""
    whole = frame(CallFrame(run))
    session.sent_bytes += len(whole)
    write_all(outgoing, whole)
    return not needs_fresh_process(run)
