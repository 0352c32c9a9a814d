"""nbformat and jupytext, imported without the packages that they load beside and never need for
what is done here: nine tenths of the time that a command takes to start.
"""

from __future__ import annotations

import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import ModuleType


@contextmanager
def _as_if_not_installed(name: str) -> Iterator[None]:
    """Make imports of `name` fail within, unless it is loaded already."""
    if name in sys.modules:
        yield
        return
    sys.modules[name] = None  # type: ignore[assignment]  # import's own way to say so
    try:
        yield
    finally:
        del sys.modules[name]


with _as_if_not_installed(
    "rfc3987_syntax"
):  # 38 grammars for URIs, made by jsonschema: 1.6 s. No notebook's schema asks for one.
    import nbformat
    from nbformat import NotebookNode


def import_jupytext() -> ModuleType:
    """Import jupytext, which takes 0.1 s, when it is needed.

    What it brings for Jupyter's server, 0.3 s more, is left out.
    """
    with _as_if_not_installed("tornado"):
        import jupytext
    return jupytext  # type: ignore[no-any-return]


__all__ = ["NotebookNode", "import_jupytext", "nbformat"]
