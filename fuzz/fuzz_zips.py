"""Any bytes named .zip: a notebook in it is read and restored, or the archive is refused."""

from __future__ import annotations

import io
import json

import atheris

with atheris.instrument_imports(
    include=["autograder", "zipfile"]
):  # only what has not been imported before
    import zipfile

    from autograder.errors import SubmissionError
    from autograder.notebooks.reading.submission import read_submission

from fuzz_notebooks import RELEASE
from mutating import WORDS
from running import SCRATCH, run

SMALL = json.dumps(
    {
        "nbformat": 4,
        "nbformat_minor": 5,
        "metadata": {},
        "cells": [{"cell_type": "code", "source": "x = 1", "metadata": {}, "outputs": []}],
    }
).encode()
NAMES = (
    "a.ipynb",
    "b.py",
    "d/a.ipynb",
    "../a.ipynb",
    "/a.ipynb",
    "C:\\a.ipynb",
    "__MACOSX/._a.ipynb",
    ".DS_Store",
    "x.zip",
    "d/",
    "\x00.ipynb",
    "a" * 300,
)
MODES = (0, 0o100644, 0o120777, 0o020666, 0o010666, 0o040755, 0o140777)


def target(data: bytes) -> None:
    path = SCRATCH / "a.zip"
    path.write_bytes(data)
    try:
        read_submission(path, RELEASE)
    except SubmissionError:
        return


def mutate(data: bytes, random: object) -> bytes:
    raw = bytearray(data)
    if random.random() < 0.5:  # a field of a header, by its signature
        signature = random.choice([b"PK\x01\x02", b"PK\x03\x04", b"PK\x05\x06"])
        places = [at for at in range(len(raw)) if raw.startswith(signature, at)]
        at = random.choice(places) + random.randint(4, 44)
        raw[at : at + random.choice([1, 2, 4])] = random.choice(
            [b"\0", b"\xff\xff", b"\xff\xff\xff\xff", random.randbytes(2), b"\1\0"]
        )
        return bytes(raw)
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(out, "w") as new:
        members = [(info.filename, info.external_attr, old.read(info)) for info in old.infolist()]
        for _ in range(random.randint(1, 3)):
            match random.randrange(4):
                case 0:
                    members.append(
                        (
                            random.choice(NAMES + WORDS),
                            random.choice(MODES) << 16,
                            random.choice([SMALL, b"", b"\0" * 50_000, data]),
                        )
                    )
                case 1:
                    members.pop(random.randrange(len(members)))
                case 2:
                    members.append(random.choice(members))
                case _:
                    random.shuffle(members)
        for name, mode, content in members:
            info = zipfile.ZipInfo(name.encode("utf-8", "replace").decode())
            info.external_attr = mode
            info.compress_type = random.choice([0, 8, 8, 8, 12, 14])
            info.comment = random.choice([b"", b"c"])
            new.writestr(info, content)
    return out.getvalue()


def seeds() -> list[bytes]:
    made = []
    for names in (
        ("a.ipynb",),
        ("d/a.ipynb", "__MACOSX/._a.ipynb", "d/data.csv"),
        ("b.py",),
        ("a.ipynb", "b.ipynb"),
    ):
        out = io.BytesIO()
        with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
            for name in names:
                archive.writestr(name, b"x = 1\n" if name.endswith(".py") else SMALL)
        made.append(out.getvalue())
    return made


if __name__ == "__main__":
    run(target, mutate, seeds())
