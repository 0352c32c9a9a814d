"""Where templates live."""

from __future__ import annotations

from pathlib import Path

INSTALLED = "_templates"
"""In the package, as a wheel installs it."""


def templates_folder() -> Path:
    """Return the folder of templates.

    That is autograder/_templates in an installed wheel, templates/ beside the package in a
    checkout.
    """
    package = Path(__file__).resolve().parent
    installed = package / INSTALLED
    return installed if installed.is_dir() else package.parent / "templates"
