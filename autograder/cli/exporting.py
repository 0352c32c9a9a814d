"""Grades and assignments for other systems: ``autograder export FORMAT``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from autograder.cli.options import CourseOption, ResultsOption, Slug, open_course
from autograder.cli.terminal import plain_text
from autograder.errors import AssignmentError

export = typer.Typer(name="export", help="Write grades or an assignment for another system.", no_args_is_help=True)


@export.callback()
def formats() -> None:
    """Write grades or an assignment for another system."""


@export.command()
def gradescope(
    assignment: Slug,
    course: CourseOption = None,
    results: ResultsOption = None,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            help="The zip to write. Default: export/<assignment>-gradescope.zip in the results folder.",
            show_default=False,
        ),
    ] = None,
    *,
    force: Annotated[bool, typer.Option("--force", help="Export although the checks were not tested since the last change.")] = False,
) -> None:
    """Write the zip of an autograder for Gradescope, and say what students will see there."""
    from autograder.pipeline.gradescope_export import export_gradescope
    from autograder.pipeline.results import ResultsFolder
    from autograder.pipeline.validate import is_validated

    files = open_course(course, assignment)
    folder = ResultsFolder(results or files.course / "results", files.slug)
    validated = is_validated(files, folder)
    if not validated and not force:
        message = f"the checks of {assignment!r} have not passed their test since they last changed: run `autograder validate {assignment}` first (--force exports all the same)"
        raise AssignmentError(message)
    done = export_gradescope(files, output or folder.root / "export" / f"{files.slug}-gradescope.zip")
    lines = [*done.seen, *(f"warning: {warning}" for warning in done.warnings)]
    lines += [] if validated else ["warning: exported by force: the checks have not passed their test since they last changed"]
    lines.append(
        f"Written {done.path} ({done.size_bytes / 1e6:.1f} MB). It holds the solution: give it to Gradescope alone (Configure Autograder)."
    )
    typer.echo(plain_text("\n".join(lines)))
