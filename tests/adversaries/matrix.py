"""The table attack x level: ``python -m tests.adversaries.matrix`` grades all attacks with each
combination of layers and writes docs/attacks.md. Takes minutes; needs root.
"""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
import tempfile
import textwrap
from pathlib import Path

from autograder.evidence.limits import Isolation
from autograder.execution.executor import Executor
from tests.execution.test_conformance import as_ordinary_user
from tests.surroundings import kernel_version

from .hostile_class import ATTACKS, grade_attacks, make_course, said
from .targets import targets

LEVELS: dict[str, tuple[tuple[str, ...], bool]] = {
    "all layers": ((), False),
    "no bubblewrap": (("bubblewrap",), False),
    "bubblewrap, no Landlock": (("landlock", "landlock scopes"), False),
    "plain container": (("bubblewrap", "landlock", "landlock scopes"), False),
    "ordinary user": ((), True),
    "ordinary user, no bubblewrap": (("bubblewrap",), True),
    "ordinary user, no Landlock": (("landlock", "landlock scopes"), True),
}
"""The layers left out, and whether an ordinary user grades."""

_COLUMN = (
    "import json, sys; from tests.adversaries.matrix import column;"
    " print(json.dumps(column(tuple(sys.argv[1:]))))"
)
PAGE = Path(__file__).parents[2] / "docs" / "attacks.md"


def column(without: tuple[str, ...]) -> tuple[str, dict[str, str]]:
    """The level that this combination makes, and of each attack "held", or what it got."""
    with (
        tempfile.TemporaryDirectory() as name,
        Executor(2, Isolation.WEAK, without=without) as executor,
    ):
        course = make_course(Path(name) / "course", executor)
        course.submit("bystander")
        course.grade()
        with targets(course.root) as aims:
            grades = grade_attacks(course, aims, twins=False)
            found = {}
            for attack in ATTACKS:
                points, hole = grades[attack.name].points, "HOLE" in said(course, attack.name)
                found[attack.name] = (
                    "gains points" if points > attack.points else "**open**" if hole else "held"
                )
        return executor.environment["isolation"], found


def column_of(without: tuple[str, ...], *, ordinary: bool) -> tuple[str, dict[str, str]]:
    """`column`, graded by root or by an ordinary user, in a process of its own."""
    root = Path(__file__).parents[2]
    before = (
        as_ordinary_user((sys.base_prefix, sys.prefix, str(root / "autograder")))
        if ordinary
        else []
    )
    command = [*before, sys.executable, "-c", _COLUMN, *without]
    done = subprocess.run(
        command,
        stdout=subprocess.PIPE,
        cwd=root,
        env=os.environ | {"ADVERSARY_SECRET": "ADVERSARY_SECRET"},
        check=True,
    )
    level, found = json.loads(done.stdout.splitlines()[-1])
    return level, found


def main() -> None:
    """Grade, print, write."""
    columns = {
        title: column_of(without, ordinary=ordinary)
        for title, (without, ordinary) in LEVELS.items()
    }
    heads = [f"{title} ({level})" for title, (level, _) in columns.items()]
    lines = [
        "# Attacks",
        "",
        textwrap.fill(
            "Written by `make attacks`, as root and as an ordinary user on Linux"
            f" {kernel_version()}, "
            f"Python {platform.python_version()}: {len(ATTACKS)} hostile submissions from "
            "`tests/adversaries/`, graded as one class with each combination of layers.",
            100,
            break_on_hyphens=False,
        ),
        "",
        "*held*: it got nothing and no point. *open*: it got what it wanted; what `good` does not"
        " promise",
        "stands in [threat-model.md](threat-model.md). Each has an honest twin that is graded"
        " normally,",
        "and what a layer stops is shown to succeed without layers (tests).",
        "",
        f"| attack | row of the threats | {' | '.join(heads)} |",
        f"|---|---|{'---|' * len(heads)}",
    ]
    lines += [
        f"| {attack.name} | {attack.row} |"
        f" {' | '.join(found[attack.name] for _, found in columns.values())} |"
        for attack in ATTACKS
    ]
    text = "\n".join(lines) + "\n"
    PAGE.write_text(text, encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
