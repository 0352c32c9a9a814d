"""The results folder: grades, evidence and what is projected from them.

It is also an nbgrader course folder, unless the submissions lie in one of their own: then gradebook
and autograded notebooks are that one's::

    grades/<slug>/<student>/grade.json     the truth
    grades/<slug>/<student>/executed.ipynb the notebook with the outputs of the clean run
    grades/<slug>/<student>/feedback.html
    grades/<slug>/.nbgrader                the nbgrader course, where it is another
    autograded/<student>/<slug>/<slug>.ipynb
    gradebook.db
    grades-<slug>.csv
    evidence/                              by content hash
"""

from __future__ import annotations

import datetime
import hashlib
import os
import platform
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import msgspec

from autograder.atomic import claimed, write_atomic
from autograder.errors import AutograderError
from autograder.evidence.store import Store, open_store
from autograder.exchange.nbgrader.course_folder import NbgraderCourse, open_course
from autograder.judgement.grade import Grade, decode_grade, encode_grade


@dataclass(frozen=True, slots=True)
class ResultsFolder:
    """Where one assignment's results go. Readable by its owner only."""

    root: Path
    slug: str
    gradebook_url: str = ""
    """Of the gradebook, if it is not where nbgrader would look for it."""
    evidence_place: str = ""
    """A folder, or a URL that fsspec opens; empty: in `root`."""

    @property
    def evidence(self) -> Store:
        """All evidence, the reference's too."""
        return open_store(self.evidence_place, self.root / "evidence")

    @property
    def csv(self) -> Path:
        """The class table."""
        return self.root / f"grades-{self.slug}.csv"

    @property
    def nbgrader(self) -> NbgraderCourse:
        """Where gradebook and autograded notebooks go.

        Raises:
            ExchangeError: if the course's configuration can't be read.
        """
        return open_course(
            Path(self._home.read_text(encoding="utf-8")) if self._home.is_file() else self.root,
            self.gradebook_url,
        )

    @property
    def is_elsewhere(self) -> bool:
        """Whether the gradebook is another than this folder's own."""
        return bool(self.gradebook_url) or self._home.is_file()

    def settle_in(self, course: Path) -> None:
        """Grade in place: gradebook and autograded notebooks are those of the nbgrader course at
        `course` from now on.
        """
        self.root.mkdir(parents=True, exist_ok=True, mode=0o700)
        write_atomic(self._home, str(course.resolve()))

    @property
    def _home(self) -> Path:
        return self.root / "grades" / self.slug / ".nbgrader"

    @property
    def ledger(self) -> Path:
        """Which grade of each student was projected last."""
        return self.root / "grades" / self.slug / ".projected.json"

    @property
    def codes(self) -> Path:
        """What was found to be the same code, to be found sooner the next time; may be deleted."""
        return self.root / "grades" / self.slug / ".codes.json"

    @property
    def gallery(self) -> Path:
        """The runs of all known mistakes."""
        return self.root / "validated" / f"{self.slug}.gallery"

    @property
    def gallery_digest(self) -> str:
        """Tells the gallery from others; empty where there is none."""
        try:
            return hashlib.sha256(self.gallery.read_bytes()).hexdigest()
        except FileNotFoundError:
            return ""

    @contextmanager
    def claimed(self) -> Iterator[None]:
        """Hold this assignment's results for writing: two graders at once would each undo what the
        other records.

        Raises:
            AutograderError: if another process holds them; says which.
        """
        note = (
            f"process {os.getpid()} on {platform.node()}, since"
            f" {datetime.datetime.now(datetime.UTC):%Y-%m-%d %H:%M:%S} UTC"
        )
        try:
            with claimed(self.root / "grades" / self.slug / ".claim", note):
                yield
        except BlockingIOError as error:
            message = (
                f"another autograder is writing to {self.root} ({error}): wait for it, or choose"
                " another folder with --results"
            )
            raise AutograderError(message) from error

    def grade_path(self, student: str) -> Path:
        """The student's grade.json."""
        return self.root / "grades" / self.slug / student / "grade.json"

    def feedback_path(self, student: str) -> Path:
        """The student's page."""
        return self.grade_path(student).with_name("feedback.html")

    def executed_path(self, student: str) -> Path:
        """The student's notebook as it was graded."""
        return self.grade_path(student).with_name("executed.ipynb")

    def read_grade(self, student: str) -> Grade | None:
        """The student's grade; None if there is none that can be read."""
        try:
            return decode_grade(self.grade_path(student).read_bytes())
        except (FileNotFoundError, NotADirectoryError, msgspec.DecodeError):
            return None

    def write_grade(self, grade: Grade) -> None:
        """Write grade.json: the end of a submission's transaction."""
        self.root.mkdir(parents=True, exist_ok=True, mode=0o700)
        write_atomic(self.grade_path(grade.student), encode_grade(grade))

    def students(self) -> tuple[str, ...]:
        """All students with a grade, sorted."""
        return tuple(
            sorted(
                path.parent.name for path in (self.root / "grades" / self.slug).glob("*/grade.json")
            )
        )
