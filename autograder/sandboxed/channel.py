"""Whole frames between a submission's own processes, blocking, over sockets and pipes."""

from __future__ import annotations

import ctypes
import os
import signal
from collections.abc import Iterator

from autograder.evidence.protocol import FRAME_HEADER

_PDEATHSIG = 1  # linux/prctl.h


def die_with_parent() -> None:
    """Have the kernel end this process when the one that forked it ends."""
    ctypes.CDLL(None).prctl(_PDEATHSIG, ctypes.c_ulong(signal.SIGKILL), 0, 0, 0)


def read_exactly(descriptor: int, size: int) -> bytes | None:
    """Read `size` bytes; return None at the end of the stream."""
    parts = bytearray()
    while len(parts) < size:
        part = os.read(descriptor, min(size - len(parts), 1 << 20))
        if not part:
            return None
        parts += part
    return bytes(parts)


def read_frame(descriptor: int) -> bytes | None:
    """The body of the next frame, or None at the end of the stream."""
    header = read_exactly(descriptor, FRAME_HEADER.size)
    return None if header is None else read_exactly(descriptor, FRAME_HEADER.unpack(header)[0])


def write_all(descriptor: int, data: bytes) -> None:
    """Write everything.

    Raises:
        OSError: if nobody reads any more.
    """
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]


class FrameSplitter:
    """Cuts a stream into frames, header and all, of at most `limit_bytes` each."""

    def __init__(self, limit_bytes: int) -> None:
        self._limit, self._buffer = limit_bytes, bytearray()

    def feed(self, data: bytes) -> Iterator[bytes]:
        """The frames that are complete with `data`.

        Raises:
            ValueError: for a frame above the limit.
        """
        self._buffer += data
        while len(self._buffer) >= FRAME_HEADER.size:
            end = FRAME_HEADER.size + FRAME_HEADER.unpack_from(self._buffer)[0]
            if end > self._limit:
                message = f"a frame of {end} bytes, above {self._limit}"
                raise ValueError(message)
            if len(self._buffer) < end:
                return
            whole = bytes(self._buffer[:end])
            del self._buffer[:end]
            yield whole
