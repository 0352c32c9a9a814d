"""Making every student's own version of an assignment with variants."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec

from autograder.checks.docket import open_docket
from autograder.commands.calibrate.measuring import unfit_draws
from autograder.commands.release.student_version import write_release
from autograder.course.draws import ATTEMPTS, Accepted, Variants, open_variants, write_record
from autograder.course.prepare import Prepared, broken_checks, prepare, prepare_for, require_sound
from autograder.errors import AssignmentError
from autograder.people.student_names import student_name

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from autograder.assignment import AssignmentFiles
    from autograder.checks.docket import Docket
    from autograder.course.progress import Progress
    from autograder.draw import Draw
    from autograder.evidence.store import Store
    from autograder.execution.executor import Executor
    from autograder.people.roster import Student

TOGETHER = 30
"""Variants that are measured in one run of a program, as in calibration."""


@dataclass(frozen=True, slots=True)
class ReleasedClass:
    """The notebooks, in the roster's order; who was drawn for the first time; and how many draws
    were refused.
    """

    paths: tuple[Path, ...]
    new: tuple[str, ...]
    drawn_again: int


def release_variants(
    files: AssignmentFiles,
    roster: Sequence[Student],
    folder: Path,
    store: Store,
    executor: Executor,
    progress: Progress,
    *,
    measure: bool = True,
) -> ReleasedClass:
    """Write `folder`/<student>/<slug>.ipynb for everybody on the roster.

    Who has a variant keeps it; a new one is drawn until it is fit: the reference passes every check
    on it and, unless `measure` is False, the calibrated bars have room.

    Raises:
        AssignmentError: if the assignment has no variants, its secret is lost or draws other data
            than were released, the reference does not pass every check, or no draw for somebody is
            fit.
    """
    require_variants(files)
    students = [student_name(entry.id) for entry in roster]

    def body(docket: Docket) -> ReleasedClass:
        shared = prepare(files, docket, store, executor)
        require_sound(shared)
        variants = open_variants(files, create=True)
        assert variants is not None
        progress.started(len(students) + len(set(students) - variants.record.students.keys()))
        accepted, refused = _Chooser(variants, shared, store, executor, progress, measure).choose(
            students
        )
        record = msgspec.structs.replace(
            variants.record, students=variants.record.students | accepted
        )
        write_record(files, record)  # before any notebook: what is handed out is on record

        def write(student: str) -> Path:
            own = prepare_for(
                shared, variants.of(student, record.students[student].attempt), store, executor
            )
            return write_release(own, folder / student)

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
            f"{files.slug!r} has no variants: {files.variant} with a function `draw(rng)` that"
            " returns the data of one student as a dict makes them (docs/variants.md). To release"
            " one notebook for all, leave out --per-student"
        )
        raise AssignmentError(message)


@dataclass(frozen=True, slots=True)
class _Chooser:
    """Draws for students who are not on record, until a draw is fit: the reference passes every
    check on it and, if it is to be measured, the calibrated bars have room.
    """

    variants: Variants
    shared: Prepared
    store: Store
    executor: Executor
    progress: Progress
    measure: bool

    def choose(self, students: Iterable[str]) -> tuple[dict[str, Accepted], int]:
        """The attempt that counts for each, and how many draws were refused.

        Raises:
            AssignmentError: if none of many draws for somebody is fit.
        """
        found: dict[str, Accepted] = {}
        waiting = [student for student in students if student not in self.variants.record.students]
        refused = 0
        for attempt in range(ATTEMPTS):
            unfit: dict[str, str] = {}
            for first in range(0, len(waiting), TOGETHER):
                draws = {
                    student: self.variants.draw(student, attempt)
                    for student in waiting[first : first + TOGETHER]
                }
                unfit |= self._unfit(draws, attempt)
                found |= {
                    student: Accepted(attempt, draw.digest)
                    for student, draw in draws.items()
                    if student not in unfit
                }
                for student in draws if attempt == 0 else ():
                    self.progress.done(student)
            waiting, refused = list(unfit), refused + len(unfit)
            if not waiting:
                return found, refused
        message = (
            f"{self.variants.files.variant}: none of {ATTEMPTS} draws for {waiting[0]} is fit; the"
            f" last one: {unfit[waiting[0]]}. Let draw() vary less, and calibrate again"
        )
        raise AssignmentError(message)

    def _unfit(self, draws: Mapping[str, Draw], attempt: int) -> dict[str, str]:
        """Students whose draw is not fit, and why."""
        with ThreadPoolExecutor(self.executor.jobs, thread_name_prefix="draw") as pool:
            broken = zip(
                draws, pool.map(lambda student: self._broken(student, attempt), draws), strict=True
            )
            unfit = {student: why for student, why in broken if why}
        if not self.measure:
            return unfit
        values = {student: draw.values for student, draw in draws.items() if student not in unfit}
        checks = unfit_draws(self.variants.files, self.shared.judge.docket, self.executor, values)
        return unfit | {
            student: f"the bar of {check} has no room on it" for student, check in checks.items()
        }

    def _broken(self, student: str, attempt: int) -> str:
        own = prepare_for(
            self.shared, self.variants.of(student, attempt), self.store, self.executor
        )
        return "".join(f"the reference does not pass {line}" for line in broken_checks(own)[:1])
