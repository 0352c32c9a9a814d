"""An assignment's metadata: parsed once from assignment.toml, typed, unknown keys refused."""

from __future__ import annotations

import dataclasses
import datetime
import re
import tomllib
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Literal

import msgspec

from autograder.draw import SAMPLES, Draw, Drawer, load_drawer
from autograder.errors import AssignmentError
from autograder.evidence.limits import Device, Isolation, Limits


class Disclosure(StrEnum):
    """How much a student is told about a mistake: where it shows; the concept behind it too; the
    fix too.
    """

    WHERE = "where"
    CONCEPT = "concept"
    FIX = "fix"


class Part(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One part of the assignment: its title, the functions that students write in it, and the
    function that later parts are judged with when the student's own is wrong (`given`).
    """

    title: str
    functions: tuple[str, ...]
    given: tuple[str, ...] = ()


class Question(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A question that a person marks.

    `id` is that of its answer cell in the template, `part` the title of the section that it is
    shown in.
    """

    id: str
    title: str
    part: str
    points: float

    def __post_init__(self) -> None:
        if not self.points > 0:
            message = "Expected a number above 0 for points"
            raise ValueError(message)


WhenShown = Literal["visible", "after_due_date", "after_published", "hidden"]
"""When students see a check; `judgement.grading.Visibility` has the same words."""


class RateLimit(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """At most so many submissions are graded within any `hours`."""

    submissions: int
    hours: float

    def __post_init__(self) -> None:
        if self.submissions < 1 or not 0 < self.hours <= 10_000:
            message = (
                "Expected at least 1 for submissions, and for hours a number above 0 and up to"
                " 10000"
            )
            raise ValueError(message)


class Leaderboard(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A column of Gradescope's leaderboard: the first recorded step at which the run of `check` has
    a loss of `loss` or less.
    """

    name: str
    check: str
    loss: float


class Gradescope(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """[gradescope]: how the assignment is graded and shown there.

    `show` says for a visibility that a check declares which one it has there, `timeout_minutes` is
    the timeout chosen in Gradescope's settings. `isolation`, where the container offers less than
    the assignment asks for, the least that is accepted; submissions never run as root, whatever it
    says.
    """

    show: dict[WhenShown, WhenShown] = {}
    timeout_minutes: int = 10
    isolation: Isolation | None = None
    limit: RateLimit | None = None
    leaderboard: tuple[Leaderboard, ...] = ()

    def __post_init__(self) -> None:
        if self.isolation is Isolation.NONE:
            message = "Expected weak, good or strong for isolation"
            raise ValueError(message)
        if not 2 <= self.timeout_minutes <= 40:
            message = "Expected 2 to 40 for timeout_minutes"
            raise ValueError(message)


class Assignment(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The content of assignment.toml.

    `points` are those of all checks and `questions`; `files` are paths below the assignment's
    folder, placed beside the notebook (see `placed`).
    """

    title: str
    points: float
    parts: tuple[Part, ...]
    questions: tuple[Question, ...] = ()
    due: datetime.datetime | None = None
    files: tuple[str, ...] = ()
    packages: tuple[str, ...] = ("torch", "numpy", "matplotlib")
    isolation: Isolation = Isolation.GOOD
    disclosure: Disclosure = Disclosure.CONCEPT
    """Before the due date; after it, everything is told."""
    device: Device = Device.CPU
    """CUDA: cells and calls run on a GPU (docs/gpu.md)."""
    limits: Limits = Limits()
    seed: int = 0
    gradescope: Gradescope = Gradescope()
    submitted_as: str = ""
    """Folder and notebook under which students hand it in, "ps1/problem1"; empty where both have
    the assignment's own name.
    """

    def part_of(self, function: str) -> Part | None:
        """The part in which students write `function`; None for a name that no part lists."""
        return next((part for part in self.parts if function in part.functions), None)

    @property
    def automatic_points(self) -> float:
        """Points of the checks: all but those that a person gives."""
        return self.points - sum(question.points for question in self.questions)

    @property
    def given(self) -> tuple[str, ...]:
        """All functions that may be given to later parts."""
        return tuple(name for part in self.parts for name in part.given)


def placed(name: str) -> str:
    """Where the file `name` of `Assignment.files` lies from the notebook: below `files/` with its
    folders, any other beside it.
    """
    return name.removeprefix("files/") if name.startswith("files/") else name.rsplit("/", 1)[-1]


@dataclass(frozen=True, slots=True)
class AssignmentFiles:
    """Where an assignment of a course lives, and its parsed metadata.

    With variants, also whose variant it is about: the first sample's, until another is put in its
    place.

    `hardware` names the GPU that runs are made on; empty where the assignment asks for none, or
    none is at hand.
    """

    course: Path
    slug: str
    assignment: Assignment
    draw: Draw | None = None
    drawer: Drawer | None = None
    hardware: str = ""

    @property
    def folder(self) -> Path:
        """assignments/<slug>."""
        return self.course / "assignments" / self.slug

    @property
    def nbgrader_name(self) -> str:
        """What nbgrader calls the assignment: the folder in which students hand it in.

        Several notebooks may be one assignment there.
        """
        return self.assignment.submitted_as.partition("/")[0] or self.slug

    @property
    def notebook_name(self) -> str:
        """Stem of the file that students get and hand in."""
        return self.assignment.submitted_as.rpartition("/")[2] or self.slug

    @property
    def template(self) -> Path:
        """The notebook as a percent script with Jinja2."""
        return self.folder / "notebook.py.j2"

    @property
    def checks(self) -> Path:
        """The checks, a pytest file."""
        return self.folder / f"test_{self.slug.replace('-', '_')}.py"

    @property
    def drivers(self) -> Path:
        """Small functions sent to the sandbox; may be absent."""
        return self.folder / "drivers.py"

    @property
    def variant(self) -> Path:
        """What draws data and settings for each student; where it is absent, all have the same."""
        return self.folder / "variant.py"

    def samples(self) -> tuple[Draw, ...]:
        """The variants that are nobody's, on which the assignment is calibrated; none where it has
        no variants.
        """
        return tuple(map(self.drawer.sample, range(SAMPLES))) if self.drawer else ()

    @property
    def solution(self) -> Path:
        """The reference program."""
        return self.course / "solutions" / self.slug / "solution.py"

    def drivers_source(self) -> str:
        """Text of drivers.py, empty where there is none."""
        return self.drivers.read_text(encoding="utf-8") if self.drivers.is_file() else ""


def open_assignment(course: Path, slug: str) -> AssignmentFiles:
    """Find and parse assignment `slug` of the course at `course`.

    Raises:
        AssignmentError: if it does not exist (naming those that do) or a file of it is missing or
            wrong.
    """
    folder = course / "assignments" / slug
    if not (folder / "assignment.toml").is_file():
        known = sorted(
            path.parent.name for path in (course / "assignments").glob("*/assignment.toml")
        )
        message = f"no assignment {slug!r} in {course}: " + (
            f"there is {', '.join(known)}" if known else "there are none; is this a course folder?"
        )
        raise AssignmentError(message)
    files = AssignmentFiles(course, slug, read_assignment(folder / "assignment.toml"))
    for path in (files.template, files.checks, files.solution):
        if not path.is_file():
            message = f"assignment {slug!r} lacks {path}"
            raise AssignmentError(message)
    if not files.variant.is_file():
        return files
    drawer = load_drawer(files.variant)
    return dataclasses.replace(files, draw=drawer.sample(0), drawer=drawer)


def read_assignment(path: Path) -> Assignment:
    """Parse `path`.

    Raises:
        AssignmentError: naming file, line and key.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        message = f"{path}: cannot be read: {error.strerror}"
        raise AssignmentError(message) from error
    except UnicodeDecodeError as error:
        message = f"{path}: is not UTF-8 (byte {error.start})"
        raise AssignmentError(message) from error
    try:
        content = tomllib.loads(text)
    except (
        ValueError,
        RecursionError,
    ) as error:  # TOMLDecodeError is a ValueError; so are numbers of too many digits
        reason = "nested too deeply" if isinstance(error, RecursionError) else str(error)
        message = f"{path}: not valid TOML: {reason}"
        raise AssignmentError(message) from error
    try:
        assignment = msgspec.convert(content, Assignment)
    except msgspec.ValidationError as error:
        allowed = ': it is "cpu" or "cuda"' if "`$.device`" in str(error) else ""
        message = f"{path}{_line_of(text, str(error))}: {error}{allowed}"
        raise AssignmentError(message) from error
    if assignment.due is not None and assignment.due.tzinfo is None:
        message = (
            f"{path}{_line_of(text, '`due`')}: `due` needs a time zone, as in 2026-12-06T23:59:00Z"
        )
        raise AssignmentError(message)
    ids = [question.id for question in assignment.questions]
    if twice := sorted({name for name in ids if ids.count(name) > 1}):
        message = f"{path}{_line_of(text, '`questions`')}: two questions have the id {twice[0]!r}"
        raise AssignmentError(message)
    if assignment.submitted_as and not re.fullmatch(
        r"[^/\\.][^/\\]*/[^/\\.][^/\\]*", assignment.submitted_as
    ):
        message = (
            f"{path}{_line_of(text, '`submitted_as`')}: `submitted_as` is a folder and a notebook"
            ' without .ipynb, as in "ps1/problem1"'
        )
        raise AssignmentError(message)
    for name in assignment.files:
        if name.startswith("/") or ".." in name.split("/") or not _is_file(path.parent / name):
            message = (
                f"{path}{_line_of(text, '`files`')}: `files` names {name!r}, which is no file below"
                f" {path.parent}"
            )
            raise AssignmentError(message)
    return assignment


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError:  # a name that is too long
        return False


def _line_of(text: str, message: str) -> str:
    """`:LINE` of the first key that a validation message names, or nothing where no line can be
    told.
    """
    names = re.findall(r"for (\w+) -", message) + re.findall(r"`\$?\.?([\w.\[\]]+)`", message)
    for name in names:
        key = (
            re.split(r"[.\[]", name.rstrip("]."))[-1]
            if not name.endswith("]")
            else name.split("[")[0].split(".")[-1]
        )
        for number, line in enumerate(text.splitlines(), 1):
            if re.match(rf"[\s\[]*(\w+\.)*{re.escape(key)}\b", line):
                return f":{number}"
    return ""
