"""What runs in Gradescope's container: ``grade`` one submission, or ``prepare`` the image.

The container starts as root, so submissions run under a uid of their own behind the same sandbox as
everywhere. Whatever goes wrong here ends in a result that says so; tracebacks go to standard
output, which Gradescope shows to the staff alone.
"""

from __future__ import annotations

import logging
import math
import os
import stat
import sys
import time
import traceback
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from autograder.assignment import AssignmentFiles, open_assignment
from autograder.atomic import write_atomic
from autograder.checks.docket import open_docket
from autograder.commands.grade.submissions import Candidate
from autograder.commands.grade.whole_class import grade_class
from autograder.course.executed import read_executed, sources
from autograder.course.prepare import prepare, reference_points, require_sound
from autograder.course.progress import Silent
from autograder.course.results import ResultsFolder
from autograder.errors import AssignmentError, AutograderError, ExchangeError, SandboxError
from autograder.evidence.limits import Isolation, Limits
from autograder.exchange.gradescope.results_json import (
    Graded,
    Results,
    encode_results,
    not_graded,
    refused,
    results_of,
)
from autograder.exchange.gradescope.submission_metadata import (
    Allowance,
    Metadata,
    allowance,
    read_metadata,
)
from autograder.exchange.lms.delivery import NOTEBOOKS
from autograder.execution.executor import Executor
from autograder.execution.layers.sandbox import OWN_UID, YES
from autograder.execution.processes import TREE_CPU_FACTOR
from autograder.judgement.grade import Cause, Grade
from autograder.reports.isolation import isolation_line
from autograder.reports.plain import number, plain, plain_line
from autograder.reports.terminal.class_table import what_went_wrong

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from autograder.checks.docket import Docket
    from autograder.evidence.trace import Evidence

CPUS = 0.5
"""Of the smallest container that Gradescope offers; in a larger one everything is only done
earlier.
"""
RESERVE_S = 40
"""Before Gradescope's own timeout, which leaves a student nothing but a 0, ours ends the grading
and says why.
"""
_PATIENCE = 2
"""How much longer than half a CPU needs a submission may wait: a container often gets less than its
share, and an endless loop shall end by its computing time, which is decided.
"""
_JUDGING_S = 60
"""For starting, judging and reporting, on half a CPU."""
FOLDERS, FILES = 200, 2_000
"""More of a submission is not looked through."""

_FAULT = (
    "The grader failed, by no fault of yours. Your instructor can see what happened, and run the"
    " autograder again"
)
_UNPROTECTED = (
    "The grading machine could not isolate your code, so it did not run it. Please tell your"
    " instructor"
)


@dataclass(frozen=True, slots=True)
class Container:
    """Gradescope's folder, /autograder, and what lies in it."""

    root: Path

    @property
    def own(self) -> Path:
        """What the export brought."""
        return self.root / "source" / "gradstep"

    @property
    def submission(self) -> Path:
        """What the student handed in."""
        return self.root / "submission"

    @property
    def metadata(self) -> Path:
        """What Gradescope says of it."""
        return self.root / "submission_metadata.json"

    @property
    def results(self) -> Path:
        """What Gradescope reads in the end."""
        return self.root / "results" / "results.json"

    @property
    def secrets(self) -> tuple[Path, ...]:
        """What no submission may look into."""
        return (self.root / "source", self.root / "results", self.submission, self.metadata)


def main() -> None:
    """Entry: `prepare` or `grade`, then the folder."""
    logging.basicConfig(stream=sys.stdout, format="%(levelname)s %(name)s: %(message)s")
    command, container = sys.argv[1], Container(Path(sys.argv[2]))
    if command == "prepare":
        try:
            print_lines(prepare_image(container))
        except AutograderError as error:
            sys.exit(f"error: {error}")
        return
    started = time.monotonic()
    write_atomic(container.results, encode_results(safely_graded(container, started)))


def safely_graded(container: Container, started: float) -> Results:
    """The submission's result, or one that says why there is none; never raises but for what ends
    the process.
    """
    try:
        return grade_submission(container, started)
    except SandboxError as error:
        print_lines([f"error: {error}", *ADVICE])
        words = _UNPROTECTED
    except AutograderError as error:
        print_lines([f"error: {error}"])
        words = _FAULT
    # the boundary of one submission: the staff reads the traceback, the student a sentence
    except Exception:  # noqa: BLE001
        print_lines(traceback.format_exc().splitlines())
        words = _FAULT
    return not_graded(f"{words}.", execution_time=round(time.monotonic() - started, 2))


ADVICE = (
    (
        "Nothing was run. The layers that are missing are named above; docs/gradescope.md says what"
        " each is for."
    ),
    (
        'Where the container can give no more, [gradescope] isolation = "weak" in assignment.toml'
        " accepts it: export again and upload the zip."
    ),
)


