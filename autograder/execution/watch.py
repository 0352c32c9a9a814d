# ruff: noqa: PTH101, PTH108, PTH112, PTH114, PTH116, PTH208, SIM105, S603
# Paths here are the kernel's or a submission's, several hundred of them five times a second: plain
# strings and os, not pathlib.
"""All processes of one submission: which they are, what they use, how they end, and what they leave
on disk.
"""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import time
from pathlib import Path

_TICK = os.sysconf("SC_CLK_TCK")
_PAGE = os.sysconf("SC_PAGE_SIZE")
_SHARED_MEMORY = "/dev/shm"  # noqa: S108 - watched and swept here
MANY_FILES = 20_000
"""More than these are too many to count five times a second."""

_ANY_CHILD = 0x40000000  # __WALL, linux/wait.h


def processes_of(uid: int | None) -> list[int]:
    """Return live processes of the submission.

    These are all of its uid, or without one all descendants of this process.
    """
    if uid is not None:
        return [int(pid) for pid in os.listdir("/proc") if pid.isdigit() and _owner(pid) == uid]
    found, waiting = [], [os.getpid()]
    while waiting:
        parent = waiting.pop()
        try:
            children = [
                int(pid)
                for pid in Path(f"/proc/{parent}/task/{parent}/children").read_text().split()
            ]
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
    """Bytes in memory.

    Resident pages are cheap to ask for but count shared ones again and again, so only above the
    limit the proportional set is asked for, and where that is refused what comes on top of
    `base_bytes`, the forkserver's own.
    """
    resident = {pid: _resident(pid) for pid in pids}
    total = sum(resident.values())
    if total <= limit_bytes:
        return total
    return sum(_proportional(pid, max(0, size - base_bytes)) for pid, size in resident.items())


def resident_bytes() -> int:
    """Return this process's resident memory."""
    return _resident(os.getpid())


def disk_of(uid: int | None, folder: str, limit_bytes: int) -> int:
    """Return the bytes of files below `folder` and of the uid's in shared memory.

    Above the limit when they are too many or too deep to count.
    """
    total, number, waiting = 0, 0, [folder]
    while waiting:
        try:
            entries = list(os.scandir(waiting.pop()))
        except OSError as error:
            if error.errno == errno.ENAMETOOLONG:
                return limit_bytes + 1
            continue
        number += len(entries)
        if number > MANY_FILES:
            return limit_bytes + 1
        for entry in entries:
            total += _blocks(entry)
            if entry.is_dir(follow_symlinks=False):
                waiting.append(entry.path)
    if uid is not None:
        total += sum(_blocks(entry) for entry in os.scandir(_SHARED_MEMORY) if _owned(entry, uid))
    return total


def kill_all(uid: int | None) -> bool:
    """End every process of the submission and reap them; tell whether all are gone.

    Those that left its session end, too.
    """
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
    """Take note of all children that have ended; tell whether no other is left.

    Children that were made to end without a signal count, too.
    """
    try:
        while os.waitpid(-1, os.WNOHANG | _ANY_CHILD)[0]:
            pass
    except ChildProcessError:
        return True
    return False


def sweep(uid: int | None, scratch: str) -> None:
    """Empty the scratch folder, and remove what the uid has left in shared memory.

    The folder itself is kept (Landlock's rule is about it).

    Raises:
        OSError: if something can't be removed.
    """
    os.chmod(scratch, 0o700)
    left = [entry.path for entry in os.scandir(scratch)]
    if uid is not None:
        left += [entry.path for entry in os.scandir(_SHARED_MEMORY) if _owned(entry, uid)]
    for path in left:
        if os.path.isdir(path) and not os.path.islink(path):
            _remove_tree(path)
        else:
            os.unlink(path)


def _remove_tree(path: str) -> None:
    """rm(1) copes with trees of any depth, where shutil.rmtree meets the recursion limit.

    A student may have closed folders to their own owner.
    """
    if subprocess.run(
        ["/bin/rm", "-rf", "--", path], check=False, stderr=subprocess.DEVNULL
    ).returncode:
        subprocess.run(
            ["/bin/chmod", "-R", "u+rwX", "--", path], check=False, stderr=subprocess.DEVNULL
        )
        subprocess.run(["/bin/rm", "-rf", "--", path], check=False, stderr=subprocess.DEVNULL)
    if os.path.lexists(path):
        message = f"{path} can't be removed"
        raise OSError(message)


def _blocks(entry: os.DirEntry[str]) -> int:
    try:
        return entry.stat(follow_symlinks=False).st_blocks * 512
    except OSError:
        return 0


def _owned(entry: os.DirEntry[str], uid: int) -> bool:
    try:
        return entry.stat(follow_symlinks=False).st_uid == uid
    except OSError:
        return False


def _kill_uid(uid: int) -> None:
    """Kill all processes of a uid in one atomic sweep.

    A process of that uid signals all that it may, which spares none that is being forked meanwhile.
    """
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
