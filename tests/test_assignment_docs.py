"""docs/reference/assignment-toml.md has a row for each key that is read: its type and default are
the program's.
"""

import enum
import re
import typing
from datetime import datetime
from pathlib import Path
from types import NoneType, UnionType

import msgspec
import pytest

from autograder.assignment import (
    Assignment,
    Gradescope,
    Leaderboard,
    Part,
    Question,
    RateLimit,
    read_assignment,
)
from autograder.evidence.limits import Limits

PAGE = (Path(__file__).parent.parent / "docs" / "reference" / "assignment-toml.md").read_text()
SECTIONS = {
    "At the top": Assignment,
    "Parts": Part,
    "Questions": Question,
    "Limits": Limits,
    "Gradescope": Gradescope,
    "gradescope.limit": RateLimit,
    "gradescope.leaderboard": Leaderboard,
}
ANCHORS = {kind: re.sub(r"[^\w-]", "", title.lower()) for title, kind in SECTIONS.items()}


def rows(title):
    """Key, type and default of each row of a section."""
    section = re.search(
        rf"^## {re.escape(title)}\n(.*?)(?=^## |\Z)", PAGE, re.MULTILINE | re.DOTALL
    )[1]
    return re.findall(r"^\| (`\w+`) \| (.*?) \| (.*?) \| .+ \|$", section, re.MULTILINE)


def in_words(kind):
    """A type as the page says it."""
    if typing.get_origin(kind) in (UnionType, typing.Union):
        (kind,) = (one for one in typing.get_args(kind) if one is not NoneType)
    if typing.get_origin(kind) is tuple:
        inner = typing.get_args(kind)[0]
        return "list of texts" if inner is str else f"tables, see [below](#{ANCHORS[inner]})"
    if kind in ANCHORS:
        return f"a table, see [below](#{ANCHORS[kind]})"
    if isinstance(kind, enum.EnumMeta):
        *most, last = (f'`"{one}"`' for one in kind)
        return f"{', '.join(most)} or {last}"
    if typing.get_origin(kind) is dict:
        return "table of texts"
    return {
        str: "text",
        int: "whole number",
        float: "number",
        datetime: "date and time with a zone",
    }[kind]


def shown(field):
    """A default as the page says it, in TOML's words."""
    if field.required:
        return "required"
    default = field.default_factory() if field.default is msgspec.NODEFAULT else field.default
    if default is None:
        return "none"
    if isinstance(default, msgspec.Struct):
        return "the defaults there"
    if isinstance(default, tuple):
        return f"`[{', '.join(f'{chr(34)}{one}{chr(34)}' for one in default)}]`"
    return f'`"{default}"`' if isinstance(default, str) else f"`{default}`"


@pytest.mark.parametrize("title", SECTIONS)
def test_every_key_has_its_row(title):
    kind = SECTIONS[title]
    hints = typing.get_type_hints(kind)
    wanted = [
        (f"`{field.name}`", in_words(hints[field.name]), shown(field))
        for field in msgspec.structs.fields(kind)
    ]
    assert rows(title) == wanted


def test_no_table_is_left_out():
    """Every struct that an assignment holds has a section."""
    seen, todo = set(), [Assignment]
    while todo:
        kind = todo.pop()
        seen.add(kind)
        for hint in typing.get_type_hints(kind).values():
            inner = {hint, *typing.get_args(hint)}
            todo += [
                one
                for one in inner
                if isinstance(one, type) and issubclass(one, msgspec.Struct) and one not in seen
            ]
    assert seen == set(SECTIONS.values())


def test_the_pages_example_is_read(tmp_path):
    (tmp_path / "assignment.toml").write_text(re.search(r"```toml\n(.*?)```", PAGE, re.DOTALL)[1])
    assert [part.title for part in read_assignment(tmp_path / "assignment.toml").parts] == [
        "Recall",
        "The loop",
    ]
