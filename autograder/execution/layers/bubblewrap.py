# ruff: noqa: S603
# The command is bubblewrap's own, found on a fixed path.
"""bubblewrap around a forkserver: a view of the disk in which secrets do not exist, and namespaces
of processes, network, IPC and host name.

Submissions are forked inside, so it costs nothing per submission. User namespaces are left out for
root: bubblewrap would map one uid only, and submissions need one of their own.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from autograder.evidence.limits import Device
from autograder.execution.layers.nvidia import READABLE, device_files

_PATH = "/usr/local/bin:/usr/bin:/bin"
_SYSTEM = ("/usr", "/lib", "/lib64", "/lib32", "/bin", "/sbin", "/sys/devices/system/cpu")
_SETTINGS = (
    "alternatives",
    "fonts",
    "group",
    "ld.so.cache",
    "ld.so.conf",
    "ld.so.conf.d",
    "localtime",
    "mime.types",
    "nsswitch.conf",
    "passwd",
)
"""Of /etc, what libraries read; the rest of it is not there."""
_ON_THE_WAY = ("/etc", "/sys", "/sys/devices", "/sys/devices/system")

NOT_INSTALLED = "not installed"
_TRIAL_S = 10


def command(
    readable: Sequence[str], scratch: str, scratch_bytes: int, device: Device = Device.CPU
) -> list[str]:
    """Return the words to put before a command.

    `readable` appear read-only at their own paths; `scratch` and /dev/shm are empty and writable;
    of cards there is what `device` needs.

    As root the tmpfs over `scratch` is the forkserver's to mount, for it knows each submission's
    limit; others get one of `scratch_bytes` here.
    """
    words = [
        shutil.which("bwrap", path=_PATH) or "bwrap",
        "--unshare-pid",
        "--unshare-net",
        "--unshare-ipc",
        "--unshare-uts",
    ]
    words += ["--proc", "/proc", "--dev", "/dev"]
    words += [
        word
        for folder in (*_ON_THE_WAY, *(["/sys/bus"] if device is Device.CUDA else []))
        for word in _entered(folder)
    ]
    for path in _SYSTEM:
        words += _shown(path)
    for name in _SETTINGS:
        words += _shown(f"/etc/{name}")
    for folder in sorted(
        {str(parent) for path in (*readable, scratch) for parent in Path(path).parents}
        - {"/", *_SYSTEM}
    ):
        words += [] if folder.startswith(_SYSTEM) else _entered(folder)
    for path in readable:
        words += _shown(path)
    if os.geteuid() == 0:
        words += [
            "--cap-add",
            "ALL",
            "--bind",
            scratch,
            scratch,
            "--perms",
            "1777",
            "--tmpfs",
            "/dev/shm",  # noqa: S108
        ]
    else:
        for path in (scratch, "/dev/shm"):  # noqa: S108
            words += ["--perms", "0700", "--size", str(scratch_bytes), "--tmpfs", path]
    if device is Device.CUDA:
        words += [word for path in device_files() for word in ("--dev-bind", path, path)]
        words += [word for path in READABLE for word in _shown(path)]
    return [*words, "--remount-ro", "/dev", "--remount-ro", "/", "--"]


def tried(
    readable: Sequence[str], scratch: str, scratch_bytes: int, device: Device = Device.CPU
) -> str:
    """Start this interpreter inside it: "yes", or why it can't be had here."""
    if shutil.which("bwrap", path=_PATH) is None:
        return NOT_INSTALLED
    try:
        done = subprocess.run(
            [
                *command(readable, scratch, scratch_bytes, device),
                sys.executable,
                "-I",
                "-S",
                "-c",
                "",
            ],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=_TRIAL_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return f"refused: {error}"[:200]
    said = done.stderr.strip().splitlines()
    return (
        "yes"
        if done.returncode == 0
        else f"refused: {said[-1] if said else f'exit code {done.returncode}'}"[:200]
    )


def _entered(folder: str) -> list[str]:
    """Return arguments that make a folder which everybody can enter.

    bubblewrap's own, on the way to others, are closed to other users.
    """
    return ["--perms", "0755", "--dir", folder]


def _shown(path: str) -> list[str]:
    """Arguments that make `path` appear inside as it is outside, if it exists: a link as a link."""
    place = Path(path)
    if place.is_symlink() and path in _SYSTEM:
        return ["--symlink", str(place.readlink()), path]
    return ["--ro-bind", path, path] if place.exists() else []
