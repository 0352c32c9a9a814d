"""A notebook in a .zip is read; an archive that is damaged or made to harm is refused, with what is
wrong.
"""

from __future__ import annotations

import base64
import io
import json
import os
import stat
import tracemalloc
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from autograder.notebooks.reading.notebook_file import (
    Unreadable,
    UnreadableNotebook,
    read_notebook_file,
)

HandIn = Callable[..., Path]
CELL = {"cell_type": "code", "metadata": {}, "outputs": [], "execution_count": None}


def notebook(source: str = "x = 1") -> bytes:
    return json.dumps(
        {"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": [{**CELL, "source": source}]}
    ).encode()


def pack(
    *members: tuple[str | zipfile.ZipInfo, bytes], method: int = zipfile.ZIP_DEFLATED
) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as archive:
        for name, content in members:
            archive.writestr(name, content)
    return out.getvalue()


def special(mode: int) -> tuple[zipfile.ZipInfo, bytes]:
    info = zipfile.ZipInfo("data")
    info.external_attr = mode << 16
    return info, b"/etc/passwd"


def commented(size: int, count: int) -> bytes:
    members = [zipfile.ZipInfo(f"{number}.csv") for number in range(count)]
    for member in members:
        member.comment = b"c" * size
    return pack(("a.ipynb", notebook()), *((member, b"") for member in members))


def patched(data: bytes, signature: bytes, offset: int, value: bytes) -> bytes:
    at = data.index(signature) + offset
    return data[:at] + value + data[at + len(value) :]


ONE = pack(("a.ipynb", notebook()))
STORED = pack(("a.ipynb", notebook()), method=zipfile.ZIP_STORED)
BOMB = pack(("a.ipynb", b"0" * 15_000_000))
LYING = patched(BOMB, b"PK\x01\x02", 24, (1000).to_bytes(4, "little"))
"""Claims to unpack to 1000 bytes."""


@pytest.mark.parametrize(
    ("members", "source"),
    [
        ([("a.ipynb", notebook())], "x = 1"),
        (
            [
                ("alice/a.ipynb", notebook()),
                ("alice/data.csv", b"1,2"),
                ("alice/old.zip", b"?"),
                ("alice/", b""),
            ],
            "x = 1",
        ),
        (
            [
                ("a.ipynb", notebook()),
                ("__MACOSX/._a.ipynb", b"\0\5"),
                ("__MACOSX/a.ipynb", b"\0"),
                (".DS_Store", b"\0"),
                ("d/.ipynb_checkpoints/a.ipynb", b""),
            ],
            "x = 1",
        ),
        ([("hand_in.ipynb", notebook("mine = 1")), ("other.ipynb", notebook())], "mine = 1"),
        ([("helper.py", b"y = 2"), ("a.ipynb", notebook())], "x = 1"),
        ([("a.py", b"# %%\ny = 2\n")], "y = 2"),
        ([("A.IPYNB", notebook())], "x = 1"),
        ([("b\\a.ipynb", notebook())], "x = 1"),
        ([special(stat.S_IFREG | 0o644), ("a.ipynb", notebook())], "x = 1"),
        ([("a..b/..a.csv", b""), ("a.ipynb", notebook())], "x = 1"),
    ],
)
def test_a_notebook_in_an_archive_is_read(
    hand_in: HandIn, members: list[tuple[str, bytes]], source: str
) -> None:
    """In a folder or not, beside data and what a Mac adds; of several the one with the assignment's
    name.
    """
    path = hand_in(pack(*members), "alice.zip")
    file = read_notebook_file(path, preferred="hand_in")
    assert [cell.source for cell in file.cells] == [source]
    assert file.notices == ()


def test_the_archives_own_name_tells_which(hand_in: HandIn) -> None:
    """Where nothing else is preferred."""
    data = pack(("a.ipynb", notebook("a = 1")), ("b.ipynb", notebook()))
    assert read_notebook_file(hand_in(data, "a.zip")).cells[0].source == "a = 1"


