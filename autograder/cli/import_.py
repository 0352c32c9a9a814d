"""Assignments of other systems: ``autograder import FORMAT``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from autograder.cli.options import CourseOption, course_of

imports = typer.Typer(
    name="import", help="Turn an assignment of another system into one here.", no_args_is_help=True
)


@imports.command()
def nbgrader(
    source: Annotated[
        Path,
        typer.Argument(
            help=(
                "Folder of an nbgrader assignment, as source/ps1; or the folder above it, and NAME."
            )
        ),
    ],
    name: Annotated[
        str,
        typer.Argument(
            metavar="[NAME]",
            help="The assignment's folder in SOURCE or in its source/.",
            show_default=False,
        ),
    ] = "",
    course: CourseOption = None,
    slug: Annotated[
        str,
        typer.Option(
            "--slug",
            help="Name of the new assignment. Default: the folder's name.",
            show_default=False,
        ),
    ] = "",
) -> None:
    """Import an nbgrader assignment: its test cells run as they are, in the sandbox, and give the
    same points. Nothing is overwritten.
    """
    from autograder.commands.import_.nbgrader_assignment import import_nbgrader
    from autograder.reports.plain import counted, number, plain_line

    root = course_of(course)
    folder = source / name if not name or (source / name).is_dir() else source / "source" / name
    done = import_nbgrader(root, folder, slug)
    for one in done:
        typer.echo(
            f"{'Imported' if one.written else 'Unchanged:'} {one.slug}, from"
            f" {plain_line(one.notebook.name)}"
        )
        for path in one.paths if one.written else ():
            typer.echo(f"  {plain_line(str(path.relative_to(root)))}")
        hidden = f", {one.hidden} of them with hidden tests" if one.hidden else ""
        typer.echo(
            f"  {number(one.test_points)} points by {counted(one.tests, 'test cell')}{hidden}: they"
            " run beside student code, which can read them"
        )
        typer.echo(
            f"  {number(one.question_points)} points by {counted(one.questions, 'cell')} that a"
            " person marks"
        )
    if len(done) > 1:
        typer.echo("One assignment for each notebook: the points of all together are nbgrader's.")
    first = done[0].slug
    typer.echo(
        f"Next:\n  autograder validate {first}\n  autograder grade {first} PATH_TO/submitted"
    )
