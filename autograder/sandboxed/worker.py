"""What a submission's process does once it is in its sandbox: run the cells, then make the calls
that it is asked for.

The process that runs the cells is the leader. It keeps the state after the last cell and never
makes a call itself. A cell with `hold` leaves behind a holder, a fork that keeps the state after
that cell and answers calls in it. Of a request that is `unforked`, the leader makes the calls
itself.
"""

from __future__ import annotations

import os
import socket
from itertools import groupby

from autograder.evidence.protocol import (
    FRAME_HEADER,
    TO_CHILD,
    BatchEnded,
    Call,
    CallBatch,
    CallFrame,
    CellsEnded,
    ExecutionRequest,
    frame,
)
from autograder.evidence.trace import ErrorReport, Run, RunStatus
from autograder.sandboxed.calls.runners import allow_cpu, answer
from autograder.sandboxed.calls.serving import serve
from autograder.sandboxed.cells.shell import Shell, collect_outputs
from autograder.sandboxed.channel import die_with_parent, read_frame, write_all
from autograder.sandboxed.preparing import batches_from, settle
from autograder.sandboxed.recording.recorder import Recorder
from autograder.sandboxed.session import Session, run_cell_frame
from autograder.sandboxed.threads import use_threads

Holders = dict[str, int]
"""By cell id: the descriptor over which its holder answers."""


def run_submission(connection: int, shell: Shell, recorder: Recorder) -> None:
    """Serve one submission over `connection` in the working folder.

    Returns when the host has shut its side down.

    Raises:
        OSError: if the connection breaks, as when student code has closed it.
        msgspec.DecodeError: if the host sends anything but its part of the protocol.
    """
    body = read_frame(connection)
    request = TO_CHILD.decode(body or b"")
    if not isinstance(request, ExecutionRequest):
        message = "the host must send the cells first"
        raise TypeError(message)
    settle(request)
    session = Session(shell, recorder, request)
    collect_outputs(request.limits.output_bytes)
    if request.unforked:
        serve(session, connection, connection, allow_cpu)
        return
    holders: Holders = {}
    for cell in request.cells:
        write_all(connection, run_cell_frame(session, cell))
        if cell.hold:
            holders[cell.id] = _hold(session, connection)
    write_all(connection, frame(CellsEnded()))
    for batch in batches_from(connection):
        for after, calls in groupby(batch.calls, key=lambda call: call.after):
            part = CallBatch(tuple(calls), batch.alone, batch.given, batch.given_names)
            if after is None:
                answer(session, part, lambda whole: write_all(connection, whole))
            else:
                _relay(holders.get(after), part, connection)
        write_all(connection, frame(BatchEnded()))


def _hold(session: Session, connection: int) -> int:
    """Fork a holder of the present state; returns the leader's end of the line to it."""
    ours, theirs = socket.socketpair()
    if os.fork():
        theirs.close()
        return ours.detach()
    try:
        die_with_parent()
        ours.close()
        os.close(connection)  # what a holder has to say goes through the leader
        use_threads(1)
        # it can't know what the leader sends meanwhile
        session.sent_bytes = session.request.limits.evidence_bytes // 2
        line = theirs.detach()
        for batch in batches_from(line):
            answer(session, batch, lambda whole: write_all(line, whole))
    finally:
        os._exit(0)


def _relay(holder: int | None, batch: CallBatch, connection: int) -> None:
    """Have a holder answer `batch` and pass its frames on.

    A holder that is gone leaves its calls unanswered, which is said.
    """
    left = list(batch.calls)
    try:
        if holder is not None:
            write_all(holder, frame(batch))
        while left and holder is not None:
            body = read_frame(holder)
            if body is None:
                break
            write_all(connection, FRAME_HEADER.pack(len(body)) + body)
            left.pop(0)
    except BrokenPipeError:
        pass
    for call in left:
        write_all(connection, frame(CallFrame(_unanswered(call, batch))))


def _unanswered(call: Call, batch: CallBatch) -> Run:
    report = ErrorReport("StateLost", f"the state after cell {call.after} is gone")
    return Run(
        id=call.id,
        status=RunStatus.KILLED,
        error=report,
        given=batch.given_names,
        alone=batch.alone,
    )
