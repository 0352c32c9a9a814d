"""What a submission's process does once it is in its sandbox: run the cells, then make the calls that it is asked for.

The process that runs the cells is the leader. It keeps the state after the last cell and never makes a call itself. A cell with `hold` leaves behind a
holder, a fork that keeps the state after that cell and answers calls in it.
"""

from __future__ import annotations

import asyncio
import gc
import importlib
import os
import socket
import sys
import tempfile
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path

import torch

from autograder.protocol import FRAME_HEADER, TO_CHILD, BatchEnded, Call, CallBatch, CallFrame, CellsEnded, ExecutionRequest, frame
from autograder.sandboxed.channel import die_with_parent, read_frame, write_all
from autograder.sandboxed.recorder import Recorder
from autograder.sandboxed.runners import answer
from autograder.sandboxed.session import Session, run_cell_frame, seed_everything
from autograder.sandboxed.shell import COLLECTED, Shell, collect_outputs, make_shell, run_cell
from autograder.sandboxed.threads import keep_threads, use_threads
from autograder.trace import ErrorReport, Run, RunStatus

Holders = dict[str, int]
"""By cell id: the descriptor over which its holder answers."""

_WARMING = """
from matplotlib import pyplot as plt
plt.figure(); plt.plot([1, 2.5], label="x"); plt.xlabel("t"); plt.legend()
"""


IMPORTED_AS = {"scikit-learn": "sklearn.datasets", "pillow": "PIL.Image", "opencv-python": "cv2", "pyyaml": "yaml"}
"""What to import of packages whose modules have other names, or load their parts lazily."""


def warm(packages: tuple[str, ...] = ()) -> tuple[Shell, Recorder]:
    """Import and touch, before forking, what submissions would import lazily, `packages` too. The first optimizer alone takes 1.2 s."""
    use_threads(1)
    for name in packages:
        try:
            importlib.import_module(IMPORTED_AS.get(name.lower(), name))
        except Exception:  # noqa: BLE001, S112 - a submission that imports it will say so itself
            continue
    parameter = torch.zeros(2, requires_grad=True)
    for kind in (torch.optim.SGD, torch.optim.Adam):
        optimizer = kind([parameter], lr=0.1)
        torch.autograd.backward(parameter.sum())
        optimizer.step()
    repr(parameter)
    from torch.utils.data import DataLoader, TensorDataset

    list(DataLoader(TensorDataset(torch.zeros(2)), batch_size=2, shuffle=True))
    shell, loop = make_shell(), asyncio.new_event_loop()
    real = sys.stdout, sys.stderr
    collect_outputs(1 << 20)
    for source in (_WARMING, "1 / 0", "torch = 1\ntorch"):
        COLLECTED.start()
        run_cell(shell, loop, "", source)
    sys.stdout, sys.stderr = real
    loop.close()
    shell.compile.places.clear()
    shell.reset()
    shell.execution_count = 1
    recorder = Recorder()
    recorder.install()
    COLLECTED.start()
    gc.collect()
    gc.freeze()
    return shell, recorder


def run_submission(connection: int, shell: Shell, recorder: Recorder) -> None:
    """Serve one submission over `connection` in the working folder; returns when the host has shut its side down.

    Raises:
        OSError: if the connection breaks, as when student code has closed it.
        msgspec.DecodeError: if the host sends anything but its part of the protocol.
    """
    body = read_frame(connection)
    request = TO_CHILD.decode(body or b"")
    if not isinstance(request, ExecutionRequest):
        message = "the host must send the cells first"
        raise TypeError(message)
    _settle(request)
    session = Session(shell, recorder, request)
    collect_outputs(request.limits.output_bytes)
    holders: Holders = {}
    for cell in request.cells:
        write_all(connection, run_cell_frame(session, cell))
        if cell.hold:
            holders[cell.id] = _hold(session, connection)
    write_all(connection, frame(CellsEnded()))
    for batch in _batches(connection):
        for after, calls in groupby(batch.calls, key=lambda call: call.after):
            part = CallBatch(tuple(calls), batch.alone, batch.given, batch.given_names)
            if after is None:
                answer(session, part, lambda whole: write_all(connection, whole))
            else:
                _relay(holders.get(after), part, connection)
        write_all(connection, frame(BatchEnded()))


def _settle(request: ExecutionRequest) -> None:
    """Seeds, threads, files and the working folder as Python sees it."""
    folder = Path.cwd()
    for name, content in request.files.items():
        path = folder / name
        if not path.resolve().is_relative_to(folder):
            message = f"file {name!r} does not lie beside the notebook"
            raise ValueError(message)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    sys.path.insert(0, str(folder))
    sys.argv = ["notebook"]
    tempfile.tempdir = str(folder)
    os.environ.update(HOME=str(folder), TMPDIR=str(folder), TORCHINDUCTOR_CACHE_DIR=str(folder))
    seed_everything(request.seed)
    use_threads(request.threads)
    keep_threads()


def _batches(connection: int) -> Iterator[CallBatch]:
    while (body := read_frame(connection)) is not None:
        batch = TO_CHILD.decode(body)
        if isinstance(batch, CallBatch):
            yield batch


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
        session.sent_bytes = session.request.limits.evidence_bytes // 2  # it can't know what the leader sends meanwhile
        line = theirs.detach()
        for batch in _batches(line):
            answer(session, batch, lambda whole: write_all(line, whole))
    finally:
        os._exit(0)


def _relay(holder: int | None, batch: CallBatch, connection: int) -> None:
    """Have a holder answer `batch` and pass its frames on. A holder that is gone leaves its calls unanswered, which is said."""
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
    return Run(id=call.id, status=RunStatus.KILLED, error=report, given=batch.given_names, alone=batch.alone)
