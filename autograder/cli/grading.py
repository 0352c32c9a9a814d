"""Grading a class: grade, regrade, doctor."""

from __future__ import annotations

import platform
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from autograder.cli.options import (
    CORES,
    CourseOption,
    EvidenceOption,
    GradebookOption,
    ResultsOption,
    Slug,
    open_course,
)
from autograder.cli.terminal import VERSION, Bar, terminal
from autograder.errors import AutograderError
from autograder.evidence.limits import Isolation

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import Console

    from autograder.assignment import AssignmentFiles
    from autograder.commands.grade.submissions import Candidate
    from autograder.course.results import ResultsFolder
    from autograder.judgement.grade import Grade
    from autograder.people.handed_in import Record


def grade(
    context: typer.Context,
    assignment: Slug,
    submissions: Annotated[
        Path,
        typer.Argument(
            help=(
                "An nbgrader course, its submitted/ folder, a folder of notebooks, one notebook, a"
                " .py percent script, or a .zip of one."
            )
        ),
    ],
    course: CourseOption = None,
    results: ResultsOption = None,
    gradebook: GradebookOption = "",
    evidence: EvidenceOption = "",
    jobs: Annotated[
        int, typer.Option("--jobs", "-j", min=1, help="Submissions run at once.")
    ] = CORES,
    isolation: Annotated[
        str | None,
        typer.Option(
            "--isolation",
            help="'none' runs student code without any sandbox: only for code that you trust.",
            show_default=False,
        ),
    ] = None,
    scheduler: Annotated[
        str,
        typer.Option(
            "--scheduler",
            metavar="ADDRESS",
            help=(
                "Run submissions on the workers of this Dask scheduler, e.g. tcp://host:8786;"
                " --jobs is theirs then."
            ),
            show_default=False,
        ),
    ] = "",
    only: Annotated[
        list[str] | None,
        typer.Option(
            "--only",
            metavar="STUDENT",
            help="Grade only this student; may be repeated.",
            show_default=False,
        ),
    ] = None,
    *,
    force: Annotated[
        bool,
        typer.Option(
            "--force",
            help=(
                "Judge all submissions anew, also those that have not changed (stored evidence is"
                " used)."
            ),
        ),
    ] = False,
) -> None:
    """Grade submissions: run what changed, judge it, write grades, feedback pages and the
    gradebook.
    """
    from autograder.commands.grade.submissions import collect_submissions
    from autograder.commands.grade.whole_class import grade_class
    from autograder.course.hardware import on_device
    from autograder.course.results import ResultsFolder
    from autograder.exchange.nbgrader.course_folder import course_above
    from autograder.exchange.nbgrader.course_folder import open_course as open_nbgrader
    from autograder.execution.choosing import executor_for
    from autograder.people.handed_in import find_collected
    from autograder.reports.terminal.class_table import gone_lines

    if isolation not in (None, "none"):
        message = f"--isolation takes only 'none', not {isolation!r}"
        raise typer.BadParameter(message)
    files = on_device(open_course(course, assignment))
    folder = ResultsFolder(results or files.course / "results", files.slug, gradebook, evidence)
    home = course_above(submissions)
    submissions = (
        open_nbgrader(home).submitted if home and submissions.resolve() == home else submissions
    )
    candidates = _chosen(
        collect_submissions(submissions, files.slug, files.assignment.submitted_as),
        only or (),
        submissions,
    )
    context.with_resource(folder.claimed())
    if home:
        folder.settle_in(home)
    console = terminal()
    level = Isolation.NONE if isolation else files.assignment.isolation
    _warn(console, files, folder, level)
    try:
        with (
            executor_for(
                files.assignment, min(jobs, len(candidates) or 1), level, scheduler
            ) as executor,
            Bar(console, "Grading") as bar,
        ):
            grades = grade_class(files, candidates, folder, executor, bar, force=force)
    except KeyboardInterrupt:
        console.print("Interrupted. What is graded is kept; the same command goes on from there.")
        raise typer.Exit(130) from None
    _finish(console, files, folder, grades, find_collected(submissions, files.slug).record)
    console.print(f"{bar.total} graded anew, {len(grades) - bar.total} unchanged.")
    for line in (
        ()
        if only
        else gone_lines(
            folder.students(),
            (one.student for one in candidates),
            submissions,
            folder.root / "grades" / files.slug,
        )
    ):
        console.print(line, markup=False, highlight=False, soft_wrap=True)
    raise typer.Exit(exit_code(grades))


def exit_code(grades: Sequence[Grade]) -> int:
    """1 if some submission is ungradable, which the same command tries again; else 0, whatever the
    points.
    """
    return int(any(str(one.status) == "ungradable" for one in grades))


