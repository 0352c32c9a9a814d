"""`autograder release`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from autograder.cli.options import CORES, CourseOption, ResultsOption, Slug, open_course
from autograder.cli.terminal import Bar, terminal
from autograder.errors import AssignmentError

if TYPE_CHECKING:
    from autograder.assignment import AssignmentFiles
    from autograder.course.results import ResultsFolder


def release(
    assignment: Slug,
    course: CourseOption = None,
    results: ResultsOption = None,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            help=(
                "Folder for the student version. Default: release/<assignment>/ in the course"
                " folder."
            ),
            show_default=False,
        ),
    ] = None,
    roster: Annotated[
        Path | None,
        typer.Option(
            "--roster",
            help="With --per-student: a CSV file with a column `id`, one line a student.",
            show_default=False,
        ),
    ] = None,
    *,
    per_student: Annotated[
        bool,
        typer.Option(
            "--per-student",
            help="A notebook for each student of the roster, with the data that variant.py draws.",
        ),
    ] = False,
    force: Annotated[
        bool,
        typer.Option(
            "--force", help="Release although the checks were not tested since the last change."
        ),
    ] = False,
) -> None:
    """Make the student notebook: stubs cut from the solution, numbers filled in from the
    reference.
    """
    from autograder.commands.release.checks_file import SUFFIX, left_out_lines
    from autograder.commands.release.per_student import require_variants
    from autograder.commands.release.student_version import release_assignment
    from autograder.commands.validate.record import untested
    from autograder.course.hardware import require_device
    from autograder.course.results import ResultsFolder
    from autograder.execution.choosing import executor_for

    files = require_device(open_course(course, assignment))
    if per_student != (roster is not None):
        message = (
            "--per-student and --roster ROSTER belong together: the roster says who the"
            " students are"
        )
        raise typer.BadParameter(message)
    if per_student:
        require_variants(files)
    elif files.drawer is not None:
        message = (
            f"{assignment!r} has a variant.py, so every student gets a notebook: autograder release"
            f" {assignment} --per-student --roster ROSTER"
        )
        raise AssignmentError(message)
    folder = ResultsFolder(results or files.course / "results", files.slug)
    doubt = untested(files, folder, "release", force=force)
    doubt = f" {doubt}" if doubt else ""
    place = output or files.course / "release" / files.slug
    if roster is not None:
        _release_class(files, roster, place, folder, doubt)
        return
    with executor_for(files.assignment, 1) as executor:
        path = release_assignment(files, place, folder.evidence, executor, force=force)
    checks = path.with_suffix(SUFFIX)
    typer.echo(f"Released {path}{doubt}")
    if checks.is_file():
        typer.echo(f"Released {checks}, the visible checks for `autograder check {path.name}`")
        for line in left_out_lines(checks):
            typer.echo(f"  left to the grader: {line}")


def _release_class(
    files: AssignmentFiles, roster: Path, place: Path, results: ResultsFolder, doubt: str
) -> None:
    """Release each student's own notebook; without measuring where there is a `doubt`."""
    from autograder.commands.release.per_student import release_variants
    from autograder.execution.choosing import executor_for
    from autograder.people.roster import read_roster
    from autograder.people.student_names import student_name
    from autograder.reports.plain import counted, plain_line

    entries, console = read_roster(roster).students, terminal()
    with executor_for(files.assignment, CORES) as executor, Bar(console, "Releasing") as bar:
        done = release_variants(
            files, entries, place, results.evidence, executor, bar, measure=not doubt
        )
    again = f", {done.drawn_again} drawn again" if done.drawn_again else ""
    typer.echo(
        f"Released {counted(len(done.paths), 'notebook')} to {place}/ID/{files.slug}.ipynb:"
        f" {len(done.new)} new{again}{doubt}"
    )
    for student in entries:
        if (name := student_name(student.id)) != student.id:
            typer.echo(
                f"  {plain_line(student.id)!r} is called {name} here, and has to hand in under that"
                " name"
            )
