# ruff: noqa: T201, ARG002
# Printing is what stands in for the real thing; signatures are importlib's.
"""What has no place in a graded run: Colab's modules, installers, input().

They do nothing, say so, and the notebook goes on.
"""

from __future__ import annotations

import builtins
import getpass
import importlib.abc
import importlib.machinery
import re
import sys
import types
from collections.abc import Sequence
from typing import NoReturn

_INSTALLER = re.compile(
    r"^\s*(?:sudo\s+)?(?:\S*python[\d.]*\s+-m\s+)?(?P<tool>pip[\d.]*|uv\s+pip|conda|mamba|apt-get|apt)\s+(?:-\S+\s+)*(?P<verb>install|update|upgrade|uninstall)\b",
)


def installer_notice(command: str) -> str | None:
    """What to print in place of running a shell command that installs packages; None for any other
    command.
    """
    match = _INSTALLER.match(command)
    return notice(f"{re.sub(r'[0-9.]+$', '', match['tool'])} {match['verb']}") if match else None


def notice(what: str) -> str:
    """The sentence for an installer `what`, such as "pip install"."""
    return f"{what} does nothing while your notebook is graded: packages come from the assignment"


def _no_input(*_args: object, **_settings: object) -> NoReturn:
    message = (
        "input() is not available while your notebook is graded; put the value into a variable"
    )
    raise RuntimeError(message)


def refuse_input() -> None:
    """Make input() and getpass() raise an error that says what to do."""
    builtins.input = _no_input
    getpass.getpass = _no_input


def _mount(mountpoint: str = "/content/drive", **_settings: object) -> None:
    print(
        "drive.mount does nothing while your notebook is graded: there is no Google Drive at"
        f" {mountpoint}"
    )


def _unmount(**_settings: object) -> None:
    print("drive.flush_and_unmount does nothing while your notebook is graded")


def _upload(**_settings: object) -> dict[str, bytes]:
    print(
        "files.upload does nothing while your notebook is graded: the assignment's files are in the"
        " working folder"
    )
    return {}


def _download(filename: str = "", **_settings: object) -> None:
    print(f"files.download does nothing while your notebook is graded: {filename}")


_MODULES: dict[str, dict[str, object]] = {
    "google": {},
    "google.colab": {},
    "google.colab.drive": {"mount": _mount, "flush_and_unmount": _unmount},
    "google.colab.files": {"upload": _upload, "download": _download},
}


class ColabModules(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Finds google.colab last of all, so that a real package `google` is found first.

    It is imported only when asked for: notebooks look for it in sys.modules to tell where they run.
    """

    def find_spec(
        self, name: str, path: Sequence[str] | None, target: types.ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        """A spec for the modules above."""
        return (
            importlib.machinery.ModuleSpec(name, self, is_package=True)
            if name in _MODULES
            else None
        )

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> None:
        """The default module."""

    def exec_module(self, module: types.ModuleType) -> None:
        """Put the module's functions in."""
        vars(module).update(_MODULES[module.__name__])


def offer_colab_modules() -> None:
    """Make `from google.colab import drive` work."""
    sys.meta_path.append(ColabModules())
