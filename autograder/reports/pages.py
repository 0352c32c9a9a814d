"""Where templates live, and the one Jinja2 environment that renders pages."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined


def templates_folder() -> Path:
    """autograder/_templates in an installed wheel, templates/ beside the package in a checkout."""
    package = Path(__file__).resolve().parent.parent
    installed = package / "_templates"
    return installed if installed.is_dir() else package.parent / "templates"


@cache
def environment() -> Environment:
    """Escapes everything that no code of ours has marked as markup; a misspelt name is an error, never an empty string."""
    return Environment(
        loader=FileSystemLoader(templates_folder()), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
