"""`autograder grade` and `autograder regrade`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

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
from autograder.cli.terminal import Terminal


def grade(
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
    from autograder.commands.grade.command import Wanted, grade
    from autograder.course.results import ResultsFolder

    if isolation not in (None, "none"):
        message = f"--isolation takes only 'none', not {isolation!r}"
        raise typer.BadParameter(message)
    files = open_course(course, assignment)
    folder = ResultsFolder(results or files.course / "results", files.slug, gradebook, evidence)
    wanted = Wanted(submissions, jobs, scheduler, only or (), unsafe=bool(isolation), force=force)
    show = Terminal()
    try:
        code = grade(files, folder, wanted, show)
    except KeyboardInterrupt:
        show.line("Interrupted. What is graded is kept; the same command goes on from there.")
        raise typer.Exit(130) from None
    raise typer.Exit(code)


def regrade(
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
    from autograder.commands.grade.command import regrade
    from autograder.course.results import ResultsFolder

    files = open_course(course, assignment)
    folder = ResultsFolder(results or files.course / "results", files.slug, gradebook, evidence)
    regrade(files, folder, Terminal(), dry_run=dry_run)
