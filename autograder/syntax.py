"""Syntax trees of Python source, made in threads: nothing comes between the first node of a tree
and its last.

Up to Python 3.11.7 the depth that the interpreter counts while it makes a tree's nodes is one
number for all threads. The making itself holds the global interpreter lock, but an allocation in it
may start a garbage collection, whose finalizers can parse, or let another thread parse. Then the
count no longer fits: ``SystemError: AST constructor recursion depth mismatch``, or a RecursionError
for a tree that is not deep. From 3.11.8 on each parse counts for itself, and from 3.12 on no
collection starts there. Source: https://github.com/python/cpython/issues/106905
"""

from __future__ import annotations

import ast
import gc
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

# reentrant: a finalizer that runs just before the collector is off may parse, too
_ONE_AT_A_TIME = threading.RLock()


@contextmanager
def undisturbed() -> Iterator[None]:
    """Hold the garbage collector off, for code of others that makes syntax trees.

    It is entered by one thread at a time.

    Without a collection nothing else runs while a tree is made: no finalizer and no other thread,
    whoever else parses. Parsing again after the SystemError would not do: the wrong count can also
    end in a RecursionError, which can't be told from that of a tree that is too deep. A lock alone
    would not do: finalizers of the same thread, and libraries that parse, pass it by. The lock is
    there because the collector is one for all: a thread that is done must not turn it on for
    another that is not.
    """
    with _ONE_AT_A_TIME:
        collecting = gc.isenabled()
        try:
            gc.disable()
            yield
        finally:
            if collecting:
                gc.enable()


def syntax_tree(source: str) -> ast.Module:
    """Return the syntax tree of `source`.

    Python's warnings about it (``"\\d"``) are silent: it is read here, and run elsewhere.

    Raises:
        SyntaxError, ValueError, RecursionError, MemoryError: as `ast.parse`: no valid Python, with
            a NUL in it, nested too deeply.
    """
    with undisturbed(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return ast.parse(source)  # noqa: TID251 - the one place
