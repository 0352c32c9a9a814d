"""`autograder calibrate`."""

from __future__ import annotations

from autograder.cli.options import CORES, CourseOption, ResultsOption, Slug, open_course
from autograder.cli.terminal import Bar, terminal


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