def grade_submission(container: Container, started: float) -> Results:
    """Grade what lies in `container`.

    Raises:
        AssignmentError: if the assignment itself is wrong.
        SandboxError: if the container can't isolate student code as required, or others could read
            what it must not.
    """
    close_off(container.secrets)
    files = container_files(container)
    metadata = _metadata(container)
    print_lines(whose(metadata))
    allowed = (
        allowance(metadata, files.assignment.gradescope.limit)
        if metadata and files.assignment.gradescope.limit
        else None
    )
    if metadata and allowed and allowed.again_at is not None:
        print_lines(
            [
                f"over the limit: {allowed.used} graded in the {number(allowed.limit.hours)} hours"
                f" before, again from {allowed.again_at}"
            ]
        )
        return refused(metadata, allowed, time.monotonic() - started)
    candidate, remarks = find_submission(container.submission, files.slug, metadata)
    store = ResultsFolder(container.own / "results", files.slug)
    store.root.mkdir(mode=0o700, exist_ok=True)
    kills = oom_kills()
    with Executor(1, required_isolation(files), packages=files.assignment.packages) as executor:
        if candidate.path is not None:
            refuse_root(executor.start())
        (grade,) = grade_class(files, [candidate], store, executor, Silent(), force=True)
    if oom_kills() > kills:
        remarks += ("The container ran out of memory while your code ran.",)
    print_lines(staff_lines(grade))
    return results_of(_graded(files, store, grade, remarks, allowed), time.monotonic() - started)


def _graded(
    files: AssignmentFiles,
    store: ResultsFolder,
    grade: Grade,
    remarks: tuple[str, ...],
    allowed: Allowance | None,
) -> Graded:
    """`grade` with the runs that it was judged on."""
    evidence = (
        store.evidence.get(grade.provenance.evidence_key) if grade.provenance.evidence_key else None
    )

    def body(docket: Docket) -> Evidence:
        return prepare(files, docket, store.evidence, None).judge.reference

    cells = sources(read_executed(store.executed_path(grade.student)))
    return Graded(
        grade, files.assignment, evidence, open_docket(files, body), cells, remarks, allowed
    )


def prepare_image(container: Container) -> list[str]:
    """Run the reference and judge it, so that the image keeps its evidence; what to tell the
    author, in lines.

    An image may be built where less can be isolated than where it runs, and the reference is the
    author's own: it runs in any case.

    Raises:
        AssignmentError: if the reference does not pass its own checks here.
        SandboxError: if nothing can be run at all.
    """
    files = container_files(container)
    try:
        return _reference_run(files, container, Isolation.WEAK)
    except SandboxError as error:
        return [f"warning: {error}", *_reference_run(files, container, Isolation.NONE)]


def _reference_run(files: AssignmentFiles, container: Container, level: Isolation) -> list[str]:
    store = ResultsFolder(container.own / "results", files.slug)

    def body(docket: Docket) -> list[str]:
        prepared = prepare(files, docket, store.evidence, executor)
        require_sound(prepared)
        return [
            (
                f"Reference: {number(reference_points(prepared))} of"
                f" {number(files.assignment.automatic_points)} points"
            ),
            isolation_line(executor.environment),
        ]

    with Executor(1, level, packages=files.assignment.packages) as executor:
        executor.start()
        return open_docket(files, body)


def container_files(container: Container) -> AssignmentFiles:
    """The one assignment that was exported, with the waiting time that half a CPU needs.

    Raises:
        AssignmentError: if it is not there, or wrong.
    """
    course = container.own / "course"
    slugs = sorted(path.parent.name for path in (course / "assignments").glob("*/assignment.toml"))
    if len(slugs) != 1:
        message = f"{course}: expected one assignment, found {len(slugs)}"
        raise AssignmentError(message)
    files = open_assignment(course, slugs[0])
    limits = files.assignment.limits
    budget = 60 * files.assignment.gradescope.timeout_minutes - RESERVE_S - _JUDGING_S
    wall_s = max(
        1, min(budget, max(limits.wall_s, _PATIENCE * (wall_needed_s(limits) - _JUDGING_S)))
    )
    return replace(
        files,
        assignment=msgspec.structs.replace(
            files.assignment, limits=msgspec.structs.replace(limits, wall_s=wall_s)
        ),
    )


def wall_needed_s(limits: Limits) -> int:
    """Seconds until a submission that uses up its computing time is graded on half a CPU."""
    return math.ceil(TREE_CPU_FACTOR * limits.cpu_s / CPUS * 1.1) + _JUDGING_S


def required_isolation(files: AssignmentFiles) -> Isolation:
    """The least that must hold: the assignment's own, or less by the author's word."""
    return files.assignment.gradescope.isolation or files.assignment.isolation


def refuse_root(found: dict[str, str]) -> None:
    """Hold back submissions that would run as root, whatever else is accepted: root reads the
    solution and writes the result.

    Raises:
        SandboxError: if they would.
    """
    if os.geteuid() == 0 and found.get(f"layer: {OWN_UID}") != YES:
        message = (
            "submissions would run as root:"
            f" {found.get(f'layer: {OWN_UID}', 'no uid of their own')}"
        )
        raise SandboxError(message)


