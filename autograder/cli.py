"""The command line: parsing, progress, exit codes.

Heavy modules are imported inside the commands, so that ``autograder --help`` answers in a blink.

Exit codes: 0 done; 1 done, but some submission is ungradable, or checks failed their test; 2 wrong use, or the assignment's own files are wrong; 3 the machine can't isolate student code as required; 130 interrupted.
"""

from __future__ import annotations

import logging
import os
import sys
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Self

import typer

from autograder.assignment import Isolation, open_assignment
from autograder.errors import AssignmentError, AutograderError, SandboxError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import Console
    from rich.progress import Progress

    from autograder.assignment import AssignmentFiles
    from autograder.judgement.grading import Grade

app = typer.Typer(
    name="autograder",
    help="GradStep: release and grade deep-learning assignments. Student code runs in a sandbox; the training itself is judged.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

Slug = Annotated[str, typer.Argument(metavar="ASSIGNMENT", help="Name of a folder in assignments/.")]
CourseOption = Annotated[
    Path | None,
    typer.Option(
        "--course",
        help="Course folder (holds assignments/ and solutions/). Default: this folder or the nearest one above.",
        show_default=False,
    ),
]
ResultsOption = Annotated[
    Path | None, typer.Option("--results", help="Where results go. Default: results/ in the course folder.", show_default=False)
]


@app.command()
def init(folder: Annotated[Path, typer.Argument(help="Folder of the new course; may exist.")]) -> None:
    """Make an empty course: assignments/, solutions/, a README and a .gitignore."""
    from autograder.pipeline.scaffold import new_course

    new_course(folder)
    typer.echo(f"Course {folder}. Next:\n  cd {folder}\n  autograder new SLUG    an assignment with a small example in it")


@app.command()
def new(
    assignment: Annotated[str, typer.Argument(metavar="SLUG", help="Name of the new folder in assignments/.")],
    course: CourseOption = None,
    title: Annotated[str, typer.Option("--title", help="What students read. Default: the name in words.", show_default=False)] = "",
) -> None:
    """Start an assignment: a small example with a loop, visible and hidden checks, that passes `validate` as it stands."""
    from autograder.pipeline.scaffold import new_assignment

    root = _course_of(course)
    written = new_assignment(root, assignment, title)
    lines = ["Written:", *(f"  {path.relative_to(root)}" for path in written), "Next, and after each change:"]
    for words, why in (
        (f"autograder validate {assignment}", "tests the checks with known mistakes"),
        (f"autograder calibrate {assignment}", "measures the tolerances, once the calls are chosen"),
        (f"autograder release {assignment}", f"writes release/{assignment}/{assignment}.ipynb for students"),
    ):
        lines.append(f"  {words:<{len(assignment) + 22}}  {why}")
    typer.echo("\n".join(lines))


@app.command()
def release(
    assignment: Slug,
    course: CourseOption = None,
    results: ResultsOption = None,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            help="Folder for the student version. Default: release/<assignment>/ in the course folder.",
            show_default=False,
        ),
    ] = None,
    *,
    force: Annotated[bool, typer.Option("--force", help="Release although the checks were not tested since the last change.")] = False,
) -> None:
    """Make the student notebook: stubs cut from the solution, numbers filled in from the reference."""
    from autograder.execution.executor import Executor
    from autograder.pipeline.release import release_assignment
    from autograder.pipeline.results import ResultsFolder
    from autograder.pipeline.validate import is_validated

    files = _open(course, assignment)
    folder = ResultsFolder(results or files.course / "results", files.slug)
    validated = is_validated(files, folder)
    if not validated and not force:
        message = f"the checks of {assignment!r} have not passed their test since they last changed: run `autograder validate {assignment}` first (--force releases all the same)"
        raise AssignmentError(message)
    with Executor(1, files.assignment.isolation, packages=files.assignment.packages) as executor:
        path = release_assignment(files, output or files.course / "release" / files.slug, folder.evidence, executor)
    typer.echo(f"Released {path}" + ("" if validated else " by force: its checks have not passed their test since they last changed"))


@app.command()
def validate(assignment: Slug, course: CourseOption = None, results: ResultsOption = None) -> None:
    """Test the checks: the reference passes all, the stub none, and every known mistake loses points (else exit code 1)."""
    from autograder.execution.executor import Executor
    from autograder.pipeline.kill_matrix import kill_matrix, lines
    from autograder.pipeline.results import ResultsFolder
    from autograder.pipeline.validate import validate_assignment

    files = _open(course, assignment)
    console = _console()
    jobs = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 1
    with Executor(jobs, files.assignment.isolation, packages=files.assignment.packages) as executor, _Bar(console, "Validating") as bar:
        validation = validate_assignment(files, ResultsFolder(results or files.course / "results", files.slug), executor, bar)
    matrix = kill_matrix(validation)
    whole = console.measure(matrix, options=console.options.update(max_width=10_000)).maximum
    _console(max(console.width, whole)).print(matrix)  # a terminal wraps what it can't show; cut columns would be lost
    for line in lines(validation):
        console.print(line, markup=False, highlight=False, soft_wrap=True)
    raise typer.Exit(0 if validation.passed else 1)


