# ruff: noqa: PTH116, PTH123, PTH208, D402
# Paths are the kernel's; summaries name system calls with their manual section.
"""What the kernel lets a process say about itself, and what it may use."""

from __future__ import annotations

import ctypes
import os
import resource

from autograder.evidence.limits import Limits

_LIBC = ctypes.CDLL(None, use_errno=True)

# linux/prctl.h
PDEATHSIG, DUMPABLE, SUBREAPER, NO_NEW_PRIVS = 1, 4, 36, 38


TREE_CPU_FACTOR = 2
"""The cells may use `cpu_s`, and all processes of a submission together twice that, so that calls
have time left.
"""


def prctl(option: int, value: int) -> None:
    """prctl(2) with one argument.

    Raises:
        OSError: if the kernel refuses.
    """
    check(_LIBC.prctl(option, ctypes.c_ulong(value), 0, 0, 0), f"prctl {option}")


def unshare(flags: int) -> None:
    """unshare(2).

    Raises:
        OSError: if the kernel refuses.
    """
    check(_LIBC.unshare(flags), "unshare")


def mount(source: str, target: str, kind: str | None, flags: int, data: str | None = None) -> None:
    """mount(2).

    Raises:
        OSError: if the kernel refuses.
    """
    encoded = [None if text is None else os.fsencode(text) for text in (source, target, kind, data)]
    check(
        _LIBC.mount(encoded[0], encoded[1], encoded[2], ctypes.c_ulong(flags), encoded[3]),
        f"mount {target}",
    )


def check(result: int, what: str) -> None:
    """Turn a C result below 0 into an error.

    Raises:
        OSError: with errno's text and `what`.
    """
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")


def set_limits(limits: Limits, *, own_uid: bool, addresses: bool = True) -> None:
    """The limits that the kernel holds for each process.

    After `cpu_s` comes SIGXCPU; who ignores it meets SIGKILL at `TREE_CPU_FACTOR` times as much.

    Processes are counted by uid, so without a uid of its own the submission's come on top of those
    that are there. `addresses`: memory is also limited by the addresses that a process may map, of
    which CUDA takes as many as all memory of machine and cards together. What is mapped already and
    takes no memory comes on top: of PyTorch's builds with CUDA that is more than the limit, 3 GB.
    """
    others = (
        0
        if own_uid
        else sum(1 for pid in os.listdir("/proc") if pid.isdigit() and _uid_of(pid) == os.getuid())
    )
    ceilings = {resource.RLIMIT_AS: limits.memory_bytes + _mapped_only()} if addresses else {}
    ceilings |= {
        resource.RLIMIT_NPROC: limits.processes + others,
        resource.RLIMIT_NOFILE: limits.open_files,
        resource.RLIMIT_FSIZE: limits.file_bytes,
        resource.RLIMIT_CORE: 0,
        resource.RLIMIT_MSGQUEUE: 0,
    }
    for kind, ceiling in ceilings.items():
        hard = resource.getrlimit(kind)[1]
        allowed = (
            ceiling if hard == resource.RLIM_INFINITY or os.geteuid() == 0 else min(ceiling, hard)
        )
        resource.setrlimit(kind, (allowed, allowed))
    resource.setrlimit(resource.RLIMIT_CPU, (limits.cpu_s, TREE_CPU_FACTOR * limits.cpu_s + 1))


def _mapped_only() -> int:
    """Bytes of addresses of this process behind which there is no memory."""
    with open("/proc/self/statm", "rb") as file:
        size, resident = file.read().split()[:2]
    return (int(size) - int(resident)) * os.sysconf("SC_PAGE_SIZE")


def _uid_of(pid: str) -> int:
    try:
        return os.stat(f"/proc/{pid}").st_uid
    except OSError:
        return -1
