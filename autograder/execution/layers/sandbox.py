# ruff: noqa: PTH110, PTH112, PTH208
# A trial of a layer wants plain system calls.
"""The layers that a forked child puts on before it runs student code, which of them hold here, and
the level that makes.

They are tried, not asked for: a container may have Landlock compiled in and refuse it all the same.
"""

from __future__ import annotations

import os
import signal
import socket
import sys
from collections.abc import Callable, Container, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from autograder.errors import SandboxError
from autograder.evidence.limits import Device, Isolation, Limits
from autograder.execution.layers import landlock, seccomp
from autograder.execution.layers.nvidia import READABLE, device_files
from autograder.execution.processes import DUMPABLE, NO_NEW_PRIVS, PDEATHSIG, prctl, set_limits

YES = "yes"
NEEDS_ROOT = "needs root"
OWN_UID, LANDLOCK, LANDLOCK_SCOPES, SECCOMP = "own uid", "landlock", "landlock scopes", "seccomp"
BUBBLEWRAP, MOUNTS, SCRATCH = "bubblewrap", "mount namespace", "bounded scratch"
LAYERS = (OWN_UID, LANDLOCK, LANDLOCK_SCOPES, SECCOMP, BUBBLEWRAP, MOUNTS, SCRATCH)
LEFT_OUT = "left out"
_UNREADABLE = "SandboxError: "
_SCOPES_ABI = 6  # Linux 6.12: no signals and abstract sockets to outside


@dataclass(frozen=True, slots=True)
class Layers:
    """What a child puts on.

    `uid` None: it keeps the grader's; `rules` and `filter` None: left out. With a GPU addresses are
    not limited.
    """

    uid: int | None
    rules: Any
    filter: Any
    device: Device = Device.CPU


def isolation_level(layers: Mapping[str, str]) -> Isolation:
    """What the layers that hold add up to: secrets must be out of reach by two means for STRONG, by
    one for GOOD, and the kernel's doors closed for both.
    """
    own_uid, files, scopes, calls, wrapped = (
        layers.get(name) == YES
        for name in (OWN_UID, LANDLOCK, LANDLOCK_SCOPES, SECCOMP, BUBBLEWRAP)
    )
    # root may do what files and sockets would refuse to anyone else
    as_root = layers.get(OWN_UID, NEEDS_ROOT) not in (
        YES,
        NEEDS_ROOT,
    )
    if not calls or as_root:
        return Isolation.WEAK
    if own_uid and (files or wrapped):
        return Isolation.STRONG
    return Isolation.GOOD if own_uid or wrapped or (files and scopes) else Isolation.WEAK


def make_layers(
    uid: int | None,
    readable: Sequence[str],
    writable: Sequence[str],
    without: Container[str] = (),
    *,
    sockets: bool = True,
    device: Device = Device.CPU,
) -> tuple[Layers, dict[str, str]]:
    """The layers that hold on this machine, and for each "yes" or why not.

    `uid` is the one to change to, if root; `without` names layers to leave out. `sockets`: Unix
    sockets may be made. `device`: what may be used.

    Raises:
        SandboxError: if the interpreter, or what it imports, can't be read under that uid.
    """
    report = {OWN_UID: _tried(lambda: _try_uid(uid, readable)) if uid is not None else NEEDS_ROOT}
    if report[OWN_UID].startswith(_UNREADABLE):
        raise SandboxError(report[OWN_UID])
    report |= {
        LANDLOCK: _tried(_try_landlock),
        LANDLOCK_SCOPES: YES if landlock.abi() >= _SCOPES_ABI else "needs Linux 6.12",
    }
    report[SECCOMP] = _tried(_try_seccomp)
    if uid is None and os.geteuid() == 0:
        report[OWN_UID] = LEFT_OUT
    report |= {name: LEFT_OUT for name in report if name in without}
    if report[LANDLOCK] == LEFT_OUT:
        report[LANDLOCK_SCOPES] = LEFT_OUT
    seen, cards = (
        (readable, ()) if device is Device.CPU else ((*readable, *READABLE), device_files())
    )
    layers = Layers(
        uid if report[OWN_UID] == YES else None,
        (
            landlock.ruleset(seen, writable, scoped=report[LANDLOCK_SCOPES] == YES, devices=cards)
            if report[LANDLOCK] == YES
            else None
        ),
        seccomp.build_filter(sockets=sockets) if report[SECCOMP] == YES else None,
        device,
    )
    return layers, report


def enter(limits: Limits, layers: Layers) -> None:
    """Put all layers on, in the child. Any failure raises, and student code never starts.

    Raises:
        OSError: if a layer fails that was found to hold when the forkserver started.
    """
    os.setsid()
    set_limits(limits, own_uid=layers.uid is not None, addresses=layers.device is Device.CPU)
    if layers.uid is not None:
        _become(layers.uid)
    prctl(PDEATHSIG, signal.SIGKILL)  # after setresuid, which clears it
    prctl(DUMPABLE, 1 if layers.uid is not None else 0)
    prctl(NO_NEW_PRIVS, 1)
    if layers.rules is not None:
        layers.rules.restrict()
        layers.rules.close()
    if layers.filter is not None:
        layers.filter.load()


def _become(uid: int) -> None:
    os.setgroups([])
    os.setresgid(uid, uid, uid)
    os.setresuid(uid, uid, uid)


def _try_uid(uid: int, readable: Sequence[str]) -> None:
    _become(uid)
    if closed := next(_closed(readable), None):
        message = (
            f"the user that submissions run as can't read {closed}; make it readable by everyone"
            " (chmod -R go+rX), or use another interpreter"
        )
        raise SandboxError(message)


def _closed(readable: Sequence[str]) -> Iterator[str]:
    """What this user can't read of `readable`, and of the packages and modules there: one that was
    installed under another umask would fail in the middle of a submission.
    """
    imported_from = [
        path
        for path in sys.path
        if os.path.isdir(path) and any(Path(path).is_relative_to(one) for one in readable)
    ]
    for folder in dict.fromkeys((*readable, *imported_from)):
        if not os.access(folder, os.R_OK | os.X_OK):
            yield folder
        elif folder in imported_from:
            names = (
                name
                for name in os.listdir(folder)
                if name.endswith((".py", ".so")) or name.isidentifier()
            )
            yield from (
                path
                for name in names
                if name != "__pycache__" and not _is_open(path := f"{folder}/{name}")
            )


def _is_open(path: str) -> bool:
    """Whether this user can read it; a link that leads nowhere that it can see is no matter."""
    return os.access(
        path, os.R_OK | os.X_OK if os.path.isdir(path) else os.R_OK
    ) or not os.path.exists(path)


def _try_landlock() -> None:
    rules = landlock.ruleset([], [])
    rules.restrict()
    try:
        os.listdir("/")
    except PermissionError:
        return
    message = "its rules are not enforced"
    raise OSError(message)


def _try_seccomp() -> None:
    prctl(NO_NEW_PRIVS, 1)
    seccomp.build_filter().load()
    try:
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM).close()
    except PermissionError:
        return
    message = "its filter is not enforced"
    raise OSError(message)


def _tried(layer: Callable[[], None]) -> str:
    """Put `layer` on in a throw-away process: "yes", or what went wrong."""
    reading, writing = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            layer()
            said = YES
        except BaseException as error:  # noqa: BLE001 - reported
            said = f"{type(error).__name__}: {error}"[:500]
        os.write(writing, said.encode())
        os._exit(0)
    os.close(writing)
    said = os.read(reading, 1000).decode(errors="replace")
    os.close(reading)
    os.waitpid(pid, 0)
    return said or "its trial ended without an answer"