def regrade(
    context: typer.Context,
    assignment: Slug,
    course: CourseOption = None,
    results: ResultsOption = None,
    gradebook: GradebookOption = "",
    evidence: EvidenceOption = "",
    *,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only list whose points would move.")
    ] = False,
) -> None:
    """Judge stored evidence again, after a change of checks, points or tolerances, without running
    student code.
    """
    from autograder.commands.grade.regrade import regrade_class
    from autograder.course.results import ResultsFolder
    from autograder.execution.choosing import executor_for
    from autograder.people.handed_in import read_record
    from autograder.reports.plain import plain_line

    files = open_course(course, assignment)
    folder = ResultsFolder(results or files.course / "results", files.slug, gradebook, evidence)
    if folder.students():
        context.with_resource(folder.claimed())
    console = terminal()
    with executor_for(files.assignment, 1) as executor:
        moves, left = regrade_class(files, folder, executor)
    for move in moves:
        if move.changed:
            console.print(
                f"{plain_line(move.after.student)}: {move.before.points:g} -> {move.after.points:g}"
                f" points ({', '.join(move.changed)})",
                markup=False,
                highlight=False,
            )
    console.print(f"{sum(bool(move.changed) for move in moves)} of {len(moves)} grades change.")
    if below := [
        plain_line(move.after.student) for move in moves if move.below(files.assignment.isolation)
    ]:
        said = (
            f"WARNING these stored runs were isolated less than the {files.assignment.isolation}"
            " that assignment.toml requires; `autograder grade` makes them again:"
            f" {', '.join(below)}"
        )
        console.print(said, style="bold red", markup=False, highlight=False)
    for why in dict.fromkeys(left.values()):
        named = ", ".join(plain_line(student) for student, reason in left.items() if reason == why)
        said = f"Left as {'it is' if ', ' not in named else 'they are'}, with runs {why}: {named}"
        console.print(said, markup=False, highlight=False, soft_wrap=True)
    if left:
        console.print(
            f"`autograder grade {files.slug}` runs what was left.", markup=False, highlight=False
        )
    if not dry_run:
        for move in moves:
            if move.after != move.before:
                folder.write_grade(move.after)
        grades = tuple(one for name in folder.students() if (one := folder.read_grade(name)))
        _finish(console, files, folder, grades, read_record(files.course / "submitted", files.slug))


def doctor() -> None:
    """Find how well this machine isolates student code, by trying attacks: the level, the layers,
    and what each missing one opens. And whether it has a GPU for assignments that ask for one.

    Exit code 0 for good or strong, 3 for less: grading then refuses.
    """
    from autograder.evidence.limits import Device
    from autograder.execution.choosing import open_executor
    from autograder.execution.devices import find_device
    from autograder.execution.trials import level_found, run_trials
    from autograder.reports.terminal.doctor import (
        gpu_line,
        layers_table,
        trials_table,
        versions_line,
    )

    console = terminal()
    with open_executor(1, Isolation.WEAK, ()) as executor:
        results = run_trials(executor)
        environment = executor.environment
    console.print(
        versions_line(VERSION, environment, platform.release()), markup=False, highlight=False
    )
    console.print(layers_table(environment))
    console.print(
        trials_table(
            [
                (one.trial.name, one.held, one.trial.required, one.trial.opens, one.said)
                for one in results
            ]
        )
    )
    level = level_found(Isolation(environment["isolation"]), results)
    console.print(
        f"Level: {level}. Assignments ask for `isolation` in assignment.toml, good unless it says"
        " otherwise.",
        markup=False,
    )
    found = find_device(Device.CUDA)
    console.print(
        gpu_line(found.name, len(found.gpus), found.missing), markup=False, highlight=False
    )
    raise typer.Exit(0 if level.rank >= Isolation.GOOD.rank else 3)


def _chosen(
    candidates: Sequence[Candidate], only: Sequence[str], submissions: Path
) -> tuple[Candidate, ...]:
    """Those of `only`; all of them if it names nobody.

    Raises:
        AutograderError: if it names somebody who has no submission.
    """
    if unknown := set(only) - {candidate.student for candidate in candidates}:
        message = f"no submission of {', '.join(sorted(unknown))} in {submissions}"
        raise AutograderError(message)
    return tuple(candidate for candidate in candidates if not only or candidate.student in only)


def _warn(
    console: Console, files: AssignmentFiles, folder: ResultsFolder, level: Isolation
) -> None:
    """Warn of a GPU that is missing, of checks and tolerances that hold no more, and of running
    without a sandbox.
    """
    from autograder.commands.validate.record import overtaken
    from autograder.course.hardware import doubted_device
    from autograder.execution.devices import find_device
    from autograder.judgement.calibration import calibration_path, doubt

    if missing := find_device(files.assignment.device).missing:
        said = (
            f"{files.slug} asks for a GPU, and {missing}. What has to be run is ungradable until"
            " there is one."
        )
        console.print(said, style="bold red", markup=False, highlight=False)
    if said := doubt(
        calibration_path(files.folder), metadata.version("torch"), doubted_device(files)
    ):
        console.print(f"[yellow]Warning:[/] {said}")
    if said := overtaken(files, folder):
        console.print(f"[yellow]Warning:[/] {said}", highlight=False, soft_wrap=True)
    if level is Isolation.NONE:
        console.print(
            "[bold red]--isolation none:[/] student code runs without a sandbox and can read and"
            " change everything that you can."
        )


def _finish(
    console: Console,
    files: AssignmentFiles,
    folder: ResultsFolder,
    grades: Sequence[Grade],
    record: Record,
) -> None:
    """Write what is projected from the grades, then show the class and where things are.

    `record` is of what was collected, and names people.
    """
    from autograder.commands.grade.pages import project_with_marks
    from autograder.commands.grade.same_code import same_code
    from autograder.reports.isolation import isolation_line
    from autograder.reports.terminal.class_table import class_lines, class_table, same_code_lines

    with Bar(console, "Writing pages") as bar:
        grades, written = project_with_marks(files, folder, grades, bar)
    console.print(class_table(grades, record.names()))
    for line in (*class_lines(grades), *same_code_lines(same_code(folder, grades, record))):
        console.print(line, markup=False, highlight=False)
    for line in sorted(
        {
            isolation_line(one.provenance.environment)
            for one in grades
            if one.provenance.evidence_key
        }
    ):
        console.print(line, markup=False, highlight=False)
    for name, path in written:
        console.print(f"{name:<10} {path}", markup=False, highlight=False, soft_wrap=True)
