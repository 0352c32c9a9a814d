# ruff: noqa: PTH110, PTH112
# Paths go to the kernel as strings.
"""Landlock: which files a submission may read and write; no TCP; no signals or abstract sockets to
processes outside.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

_DEVICES = ("/dev/null", "/dev/zero", "/dev/urandom", "/dev/random", "/dev/full", "/dev/tty")
_SYSTEM = ("/usr", "/lib", "/lib64", "/bin", "/sbin", "/etc", "/proc", "/sys/devices/system/cpu")


def abi() -> int:
    """Return the kernel's Landlock version, 0 for none.

    Containers whose seccomp profile is older than Landlock answer EPERM.
    """
    import landlockpy as ll

    try:
        return int(ll.abi_version())
    except OSError:
        return 0


def ruleset(
    readable: Sequence[str],
    writable: Sequence[str],
    *,
    scoped: bool = True,
    devices: Sequence[str] = (),
) -> Any:
    """Make the rules of what a submission may read, execute, write and use.

    It may read and execute below the system's folders and `readable`, do everything but make
    devices below `writable`, and use `devices` besides the usual ones. `scoped`: no signals and
    abstract sockets to outside.

    Raises:
        OSError: if the kernel refuses.
    """
    import landlockpy as ll

    read = ll.AccessFS.READ_FILE | ll.AccessFS.READ_DIR | ll.AccessFS.EXECUTE
    scopes = {"scoped": ll.Scope.SIGNAL | ll.Scope.ABSTRACT_UNIX_SOCKET} if scoped else {}
    rules = ll.Ruleset(**scopes)
    for path in (*_SYSTEM, *readable):
        if os.path.exists(path):
            rules.allow_path(path, read if os.path.isdir(path) else read & ~ll.AccessFS.READ_DIR)
    for path in (*_DEVICES, *devices):
        if os.path.exists(path):
            rules.allow_path(
                path, ll.AccessFS.READ_FILE | ll.AccessFS.WRITE_FILE | ll.AccessFS.IOCTL_DEV
            )
    everything = ll.fs_for_abi(ll.abi_version()) & ~(ll.AccessFS.MAKE_CHAR | ll.AccessFS.MAKE_BLOCK)
    for path in writable:
        rules.allow_path(path, everything)
    return rules
