"""Text that others wrote, made fit to be shown: no terminal escapes, control characters or
direction overrides, and not too long.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

_ESCAPES = re.compile(
    r"\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)"  # OSC: titles, hyperlinks, clipboard
    r"|(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]"  # CSI: colours, cursor
    r"|\x1b[PX^_].*?(?:\x1b\\|$)"  # DCS, SOS, PM, APC
    r"|\x1b[ -/]*[0-~]?",  # what is left of others
    re.DOTALL,
)
_CONTROLS = re.compile(
    r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u206f\ufeff\ufff9-\ufffb\ufffe\uffff\U000e0000-\U000e007f]"
)
_LINE_ENDS = re.compile(r"\r\n?|[\u2028\u2029]")
_SURROGATES = re.compile(r"[\ud800-\udfff]")  # can't be encoded as UTF-8


def plain(text: str, limit: int = 20_000) -> str:
    """`text` with only printable characters, tabs and line feeds, cut after `limit` characters with
    a note.
    """
    if len(text) > 4 * limit:
        text = text[: 4 * limit]  # escapes cost time to remove; what they hide is short
    text = _LINE_ENDS.sub("\n", _ESCAPES.sub("", text))
    text = _SURROGATES.sub("\ufffd", _CONTROLS.sub("", text))
    return text if len(text) <= limit else f"{text[:limit]}\n[cut: {limit} characters shown]"


def plain_line(text: str, limit: int = 200) -> str:
    """`text` as one line of at most `limit` characters, an ellipsis where it was cut."""
    line = " ".join(plain(text, limit=10 * limit).split())
    return line if len(line) <= limit else f"{line[: limit - 1].rstrip()}…"


def counted(count: int, thing: str) -> str:
    """ "1 notebook", "2 notebooks"."""
    return f"{count} {thing}{'' if count == 1 else 's'}"


def listed(names: Iterable[str], most: int, chars: int = 80) -> str:
    """The first `most` names, each cut after `chars` characters, and how many more there are."""
    shown = [plain_line(name, chars) for name in names]
    more = len(shown) - most
    return ", ".join(shown[:most]) + (f" and {more} more" if more > 0 else "")


def number(value: float) -> str:
    """Points as people write them: 4, 2.5, 0.33."""
    return f"{value:.2f}".rstrip("0").rstrip(".")
