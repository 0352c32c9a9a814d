"""Any bytes as assignment.toml: parsed, or an AssignmentError."""

from __future__ import annotations

import datetime
import json
from typing import Any

import atheris

with atheris.instrument_imports(
    include=["autograder", "tomllib"]
):  # only what has not been imported before
    import tomllib

    from autograder.assignment import open_assignment
    from autograder.errors import AssignmentError

from mutating import WORDS, mutated_text, mutated_tree
from running import ROOT, SCRATCH, run

PIECES = ("title = 'x'", "points = 3", "[[parts]]", "[parts]", "[limits]", "functions = ['f']", "due = 2026-12-06", "due = 2026-12-06T23:59:00Z", "files = ['x']", "files = ['\\u0000']",
          "[[questions]]", "id = 'a'", "isolation = 'good'", "cpu_s = 99999999999999999999999", "points = nan", "points = inf", "points = -1", "seed = 1e400", "a.b.c = 1", "x = {a = 1, a = 2}",
          "x = " + "[" * 900, "files = ['" + "a" * 5000 + "']", "files = ['.']", "files = ['']")  # fmt: skip


def target(data: bytes) -> None:
    folder = SCRATCH / "assignments" / "a"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "assignment.toml").write_bytes(data)
    try:
        open_assignment(SCRATCH, "a")
    except AssignmentError:
        return


def mutate(data: bytes, random: object) -> bytes:
    text = data.decode()
    if random.random() < 0.5:
        return mutated_text(text, random, WORDS + PIECES * 3).encode("utf-8", "replace")
    return "\n".join(
        f"{json.dumps(key)} = {_toml(value)}"
        for key, value in mutated_tree(tomllib.loads(text), random).items()
    ).encode("utf-8", "replace")


def _toml(value: Any) -> str:
    match value:
        case dict():
            return (
                "{"
                + ", ".join(f"{json.dumps(key)} = {_toml(inner)}" for key, inner in value.items())
                + "}"
            )
        case list():
            return "[" + ", ".join(map(_toml, value)) + "]"
        case datetime.datetime():
            return value.isoformat()
        case bool():
            return str(value).lower()
        case None:
            return '""'
        case str():
            return json.dumps(value)
    return str(value)


if __name__ == "__main__":
    paths = [
        *ROOT.glob("assignments/*/assignment.toml"),
        *ROOT.glob("tests/tiny_course/assignments/*/assignment.toml"),
    ]
    run(target, mutate, [path.read_bytes() for path in paths], 8000)
