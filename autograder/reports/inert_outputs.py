"""What a notebook's outputs may still hold where an instructor opens them: text, verified pictures,
tables without anything that acts.

Formgrader and nbconvert put rich outputs into a page of the instructor's own, where a script could
change every grade. Why each kind is treated as it is: docs/decisions/009.
"""

from __future__ import annotations

import base64
import binascii
import re
import struct
import zlib
from typing import TYPE_CHECKING, Any

import nh3

from autograder.notebooks.nodes import display_output, error_output, stream_output
from autograder.reports.plain import plain, plain_line

if TYPE_CHECKING:
    from collections.abc import Mapping

    from nbformat import NotebookNode

OUTPUT_CHARS = 200_000
PIXELS = 50_000_000
"""A picture of more is left out: a few kilobytes can unpack to gigabytes."""

TABLES = frozenset({
    "b", "blockquote", "br", "caption", "code", "col", "colgroup", "dd", "details", "div", "dl", "dt", "em", "h1", "h2", "h3", "h4", "h5", "h6", "hr", "i",
    "kbd", "li", "mark", "ol", "p", "pre", "s", "small", "span", "strong", "sub", "summary", "sup", "table", "tbody", "td", "tfoot", "th", "thead", "tr", "u",
    "ul",
})  # fmt: skip
"""Elements that an output may keep: those of pandas' and scikit-learn's tables.

None loads, links, frames or takes input.
"""
ATTRIBUTES = {
    "td": {"colspan", "rowspan"},
    "th": {"colspan", "rowspan", "scope"},
    "ol": {"start"},
    "table": {"border"},
}
DROPPED = frozenset(
    {
        "script",
        "style",
        "svg",
        "math",
        "iframe",
        "object",
        "template",
        "noscript",
        "textarea",
        "title",
        "select",
    }
)
"""Elements that go with what is in them; of all others the text stays."""
UNTYPESET = '<div class="tex2jax_ignore mathjax_ignore">'
"""Around HTML: MathJax would read its text once more, for commands of its own."""

_PNG = b"\x89PNG\r\n\x1a\n"
_TEX = re.compile(r"\\+(?=(?:href|require|style|class|cssId|mmlToken|bbox|unicode|data)\b)")
_KINDS = ("image/png", "image/jpeg", "text/html", "text/markdown", "text/latex", "text/plain")


def clean_output(output: Mapping[str, Any]) -> NotebookNode | None:
    """The output with nothing in it that acts, and without metadata (they end up in attributes);
    None where nothing is left.
    """
    kind = output.get("output_type")
    if kind == "stream":
        name = "stderr" if output.get("name") == "stderr" else "stdout"
        return stream_output(name, plain(joined(output.get("text", "")), OUTPUT_CHARS))
    if kind == "error":
        traceback = [plain(joined(line), OUTPUT_CHARS) for line in output.get("traceback", [])]
        name, value = (
            plain_line(joined(output.get("ename", ""))),
            plain(joined(output.get("evalue", "")), 5_000),
        )
        return error_output(name, value, traceback)
    if kind in ("display_data", "execute_result"):
        shown = clean_bundle(output.get("data", {}))
        return display_output(dict(shown)) if shown else None
    return None


def clean_bundle(data: Mapping[str, Any]) -> dict[str, str]:
    """Representations that can be shown.

    Of one that can't, its name is told where nothing else stands for it.
    """
    shown = {}
    for kind in _KINDS:
        if kind in data and (text := _clean(kind, joined(data[kind]))):
            shown[kind] = text
    left_out = [plain_line(str(kind), 60) for kind in data if kind not in shown]
    if left_out and not shown:
        shown["text/plain"] = f"[left out: {', '.join(left_out[:5])}]"
    return shown


def clean_images(data: Mapping[str, Any]) -> dict[str, str]:
    """The pictures alone."""
    return {kind: text for kind, text in clean_bundle(data).items() if kind.startswith("image/")}