@pytest.mark.parametrize(
    ("data", "reason", "words"),
    [
        (pack(("../a.ipynb", notebook())), Unreadable.ARCHIVE_REFUSED, "leads out"),
        (pack(("a.ipynb", notebook()), ("d/../../x", b"")), Unreadable.ARCHIVE_REFUSED, "leads out"),
        (pack(("a.ipynb", notebook()), ("..\\x", b"")), Unreadable.ARCHIVE_REFUSED, "leads out"),
        (pack(("/tmp/a.ipynb", notebook())), Unreadable.ARCHIVE_REFUSED, "root of a disk"),
        (pack(("C:\\a.ipynb", notebook())), Unreadable.ARCHIVE_REFUSED, "root of a disk"),
        (pack(special(stat.S_IFLNK | 0o777), ("a.ipynb", notebook())), Unreadable.ARCHIVE_REFUSED, "is a link"),
        (pack(special(stat.S_IFCHR | 0o666), ("a.ipynb", notebook())), Unreadable.ARCHIVE_REFUSED, "is a device"),
        (pack(special(stat.S_IFIFO | 0o666), ("a.ipynb", notebook())), Unreadable.ARCHIVE_REFUSED, "is a device"),
        (patched(ONE, b"PK\x01\x02", 8, b"\x01"), Unreadable.ARCHIVE_REFUSED, "password"),
        (pack(("a.ipynb", notebook()), method=zipfile.ZIP_LZMA), Unreadable.ARCHIVE_REFUSED, "unusual way"),
        (pack(("a.ipynb", notebook()), method=zipfile.ZIP_BZIP2), Unreadable.ARCHIVE_REFUSED, "unusual way"),
        (BOMB, Unreadable.ARCHIVE_REFUSED, "more than 200 times"),
        (LYING, Unreadable.ARCHIVE_REFUSED, "damaged one .*CRC"),
        (patched(ONE, b"PK\x01\x02", 24, b"\xff\xff\xff\x7f"), Unreadable.TOO_LARGE, "unpacks to more than 500 MB"),
        (pack(("a.ipynb", b" " * 21_000_000), method=zipfile.ZIP_STORED), Unreadable.TOO_LARGE, "larger than 20 MB"),
        (pack(("a.ipynb", notebook()), *((f"{number}", b"") for number in range(1000))), Unreadable.TOO_LARGE, "1001 files"),
        (commented(60_000, 20), Unreadable.ARCHIVE_REFUSED, "table of contents"),
        (patched(STORED, b"x = 1", 0, b"x = 2"), Unreadable.ARCHIVE_REFUSED, "damaged one .*CRC"),
        (patched(ONE, b"PK\x05\x06", 12, b"\xff\xff\xff\x7f"), Unreadable.ARCHIVE_REFUSED, "no .zip archive"),
        (ONE[:-40], Unreadable.ARCHIVE_REFUSED, "no .zip archive"),
        (b"Rar!\x1a\x07", Unreadable.ARCHIVE_REFUSED, "no .zip archive"),
        (b"", Unreadable.ARCHIVE_REFUSED, "no .zip archive"),
        (pack(("a.ipynb", notebook()), ("b.ipynb", notebook())), Unreadable.SEVERAL_NOTEBOOKS, r"several notebooks \('a.ipynb', 'b.ipynb'\)"),
        (pack(("d/a.ipynb", notebook()), ("e/a.ipynb", notebook())), Unreadable.SEVERAL_NOTEBOOKS, "several notebooks"),
        (pack(("a.csv", b"")), Unreadable.NO_NOTEBOOK, "holds no notebook. "),
        (pack(("inner.zip", ONE)), Unreadable.NO_NOTEBOOK, "inner.zip', and archives in archives are not opened"),
        (pack(("a.ipynb", b"<html>")), Unreadable.NOT_JSON, "no valid JSON"),
        (pack(("a.ipynb", b"")), Unreadable.EMPTY, "is empty"),
        (pack(("a.py", b"#" * 300_000), method=zipfile.ZIP_STORED), Unreadable.TOO_LARGE, "larger than 0.25 MB"),
    ],
)  # fmt: skip
def test_what_harms_or_tells_nothing_is_refused(
    hand_in: HandIn, data: bytes, reason: Unreadable, words: str
) -> None:
    """With a reason, and words to the student."""
    with pytest.raises(UnreadableNotebook, match=f"alice.zip: .*{words}") as caught:
        read_notebook_file(hand_in(data, "alice.zip"))
    assert caught.value.reason is reason


def test_two_members_of_one_name_are_refused(hand_in: HandIn) -> None:
    """Which of them counts depends on who reads it."""
    with pytest.warns(UserWarning, match="Duplicate"):
        data = pack(("a.ipynb", notebook()), ("a.ipynb", notebook("x = 2")))
    with pytest.raises(UnreadableNotebook, match=r"'a\.ipynb' twice"):
        read_notebook_file(hand_in(data, "alice.zip"))


def test_nothing_is_written(hand_in: HandIn, tmp_path: Path) -> None:
    """Neither the notebook nor anything else of the archive comes to lie anywhere."""
    path = hand_in(pack(("a.ipynb", notebook()), ("d/data.csv", b"1")), "alice.zip")
    read_notebook_file(path)
    assert list(tmp_path.rglob("*")) == [path]


def test_a_bomb_takes_no_memory(hand_in: HandIn) -> None:
    """Not even one whose table of contents lies about its size."""
    out = io.BytesIO()
    with (
        zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive,
        archive.open("a.ipynb", "w") as member,
    ):
        for _ in range(150):
            member.write(b"0" * 1_000_000)
    path = hand_in(
        patched(out.getvalue(), b"PK\x01\x02", 24, (1000).to_bytes(4, "little")), "alice.zip"
    )
    tracemalloc.start()
    with pytest.raises(UnreadableNotebook, match="damaged"):
        read_notebook_file(path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 5_000_000


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_a_notebook_with_pictures_is_read(hand_in: HandIn, method: int) -> None:
    """Several megabytes that hardly shrink: only the table of contents has to be small."""
    picture = base64.b64encode(os.urandom(3_000_000)).decode()
    output = {"output_type": "display_data", "data": {"image/png": picture}, "metadata": {}}
    content = json.dumps(
        {
            "nbformat": 4,
            "nbformat_minor": 5,
            "metadata": {},
            "cells": [{**CELL, "source": "x = 1", "outputs": [output]}],
        }
    )
    file = read_notebook_file(
        hand_in(pack(("a.ipynb", content.encode()), method=method), "work.zip")
    )
    assert file.cells[0].outputs[0]["data"]["image/png"] == picture
