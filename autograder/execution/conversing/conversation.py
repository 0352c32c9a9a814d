# ruff: noqa: SIM105
# try/pass carries the reason beside it.
"""The host's side of one submission's connection: frames in and out without blocking, under caps,
nothing taken on trust.
"""

from __future__ import annotations

import math
import select
import socket
import threading
import time
from collections.abc import Iterator

import msgspec

from autograder.errors import SandboxError
from autograder.evidence.limits import Limits
from autograder.evidence.protocol import (
    FRAME_HEADER,
    FROM_CHILD,
    FROM_FORKSERVER,
    BatchEnded,
    CallFrame,
    CellFrame,
    CellsEnded,
    FromChild,
    LaunchEnded,
    ToChild,
    frame,
)
from autograder.evidence.trace import CellRun, Ended, Run
from autograder.execution.forkserver.control import END, PAUSE, RESUME

_OUTPUT_TYPES = {"stream", "display_data", "execute_result", "error"}
_OUTPUTS = msgspec.json.Decoder(list[dict[str, object]])
_LOOK_EVERY_S = 0.2


class Broken(Exception):
    """The conversation can't go on: `reason` and `detail`."""

    def __init__(self, reason: Ended, detail: str) -> None:
        super().__init__(detail)
        self.reason, self.detail = reason, detail