@app.command()
def calibrate(assignment: Slug, course: CourseOption = None) -> None:
    """Measure tolerances: run right programs and known mistakes, set each check's bar between them, write calibration.toml to review."""
    from autograder.execution.executor import Executor
    from autograder.judgement.calibration import calibration_path
    from autograder.pipeline.calibrate import calibrate_assignment
    from autograder.reports.calibration import calibration_table

    files = _open(course, assignment)
    console = _console()
    jobs = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 1
    with Executor(jobs, files.assignment.isolation, packages=files.assignment.packages) as executor, _Bar(console, "Calibrating") as bar:
        done = calibrate_assignment(files, executor, bar)
    console.print(calibration_table(done.calibration))
    notes = [f"warning: {line}" for line in done.warnings] + [f"left out: {line}" for line in done.left_out]
    for line in (*notes, *(f"changed: {line}" for line in done.changes)):
        console.print(line, markup=False, highlight=False, soft_wrap=True)
    written = f"Written: {calibration_path(files.folder)}; review and commit it. `release` asks for a `validate` with it."
    console.print(written, markup=False, highlight=False, soft_wrap=True)


@app.command()
def grade(
    assignment: Slug,
    submissions: Annotated[
        Path,
        typer.Argument(help="nbgrader's submitted/ folder, a folder of notebooks, one notebook, a .py percent script, or a .zip of one."),
    ],
    course: CourseOption = None,
    results: ResultsOption = None,
    jobs: Annotated[int, typer.Option("--jobs", "-j", min=1, help="Submissions run at once.")] = len(os.sched_getaffinity(0))
    if hasattr(os, "sched_getaffinity")
    else 1,
    isolation: Annotated[
        str | None,
        typer.Option("--isolation", help="'none' runs student code without any sandbox: only for code that you trust.", show_default=False),
    ] = None,
    only: Annotated[
        list[str] | None, typer.Option("--only", metavar="STUDENT", help="Grade only this student; may be repeated.", show_default=False)
    ] = None,
    *,
    force: Annotated[
        bool, typer.Option("--force", help="Judge all submissions anew, also those that have not changed (stored evidence is used).")
    ] = False,
) -> None:
    """Grade submissions: run what changed, judge it, write grades, feedback pages and the gradebook."""
    from autograder.execution.executor import Executor
    from autograder.judgement.calibration import calibration_path, doubt
    from autograder.pipeline.collect import collect_submissions
    from autograder.pipeline.grade import grade_class
    from autograder.pipeline.results import ResultsFolder

    if isolation not in (None, "none"):
        message = f"--isolation takes only 'none', not {isolation!r}"
        raise typer.BadParameter(message)
    files = _open(course, assignment)
    folder = ResultsFolder(results or files.course / "results", files.slug)
    candidates = collect_submissions(submissions, files.slug)
    if unknown := set(only or ()) - {candidate.student for candidate in candidates}:
        message = f"no submission of {', '.join(sorted(unknown))} in {submissions}"
        raise AutograderError(message)
    candidates = tuple(candidate for candidate in candidates if not only or candidate.student in only)
    console = _console()
    if said := doubt(calibration_path(files.folder), metadata.version("torch")):
        console.print(f"[yellow]Warning:[/] {said}")
    if isolation:
        console.print("[bold red]--isolation none:[/] student code runs without a sandbox and can read and change everything that you can.")
    try:
        level = Isolation.NONE if isolation else files.assignment.isolation
        with Executor(jobs, level, packages=files.assignment.packages) as executor, _Bar(console, "Grading") as bar:
            grades = grade_class(files, candidates, folder, executor, bar, force=force)
    except KeyboardInterrupt:
        console.print("Interrupted. What is graded is kept; the same command goes on from there.")
        raise typer.Exit(130) from None
    _finish(console, files, folder, grades)
    console.print(f"{bar.total} graded anew, {len(grades) - bar.total} unchanged.")
    raise typer.Exit(1 if any(str(one.status) == "ungradable" for one in grades) else 0)


