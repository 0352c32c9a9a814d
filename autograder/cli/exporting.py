"""Grades and assignments for other systems: ``autograder export FORMAT``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from autograder.cli.options import CourseOption, ResultsOption, Slug, open_course
from autograder.cli.terminal import plain_text
from autograder.errors import AssignmentError

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


def _say(written: tuple[Path, ...]) -> None:
    typer.echo("\n".join(["Written:", *(f"  {path}" for path in written)]))
