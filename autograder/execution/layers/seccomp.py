"""seccomp: no sockets but Unix ones, or none, no namespaces, no tracing, no administration of the
kernel.
"""

from __future__ import annotations

import errno
import socket
from typing import Any

_DENIED = [
    "ptrace",
    "process_vm_readv",
    "process_vm_writev",
    "kcmp",
    "pidfd_getfd",
    "bpf",
    "perf_event_open",
    "userfaultfd",
    "io_uring_setup",
    "io_uring_enter",
    "io_uring_register",
    "mount",
    "umount2",
    "move_mount",
    "open_tree",
    "fsopen",
    "fspick",
    "fsconfig",
    "fsmount",
    "mount_setattr",
    "pivot_root",
    "chroot",
    "unshare",
    "setns",
    "keyctl",
    "add_key",
    "request_key",
    "init_module",
    "finit_module",
    "delete_module",
    "kexec_load",
    "kexec_file_load",
    "open_by_handle_at",
    "name_to_handle_at",
    "swapon",
    "swapoff",
    "reboot",
    "shmget",
    "msgget",
    "semget",
    "mq_open",
    "quotactl",
    "acct",
    "settimeofday",
    "clock_settime",
    "clock_adjtime",
    "sethostname",
    "setdomainname",
    "personality",
    "vhangup",
]

_CLONE_NEW = 0x7E020000 | 0x00000080  # linux/sched.h: every CLONE_NEW* flag


def build_filter(*, sockets: bool = True) -> Any:
    """The filter, built once and loaded in each child.

    Without `sockets` not even Unix ones can be made, only pairs: who runs as the grader's own user,
    and sees its folders, could reach its session's services through them (D-Bus starts programs, an
    agent signs, Docker is root), and Landlock does not hold that.

    Raises:
        ImportError: if pyseccomp or libseccomp.so.2 is missing.
        OSError: if the filter can't be made.
    """
    try:
        import pyseccomp
    except RuntimeError as error:
        message = f"libseccomp.so.2 is not installed: {error}"
        raise ImportError(message) from error
    rules = pyseccomp.SyscallFilter(pyseccomp.ALLOW)
    for name in _DENIED:
        try:
            rules.add_rule(pyseccomp.ERRNO(errno.EPERM), name)
        except (OSError, ValueError, RuntimeError):
            continue  # a name that this libseccomp does not know
    allowed = (pyseccomp.Arg(0, pyseccomp.NE, socket.AF_UNIX),) if sockets else ()
    rules.add_rule(pyseccomp.ERRNO(errno.EACCES), "socket", *allowed)
    for bit in (1 << position for position in range(32) if _CLONE_NEW >> position & 1):
        rules.add_rule(
            pyseccomp.ERRNO(errno.EPERM), "clone", pyseccomp.Arg(0, pyseccomp.MASKED_EQ, bit, bit)
        )
    # its flags can't be filtered; glibc falls back to clone
    rules.add_rule(pyseccomp.ERRNO(errno.ENOSYS), "clone3")
    return rules
