"""The name under which a submission is kept: it becomes folders, a row of a table and a line of a
terminal, and on a flat folder of uploads students choose it.
"""

from __future__ import annotations

import hashlib
import re

from autograder.reports.plain import plain

NAME_BYTES = 120
"""Of a name; with suffixes it fits in the 255 that file systems take."""

_FORBIDDEN = re.compile(r'[/\\<>"|*\s]')
_FIRST = re.compile(r"[=+\-@.~\uff1d\uff0b\uff0d\uff20]")
"""A formula in a table, an option of a command, a hidden file, a home folder."""
_RESERVED = re.compile(r"(?:con|prn|aux|nul|com\d|lpt\d)(?:\..*)?", re.IGNORECASE)
"""Names that no file can have where feedback may be unpacked."""


def student_name(found: str) -> str:
    """`found`, the name of a folder or file, if it is harmless; else what is harmless of it with a
    digest of the whole, so that two students never become one.

    Letters of all alphabets, spaces, apostrophes and addresses stay.
    """
    name = _FORBIDDEN.sub(lambda match: match[0] if match[0] == " " else "_", plain(found)).strip()
    name = "".join(letter if letter.isprintable() else "_" for letter in name)
    if _FIRST.match(name) or _RESERVED.fullmatch(name):
        name = f"_{name[1:] if _FIRST.match(name) else name}"
    if len(name.encode()) > NAME_BYTES:
        name = name.encode()[: NAME_BYTES - 9].decode(errors="ignore")  # the digest takes nine
    name = name.rstrip(" .")
    return (
        name
        if name == found and name
        else (
            f"{name or '_'}-{hashlib.sha256(found.encode('utf-8', 'surrogatepass')).hexdigest()[:8]}"
        )
    )
