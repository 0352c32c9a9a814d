"""`autograder init` and `autograder new`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from autograder.cli.options import CourseOption, course_of


def init(
    folder: Annotated[Path, typer.Argument(help="Folder of the new course; may exist.")],
) -> None:
    """Make an empty course: assignments/, solutions/, a README and a .gitignore."""
    from autograder.commands.new.scaffold import new_course

    new_course(folder)
    typer.echo(
        f"Course {folder}. Next:\n  cd {folder}\n  autograder new SLUG    an assignment with a"
        " small example in it"
    )


def new(
    assignment: Annotated[
        str, typer.Argument(metavar="SLUG", help="Name of the new folder in assignments/.")
    ],
    course: CourseOption = None,
    title: Annotated[
        str,
        typer.Option(
            "--title", help="What students read. Default: the name in words.", show_default=False
        ),
    ] = "",
) -> None:
    """Start an assignment: a small example with a loop, visible and hidden checks, that passes
    `validate` as it stands.
    """
    from autograder.commands.new.scaffold import new_assignment

    root = course_of(course)
    written = new_assignment(root, assignment, title)
    lines = [
        "Written:",
        *(f"  {path.relative_to(root)}" for path in written),
        "Next, and after each change:",
    ]
    for words, why in (
        (f"autograder validate {assignment}", "tests the checks with known mistakes"),
        (
            f"autograder calibrate {assignment}",
            "measures the tolerances, once the calls are chosen",
        ),
        (
            f"autograder release {assignment}",
            f"writes release/{assignment}/{assignment}.ipynb for students",
        ),
    ):
        lines.append(f"  {words:<{len(assignment) + 22}}  {why}")
    typer.echo("\n".join(lines))
