"""Whose variant is whose: the course's secret, and the record of what was drawn for whom.

    secret/key           32 bytes, made on first use; never leaves the course
    secret/<slug>.json   the attempt at which each student's variant was accepted, and a digest of its values

Grading needs the key and a student's id. The record says which attempt counts, and notices that
variant.py or the key have changed since.
"""

from __future__ import annotations

import dataclasses
import logging
import os
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import msgspec

from autograder.atomic import write_atomic
from autograder.draw import Draw, Drawer, Secret
from autograder.errors import AssignmentError
from autograder.judgement.grade import RULINGS, Cause, CheckResult, Grade, JudgedVariant

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from nbformat import NotebookNode

    from autograder.assignment import AssignmentFiles
    from autograder.notebooks.reading.signature import Held

_LOG = logging.getLogger(__name__)

ATTEMPTS = 20
"""Draws for one student before the assignment is at fault."""

KEY_BYTES = 32
NAMED = 5
"""Students named in a message."""

HELD = (
    "Your notebook holds other data than yours. It was run with your own data, and a person will"
    " look at it."
)
"""To the student, who is not told whose."""


class Accepted(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What was released to a student: the number of the attempt, and the digest of the values that
    were drawn.
    """

    attempt: int
    values: str


class Record(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """secret/<slug>.json. `secret` is the fingerprint of the key; students by id."""

    secret: str
    students: dict[str, Accepted] = {}


@dataclass(frozen=True, slots=True)
class Variants:
    """Everybody's variants of one assignment. Safe to share between threads."""

    files: AssignmentFiles
    drawer: Drawer
    secret: Secret
    record: Record
    _owners: dict[str, str] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def draw(self, student: str, attempt: int | None = None) -> Draw:
        """The variant of `student`; of the attempt that was accepted where none is named, the first
        for who is not on record.
        """
        return self.secret.draw(
            self.drawer,
            self.files.slug,
            student,
            self.attempt(student) if attempt is None else attempt,
        )

    def attempt(self, student: str) -> int:
        """The attempt that was accepted; 0 for who is not on record."""
        accepted = self.record.students.get(student)
        return accepted.attempt if accepted else 0

    def attempt_in(self, held: Held, student: str) -> int:
        """The attempt that counts, also where the record is lost: a tag of the student's own says
        it, and nobody else can make one.
        """
        if student in self.record.students or not held.tags:
            return self.attempt(student)
        return next(
            (number for number in range(ATTEMPTS) if self.draw(student, number).tag in held.tags), 0
        )

    def of(self, student: str, attempt: int | None = None) -> AssignmentFiles:
        """The assignment as `student` has it."""
        return dataclasses.replace(self.files, draw=self.draw(student, attempt))

    def meet(self, students: Iterable[str]) -> None:
        """Know the tags of everybody on record and of `students`."""
        with self._lock:
            for student in dict.fromkeys((*self.record.students, *students)):
                self._owners.setdefault(self.draw(student).tag, student)

    def judged(self, student: str, attempt: int, held: Held) -> JudgedVariant:
        """What a grade says of the variant on which a notebook was judged, and of others that it
        holds.
        """
        own = self.draw(student, attempt).tag
        return JudgedVariant(own, attempt, self._note(held, student, own))

    def _note(self, held: Held, student: str, own: str) -> str:
        foreign = sorted(held.tags - {own})
        if not foreign:
            return ""
        owners = {self._owners[tag] for tag in foreign if self._owners.get(tag, student) != student}
        if owners:
            return f"holds the variant of {' and '.join(sorted(owners))}"
        if held.secrets - {self.secret.fingerprint}:
            return "holds a variant made with another secret than secret/key"
        return "holds a variant that is nobody's here"

    def check_unchanged(self) -> None:
        """Draw again what is on record.

        Raises:
            AssignmentError: if that gives other data than were released.
        """
        changed = [
            student
            for student, accepted in self.record.students.items()
            if self.draw(student).digest != accepted.values
        ]
        if changed:
            named = ", ".join(changed[:NAMED]) + (
                f" and {len(changed) - NAMED} more" if len(changed) > NAMED else ""
            )
            message = (
                f"{self.files.variant} no longer draws what was released to {named}. Put it back as"
                f" it was then; or, to give everybody new data, delete {record_path(self.files)}"
                " and release again"
            )
            raise AssignmentError(message)


def key_path(course: Path) -> Path:
    """Where the course's secret is."""
    return course / "secret" / "key"


def record_path(files: AssignmentFiles) -> Path:
    """Where it stands what was drawn for whom."""
    return files.course / "secret" / f"{files.slug}.json"


def open_variants(files: AssignmentFiles, *, create: bool = False) -> Variants | None:
    """The variants of `files`; None for an assignment without.

    With `create`, a course that has no secret yet gets one.

    Raises:
        AssignmentError: if the secret is lost, damaged or not the one that variants were released
            with, or draws other data than were released.
    """
    if files.drawer is None:
        return None
    record = _read_record(record_path(files))
    path = key_path(files.course)
    if create and not path.exists() and not list(path.parent.glob("*.json")):
        _make_key(path)
    secret = _read_key(path, files.slug)
    if record is not None and record.secret != secret.fingerprint:
        message = (
            f"{path} is not the secret that {files.slug!r} was released with (fingerprint"
            f" {record.secret}, now {secret.fingerprint}): put the old one back from a copy; or, to"
            f" give everybody new data, delete {record_path(files)} and release again"
        )
        raise AssignmentError(message)
    variants = Variants(files, files.drawer, secret, record or Record(secret.fingerprint))
    variants.check_unchanged()
    return variants


def write_record(files: AssignmentFiles, record: Record) -> None:
    """Remember what was accepted."""
    write_atomic(
        record_path(files), msgspec.json.format(msgspec.json.encode(record), indent=1) + b"\n"
    )


def _make_key(path: Path) -> None:
    """A new secret, readable by its owner only, in a folder that git leaves alone."""
    path.parent.mkdir(mode=0o700, exist_ok=True)
    (path.parent / ".gitignore").write_text("*\n", encoding="utf-8")
    new = path.with_name(f".key-{os.getpid()}")
    write_atomic(new, f"{os.urandom(KEY_BYTES).hex()}\n")
    try:
        path.hardlink_to(new)  # whole, and never over another: two releases may begin at once
    except FileExistsError:
        return
    finally:
        new.unlink()
    _LOG.warning(
        "%s: made. Everybody's data come from it: keep a copy in a safe place, and out of git and"
        " of releases",
        path,
    )


def _read_key(path: Path, slug: str) -> Secret:
    try:
        value = bytes.fromhex(path.read_text(encoding="ascii").strip())
    except FileNotFoundError as error:
        message = (
            f"{path} is missing: the data of every student of {slug!r} come from it, and nobody's"
            " can be told without. Put it back from a copy. (`autograder release` with"
            " --per-student makes one for a course that has not released anything yet.)"
        )
        raise AssignmentError(message) from error
    except (OSError, ValueError) as error:
        message = (
            f"{path}: can't be read as a secret ({type(error).__name__}): put it back from a copy"
        )
        raise AssignmentError(message) from error
    if len(value) != KEY_BYTES:
        message = (
            f"{path}: holds {len(value)} bytes, and a secret has {KEY_BYTES}: put it back from a"
            " copy"
        )
        raise AssignmentError(message)
    if path.stat().st_mode & 0o077:
        _LOG.warning("%s: others on this machine can read it; `chmod 600` it", path)
    return Secret(value)


def _read_record(path: Path) -> Record | None:
    try:
        return msgspec.json.decode(path.read_bytes(), type=Record)
    except FileNotFoundError:
        return None
    except (OSError, msgspec.DecodeError) as error:
        message = (
            f"{path}: can't be read ({error}): put it back from a copy, or delete it and release"
            " again"
        )
        raise AssignmentError(message) from error


def refuse_variants(files: AssignmentFiles, system: str) -> None:
    """That an assignment which another `system` is to grade has no variants.

    Raises:
        AssignmentError: if it has: whose data are whose follows from the secret, which does not
            leave the course.
    """
    if files.drawer is not None:
        message = (
            f"{files.slug!r} has a variant.py: {system} would need the course's secret to know"
            " whose data are whose, and that does not leave the course. Grade it with `autograder"
            " grade`"
        )
        raise AssignmentError(message)


def check_fixed_cells(files: AssignmentFiles, release: NotebookNode, other: NotebookNode) -> None:
    """That two students' notebooks differ in cells of role variant only.

    Raises:
        AssignmentError: naming the cell that differs.
    """
    # with nbformat, which takes a while: not where no notebook is read
    from autograder.notebooks.cells import (
        Role,
        grade_id_of,
        role_of,
    )

    first, second = (
        {
            grade_id_of(cell) or cell["id"]: cell
            for cell in one.cells
            if role_of(cell) is not Role.VARIANT
        }
        for one in (release, other)
    )
    for name in dict.fromkeys((*first, *second)):
        if first.get(name) != second.get(name):
            message = (
                f"{files.template}: cell {name!r} differs from one student to another, and nbgrader"
                ' has one version of it. Put what differs into a cell of role="variant", and use'
                " its names here"
            )
            raise AssignmentError(message)


def on_variant(grade: Grade, variant: JudgedVariant | None) -> Grade:
    """`grade`, judged on `variant`.

    Where the notebook holds another's, what passes on the student's own data counts; what fails may
    do so for the data's sake, and is for a person to look at.
    """
    if variant is None or not variant.note:
        return msgspec.structs.replace(grade, variant=variant)
    checks = tuple(_for_review(check) for check in grade.checks)
    notices = grade.notices if HELD in grade.notices else (HELD, *grade.notices)
    return msgspec.structs.replace(grade, variant=variant, checks=checks, notices=notices)


def _for_review(check: CheckResult) -> CheckResult:
    if check.question or not check.lost:
        return check
    ruling = RULINGS[Cause.OTHER_VARIANT]
    message = "\n".join(text for text in (ruling.message, check.message) if text)
    return msgspec.structs.replace(
        check, outcome=ruling.outcome, cause=Cause.OTHER_VARIANT, message=message
    )
