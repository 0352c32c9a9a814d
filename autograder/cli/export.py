"""Grades and assignments for other systems: ``autograder export FORMAT``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

import autograder
from autograder.cli.options import CourseOption, ResultsOption, Slug, open_course
from autograder.cli.terminal import plain_text, terminal
from autograder.errors import ExchangeError

if TYPE_CHECKING:
    from autograder.assignment import AssignmentFiles
    from autograder.commands.export.scores import Export
    from autograder.commands.export.standing import Standing

export = typer.Typer(
    name="export", help="Write grades or an assignment for another system.", no_args_is_help=True
)

ExportFolder = Annotated[
    Path, typer.Option("--output", "-o", help="Folder to write to; may exist.")
]
GraderOption = Annotated[
    str,
    typer.Option(
        "--grader",
        help=(
            "What pip installs GradStep from: a version, a wheel's address. Default: this version."
        ),
        show_default=False,
    ),
]
FileOption = Annotated[
    Path, typer.Option("--output", "-o", metavar="FILE", help="The file to write.")
]
SubmittedOption = Annotated[
    Path | None,
    typer.Option(
        "--submitted",
        help="Folder that `autograder collect` wrote to. Default: submitted/ in the course folder.",
        show_default=False,
    ),
]
DecidedOption = Annotated[
    bool,
    typer.Option(
        "--decided",
        help=(
            "Grades that still wait for a person or another run count what is decided of them; else"
            " they are left out."
        ),
    ),
]
ScaleOption = Annotated[
    bool,
    typer.Option(
        "--scale", help="Convert scores where the file is out of another total than the assignment."
    ),
]


@export.command()
def github(
    assignment: Slug, output: ExportFolder, course: CourseOption = None, grader: GraderOption = ""
) -> None:
    """A workflow for students' repositories that checks their notebook on every push, and Classroom
    50's autograder.py.
    """
    from autograder.commands.export.repositories import export_github

    files = open_course(course, assignment)
    _say(export_github(files, output, grader))
    typer.echo(
        f"A student's repository gets .github/ and what `autograder release {assignment}` writes:"
        " it is feedback, and no mark."
    )
    _say_where_from(grader)


@export.command()
def gitlab(
    assignment: Slug, output: ExportFolder, course: CourseOption = None, grader: GraderOption = ""
) -> None:
    """A .gitlab-ci.yml for students' repositories that checks their notebook on every push and
    reports as JUnit.
    """
    from autograder.commands.export.repositories import export_gitlab

    files = open_course(course, assignment)
    _say(export_gitlab(files, output, grader))
    typer.echo(
        f"A student's repository gets it and what `autograder release {assignment}` writes: it is"
        " feedback, and no mark."
    )
    _say_where_from(grader)


@export.command()
def prairielearn(
    assignment: Slug,
    output: ExportFolder,
    course: CourseOption = None,
    grader: GraderOption = "",
    image: Annotated[
        str, typer.Option("--image", help="Name of the image that is built from the Dockerfile.")
    ] = "gradstep",
) -> None:
    """A question for PrairieLearn, graded in a container with all checks.

    It holds the solution: for your course repository only.
    """
    from autograder.commands.export.repositories import export_prairielearn

    files = open_course(course, assignment)
    _say(export_prairielearn(files, output, grader, image))
    typer.echo(
        f"It holds the solution: keep it to yourself. Build the image: docker build --tag {image}"
        f" {output}"
    )
    _say_where_from(grader)


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
            help=(
                "The zip to write. Default: export/<assignment>-gradescope.zip in the results"
                " folder."
            ),
            show_default=False,
        ),
    ] = None,
    *,
    force: Annotated[
        bool,
        typer.Option(
            "--force", help="Export although the checks were not tested since the last change."
        ),
    ] = False,
) -> None:
    """Write the zip of an autograder for Gradescope, and say what students will see there."""
    from autograder.commands.export.gradescope_zip import export_gradescope
    from autograder.commands.validate.record import untested
    from autograder.course.results import ResultsFolder

    files = open_course(course, assignment)
    folder = ResultsFolder(results or files.course / "results", files.slug)
    doubt = untested(files, folder, "export", force=force)
    done = export_gradescope(
        files, output or folder.root / "export" / f"{files.slug}-gradescope.zip"
    )
    lines = [*done.seen, *(f"warning: {warning}" for warning in done.warnings)]
    lines += [f"warning: exported {doubt}"] if doubt else []
    lines.append(
        f"Written {done.path} ({done.size_bytes / 1e6:.1f} MB). It holds the solution: give it to"
        " Gradescope alone (Configure Autograder)."
    )
    typer.echo(plain_text("\n".join(lines)))


@export.command()
def container(output: ExportFolder) -> None:
    """A Dockerfile, for grading where the machine can't isolate students' code (macOS, Windows)."""
    from autograder.commands.export.container_recipe import export_container

    _say(export_container(output))
    typer.echo(
        "Its first lines say how to build and to use it. It was not tried here: let `doctor` look"
        " at it first."
    )


@export.command("canvas")
def export_canvas(
    assignment: Slug,
    into: Annotated[
        Path,
        typer.Option(
            "--into", metavar="CSV", help="The gradebook as Canvas exported it (Grades, Export)."
        ),
    ],
    output: FileOption,
    column: Annotated[
        str,
        typer.Option(
            "--column",
            help=(
                "The assignment there: title, number or both. Default: the one with the"
                " assignment's title."
            ),
            show_default=False,
        ),
    ] = "",
    course: CourseOption = None,
    results: ResultsOption = None,
    submitted: SubmittedOption = None,
    *,
    decided: DecidedOption = False,
    scale: ScaleOption = False,
) -> None:
    """Write scores for Canvas to import (Grades, Import): the students whose score changes, and
    this assignment alone.
    """
    from autograder.commands.export.scores import Terms, export_scores
    from autograder.exchange.lms.canvas import score_sheet
    from autograder.exchange.lms.score_sheet import Column
    from autograder.exchange.lms.sheet import read_sheet

    files, found = _standings(assignment, course, results, submitted, decided=decided)
    sheet = score_sheet(read_sheet(into), Column((files.assignment.title, files.slug), column))
    _write(export_scores(sheet, found, Terms(files.assignment.points, scale=scale)), output, into)


@export.command("moodle")
def export_moodle(
    assignment: Slug,
    into: Annotated[
        Path,
        typer.Option("--into", metavar="CSV", help="The grading worksheet as Moodle exported it."),
    ],
    output: FileOption,
    course: CourseOption = None,
    results: ResultsOption = None,
    submitted: SubmittedOption = None,
    *,
    decided: DecidedOption = False,
    scale: ScaleOption = False,
) -> None:
    """Write scores for Moodle to import (Upload grading worksheet): the students whose score
    changes. Feedback there stays as it is.
    """
    from autograder.commands.export.scores import Terms, export_scores
    from autograder.exchange.lms.moodle import score_sheet
    from autograder.exchange.lms.score_sheet import Column
    from autograder.exchange.lms.sheet import read_sheet

    files, found = _standings(assignment, course, results, submitted, decided=decided)
    sheet = score_sheet(read_sheet(into), Column(()))
    _write(
        export_scores(sheet, found, Terms(files.assignment.points, scale=scale, capped=True)),
        output,
        into,
    )


@export.command("csv")
def export_table(
    assignment: Slug,
    output: FileOption,
    course: CourseOption = None,
    results: ResultsOption = None,
    submitted: SubmittedOption = None,
    *,
    decided: DecidedOption = False,
) -> None:
    """Write a table with a row for each student: name, group, points, late or not, and each
    check.
    """
    from autograder.commands.export.scores import export_csv

    _, found = _standings(assignment, course, results, submitted, decided=decided)
    _write(export_csv(found), output, None)


def _say_where_from(grader: str) -> None:
    if not grader:
        typer.echo(
            f"It installs gradstep=={autograder.__version__}, which is not on PyPI yet: say with"
            " --grader where it is to come from, such as a wheel's address."
        )


def _say(written: tuple[Path, ...]) -> None:
    typer.echo("\n".join(["Written:", *(f"  {path}" for path in written)]))


def _standings(
    assignment: str,
    course: Path | None,
    results: Path | None,
    submitted: Path | None,
    *,
    decided: bool,
) -> tuple[AssignmentFiles, tuple[Standing, ...]]:
    """Raises ExchangeError if there is nothing to export."""
    from autograder.commands.export.standing import standings
    from autograder.course.results import ResultsFolder
    from autograder.people.handed_in import find_collected

    files = open_course(course, assignment)
    folder = ResultsFolder(results or files.course / "results", files.slug)
    found = standings(
        files,
        folder,
        find_collected(submitted or files.course / "submitted", files.slug),
        decided=decided,
    )
    if not found:
        message = (
            f"{folder.root}: no grades of {files.slug}; run `autograder grade {files.slug}` first"
        )
        raise ExchangeError(message)
    return files, found


def _write(done: Export, output: Path, source: Path | None) -> None:
    """Write the file, say what is in it and what is not; exit code 1 if somebody was left out."""
    from autograder.atomic import write_atomic
    from autograder.commands.export.scores import export_lines

    if source is not None and output.exists() and output.samefile(source):
        message = (
            f"{output}: is the file that was read, and only some of its lines would be left; name"
            " another with -o"
        )
        raise ExchangeError(message)
    try:
        write_atomic(output, done.text)
    except OSError as error:
        message = f"{output}: can't be written: {error.strerror}"
        raise ExchangeError(message) from error
    console = terminal()
    for line in (*export_lines(done), f"Written: {output}"):
        console.print(line, markup=False, highlight=False, soft_wrap=True)
    raise typer.Exit(1 if done.left_out else 0)
