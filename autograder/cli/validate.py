"""`autograder validate`."""

from __future__ import annotations

import typer

from autograder.cli.options import CORES, CourseOption, ResultsOption, Slug, open_course
from autograder.cli.terminal import Bar, terminal


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
