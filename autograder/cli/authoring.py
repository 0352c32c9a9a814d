"""Making a course: init, new, validate, calibrate, release."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from autograder.cli.options import CORES, CourseOption, ResultsOption, Slug, course_of, open_course
from autograder.cli.terminal import Bar, terminal
from autograder.errors import AssignmentError

if TYPE_CHECKING:
    from autograder.assignment import AssignmentFiles
    from autograder.course.results import ResultsFolder


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
    """Each student's own notebook; without measuring where there is a `doubt`."""
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


def validate(assignment: Slug, course: CourseOption = None, results: ResultsOption = None) -> None:
    """Test the checks: the reference passes all, the stub none, and every known mistake loses
    points (else exit code 1).
    """
    from autograder.commands.validate.kill_matrix import kill_matrix, lines
    from autograder.commands.validate.validation import validate_assignment
    from autograder.course.hardware import require_device
    from autograder.course.results import ResultsFolder
    from autograder.execution.choosing import executor_for

    files = require_device(open_course(course, assignment))
    console = terminal()
    with executor_for(files.assignment, CORES) as executor, Bar(console, "Validating") as bar:
        validation = validate_assignment(
            files, ResultsFolder(results or files.course / "results", files.slug), executor, bar
        )
    matrix = kill_matrix(validation)
    whole = console.measure(matrix, options=console.options.update(max_width=10_000)).maximum
    # a terminal wraps what it can't show; cut columns would be lost
    terminal(max(console.width, whole)).print(matrix)
    for line in lines(validation):
        console.print(line, markup=False, highlight=False, soft_wrap=True)
    raise typer.Exit(0 if validation.passed else 1)


def calibrate(assignment: Slug, course: CourseOption = None, results: ResultsOption = None) -> None:
    """Measure tolerances: run right programs and known mistakes, set each check's bar between them,
    write calibration.toml to review.
    """
    from autograder.commands.calibrate.measuring import calibrate_assignment
    from autograder.course.hardware import require_device
    from autograder.course.results import ResultsFolder
    from autograder.execution.choosing import executor_for
    from autograder.judgement.calibration import calibration_path
    from autograder.reports.terminal.measured_bars import calibration_table

    files = require_device(open_course(course, assignment))
    console = terminal()
    with executor_for(files.assignment, CORES) as executor, Bar(console, "Calibrating") as bar:
        done = calibrate_assignment(
            files, ResultsFolder(results or files.course / "results", files.slug), executor, bar
        )
    console.print(calibration_table(done.calibration))
    notes = [f"warning: {line}" for line in done.warnings] + [
        f"left out: {line}" for line in done.left_out
    ]
    for line in (*notes, *(f"changed: {line}" for line in done.changes)):
        console.print(line, markup=False, highlight=False, soft_wrap=True)
    written = (
        f"Written: {calibration_path(files.folder)}; review and commit it. `release` asks for a"
        " `validate` with it."
    )
    console.print(written, markup=False, highlight=False, soft_wrap=True)
