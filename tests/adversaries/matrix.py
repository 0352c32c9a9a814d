"""The table attack x level: ``python -m tests.adversaries.matrix`` grades all attacks with each combination of layers and writes docs/attacks.md. Takes minutes; needs root."""

from __future__ import annotations

import os
import platform
import tempfile
from pathlib import Path

from autograder.assignment import Isolation
from autograder.execution.executor import Executor

from .hostile_class import ATTACKS, grade_attacks, make_course, said
from .targets import targets

LEVELS = {
    "all layers": (),
    "no bubblewrap": ("bubblewrap",),
    "bubblewrap, no Landlock": ("landlock", "landlock scopes"),
    "plain container": ("bubblewrap", "landlock", "landlock scopes"),
}
PAGE = Path(__file__).parents[2] / "docs" / "attacks.md"


def column(without: tuple[str, ...]) -> tuple[str, dict[str, str]]:
    """The level that this combination makes, and of each attack "held", or what it got."""
    with tempfile.TemporaryDirectory() as name, Executor(2, Isolation.WEAK, without=without) as executor:
        course = make_course(Path(name) / "course", executor)
        course.submit("bystander")
        course.grade()
        with targets(course.root) as aims:
            grades = grade_attacks(course, aims, twins=False)
            found = {}
            for attack in ATTACKS:
                points, hole = grades[attack.name].points, "HOLE" in said(course, attack.name)
                found[attack.name] = "gains points" if points > attack.points else "**open**" if hole else "held"
        return executor.environment["isolation"], found


def main() -> None:
    """Grade, print, write."""
    os.environ["ADVERSARY_SECRET"] = "ADVERSARY_SECRET"
    columns = {title: column(without) for title, without in LEVELS.items()}
    heads = [f"{title} ({level})" for title, (level, _) in columns.items()]
    lines = [
        "# Attacks",
        "",
        f"Written by `make attacks`, as root on Linux {platform.release()}, Python {platform.python_version()}: {len(ATTACKS)} hostile submissions from `tests/adversaries/`, graded as one class with each combination of layers.",
        "*held*: it got nothing and no point. *open*: it got what it wanted; what `good` does not promise stands in [threat-model.md](threat-model.md). Each has an honest twin that is graded normally, and what a layer stops is shown to succeed without layers (tests).",
        "",
        f"| attack | row of the threats | {' | '.join(heads)} |",
        f"|---|---|{'---|' * len(heads)}",
    ]
    lines += [f"| {attack.name} | {attack.row} | {' | '.join(found[attack.name] for _, found in columns.values())} |" for attack in ATTACKS]
    text = "\n".join(lines) + "\n"
    PAGE.write_text(text, encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
