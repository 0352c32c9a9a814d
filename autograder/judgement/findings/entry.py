"""One entry of the catalogue of findings."""

from __future__ import annotations

import msgspec


class Entry(msgspec.Struct, frozen=True):
    """One page of the catalogue.

    `name` completes "a loop that ..."; `cause` and `look` are for DISCLOSURE CONCEPT, `fix` for
    FIX; `slide` is the lecture's.
    """

    name: str
    cause: str
    look: str
    fix: str
    slide: str = ""
