"""Slots: a uid and a scratch folder for one forkserver, not shared with any other grader on this
machine.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import stat
import tempfile
from dataclasses import dataclass
from pathlib import Path

from autograder.errors import SandboxError
from autograder.execution.layers.mounts import closed_folder

_FIRST_UID = 60_000
_SLOTS = 500
"""60000 to 60499 lie above ordinary users and below systemd's dynamic ones (61184), nobody's
(65534) and containers'.
"""

_TEMPORARY = ("/tmp", "/var/tmp")  # noqa: S108 - a folder of our own in it, see _own_folder
_SHARED_MEMORY = "/dev/shm"  # noqa: S108


@dataclass(frozen=True, slots=True)
class Slot:
    """A locked slot. `uid` None: this grader is no root and can't change to another user."""

    uid: int | None
    scratch: str
    lock: int

    def release(self) -> None:
        """Let others have it."""
        os.close(self.lock)


def reserve_slot(*, own_uid: bool) -> Slot:
    """Lock the first free slot.

    Raises:
        SandboxError: if all are taken, or the folder for them is not ours.
    """
    base, locks = _own_folder(_scratch_parent()), _own_folder(_lock_parent())
    for number in range(_SLOTS):
        lock = os.open(
            locks / f"{number}.lock", os.O_CREAT | os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600
        )
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(lock)
            continue
        uid = _FIRST_UID + number if own_uid and os.geteuid() == 0 else None
        scratch = base / str(number)
        scratch.mkdir(mode=0o700, exist_ok=True)
        os.chown(scratch, *((uid, uid) if uid is not None else (os.geteuid(), os.getegid())))
        return Slot(uid, str(scratch), lock)
    message = f"all {_SLOTS} slots under {locks} are taken by other graders"
    raise SandboxError(message)


def _scratch_parent() -> str:
    """Return the first folder for temporary files that the users of submissions can enter.

    Shared memory is none, for in the sandbox it is another.
    """
    for folder in (tempfile.gettempdir(), *_TEMPORARY):
        if closed_folder(folder) is None and not Path(folder).resolve().is_relative_to(
            _SHARED_MEMORY
        ):
            return folder
    return _TEMPORARY[0]


def _lock_parent() -> str:
    """Return the folder for locks, the same for all graders of this machine.

    It does not matter where each keeps its temporary files: uids are the machine's.
    """
    return next(
        (folder for folder in _TEMPORARY if os.access(folder, os.W_OK)), tempfile.gettempdir()
    )


def _own_folder(parent: str) -> Path:
    """Return this user's folder of slots in `parent`, made if need be.

    Others may pass through but not look or write.

    Raises:
        SandboxError: if someone else has made it.
    """
    base = Path(parent).resolve() / f"gradstep-{os.geteuid()}"
    with contextlib.suppress(
        FileExistsError
    ):  # a file, a link or another's folder is refused below
        base.mkdir(mode=0o711)
    found = base.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid() or found.st_mode & 0o022:
        message = f"{base} is not this user's own folder; remove it"
        raise SandboxError(message)
    base.chmod(0o711)
    return base
