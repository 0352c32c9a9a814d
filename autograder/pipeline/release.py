"""Making the student version of an assignment."""

from __future__ import annotations

import shutil
from contextlib import ExitStack
from typing import TYPE_CHECKING

from autograder.docket import open_docket
from autograder.errors import AssignmentError
from autograder.execution.executor import Executor
from autograder.notebooks.source import write_notebook
from autograder.pipeline.prepare import broken_checks, prepare
from autograder.store import EvidenceStore

if TYPE_CHECKING:
    from pathlib import Path

    from autograder.assignment import AssignmentFiles
    from autograder.docket import Docket


def release_assignment(files: AssignmentFiles, folder: Path, store: EvidenceStore) -> Path:
    """Write the student notebook and the assignment's data files to `folder` and return the notebook's path.

    Raises:
        AssignmentError: if the reference does not pass every check; names those it fails.
    """
    with ExitStack() as stack:

        def body(docket: Docket) -> Path:
            prepared = prepare(files, docket, store, lambda: stack.enter_context(Executor(1, required=files.assignment.isolation)))
            if broken := broken_checks(prepared):
                message = "the reference does not pass its own checks:\n" + "\n".join(broken)
                raise AssignmentError(message)
            folder.mkdir(parents=True, exist_ok=True)
            path = folder / f"{files.slug}.ipynb"
            write_notebook(prepared.release, path)
            for name in files.assignment.files:
                shutil.copyfile(files.folder / name, folder / (files.folder / name).name)
            return path

        return open_docket(files, body)
