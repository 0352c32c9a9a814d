"""assignment.toml."""

import tomllib
from pathlib import Path

import msgspec
import pytest

from autograder.assignment import (
    Assignment,
    AssignmentFiles,
    Gradescope,
    Question,
    open_assignment,
    placed,
    read_assignment,
)
from autograder.errors import AssignmentError

GOOD = """title = "T"
points = 10
due = 2026-12-06T23:59:00Z

[[parts]]
title = "Loop"
functions = ["training_loop"]
given = ["training_loop"]

[limits]
cpu_s = 5
"""


def write(folder, text):
    path = folder / "assignment.toml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def test_a_good_file_is_read_with_defaults(tmp_path):
    """What is not said has a sensible value."""
    assignment = read_assignment(write(tmp_path, GOOD))
    assert assignment.limits.cpu_s == 5
    assert assignment.limits.wall_s > assignment.limits.cpu_s
    assert assignment.part_of("training_loop").title == "Loop"
    assert assignment.part_of("other") is None
    assert assignment.given == ("training_loop",)


@pytest.mark.parametrize(
    ("old", "new", "line", "words"),
    [
        ("points = 10", "points = ten", None, "line 2"),
        ("points = 10", 'points = "ten"', 2, "points"),
        ("cpu_s = 5", "cpu_seconds = 5", 11, "cpu_seconds"),
        ("cpu_s = 5", "cpu_s = 0", 11, "cpu_s"),
        ("due = 2026-12-06T23:59:00Z", "due = 2026-12-06T23:59:00", 3, "time zone"),
        ('title = "T"', 'title = "T"\nfiles = ["../solution.py"]', 2, "../solution.py"),
        ('title = "T"', 'title = "T"\nisolation = "fort"', 2, "fort"),
        ('title = "T"', 'title = "T"\nsubmitted_as = "ps1"', 2, "a folder and a notebook"),
        (
            'title = "T"',
            'title = "T"\nsubmitted_as = "ps1/problem1/x"',
            2,
            "a folder and a notebook",
        ),
        ('title = "T"', 'title = "T"\nsubmitted_as = "../ps1"', 2, "a folder and a notebook"),
        ("[limits]", "[gradescope]\ntimeout_minutes = 41\n\n[limits]", 11, "2 to 40"),
        ("[limits]", "[gradescope]\ntimeout_minutes = 1\n\n[limits]", 11, "2 to 40"),
        ("[limits]", '[gradescope]\nisolation = "none"\n\n[limits]', None, "weak, good or strong"),
        (
            "[limits]",
            "[gradescope.limit]\nsubmissions = 0\nhours = 24\n\n[limits]",
            None,
            "at least 1",
        ),
        (
            "[limits]",
            "[gradescope.limit]\nsubmissions = 3\nhours = 0\n\n[limits]",
            None,
            "a number above 0",
        ),
        (
            "[limits]",
            '[[questions]]\nid = "why"\ntitle = "Why"\npart = "Loop"\npoints = 0\n\n[limits]',
            None,
            "above 0 for points",
        ),
        (
            "[limits]",
            '[[questions]]\nid = "why"\ntitle = "Why"\npart = "Loop"\npoints = 1\n\n' * 2
            + "[limits]",
            10,
            "two questions have the id 'why'",
        ),
    ],
)
def test_a_broken_file_is_named_with_line_and_key(tmp_path, old, new, line, words):
    """Syntax, type, unknown key, value out of range."""
    path = write(tmp_path, GOOD.replace(old, new, 1))
    with pytest.raises(AssignmentError) as caught:
        read_assignment(path)
    assert words in str(caught.value)
    assert f"{path}:{line}" in str(caught.value) if line else str(path) in str(caught.value)


def test_bytes_that_are_no_text_are_named(tmp_path):
    """Invalid UTF-8."""
    with pytest.raises(AssignmentError, match="UTF-8"):
        read_assignment(write(tmp_path, b"title = '\xff'"))


def test_an_unknown_assignment_names_those_there_are(tmp_path):
    """A typo is easy to see then."""
    (tmp_path / "assignments" / "optimizers").mkdir(parents=True)
    write(tmp_path / "assignments" / "optimizers", GOOD)
    with pytest.raises(AssignmentError, match="there is optimizers"):
        open_assignment(tmp_path, "optimisers")
    with pytest.raises(AssignmentError, match="is this a course folder"):
        open_assignment(tmp_path / "assignments", "optimizers")


def test_the_bounds_of_gradescope_are_still_within():
    """Its shortest and its longest timeout, a limit of one."""
    for settings in (
        "timeout_minutes = 2",
        "timeout_minutes = 40",
        'isolation = "weak"',
        "limit = {submissions = 1, hours = 0.5}",
    ):
        msgspec.convert(tomllib.loads(settings), Gradescope)


def test_a_file_outside_of_the_assignments_folder_is_refused_although_it_is_there(tmp_path):
    """What `files` names is handed to students: never the solution by way of a folder above."""
    (tmp_path / "secret.txt").write_text("the solution")
    (tmp_path / "tiny").mkdir()
    for name in ("../secret.txt", f"{tmp_path}/secret.txt"):
        with pytest.raises(AssignmentError, match="no file below"):
            read_assignment(write(tmp_path / "tiny", f'files = ["{name}"]\n{GOOD}'))


@pytest.mark.parametrize("missing", ["notebook.py.j2", "test_tiny.py", "solution.py"])
def test_what_is_missing_is_named(tmp_path, missing):
    """Template, checks or solution: before anything is run."""
    folders = {name: tmp_path / name / "tiny" for name in ("assignments", "solutions")}
    for folder in folders.values():
        folder.mkdir(parents=True)
    write(folders["assignments"], GOOD)
    for folder, name in (
        ("assignments", "notebook.py.j2"),
        ("assignments", "test_tiny.py"),
        ("solutions", "solution.py"),
    ):
        (folders[folder] / name).write_text("")
    assert open_assignment(tmp_path, "tiny").slug == "tiny"
    (path,) = tmp_path.rglob(missing)
    path.unlink()
    with pytest.raises(AssignmentError, match=f"lacks .*{missing}"):
        open_assignment(tmp_path, "tiny")


@pytest.mark.parametrize(
    ("name", "place"),
    [
        ("data.csv", "data.csv"),
        ("figures/a/plot.png", "plot.png"),
        ("files/data/points.csv", "data/points.csv"),
    ],
)
def test_files_lie_beside_the_notebook(name, place):
    """With their folders where they come from files/."""
    assert placed(name) == place


def test_points_of_questions_are_a_persons():
    """The checks have to add up to the others."""
    questions = tuple(Question(name, name, "Loop", 2.5) for name in ("why", "how"))
    assert Assignment("T", 10, (), questions).automatic_points == 5


@pytest.mark.parametrize(
    ("said", "folder", "notebook"), [("", "tiny", "tiny"), ("ps1/problem1", "ps1", "problem1")]
)
def test_what_is_handed_in_has_the_assignments_name_or_its_own(said, folder, notebook):
    """nbgrader's folder of a student, and the notebook in it."""
    files = AssignmentFiles(Path(), "tiny", Assignment("T", 10, (), submitted_as=said))
    assert (files.nbgrader_name, files.notebook_name) == (folder, notebook)
