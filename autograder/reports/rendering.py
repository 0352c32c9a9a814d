"""The one Jinja2 environment that renders pages, and what else fills in templates."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from functools import cache

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from autograder.templates import templates_folder


def filled(template: str, words: Mapping[str, str]) -> str:
    """Return the text of a template that Jinja2 is too much for, filled in.

    `words` take the place of their names between @ signs. Nothing is escaped.
    """
    text = (templates_folder() / template).read_text(encoding="utf-8")
    for name, word in words.items():
        text = text.replace(f"@{name}@", word)
    return text


@cache
def environment() -> Environment:
    """Return an environment of Jinja2 that escapes what no code of ours has marked as markup.

    A misspelt name is an error, never an empty string.
    """
    return Environment(
        loader=FileSystemLoader(templates_folder()),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


@cache
def style() -> str:
    """The pages' style sheet."""
    return (templates_folder() / "feedback.css").read_text(encoding="utf-8")


def policy(style_sheet: str) -> str:
    """Return the pages' Content-Security-Policy.

    Nothing may load, run, be sent or be styled but this one style sheet, and images that stand in
    the page itself.

    `frame-ancestors` has no effect in a <meta>, so it is left out.
    """
    digest = base64.b64encode(hashlib.sha256(style_sheet.encode()).digest()).decode()
    return (
        f"default-src 'none'; style-src 'sha256-{digest}'; img-src data:; base-uri 'none';"
        " form-action 'none'"
    )
