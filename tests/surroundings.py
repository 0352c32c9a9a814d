"""Surroundings of one command that nobody else sees, in a mount namespace of its own: a machine
without bubblewrap, or GradStep under a closed home.

``python -m tests.surroundings COMMAND ...`` runs a command where there is no bubblewrap, as `make
test-bare` does. Needs the standard library alone.
"""

from __future__ import annotations

import os
import platform
import re
import shutil
import subprocess
import sys

PLACES = tuple(f"{folder}/bwrap" for folder in ("/usr/local/bin", "/usr/bin", "/bin"))
"""Where GradStep looks for bubblewrap."""


def without_bubblewrap() -> list[str]:
    """Words to put before a command, as root, so that it finds no bubblewrap: something that can't
    be run lies over it. None where there is none.
    """
    found = [place for place in PLACES if os.access(place, os.X_OK)]
    return (
        in_namespace("".join(f"mount --bind /dev/null {place} && " for place in found))
        if found
        else []
    )


def with_folder_at(folder: str, place: str) -> list[str]:
    """Words to put before a command, as root, so that `folder` appears at `place`, which exists,
    too.
    """
    return in_namespace('mount --bind "$1" "$2" && shift 2 && ', folder, place)


def in_namespace(script: str, *words: str) -> list[str]:
    """Words to put before a command that runs it after the shell's `script`, which is given
    `words`, in a mount namespace of its own.
    """
    return ["unshare", "--mount", "sh", "-c", f'{script}exec "$@"', "sh", *words]


def refused() -> str:
    """Why there can be no mount namespace here, or an empty text."""
    if os.geteuid() != 0:
        return "only root makes a mount namespace"
    if shutil.which("unshare") is None:
        return "unshare is not installed"
    words = in_namespace("mount --bind /dev/null /dev/zero && ")
    done = subprocess.run([*words, "true"], capture_output=True, text=True, check=False)
    return f"no mount namespaces here: {done.stderr.strip()}" if done.returncode else ""


def kernel_version() -> str:
    """The kernel's, without the build tag that follows it and says nothing to others."""
    found = re.match(r"\d+(\.\d+)*", platform.release())
    return found[0] if found else platform.release()


def main(command: list[str]) -> int:
    """Run `command` without bubblewrap; its exit code.

    Where that can't be had, or is so anyway, say so and run nothing.
    """
    before = without_bubblewrap()
    if not before:
        print("bubblewrap is not installed: `make test` has been without it")
        return 0
    if why := refused():
        print(f"bubblewrap can't be hidden, so nothing is tried without it: {why}")
        return 0
    return subprocess.run([*before, *command], check=False).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
