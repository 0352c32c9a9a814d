"""Grades and assignments for other systems: ``autograder export FORMAT``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from autograder.cli.options import CourseOption, Slug, open_course

export = typer.Typer(name="export", help="Write grades or an assignment for another system.", no_args_is_help=True)

ExportFolder = Annotated[Path, typer.Option("--output", "-o", help="Folder to write to; may exist.")]
GraderOption = Annotated[
    str,
    typer.Option(
        "--grader", help="What pip installs GradStep from: a version, a wheel's address. Default: this version.", show_default=False
    ),
]


@export.command()
def github(assignment: Slug, output: ExportFolder, course: CourseOption = None, grader: GraderOption = "") -> None:
    """A workflow for students' repositories that checks their notebook on every push, and Classroom 50's autograder.py."""
    from autograder.pipeline.ci import export_github

    files = open_course(course, assignment)
    _say(export_github(files, output, grader))
    typer.echo(f"A student's repository gets .github/ and what `autograder release {assignment}` writes: it is feedback, and no mark.")


@export.command()
def gitlab(assignment: Slug, output: ExportFolder, course: CourseOption = None, grader: GraderOption = "") -> None:
    """A .gitlab-ci.yml for students' repositories that checks their notebook on every push and reports as JUnit."""
    from autograder.pipeline.ci import export_gitlab

    files = open_course(course, assignment)
    _say(export_gitlab(files, output, grader))
    typer.echo(f"A student's repository gets it and what `autograder release {assignment}` writes: it is feedback, and no mark.")


@export.command()
def prairielearn(
    assignment: Slug,
    output: ExportFolder,
    course: CourseOption = None,
    grader: GraderOption = "",
    image: Annotated[str, typer.Option("--image", help="Name of the image that is built from the Dockerfile.")] = "gradstep",
) -> None:
    """A question for PrairieLearn, graded in a container with all checks. It holds the solution: for your course repository only."""
    from autograder.pipeline.ci import export_prairielearn

    files = open_course(course, assignment)
    _say(export_prairielearn(files, output, grader, image))
    typer.echo(f"It holds the solution: keep it to yourself. Build the image: docker build --tag {image} {output}")


def _say(written: tuple[Path, ...]) -> None:
    typer.echo("\n".join(["Written:", *(f"  {path}" for path in written)]))