class Conversation:
    """One submission's frames. The forkserver's answer, when it comes, ends it."""

    def __init__(
        self,
        control: socket.socket,
        connection: socket.socket,
        limits: Limits,
        stop: threading.Event | None,
    ) -> None:
        self._control, self._connection, self._stop = control, connection, stop
        connection.setblocking(False)
        self._limit, self._received, self._taken = limits.evidence_bytes, 0, 0
        self._incoming, self._outgoing = bytearray(), bytearray()
        self._from_forkserver = bytearray()
        self._closed = False
        self.ended: LaunchEnded | None = None

    def send(self, message: ToChild) -> None:
        """Queue a frame; it goes out while frames are awaited."""
        self._outgoing += frame(message)

    def cells(self, ids: list[str]) -> Iterator[CellRun]:
        """The runs of the cells, as they come.

        Raises:
            Broken: if anything else comes, or nothing any more.
        """
        for expected in ids:
            message = self._next()
            if not isinstance(message, CellFrame) or message.cell.run.id != expected:
                raise Broken(Ended.CORRUPT_FRAMES, f"expected the run of cell {expected}")
            _check_outputs(message.cell.outputs)
            yield message.cell
        if not isinstance(self._next(), CellsEnded):
            raise Broken(Ended.CORRUPT_FRAMES, "expected the end of the cells")

    def calls(self, ids: list[str]) -> Iterator[Run]:
        """The runs of a batch's calls, as they come.

        Raises:
            Broken: if anything else comes, or nothing any more.
        """
        for expected in ids:
            message = self._next()
            if not isinstance(message, CallFrame) or message.run.id != expected:
                raise Broken(Ended.CORRUPT_FRAMES, f"expected the run of call {expected}")
            yield message.run
        if not isinstance(self._next(), BatchEnded):
            raise Broken(Ended.CORRUPT_FRAMES, "expected the end of the batch")

    def receive(self, timeout_s: float) -> tuple[FromChild, int]:
        """The next frame, whatever it is, and its size in bytes.

        Raises:
            Broken: if it can't be read, or nothing comes any more.
            TimeoutError: if it takes longer.
        """
        before = self._taken
        message = self._next(time.monotonic() + timeout_s)
        if isinstance(message, CellFrame):
            _check_outputs(message.cell.outputs)
        return message, self._taken - before

    def pause(self) -> None:
        """The host is judging: what it takes is not the submission's wall time."""
        self._say(PAUSE)

    def resume(self) -> None:
        """The host is listening again."""
        self._say(RESUME)

    def finish(self, *, kill: bool, timeout_s: float) -> LaunchEnded:
        """Close the host's side and wait until all processes of the submission are gone.

        Raises:
            Broken: if the forkserver dies or does not answer in time.
        """
        if kill:
            self._say(END)
        else:
            try:
                self._connection.shutdown(socket.SHUT_WR)
            except OSError:
                pass  # gone already
        waited = 0.0
        while self.ended is None:
            self._check_stop()
            if select.select([self._control], [], [], _LOOK_EVERY_S)[0]:
                self._hear_forkserver()
            elif (waited := waited + _LOOK_EVERY_S) > timeout_s:
                raise Broken(Ended.FORKSERVER_DIED, "the forkserver does not answer")
        return self.ended

    def _next(self, until: float = math.inf) -> FromChild:
        while True:
            if (body := self._take()) is not None:
                try:
                    return FROM_CHILD.decode(body)
                except (msgspec.DecodeError, ValueError, RecursionError) as error:
                    raise Broken(
                        Ended.CORRUPT_FRAMES, f"a frame can't be decoded: {str(error)[:200]}"
                    ) from error
            if self._closed:
                raise Broken(Ended.EXITED, "its connection closed before it was done")
            if time.monotonic() > until:
                raise TimeoutError
            self._pump()

    def _take(self) -> bytes | None:
        if len(self._incoming) < FRAME_HEADER.size:
            return None
        (size,) = FRAME_HEADER.unpack_from(self._incoming)
        if size > self._limit:
            raise Broken(Ended.CORRUPT_FRAMES, f"a frame claims {size} bytes")
        end = FRAME_HEADER.size + size
        if len(self._incoming) < end:
            return None
        body = bytes(self._incoming[FRAME_HEADER.size : end])
        del self._incoming[:end]
        self._taken += end
        return body

    def _pump(self) -> None:
        """Wait for something to happen, and take it in."""
        self._check_stop()
        reading, writing, _ = select.select(
            [self._connection, self._control],
            [self._connection] if self._outgoing else [],
            [],
            _LOOK_EVERY_S,
        )
        if writing:
            self._write()
        if self._connection in reading:
            self._read()
        elif self._control in reading:
            self._hear_forkserver()
            self._closed = True  # and nothing is left to read

    def _write(self) -> None:
        try:
            sent = self._connection.send(self._outgoing[: 1 << 20])
            del self._outgoing[:sent]
        except BlockingIOError:
            pass
        except OSError:
            self._outgoing.clear()  # the child is gone; reading will tell

    def _read(self) -> None:
        try:
            data = self._connection.recv(1 << 20)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        self._closed = self._closed or not data
        self._received += len(data)
        if self._received > self._limit:
            raise Broken(Ended.EVIDENCE_LIMIT, f"more than {self._limit >> 20} MB of evidence")
        self._incoming += data

    def _hear_forkserver(self) -> None:
        try:
            data = self._control.recv(1 << 16)
        except OSError:
            data = b""
        if not data:
            raise Broken(Ended.FORKSERVER_DIED, "the forkserver died")
        self._from_forkserver += data
        end = FRAME_HEADER.size + (
            FRAME_HEADER.unpack_from(self._from_forkserver)[0]
            if len(self._from_forkserver) >= FRAME_HEADER.size
            else 0
        )
        if FRAME_HEADER.size < end <= len(self._from_forkserver):
            message = FROM_FORKSERVER.decode(self._from_forkserver[FRAME_HEADER.size : end])
            self.ended = message if isinstance(message, LaunchEnded) else None

    def _say(self, byte: bytes) -> None:
        try:
            if self.ended is None:
                self._control.sendall(byte)
        except OSError:
            pass  # it is dead: whoever reads next will see

    def _check_stop(self) -> None:
        if self._stop is not None and self._stop.is_set():
            self._say(END)
            message = "grading was stopped"
            raise SandboxError(message)


def _check_outputs(text: str) -> None:
    """A cell's outputs must be JSON of nbformat outputs.

    Raises:
        Broken: if they are not.
    """
    try:
        outputs = _OUTPUTS.decode(text)
    except (msgspec.DecodeError, RecursionError, UnicodeError) as error:
        raise Broken(Ended.CORRUPT_FRAMES, "the outputs of a cell are no JSON list") from error
    if any(output.get("output_type") not in _OUTPUT_TYPES for output in outputs):
        raise Broken(Ended.CORRUPT_FRAMES, "a cell has an output of an unknown type")
