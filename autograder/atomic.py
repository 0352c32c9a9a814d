"""Files that are either whole or not there, and folders that one process writes at a time."""

from __future__ import annotations

import errno
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_DISK_FAILURES = (errno.ENOSPC, errno.EDQUOT, errno.EROFS)


def is_disk_failure(error: BaseException) -> bool:
    """Whether `error` is about the disk itself, full, over a quota or read-only, and no matter of
    one file.
    """
    return isinstance(error, OSError) and error.errno in _DISK_FAILURES


def write_atomic(path: Path, data: bytes | str) -> None:
    """Write `data` (text as UTF-8) to `path`, making its folder: a reader, or a crash at any
    moment, sees the old file or the new one, never a part.

    Raises:
        OSError: if the folder can't be written or the disk is full; the old file is then still
            there.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, name = tempfile.mkstemp(
        dir=path.parent, prefix=f".{path.name[:40]}.", suffix=".tmp"
    )
    temporary = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data.encode() if isinstance(data, str) else data)
            file.flush()
            os.fsync(file.fileno())
        temporary.chmod(0o600)
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


@contextmanager
def claimed(path: Path, note: str) -> Iterator[None]:
    """Hold the file `path` as the only process, with `note` in it.

    The claim ends with the process, however that ends. Windows has no such claims: nothing is held
    there.

    Raises:
        BlockingIOError: if another process holds it; the message is its note.
    """
    try:
        import fcntl
    except ImportError:
        yield
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a+", encoding="utf-8") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            raise BlockingIOError(file.read(300)) from None
        file.truncate(0)
        file.write(note)
        file.flush()
        yield