def clean_html(html: str) -> str:
    """Reduce HTML to text and tables.

    No script, style, link, picture, form, or attribute stays but those that say how a table is laid
    out.
    """
    text = nh3.clean(
        plain(html, OUTPUT_CHARS),
        tags=set(TABLES),
        clean_content_tags=set(DROPPED),
        attributes=ATTRIBUTES,
        url_schemes=set(),
        link_rel=None,
    )
    return f"{UNTYPESET}{_TEX.sub('', text)}</div>" if text.strip() else ""


def clean_markdown(markdown: str) -> str:
    """Markdown in which HTML shows as text, and links lead to the web, an attachment or nowhere.

    nbconvert passes HTML through and lets links run scripts. Telling bad links from good ones is
    hopeless (entities, backslashes), so only those that start like good ones stay links; a
    zero-width space breaks the others, and entities, which could spell anything. Pictures from the
    web would tell their owner who opened the page and when: they become links.
    """
    text = re.sub(r"<(?=[A-Za-z/!?])", "&lt;", re.sub(r"&(?=#|[A-Za-z]\w*;)", "&\u200b", markdown))
    text = re.sub(r"\](?=\((?!https?://|attachment:|#)|:(?!\s*https?://))", "]\u200b", text)
    text = re.sub(r"!(?=\[)(?!\[[^\[\]]*\]\(attachment:)", "!\u200b", text)
    return _TEX.sub("", text)  # MathJax's own ways to make links and load code


def clean_latex(latex: str) -> str:
    """Formulas without commands that make links or styles, and nothing that HTML would read."""
    return _TEX.sub(
        "", re.sub(r"<(?=[A-Za-z/!?])", "< ", re.sub(r"&(?=#|[A-Za-z]\w*;)", "& ", latex))
    )


def is_picture(kind: str, data: bytes) -> bool:
    """Tell whether `data` is a whole PNG or JPEG of a size that can be shown."""
    if kind == "image/png":
        return _is_png(data)
    return (
        kind == "image/jpeg"
        and data.startswith(b"\xff\xd8\xff")
        and data.rstrip(b"\0").endswith(b"\xff\xd9")
        and _jpeg_pixels(data) <= PIXELS
    )


def joined(value: object) -> str:
    """nbformat writes text as a string or as a list of lines."""
    return "".join(map(str, value)) if isinstance(value, list) else str(value)


def _clean(kind: str, text: str) -> str:
    match kind:
        case "text/html":
            return clean_html(text)
        case "text/markdown":
            return clean_markdown(plain(text, OUTPUT_CHARS))
        case "text/latex":
            return clean_latex(plain(text, OUTPUT_CHARS))
        case "text/plain":
            return plain(text, OUTPUT_CHARS)
        case _:
            return _picture(kind, text)


def _picture(kind: str, text: str) -> str:
    """The picture in base64 of our own writing; "" where it is none."""
    try:
        data = base64.b64decode("".join(text.split()), validate=True)
    except (binascii.Error, ValueError):
        return ""
    return base64.b64encode(data).decode() if is_picture(kind, data) else ""


def _is_png(data: bytes) -> bool:
    """Signature, then chunks with the right checksums from IHDR to IEND, and nothing after it."""
    if not data.startswith(_PNG) or data[12:16] != b"IHDR":
        return False
    width, height = struct.unpack(">II", data[16:24].ljust(8, b"\0"))
    place = len(_PNG)
    while place + 12 <= len(data):
        (length,) = struct.unpack(">I", data[place : place + 4])
        body, end = data[place + 4 : place + 8 + length], place + 12 + length
        if end > len(data) or struct.pack(">I", zlib.crc32(body)) != data[end - 4 : end]:
            return False
        if body[:4] == b"IEND":
            return end == len(data) and 0 < int(width * height) <= PIXELS
        place = end
    return False


def _jpeg_pixels(data: bytes) -> int:
    """Width times height by the first frame header; more than can be shown where there is none."""
    place = 2
    while place + 9 <= len(data) and data[place] == 0xFF:
        marker, (length,) = data[place + 1], struct.unpack(">H", data[place + 2 : place + 4])
        if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
            height, width = struct.unpack(">HH", data[place + 5 : place + 9])
            return int(width * height) or PIXELS + 1
        place += 2 + length
    return PIXELS + 1
