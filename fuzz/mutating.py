"""Mutations of structure: trees as JSON and msgpack decode them, and text by lines. Flipped bytes alone seldom get past a parser."""

from __future__ import annotations

import copy
from random import Random
from typing import Any

WORDS = (
    "", " ", "\n", "\r\n", "\x00", "\ud800", "\ufeff", "x = 1", "def model(x):\n    return x", "%matplotlib inline", "%%bash\nls", "!ls", "x?",
    "<<<<<<< HEAD\nx = 1\n=======\nx = 2\n>>>>>>> theirs\n", "((((((((((" * 30, "-" * 400 + "1", "lambda: " * 120, "f'{x!r:{y}}'", "\\" * 9,
    "code", "markdown", "raw", "heading", "stream", "stdout", "error", "display_data", "execute_result", "pyout", "python", "R", "ipython",
    "cells", "worksheets", "nbformat", "nbformat_minor", "metadata", "cell_type", "source", "input", "outputs", "output_type", "text", "data",
    "nbgrader", "grade_id", "kernelspec", "language", "language_info", "name", "id", "attachments", "execution_count", "level", "prompt_number",
    "text/plain", "image/png", "locked", "solution", "grade", "type", "array", "items", "mapping", "optimizer", "opaque", "cell", "call",
    "cells_ended", "batch_ended", "float32", "bool", "complex128", "finished", "raised", "a", "1", "inf", "../x", "/etc/passwd",
)  # fmt: skip
NUMBERS = (
    0,
    1,
    -1,
    2,
    3,
    4,
    5,
    255,
    2**31,
    2**32,
    2**53,
    2**63 - 1,
    -(2**63),
    0.5,
    -0.0,
    1e308,
    float("nan"),
    float("inf"),
    -float("inf"),
)


def leaf(random: Random) -> Any:
    """A value without parts."""
    return random.choice(
        [
            None,
            True,
            False,
            random.choice(NUMBERS),
            random.choice(WORDS),
            random.choice(WORDS),
            [],
            {},
        ]
    )


def mutated_tree(tree: Any, random: Random) -> Any:
    """A copy of `tree` with one to four changes anywhere in it."""
    box = [copy.deepcopy(tree)]
    for _ in range(random.randint(1, 4)):
        places = list(_places(box))
        holder, key = random.choice(places)
        _change(holder, key, random, places)
    return box[0]


def _places(box: list[Any]) -> list[tuple[Any, Any]]:
    found: list[tuple[Any, Any]] = []
    todo: list[Any] = [box]
    while todo:
        holder = todo.pop()
        for key in list(holder) if isinstance(holder, dict) else range(len(holder)):
            found.append((holder, key))
            if isinstance(holder[key], (dict, list)) and holder[key]:
                todo.append(holder[key])
    return found


def _change(holder: Any, key: Any, random: Random, places: list[tuple[Any, Any]]) -> None:
    try:
        value = holder[key]
    except (KeyError, IndexError):
        return  # an earlier change took it away
    other, name = random.choice(places)
    match random.randrange(9):
        case 0:
            holder[key] = leaf(random)
        case 1 if isinstance(holder, dict):
            del holder[key]
        case 1 | 2 if isinstance(holder, list):
            holder.insert(random.randint(0, len(holder)), copy.deepcopy(value))
        case 2:
            holder[random.choice(WORDS)] = value
        case 3 if isinstance(holder, list):
            random.shuffle(holder)
        case 4:
            depth = random.choice([1, 1, 2, 50, 400])
            for _ in range(depth):
                value = [value] if random.random() < 0.5 else {random.choice(WORDS): value}
            holder[key] = value
        case 5 if isinstance(value, (str, bytes)):
            holder[key] = (
                mutated_text(value, random)
                if isinstance(value, str)
                else value[: random.randint(0, len(value))]
            )
        case 6 if isinstance(value, str):
            holder[key] = value.splitlines(keepends=True)
        case 7 if isinstance(value, int | float):
            holder[key] = random.choice([value + 1, -value, value * 2, random.choice(NUMBERS)])
        case _:
            if isinstance(other, dict) and name not in other:
                return
            if isinstance(other, list) and name >= len(other):
                return
            holder[key] = copy.deepcopy(other[name])


def mutated_text(text: str, random: Random, words: tuple[str, ...] = WORDS) -> str:
    """`text` with lines or pieces taken out, doubled, swapped or put in."""
    lines = text.splitlines(keepends=True) or [""]
    for _ in range(random.randint(1, 4)):
        at = random.randrange(len(lines))
        match random.randrange(7):
            case 0:
                del lines[at : at + random.choice([1, 1, 2, 10])]
            case 1:
                lines.insert(at, lines[random.randrange(len(lines))])
            case 2:
                lines.insert(at, random.choice(words) + random.choice(["", "\n", "\r\n", "\r"]))
            case 3:
                line = lines[at]
                cut = random.randint(0, len(line))
                lines[at] = (
                    line[:cut] + random.choice(words) + line[cut + random.choice([0, 0, 1, 4]) :]
                )
            case 4:
                random.shuffle(lines)
            case 5:
                lines[at] = " " * random.choice([1, 4]) + lines[at]
            case _:
                lines[at : at + 1] = [lines[at]] * random.choice([2, 3, 30])
        lines = lines or [""]
    return "".join(lines)