def close_off(paths: Sequence[Path]) -> None:
    """Take `paths` away from everybody but this user.

    Raises:
        SandboxError: if one stays open.
    """
    for path in paths:
        if not path.exists():
            continue
        mode = stat.S_IMODE(path.stat().st_mode)
        if mode & 0o077:
            try:
                path.chmod(mode & ~0o077)
            except OSError as error:
                message = f"{path} can't be closed to other users: {error.strerror}"
                raise SandboxError(message) from error
        if path.stat().st_mode & 0o077:
            message = f"{path} stays open to other users"
            raise SandboxError(message)


def _metadata(container: Container) -> Metadata | None:
    """What Gradescope says of the submission; None where that can't be read: a student shall not
    suffer for it, so no limit holds then.
    """
    try:
        return read_metadata(container.metadata.read_bytes())
    except (OSError, ExchangeError) as error:
        print_lines([f"warning: no limit holds and no time is known: {error}"])
        return None


def whose(metadata: Metadata | None) -> list[str]:
    """Who handed in, when, and how often before, for the staff."""
    if metadata is None:
        return []
    names = (
        ", ".join(plain_line(f"{user.name} <{user.email}>") for user in metadata.users)
        or "nobody that is named"
    )
    return [
        f"submission {metadata.id} of {names}, handed in {metadata.created_at.isoformat()},"
        f" {len(metadata.earlier)} before it"
    ]


def find_submission(
    folder: Path, slug: str, metadata: Metadata | None
) -> tuple[Candidate, tuple[str, ...]]:
    """The notebook to grade, wherever in the upload or repository it lies, and what to tell a
    student whose choice is not clear.

    One that is called `slug` comes first; else there must be only one, of notebooks, then of
    scripts, then of archives.
    """
    student = (
        f"submission-{metadata.id}" if metadata and str(metadata.id).isdecimal() else "submission"
    )
    submitted_at = metadata.created_at.isoformat() if metadata else ""
    found = list(_files(folder))
    for suffix in NOTEBOOKS:
        of_kind = [path for path in found if path.suffix.lower() == suffix]
        choice = [path for path in of_kind if path.stem == slug] or of_kind
        if len(choice) > 1:
            names = ", ".join(
                plain_line(path.relative_to(folder).as_posix(), 80) for path in choice[:5]
            )
            remark = (
                f"There are several: {names}. Hand in one alone, or call the one that counts"
                f" {slug}{suffix}."
            )
            return Candidate(student, None, Cause.SEVERAL_NOTEBOOKS, submitted_at), (remark,)
        if choice:
            return Candidate(student, choice[0], None, submitted_at), ()
    names = ", ".join(plain_line(path.name, 80) for path in found[:5]) or "no file"
    return Candidate(student, None, Cause.NO_NOTEBOOK, submitted_at), (
        f"Hand in {slug}.ipynb. What arrived: {names}.",
    )


def _files(folder: Path) -> Iterator[Path]:
    """Files of a submission: no links, which would lead out of it, and nothing hidden."""
    number_of_files = 0
    for count, (here, folders, names) in enumerate(os.walk(folder)):
        folders[:] = sorted(
            name
            for name in folders
            if not name.startswith((".", "__")) and not Path(here, name).is_symlink()
        )
        for name in sorted(names):
            path = Path(here, name)
            number_of_files += 1
            if not name.startswith(".") and not path.is_symlink() and path.is_file():
                yield path
        if count > FOLDERS or number_of_files > FILES:
            return


_CGROUPS = ("/sys/fs/cgroup/memory.events", "/sys/fs/cgroup/memory/memory.oom_control")


def oom_kills() -> int:
    """How many processes the kernel has ended in this container for want of memory; 0 where it does
    not say.
    """
    for name in _CGROUPS:
        try:
            lines = Path(name).read_text(encoding="ascii").splitlines()
        except OSError:
            continue
        return sum(int(line.split()[1]) for line in lines if line.startswith("oom_kill "))
    return 0


def staff_lines(grade: Grade) -> list[str]:
    """What the staff reads beside the result."""
    lines = [
        (
            f"{number(grade.decided_points)} of {number(grade.decided_max_points)} points;"
            f" {grade.status}"
        ),
        what_went_wrong(grade),
    ]
    lines += [isolation_line(grade.provenance.environment)] if grade.provenance.environment else []
    lines += [f"{check.id}: {check.note}" for check in grade.checks if check.note]
    return [line for line in lines if line]


def print_lines(lines: Sequence[str]) -> None:
    """To standard output, which the staff reads in a browser."""
    sys.stdout.write("".join(f"{plain(line, 2_000)}\n" for line in lines))
    sys.stdout.flush()
