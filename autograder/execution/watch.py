# ruff: noqa: PTH101, PTH108, PTH112, PTH116, PTH118, PTH120, PTH208, SIM105
# Paths here are the kernel's or a submission's, several hundred of them five times a second: plain strings and os, not pathlib.
"""All processes of one submission: which they are, what they use, how they end, and what they leave on disk."""

from __future__ import annotations

import os
import shutil
import signal
import stat
import time
from pathlib import Path

_TICK = os.sysconf("SC_CLK_TCK")
_PAGE = os.sysconf("SC_PAGE_SIZE")
_SHARED_MEMORY = "/dev/shm"  # noqa: S108 - watched and swept here
_MANY_FILES = 20_000


def processes_of(uid: int | None) -> list[int]:
    """Live processes of the submission: all of its uid, or without one all descendants of this process."""
    if uid is not None:
        return [int(pid) for pid in os.listdir("/proc") if pid.isdigit() and _owner(pid) == uid]
    found, waiting = [], [os.getpid()]
    while waiting:
        parent = waiting.pop()
        try:
            children = [int(pid) for pid in Path(f"/proc/{parent}/task/{parent}/children").read_text().split()]
        except OSError:
            continue
        found += children
        waiting += children
    return found


def cpu_of(pids: list[int]) -> float:
    """CPU seconds of the processes and of the children they have waited for."""
    ticks = 0
    for pid in pids:
        try:
            fields = Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()
        except OSError:
            continue
        ticks += sum(int(field) for field in fields[11:15])  # utime, stime, cutime, cstime
    return ticks / _TICK


def memory_of(pids: list[int], limit_bytes: int, base_bytes: int) -> int:
    """Bytes in memory. Resident pages are cheap to ask for but count shared ones again and again, so only above the limit the proportional set is
    asked for, and where that is refused what comes on top of `base_bytes`, the forkserver's own.
    """
    resident = {pid: _resident(pid) for pid in pids}
    total = sum(resident.values())
    if total <= limit_bytes:
        return total
    return sum(_proportional(pid, max(0, size - base_bytes)) for pid, size in resident.items())


def resident_bytes() -> int:
    """Of this process."""
    return _resident(os.getpid())


def disk_of(folder: str, limit_bytes: int) -> int:
    """Bytes that the files below `folder` take; above the limit when there are too many to count."""
    total = number = 0
    for parent, _, names in os.walk(folder):
        for name in names:
            try:
                total += os.lstat(os.path.join(parent, name)).st_blocks * 512
            except OSError:
                continue
            number += 1
        if number > _MANY_FILES:
            return limit_bytes + 1
    return total


def kill_all(uid: int | None) -> bool:
    """End every process of the submission, also those that left its session, and reap them; whether all are gone."""
    for _ in range(500):
        if uid is not None:
            _kill_uid(uid)
        else:
            for pid in processes_of(None):
                _kill(pid)
        if reap() and not processes_of(uid):
            return True
        time.sleep(0.002)
    return False


def reap() -> bool:
    """Take note of all children that have ended; whether no other is left."""
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    except ChildProcessError:
        return True
    return False


def sweep(uid: int | None, scratch: str) -> None:
    """Empty the scratch folder, keeping the folder itself (Landlock's rule is about it), and remove what the uid has left in shared memory."""
    for entry in os.scandir(scratch):
        if entry.is_dir(follow_symlinks=False):
            shutil.rmtree(entry.path, onerror=_open_and_retry)
        else:
            os.unlink(entry.path)
    os.chmod(scratch, 0o700)
    if uid is not None:
        for entry in os.scandir(_SHARED_MEMORY):
            if entry.stat(follow_symlinks=False).st_uid == uid:
                if entry.is_dir(follow_symlinks=False):
                    shutil.rmtree(entry.path, ignore_errors=True)
                else:
                    os.unlink(entry.path)


def _open_and_retry(_function: object, path: str, _error: object) -> None:
    """A student may have closed a folder to its own owner."""
    parent = os.path.dirname(path)
    for folder in (parent, path):
        if not stat.S_ISLNK(os.lstat(folder).st_mode):
            os.chmod(folder, 0o700)
    if os.path.isdir(path):
        shutil.rmtree(path, ignore_errors=True)
    else:
        os.unlink(path)


def _kill_uid(uid: int) -> None:
    """One atomic sweep: a process of that uid signals all that it may, which spares none that is being forked meanwhile."""
    pid = os.fork()
    if pid == 0:
        try:
            os.setgroups([])
            os.setresgid(uid, uid, uid)
            os.setresuid(uid, uid, uid)
            os.kill(-1, signal.SIGKILL)
        except ProcessLookupError:
            pass
        finally:
            os._exit(0)
    os.waitpid(pid, 0)


def _kill(pid: int) -> None:
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        pass


def _owner(pid: str) -> int:
    try:
        return os.stat(f"/proc/{pid}").st_uid
    except OSError:
        return -1


def _resident(pid: int) -> int:
    try:
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * _PAGE
    except (OSError, IndexError):
        return 0


def _proportional(pid: int, otherwise: int) -> int:
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except PermissionError:
        return otherwise
    except OSError:
        return 0
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith("Pss:")), 0)
