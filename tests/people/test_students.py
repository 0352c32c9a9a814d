"""Names of folders and files become students' names."""

import re

import pytest

from autograder.commands.grade.submissions import collect_submissions
from autograder.errors import SubmissionError
from autograder.judgement.grade import Cause
from autograder.people.student_names import student_name


@pytest.mark.parametrize(
    "name",
    [
        "alice",
        "O'Brien",
        "'t Hooft",
        "Zoë",
        "Zoe\u0308",
        "王",
        "конь",
        "a.b@uni.edu",
        "Anna Müller",
        "x-1",
        "o'brien; DROP TABLE grade",
        "s=1",
    ],
)
def test_honest_names_stay(name):
    """Letters of all alphabets, apostrophes, addresses."""
    assert student_name(name) == name


@pytest.mark.parametrize(
    "name",
    [
        "=HYPERLINK(1)", "+1", "-rf", "@SUM(1)", "＝1", ".hidden", "..", "...", "", "../../x", "a/b", "a\\b", "a\x00b", "a\nb", "a\x1b[2Jb", "\x1b]0;x\x07",
        "a\u202eb", "a\u2066b", "a\u200bb", "\udc80x", "x" * 250, "王" * 80, "con", "NUL.txt", "<img src=x>", 'a"b', "~", " a", "a ", "a.",
    ],
)  # fmt: skip
def test_other_names_become_harmless_and_differ(name):
    """No formula, path, escape, option or hidden file, short enough, and never the name of somebody
    whose name is harmless.
    """
    found = student_name(name)
    assert re.fullmatch(r"[^=+\-@.~/\\<>\"|*\n][^/\\<>\"|*\n]*-[0-9a-f]{8}", found), found
    assert found.isprintable()
    assert len(found.encode()) <= 120
    assert student_name(name + "\x00") != found
    assert student_name(found) == found


def test_one_students_folder_is_that_students(tmp_path):
    """In nbgrader's layout too, where the notebook lies a level deeper; of others nothing is
    taken.
    """
    for student in ("ann", "bob"):
        (tmp_path / "submitted" / student / "tiny").mkdir(parents=True)
        (tmp_path / "submitted" / student / "tiny" / "tiny.ipynb").write_text("{}")
    (found,) = collect_submissions(tmp_path / "submitted" / "bob", "tiny")
    assert (found.student, found.path) == (
        "bob",
        tmp_path / "submitted" / "bob" / "tiny" / "tiny.ipynb",
    )
    assert [one.student for one in collect_submissions(tmp_path, "tiny")] == ["ann", "bob"]


def test_a_folder_called_as_the_assignment_may_be_a_students(tmp_path):
    """In nbgrader's layout and beside others, nobody is lost for it."""
    for place in (
        "nb/tiny/tiny/tiny.ipynb",
        "nb/ada/tiny/tiny.ipynb",
        "mix/ada.ipynb",
        "mix/tiny/tiny.ipynb",
        "two/ada/x.ipynb",
        "two/tiny/x.ipynb",
    ):
        (tmp_path / place).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / place).write_text("{}")
    for name in ("nb", "mix", "two"):
        assert [one.student for one in collect_submissions(tmp_path / name, "tiny")] == [
            "ada",
            "tiny",
        ]


def test_a_zip_that_is_none_is_no_student(tmp_path):
    """Named by hand, it is a slip of the hand; in a class it is somebody's broken submission."""
    (tmp_path / "none.zip").write_text("no archive")
    with pytest.raises(SubmissionError, match="is no zip archive"):
        collect_submissions(tmp_path / "none.zip", "tiny")
    assert [one.student for one in collect_submissions(tmp_path, "tiny")] == ["none"]


def test_a_hostile_name_is_graded_under_a_harmless_one_and_a_link_is_no_submission(tmp_path):
    """Nobody else's submission is lost by it; a link could lead to the solution."""
    (tmp_path / "alice.ipynb").write_text("{}")
    (tmp_path / "=1+1\x1b[2J.ipynb").write_text("{}")
    (tmp_path / "secret.txt").write_text("the solution")
    (tmp_path / "eve.ipynb").symlink_to(tmp_path / "secret.txt")
    found = collect_submissions(tmp_path, "tiny")
    assert [candidate.student[:5] for candidate in found] == ["_1+1-", "alice"]
    assert all(candidate.path.is_file() for candidate in found)


def test_two_submissions_under_one_name_are_for_a_person(tmp_path):
    """Somebody who names a file as another's harmless name comes out."""
    (tmp_path / "-x.ipynb").write_text("{}")
    (tmp_path / f"{student_name('-x')}.ipynb").write_text("{}")
    (tmp_path / "alice.ipynb").write_text("{}")
    found = {
        candidate.student: candidate.problem for candidate in collect_submissions(tmp_path, "tiny")
    }
    assert found == {student_name("-x"): Cause.SEVERAL_NOTEBOOKS, "alice": None}
