"""A forkserver's own view of the disk, for interpreters that stand under a closed home (root's
pyenv, uv or conda).

After a change of uid Python must still read itself. So a tmpfs hides the closed folder from the
forkserver and its children, and the interpreter, the environment and this package are bound back
read-only at their own paths; everything else under that folder does not exist for them.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Sequence
from pathlib import Path

from autograder.errors import SandboxError
from autograder.execution.processes import mount, unshare
from autograder.execution.watch import MANY_FILES

_NEW_NS = 0x00020000  # linux/sched.h CLONE_NEWNS
# linux/mount.h
_RDONLY, _NOSUID, _NODEV, _REMOUNT, _BIND, _REC, _PRIVATE = (
    1,
    2,
    4,
    32,
    4096,
    16384,
    1 << 18,
)


def closed_folder(path: str) -> str | None:
    """The first folder on the way to `path` that other users may not enter, or None."""
    resolved = Path(path).resolve()
    for folder in [*reversed(resolved.parents), resolved]:
        if folder.exists() and not folder.stat().st_mode & stat.S_IXOTH:
            return str(folder)
    return None


def show_only(paths: Sequence[str]) -> str:
    """Enter a mount namespace in which everyone reaches `paths`, and nothing else that is closed.

    The rest of the closed folders is gone.

    Returns "not needed" or "yes".

    Raises:
        SandboxError: if a path can't be reached by others and mount namespaces are refused here.
    """
    hidden = sorted({folder for path in paths if (folder := closed_folder(path))})
    if not hidden:
        return "not needed"
    closed = [Path(path) for path in paths if closed_folder(path)]
    # a link on the way would be gone
    kept = sorted({str(place) for path in closed for place in (path.absolute(), path.resolve())})
    try:
        _own_view()
        for folder in hidden:
            _replace(folder, [path for path in kept if Path(path).is_relative_to(folder)])
    except OSError as error:
        message = (
            f"the interpreter at {kept[0]} can't be read by the users that submissions run as,"
            f" since {hidden[0]} is closed to them, and a mount namespace is refused here"
            f" ({error}). Use an interpreter that everyone can read, such as /usr/bin/python3 with"
            f" a venv outside of {hidden[0]}."
        )
        raise SandboxError(message) from error
    return "yes"


def bound(folders: Sequence[str], limit_bytes: int) -> str:
    """Cover `folders` with tmpfs of `limit_bytes` each.

    Only this process and its children see them, and they vanish with them.

    Returns "yes" or why it can't be done here.
    """
    try:
        _own_view()
        for folder in folders:
            mode = stat.S_IMODE(Path(folder).stat().st_mode)
            mount("tmpfs", folder, "tmpfs", _NOSUID | _NODEV, f"mode={mode:o},{_size(limit_bytes)}")
    except OSError as error:
        return str(error)
    return "yes"


def resize(folders: Sequence[str], limit_bytes: int) -> None:
    """Change what the tmpfs that `bound` has mounted may hold.

    Raises:
        OSError: if the kernel refuses.
    """
    for folder in folders:
        mount("none", folder, None, _REMOUNT | _NOSUID | _NODEV, _size(limit_bytes))


def _size(limit_bytes: int) -> str:
    return f"size={limit_bytes},nr_inodes={MANY_FILES}"


def _own_view() -> None:
    """Enter a mount namespace whose mounts nobody else sees.

    Raises:
        OSError: if the kernel refuses.
    """
    unshare(_NEW_NS)
    mount("none", "/", None, _REC | _PRIVATE)


def _replace(folder: str, kept: list[str]) -> None:
    """Cover `folder` with a tmpfs and bind `kept` back into it.

    Raises:
        OSError: if the kernel refuses.
    """
    # they can't be named any more once they are covered
    held = {path: os.open(path, os.O_PATH | os.O_CLOEXEC) for path in kept}
    mount("tmpfs", folder, "tmpfs", _NOSUID | _NODEV, "mode=755,size=1m")
    for path, descriptor in held.items():
        _make_open(Path(path))
        mount(f"/proc/self/fd/{descriptor}", path, None, _BIND | _REC)
        mount("none", path, None, _REMOUNT | _BIND | _RDONLY | _NOSUID | _NODEV)
        os.close(descriptor)
    mount("none", folder, None, _REMOUNT | _RDONLY | _NOSUID | _NODEV, "mode=755,size=1m")


def _make_open(folder: Path) -> None:
    """Make `folder`, and what is missing on the way to it, for everybody to enter.

    The umask cuts a mode that mkdir is given, and parents are given none.
    """
    if not folder.exists():
        _make_open(folder.parent)
        folder.mkdir()
        folder.chmod(0o755)
