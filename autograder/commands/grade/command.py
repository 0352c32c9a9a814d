"""What `autograder grade` and `autograder regrade` do, from a folder of submissions to what the
instructor reads.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING

from autograder.commands.grade.regrade import regrade_class
from autograder.commands.grade.submissions import collect_submissions
from autograder.commands.grade.whole_class import grade_class
from autograder.commands.validate.record import overtaken
from autograder.course.hardware import doubted_device, on_device
from autograder.errors import AutograderError
from autograder.evidence.limits import Isolation
from autograder.exchange.nbgrader.course_folder import course_above, open_course
from autograder.execution.choosing import executor_for
from autograder.execution.devices import find_device
from autograder.judgement.calibration import calibration_path, doubt
from autograder.people.handed_in import find_collected, read_record
from autograder.reports.plain import plain_line

if TYPE_CHECKING:
    from autograder.assignment import AssignmentFiles
    from autograder.commands.grade.regrade import Move
    from autograder.commands.grade.submissions import Candidate
    from autograder.course.progress import Show
    from autograder.course.results import ResultsFolder
    from autograder.judgement.grade import Grade
    from autograder.people.handed_in import Record


@dataclass(frozen=True, slots=True)
class Wanted:
    """Wish of an instructor for grading.

    A folder or file of `submissions`, or an nbgrader course; of the students named by `only`, if
    any; `jobs` at once, or as many as the Dask `scheduler` has; without a sandbox (`unsafe`); all
    judged anew (`force`).
    """

    submissions: Path
    jobs: int = 1
    scheduler: str = ""
    only: Sequence[str] = ()
    unsafe: bool = False
    force: bool = False


def grade(files: AssignmentFiles, folder: ResultsFolder, wanted: Wanted, show: Show) -> int:
    """Grade a class, write everything that is made of the grades, and show both; the exit code.

    Raises:
        AutograderError: if somebody of `only` has no submission; and as `grade_class`.
        KeyboardInterrupt: after saying that what is graded is kept.
    """
    files = on_device(files)
    home = course_above(wanted.submissions)
    place = wanted.submissions
    if home and place.resolve() == home:
        place = open_course(home).submitted
    found = collect_submissions(place, files.slug, files.assignment.submitted_as)
    candidates = _chosen(found, wanted.only, place)
    with folder.claimed():
        if home:
            folder.settle_in(home)
        level = Isolation.NONE if wanted.unsafe else files.assignment.isolation
        _warn(files, folder, level, show)
        jobs = min(wanted.jobs, len(candidates) or 1)
        with (
            executor_for(files.assignment, jobs, level, wanted.scheduler) as executor,
            show.progress("Grading") as bar,
        ):
            grades = grade_class(files, candidates, folder, executor, bar, force=wanted.force)
            anew = bar.total
        _project(files, folder, grades, find_collected(place, files.slug).record, show)
        show.line(f"{anew} graded anew, {len(grades) - anew} unchanged.")
        if not wanted.only:
            _say_who_is_gone(candidates, place, folder, show)
    return exit_code(grades)


def exit_code(grades: Sequence[Grade]) -> int:
    """Return 1 if some submission is ungradable, else 0, whatever the points.

    The same command tries an ungradable one again.
    """
    return int(any(str(one.status) == "ungradable" for one in grades))


def regrade(files: AssignmentFiles, folder: ResultsFolder, show: Show, *, dry_run: bool) -> None:
    """Judge stored runs again, say whose points move, and write that unless it is a `dry_run`.

    Raises:
        AutograderError: as `regrade_class`.
    """
    with ExitStack() as held:
        if folder.students():
            held.enter_context(folder.claimed())
        with executor_for(files.assignment, 1) as executor:
            moves, left = regrade_class(files, folder, executor)
        _say_moves(files, moves, left, show)
        if dry_run:
            return
        for move in moves:
            if move.after != move.before:
                folder.write_grade(move.after)
        grades = tuple(one for name in folder.students() if (one := folder.read_grade(name)))
        record = read_record(files.course / "submitted", files.slug)
        _project(files, folder, grades, record, show)


def _chosen(
    candidates: Sequence[Candidate], only: Sequence[str], submissions: Path
) -> tuple[Candidate, ...]:
    """Return the candidates of `only`; all of them if it names nobody.

    Raises:
        AutograderError: if it names somebody who has no submission.
    """
    if unknown := set(only) - {candidate.student for candidate in candidates}:
        message = f"no submission of {', '.join(sorted(unknown))} in {submissions}"
        raise AutograderError(message)
    return tuple(candidate for candidate in candidates if not only or candidate.student in only)


def _warn(files: AssignmentFiles, folder: ResultsFolder, level: Isolation, show: Show) -> None:
    """Warn of missing GPUs, of checks and tolerances that hold no more, of no sandbox."""
    if missing := find_device(files.assignment.device).missing:
        show.alarm(
            f"{files.slug} asks for a GPU, and {missing}. What has to be run is ungradable until"
            " there is one."
        )
    torch = metadata.version("torch")
    if said := doubt(calibration_path(files.folder), torch, doubted_device(files)):
        show.warning(said)
    if said := overtaken(files, folder):
        show.warning(said)
    if level is Isolation.NONE:
        show.alarm(
            "--isolation none: student code runs without a sandbox and can read and change"
            " everything that you can."
        )


def _say_moves(
    files: AssignmentFiles, moves: Sequence[Move], left: dict[str, str], show: Show
) -> None:
    for move in moves:
        if move.changed:
            show.line(
                f"{plain_line(move.after.student)}: {move.before.points:g} -> {move.after.points:g}"
                f" points ({', '.join(move.changed)})"
            )
    show.line(f"{sum(bool(move.changed) for move in moves)} of {len(moves)} grades change.")
    below = [move.after.student for move in moves if move.below(files.assignment.isolation)]
    if below:
        show.alarm(
            f"WARNING these stored runs were isolated less than the {files.assignment.isolation}"
            " that assignment.toml requires; `autograder grade` makes them again:"
            f" {', '.join(map(plain_line, below))}"
        )
    for why in dict.fromkeys(left.values()):
        named = ", ".join(plain_line(student) for student, reason in left.items() if reason == why)
        are = "it is" if ", " not in named else "they are"
        show.line(f"Left as {are}, with runs {why}: {named}", whole=True)
    if left:
        show.line(f"`autograder grade {files.slug}` runs what was left.")


def _project(
    files: AssignmentFiles,
    folder: ResultsFolder,
    grades: Sequence[Grade],
    record: Record,
    show: Show,
) -> None:
    """Write what is made of the grades, then show the class and where things are.

    `record` is of what was collected, and names people.
    """
    from autograder.commands.grade.pages.project import project_with_marks
    from autograder.commands.grade.same_code import same_code
    from autograder.reports.isolation import isolation_line
    from autograder.reports.terminal.class_table import class_lines, class_table, same_code_lines

    with show.progress("Writing pages") as bar:
        grades, written = project_with_marks(files, folder, grades, bar)
    show.table(class_table(grades, record.names()))
    ran = (one.provenance for one in grades if one.provenance.evidence_key)
    for line in (
        *class_lines(grades),
        *same_code_lines(same_code(folder, grades, record)),
        *sorted({isolation_line(provenance.environment) for provenance in ran}),
    ):
        show.line(line)
    for name, path in written:
        show.line(f"{name:<10} {path}", whole=True)


def _say_who_is_gone(
    candidates: Sequence[Candidate], place: Path, folder: ResultsFolder, show: Show
) -> None:
    from autograder.reports.terminal.class_table import gone_lines

    found = (one.student for one in candidates)
    grades = folder.root / "grades" / folder.slug
    for line in gone_lines(folder.students(), found, place, grades):
        show.line(line, whole=True)
