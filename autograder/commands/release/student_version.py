"""Making the student version of an assignment."""

from __future__ import annotations

from typing import TYPE_CHECKING

from autograder.assignment import placed
from autograder.atomic import write_atomic
from autograder.checks.docket import open_docket
from autograder.commands.calibrate.measuring import require_bars
from autograder.commands.release.checks_file import write_checks
from autograder.course.prepare import Prepared, prepare, require_sound
from autograder.notebooks.writing.source import write_notebook

if TYPE_CHECKING:
    from pathlib import Path

    from autograder.assignment import AssignmentFiles
    from autograder.checks.docket import Docket
    from autograder.evidence.store import Store
    from autograder.execution.executor import Executor


def release_assignment(
    files: AssignmentFiles, folder: Path, store: Store, executor: Executor, *, force: bool = False
) -> Path:
    """Write the student notebook, the assignment's data files and the file of visible checks to
    `folder` and return the notebook's path.

    Raises:
        AssignmentError: if the reference does not pass every check; names those it fails.
        CalibrationError: if a check's bar holds no more, and nobody insists (`force`).
    """

    def body(docket: Docket) -> Path:
        if not force:
            require_bars(files, docket)
        prepared = prepare(files, docket, store, executor)
        require_sound(prepared)
        return write_release(prepared, folder)

    path = open_docket(files, body)
    write_checks(files, folder, store, executor)
    return path


def write_release(prepared: Prepared, folder: Path) -> Path:
    """Write the student notebook and the data files; returns the path of the notebook."""
    files = prepared.files
    path = folder / f"{files.notebook_name}.ipynb"
    write_notebook(prepared.release, path)
    for name in files.assignment.files:
        given = folder / placed(name)
        write_atomic(given, (files.folder / name).read_bytes())
        given.chmod(0o644)  # as the notebook beside it
    return path
