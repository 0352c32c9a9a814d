"""What MkDocs does not look for: names that check authors use without words or on no page, and
pages that fetch something.
"""

from __future__ import annotations

import logging
import re
from typing import TYPE_CHECKING, Any

import griffe

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

PUBLIC: Mapping[str, tuple[str, ...] | None] = {
    "autograder.checks": None,
    "autograder.checks.stochastic": None,
    "autograder.checks.graded_cells": None,
    "autograder.mistakes.written": ("mistake", "equivalent"),
}
"""What check authors import, by module; None: all of its `__all__`."""

_SHOWN = re.compile(r"^::: (\S+)", re.MULTILINE)
_FETCHED = re.compile(
    r"""<(?:script|img|iframe)\b[^>]*\bsrc=["']?(https?:[^"' >]+)|<link\b(?![^>]*canonical)[^>]*\bhref=["']?(https?:[^"' >]+)"""
)
_log = logging.getLogger("mkdocs.hooks.undocumented")
_pages: list[str] = []


def public_names(
    public: Mapping[str, tuple[str, ...] | None] = PUBLIC, *, paths: Iterable[str] = (".",)
) -> Iterator[griffe.Object]:
    """Each public function, class and value, under the path that it is imported by."""
    loader = griffe.GriffeLoader(search_paths=list(paths))
    for module, names in public.items():
        loader.load(module.partition(".")[0])
        found = loader.modules_collection[module]
        yield from (found[name] for name in (names or tuple(map(str, found.exports or ()))))


def undocumented(one: griffe.Object) -> Iterator[str]:
    """Paths of what has no docstring; a class's may describe its fields."""
    meant = one.final_target if one.is_alias else one
    words = meant.docstring.value if meant.docstring else ""
    if not words:
        yield one.path
    for name, member in meant.members.items() if meant.is_class else ():
        told = member.has_docstring or (member.is_attribute and re.search(rf"\b{name}\b", words))
        if member.is_public and not name.startswith("__") and not told:
            yield f"{one.path}.{name}"


def on_page_markdown(markdown: str, **_: Any) -> None:
    """Note what a page shows."""
    _pages.append(markdown)


def on_env(env: Any, **_: Any) -> Any:
    """Warn, which ends a strict build."""
    shown = {name for markdown in _pages for name in _SHOWN.findall(markdown)}
    for one in public_names():
        for path in undocumented(one):
            _log.warning("%s has no docstring", path)
        if one.path not in shown:
            _log.warning("%s is on no page of the reference", one.path)
    _pages.clear()
    return env


def fetched(output: str) -> list[str]:
    """Addresses elsewhere that a browser asks for when it shows the page `output`."""
    return [first or second for first, second in _FETCHED.findall(output)]


def on_post_page(output: str, page: Any, **_: Any) -> None:
    """Warn of requests."""
    for address in fetched(output):
        _log.warning("%s fetches %s", page.file.src_path, address)