@app.command()
def regrade(
    assignment: Slug,
    course: CourseOption = None,
    results: ResultsOption = None,
    *,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only list whose points would move.")] = False,
) -> None:
    """Judge stored evidence again, after a change of checks, points or tolerances, without running student code."""
    from autograder.execution.executor import Executor
    from autograder.pipeline.regrade import regrade_class
    from autograder.pipeline.results import ResultsFolder
    from autograder.reports.plain import plain_line

    files = _open(course, assignment)
    folder = ResultsFolder(results or files.course / "results", files.slug)
    console = _console()
    with Executor(1, files.assignment.isolation, packages=files.assignment.packages) as executor:
        moves, lost = regrade_class(files, folder, executor)
    for move in moves:
        if move.changed:
            console.print(
                f"{plain_line(move.after.student)}: {move.before.points:g} -> {move.after.points:g} points ({', '.join(move.changed)})",
                markup=False,
                highlight=False,
            )
    console.print(f"{sum(bool(move.changed) for move in moves)} of {len(moves)} grades change.")
    if below := [plain_line(move.after.student) for move in moves if move.below(files.assignment.isolation)]:
        said = f"WARNING these stored runs were isolated less than the {files.assignment.isolation} that assignment.toml requires; `autograder grade` makes them again: {', '.join(below)}"
        console.print(said, style="bold red", markup=False, highlight=False)
    if lost:
        console.print(
            f"No evidence of today's calls for {', '.join(map(plain_line, lost))}: `autograder grade` runs them.",
            markup=False,
            highlight=False,
        )
    if not dry_run:
        for move in moves:
            folder.write_grade(move.after)
        _finish(console, files, folder, tuple(one for name in folder.students() if (one := folder.read_grade(name))))


@app.command()
def doctor() -> None:
    """Find how well this machine isolates student code, by trying attacks: the level, the layers, and what each missing one opens.

    Exit code 0 for good or strong, 3 for less: grading then refuses.
    """
    from autograder.execution.executor import Executor
    from autograder.execution.trials import level_found, run_trials
    from autograder.reports.doctor import layers_table, trials_table

    console = _console()
    with Executor(1, Isolation.WEAK) as executor:
        results = run_trials(executor)
        environment = executor.environment
    console.print(layers_table(environment))
    console.print(trials_table([(one.trial.name, one.held, one.trial.required, one.trial.opens, one.said) for one in results]))
    level = level_found(Isolation(environment["isolation"]), results)
    console.print(f"Level: {level}. Assignments ask for `isolation` in assignment.toml, good unless it says otherwise.", markup=False)
    raise typer.Exit(0 if level.rank >= Isolation.GOOD.rank else 3)


def _finish(console: Console, files: AssignmentFiles, folder: object, grades: Sequence[Grade]) -> None:
    """Write what is projected from the grades, then show the class and where things are."""
    from autograder.pipeline.project import project_class
    from autograder.pipeline.results import ResultsFolder
    from autograder.reports.isolation import isolation_line
    from autograder.reports.summary import class_lines, class_table

    assert isinstance(folder, ResultsFolder)
    with _Bar(console, "Writing pages") as bar:
        written = project_class(files, folder, grades, bar)
    console.print(class_table(grades))
    for line in class_lines(grades):
        console.print(line, markup=False, highlight=False)
    for line in sorted({isolation_line(one.provenance.environment) for one in grades if one.provenance.environment}):
        console.print(line, markup=False, highlight=False)
    for name, path in written:
        console.print(f"{name:<10} {path}", markup=False, highlight=False, soft_wrap=True)


class _Bar:
    """A progress bar with the time left, drawn only once something is being done."""

    def __init__(self, console: Console, title: str) -> None:
        self._console, self._title, self.total = console, title, 0
        self._progress: Progress | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._progress is not None:
            self._progress.stop()

    def started(self, total: int) -> None:
        """Show the bar."""
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

        self.total = total
        columns = TextColumn(self._title), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), TextColumn("left"), TimeRemainingColumn()
        self._progress = Progress(*columns, console=self._console)
        self._progress.start()
        self._task = self._progress.add_task(self._title, total=total)

    def done(self, _: object) -> None:
        """One step further."""
        if self._progress is not None:
            self._progress.advance(self._task)


def _console(width: int | None = None) -> Console:
    from rich.console import Console

    return Console(width=width)


def _open(course: Path | None, slug: str) -> AssignmentFiles:
    return open_assignment(_course_of(course), slug)


def _course_of(course: Path | None) -> Path:
    root = course or next((folder for folder in (Path.cwd(), *Path.cwd().parents) if (folder / "assignments").is_dir()), Path.cwd())
    return root.resolve()


def _plain(text: str) -> str:
    """What may quote a student's text, fit for a terminal."""
    from autograder.reports.plain import plain

    return plain(text)


class _PlainFormatter(logging.Formatter):
    """Log lines and tracebacks without terminal escapes: they may quote names and errors of students."""

    def format(self, record: logging.LogRecord) -> str:
        return _plain(super().format(record))


def _log_plainly() -> None:
    handler = logging.StreamHandler()
    handler.setFormatter(_PlainFormatter("%(levelname)s %(name)s: %(message)s"))
    logging.basicConfig(handlers=[handler])


def main() -> None:
    """Entry point: our own errors become one message and an exit code, anything else a traceback to report."""
    _log_plainly()
    try:
        app()
    except SandboxError as error:
        typer.echo(_plain(f"error: {error}"), err=True)
        sys.exit(3)
    except AutograderError as error:
        typer.echo(_plain(f"{'assignment error' if isinstance(error, AssignmentError) else 'error'}: {error}"), err=True)
        sys.exit(2)


if __name__ == "__main__":
    main()
