"""Submissions as .zip are found, graded as their notebooks would be, and refused one by one."""

import io
import zipfile

import pytest

from autograder.commands.grade.submissions import collect_submissions
from autograder.errors import SubmissionError
from autograder.judgement.grade import Cause


def pack(*members):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members:
            archive.writestr(name, content)
    return out.getvalue()


def test_archives_are_found(tmp_path):
    """In a flat folder, in a folder per student, in nbgrader's layout, and alone; a notebook beside
    an archive comes first.
    """
    for path in (
        "flat/alice.zip",
        "flat/bob.ipynb",
        "flat/carol/work.zip",
        "nb/dan/tiny/Tiny.ZIP",
        "nb/eve/tiny/tiny.ipynb",
        "nb/eve/tiny/tiny.zip",
    ):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).touch()
    with zipfile.ZipFile(tmp_path / "flat/alice.zip", "w"):
        pass  # one that is none is refused where it is named by itself
    found = {
        candidate.student: candidate.path
        for name in ("flat", "nb")
        for candidate in collect_submissions(tmp_path / name, "tiny")
    }
    assert {student: path and path.name for student, path in found.items()} == {
        "alice": "alice.zip",
        "bob": "bob.ipynb",
        "carol": "work.zip",
        "dan": "Tiny.ZIP",
        "eve": "tiny.ipynb",
    }
    (alone,) = collect_submissions(tmp_path / "flat" / "alice.zip", "tiny")
    assert alone.student == "alice"


def test_other_archives_are_not(tmp_path):
    """The message says what is."""
    (tmp_path / "alice.rar").touch()
    with pytest.raises(SubmissionError, match=r"archive of one \(.zip\)"):
        collect_submissions(tmp_path / "alice.rar", "tiny")


def test_archives_are_graded_or_refused_one_by_one(course):
    """The right notebook has its points in an archive too; bad archives are outcomes of their own
    students, and nothing is run for them.
    """
    right = course.submit("packed")
    notebook = right.read_bytes()
    right.with_suffix(".zip").write_bytes(
        pack(("work/tiny.ipynb", notebook), ("work/other.ipynb", notebook), ("__MACOSX/._x", b""))
    )
    right.unlink()
    bad = {
        "evil": (pack(("../../tiny.ipynb", notebook)), Cause.UNREADABLE),
        "bare": (pack(("notes.txt", b"")), Cause.NO_NOTEBOOK),
        "many": (pack(("a.ipynb", notebook), ("b.ipynb", notebook)), Cause.SEVERAL_NOTEBOOKS),
    }
    for student, (data, _) in bad.items():
        folder = course.root / "submitted" / student / "tiny"
        folder.mkdir(parents=True)
        (folder / "tiny.zip").write_bytes(data)
    grades, _ = course.grade()
    assert grades["packed"].points == 10
    for student, (_, cause) in bad.items():
        assert {check.cause for check in grades[student].checks} == {cause}
    assert "leads out of the archive" in grades["evil"].checks[0].message
    again, progress = course.grade()
    assert again == grades
    assert progress.total == 0
