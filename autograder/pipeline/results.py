"""The results folder: grades, evidence and what is projected from them.

It is also an nbgrader course folder::

    grades/<slug>/<student>/grade.json     the truth
    grades/<slug>/<student>/executed.ipynb the notebook with the outputs of the clean run
    grades/<slug>/<student>/feedback.html
    autograded/<student>/<slug>/<slug>.ipynb
    gradebook.db
    grades-<slug>.csv
    evidence/                              by content hash
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec

from autograder.atomic import write_atomic
from autograder.judgement.grading import Grade, decode_grade, encode_grade
from autograder.store import EvidenceStore

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True, slots=True)
class ResultsFolder:
    """Where one assignment's results go. Readable by its owner only."""

    root: Path
    slug: str

    @property
    def evidence(self) -> EvidenceStore:
        """All evidence, the reference's too."""
        return EvidenceStore(self.root / "evidence")

    @property
    def csv(self) -> Path:
        """The class table."""
        return self.root / f"grades-{self.slug}.csv"

    @property
    def gradebook(self) -> Path:
        """nbgrader's database."""
        return self.root / "gradebook.db"

    @property
    def ledger(self) -> Path:
        """Which grade of each student was projected last."""
        return self.root / "grades" / self.slug / ".projected.json"

    @property
    def gallery(self) -> Path:
        """The runs of all known mistakes."""
        return self.root / "validated" / f"{self.slug}.gallery"

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
        return tuple(sorted(path.parent.name for path in (self.root / "grades" / self.slug).glob("*/grade.json")))
