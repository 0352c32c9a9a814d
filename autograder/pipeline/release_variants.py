"""Making every student's own version of an assignment with variants."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import msgspec

from autograder.docket import open_docket
from autograder.errors import AssignmentError
from autograder.pipeline.calibrate import unfit_draws
from autograder.pipeline.prepare import Prepared, broken_checks, prepare, prepare_for
from autograder.pipeline.release import write_release
from autograder.pipeline.students import student_name
from autograder.pipeline.variants import ATTEMPTS, Accepted, Variants, open_variants, write_record

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from autograder.assignment import AssignmentFiles
    from autograder.docket import Docket
    from autograder.exchange.roster import RosterEntry
    from autograder.execution.executor import Executor
    from autograder.store import EvidenceStore

TOGETHER = 30
"""Variants that are measured in one run of a program, as in calibration."""


class Progress(Protocol):
    """Is told as notebooks are written; from one thread."""

    def started(self, total: int) -> None:
        """`total` notebooks are going to be written."""

    def done(self, path: Path) -> None:
        """One more is."""


@dataclass(frozen=True, slots=True)
class ReleasedClass:
    """The notebooks, in the roster's order; who was drawn for the first time; and how many draws were refused."""

    paths: tuple[Path, ...]
    new: tuple[str, ...]
    drawn_again: int


def release_variants(
    files: AssignmentFiles,
    roster: Sequence[RosterEntry],
    folder: Path,
    store: EvidenceStore,
    executor: Executor,
    progress: Progress,
    *,
    measure: bool = True,
) -> ReleasedClass:
    """Write `folder`/<student>/<slug>.ipynb for everybody on the roster. Who has a variant keeps it; a new one is drawn until the calibrated bars hold on it (unless `measure` is False).

    Raises:
        AssignmentError: if the assignment has no variants, its secret is lost or draws other data than were released, the reference does not pass every check on somebody's
            data, or no bar holds on any of many draws.
    """
    require_variants(files)
    students = [student_name(entry.id) for entry in roster]

    def body(docket: Docket) -> ReleasedClass:
        shared = prepare(files, docket, store, executor)
        _refuse_broken(shared, "")
        variants = open_variants(files, create=True)
        assert variants is not None
        accepted, refused = _accepted(variants, students, docket, executor if measure else None)
        record = msgspec.structs.replace(variants.record, students=variants.record.students | accepted)
        write_record(files, record)  # before any notebook: what is handed out is on record

        def write(student: str) -> Path:
            own = prepare_for(shared, variants.of(student, record.students[student].attempt), store, executor)
            _refuse_broken(own, student)
            return write_release(own, folder / student)

        progress.started(len(students))
        paths = []
        with ThreadPoolExecutor(executor.jobs, thread_name_prefix="release") as pool:
            for path in pool.map(write, students):
                paths.append(path)
                progress.done(path)
        return ReleasedClass(tuple(paths), tuple(accepted), refused)

    return open_docket(files, body)


def require_variants(files: AssignmentFiles) -> None:
    """That the assignment has variants.

    Raises:
        AssignmentError: if it has none, saying how to make them.
    """
    if files.drawer is None:
        message = (
            f"{files.slug!r} has no variants: {files.variant} with a function `draw(rng)` that returns the data of one student as a dict makes them "
            "(docs/variants.md). To release one notebook for all, leave out --per-student"
        )
        raise AssignmentError(message)


def _accepted(variants: Variants, students: Iterable[str], docket: Docket, executor: Executor | None) -> tuple[dict[str, Accepted], int]:
    """The attempt that counts for each of `students` who is not on record, and how many draws were refused. Without `executor` the first counts."""
    found: dict[str, Accepted] = {}
    waiting = [student for student in students if student not in variants.record.students]
    refused = 0
    for attempt in range(ATTEMPTS):
        draws = {student: variants.draw(student, attempt) for student in waiting}
        unfit: dict[str, str] = {}
        for first in range(0, len(waiting) if executor else 0, TOGETHER):
            assert executor is not None
            some = {student: draws[student].values for student in waiting[first : first + TOGETHER]}
            unfit |= unfit_draws(variants.files, docket, executor, some)
        found |= {student: Accepted(attempt, draw.digest) for student, draw in draws.items() if student not in unfit}
        waiting, refused = list(unfit), refused + len(unfit)
        if not waiting:
            return found, refused
    message = f"{variants.files.variant}: {ATTEMPTS} draws for {waiting[0]} leave no room for the bar of {unfit[waiting[0]]}: let draw() vary less, and calibrate again"
    raise AssignmentError(message)


def _refuse_broken(prepared: Prepared, student: str) -> None:
    if broken := broken_checks(prepared):
        whose = f" on the data of {student}" if student else ""
        message = f"the reference does not pass its own checks{whose}:\n" + "\n".join(broken)
        raise AssignmentError(message)
