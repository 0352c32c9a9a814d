"""Finding submissions: nbgrader's layout, a flat folder, one notebook, percent script or .zip."""

from __future__ import annotations

import hashlib
import os
import zipfile
from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from autograder.errors import SubmissionError
from autograder.exchange.lms.delivery import NOTEBOOKS
from autograder.exchange.nbgrader.timestamps import submitted_at as read_timestamp
from autograder.judgement.grade import Cause
from autograder.people.handed_in import read_record
from autograder.people.student_names import student_name

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path


@dataclass(frozen=True, slots=True)
class Candidate:
    """One student's submission as found: its file, or why there is none to read.

    `submitted_at` is ISO 8601 or empty; `late` is known of what was collected from a learning
    system.
    """

    student: str
    path: Path | None
    problem: Cause | None = None
    submitted_at: str = ""
    late: bool | None = None

    def digest(self) -> str:
        """SHA-256 of the file.

        Where there is none, it is that of the problem's name, or of the error's where it can't be
        read: it is tried again each time.
        """
        if self.path is None:
            return hashlib.sha256(f"{self.problem}".encode()).hexdigest()
        try:
            with self.path.open("rb") as file:
                return hashlib.file_digest(file, "sha256").hexdigest()
        except OSError as error:
            return hashlib.sha256(f"{error.strerror}".encode()).hexdigest()


def collect_submissions(path: Path, slug: str, submitted_as: str = "") -> tuple[Candidate, ...]:
    """All submissions below `path`, sorted by student.

    A folder with ``<student>/<slug>/`` in it (or in its ``submitted/``) is nbgrader's layout,
    ``<student>/`` of it by itself too; any other folder holds notebooks, or a folder per student.
    With `submitted_as`, "ps1/problem1", it is ``<student>/ps1/problem1.ipynb``, and no other
    notebook in there is taken for it.

    Raises:
        SubmissionError: if `path` does not exist or holds no submission; says what was looked for.
        ExchangeError: if there is a record of what was collected that can't be read.
    """
    if path.is_file():
        if path.suffix.lower() not in NOTEBOOKS:
            message = (
                f"{path}: not a notebook (.ipynb), percent script (.py) or archive of one (.zip)"
            )
            raise SubmissionError(message)
        if path.suffix.lower() == ".zip" and not zipfile.is_zipfile(path):
            message = f"{path}: is no zip archive"
            raise SubmissionError(message)
        return (Candidate(student_name(path.stem), path),)
    if not path.is_dir():
        message = f"{path}: no such file or folder"
        raise SubmissionError(message)
    root = path / "submitted" if (path / "submitted").is_dir() else path
    found = (
        _nbgrader_layout(root, slug, submitted_as)
        or _one_student(root.resolve(), slug, submitted_as)
        or _flat(root)
    )
    if not found:
        message = (
            f"{path}: no submissions. Looked for"
            f" <student>/{submitted_as or f'{slug}/{slug}'}.ipynb, for *.ipynb, *.py and *.zip, and"
            " for a folder per student"
        )
        raise SubmissionError(message)
    return tuple(sorted(_once(found), key=lambda candidate: candidate.student))


def _once(found: Sequence[Candidate]) -> list[Candidate]:
    """Return one submission for each student.

    Where several share a name, a person has to tell whose is whose.
    """
    named = Counter(candidate.student for candidate in found)
    alone = [candidate for candidate in found if named[candidate.student] == 1]
    return alone + [
        Candidate(student, None, Cause.SEVERAL_NOTEBOOKS)
        for student, count in named.items()
        if count > 1
    ]


def _nbgrader_layout(root: Path, slug: str, submitted_as: str) -> list[Candidate]:
    assignment, _, notebook = (submitted_as or f"{slug}/{slug}").partition("/")
    folders = [folder for folder in _folders(root) if (folder / assignment).is_dir()]
    late = (
        {entry.folder: entry.late for entry in read_record(root, slug).entries} if folders else {}
    )
    found = [
        (
            folder.name,
            _in_folder(
                student_name(folder.name), folder / assignment, notebook, strict=bool(submitted_as)
            ),
        )
        for folder in folders
    ]
    return [replace(candidate, late=late.get(name)) for name, candidate in found]


def _one_student(folder: Path, slug: str, submitted_as: str) -> list[Candidate]:
    """Return the submissions in `folder` if it is one student's own, in nbgrader's layout.

    With nothing but assignments in it.
    """
    assignment = (submitted_as or slug).partition("/")[0]
    if (
        not (folder / assignment).is_dir()
        or _notebooks(folder)
        or any(_notebooks(other) for other in _folders(folder) if other.name != assignment)
    ):
        return []
    return [
        one
        for one in _nbgrader_layout(folder.parent, slug, submitted_as)
        if one.student == student_name(folder.name)
    ]


def _flat(root: Path) -> list[Candidate]:
    by_stem: dict[str, list[Path]] = {}
    for path in _notebooks(root):
        by_stem.setdefault(path.stem, []).append(path)
    files = [
        (
            Candidate(student_name(stem), paths[0])
            if len(paths) == 1
            else Candidate(student_name(stem), None, Cause.SEVERAL_NOTEBOOKS)
        )
        for stem, paths in by_stem.items()
    ]
    folders = [
        _in_folder(student_name(folder.name), folder, folder.name)
        for folder in _folders(root)
        if folder.name not in by_stem and _notebooks(folder)
    ]
    return files + folders


def _in_folder(student: str, folder: Path, slug: str, *, strict: bool = False) -> Candidate:
    """Return the one notebook that counts: that of the name `slug`.

    Without `strict` it may also be the only one of its kind.
    """
    submitted_at = read_timestamp(folder)
    notebooks = _notebooks(folder)
    unpacked = [path for path in notebooks if path.suffix.lower() != ".zip"]
    choice = [path for path in unpacked if path.stem == slug]
    for suffix in () if strict else NOTEBOOKS:
        choice = choice or [path for path in notebooks if path.suffix.lower() == suffix]
    if not notebooks:
        return Candidate(student, None, Cause.NO_NOTEBOOK, submitted_at)
    if len(choice) != 1:
        return Candidate(student, None, Cause.SEVERAL_NOTEBOOKS, submitted_at)
    return Candidate(student, choice[0], None, submitted_at)


def _folders(root: Path) -> list[Path]:
    with os.scandir(root) as entries:
        names = sorted(
            entry.name
            for entry in entries
            if not entry.name.startswith((".", "__")) and entry.is_dir()
        )
    return [root / name for name in names]


def _notebooks(folder: Path) -> list[Path]:
    """Files and no links: one would bring any file that the grader can read into the feedback."""
    with os.scandir(folder) as entries:
        names = sorted(
            entry.name
            for entry in entries
            if not entry.name.startswith(".")
            and entry.name.lower().endswith(NOTEBOOKS)
            and entry.is_file(follow_symlinks=False)
        )
    return [folder / name for name in names]
