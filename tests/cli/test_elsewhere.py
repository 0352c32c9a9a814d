"""Grading where there is no Linux, as far as that can be played: what is said, the container's
recipe, and --isolation none.
"""

import csv
import os
import shutil
import subprocess
import sys

import nbformat
import pytest
from places import ROOT
from tiny_class import handed_in

from autograder.assignment import open_assignment
from autograder.commands.release.student_version import release_assignment
from autograder.course.results import ResultsFolder

WRONG_LOSS = "def loss_fn(values):\n    return (values**2).sum()\n"


@pytest.fixture(scope="module")
def course(executor, tmp_path_factory):
    """The tiny course with two submissions: one right, one whose later part is judged with the
    given loss; graded here.
    """
    root = tmp_path_factory.mktemp("elsewhere")
    shutil.copytree(ROOT / "tests" / "tiny_course", root, dirs_exist_ok=True)
    release_assignment(
        open_assignment(root, "tiny"),
        root / "release",
        ResultsFolder(root / "here", "tiny").evidence,
        executor,
    )
    release = nbformat.read(root / "release" / "tiny.ipynb", as_version=4)
    for student, cells in {"ada": {}, "bob": {"loss_fn": WRONG_LOSS}}.items():
        path = root / "submitted" / student / "tiny" / "tiny.ipynb"
        path.parent.mkdir(parents=True)
        nbformat.write(handed_in(release, **cells), path)
    return root


def autograder(course, *words, linux=False):
    path = f"{ROOT}" if linux else f"{ROOT}:{ROOT / 'tests' / 'not_linux'}"
    command = [sys.executable, "-m", "autograder.cli", *words]
    environment = os.environ | {"PYTHONPATH": path, "COLUMNS": "200"}
    return subprocess.run(
        command,
        cwd=course,
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def points(course, results):
    with (course / results / "grades-tiny.csv").open() as file:
        return {row["student_id"]: float(row["points"]) for row in csv.DictReader(file)}


def test_grading_explains_that_it_cannot_isolate(course):
    """Exit code 3; the system, the recipe, and what the other way means."""
    done = autograder(course, "grade", "tiny", "submitted", "--results", "there")
    assert done.returncode == 3, done.stdout + done.stderr
    for words in (
        "can't be isolated on freebsd14",
        "autograder export container",
        "--isolation none",
        "all that you can do",
    ):
        assert words in done.stderr
    assert not list(course.glob("there/grades/tiny/*/grade.json"))


@pytest.mark.long("a class graded twice, once in plain processes")
def test_without_isolation_the_points_are_those_of_the_sandbox(course):
    """Given definitions included; the warning is on the terminal and in the table."""
    assert (
        autograder(
            course, "grade", "tiny", "submitted", "--results", "here", "-j", "1", linux=True
        ).returncode
        == 0
    )
    done = autograder(
        course, "grade", "tiny", "submitted", "--results", "there", "--isolation", "none"
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "can read and change everything" in done.stdout
    assert points(course, "there") == points(course, "here") == {"ada": 10, "bob": 8}
    assert "none" in (course / "there" / "grades-tiny.csv").read_text()


def test_the_recipe_of_a_container_is_whole(course, tmp_path):
    """A Dockerfile that says that it was not tried; the package in it can be imported by itself,
    and grades; nothing of the course is in it.
    """
    done = autograder(course, "export", "container", "-o", str(tmp_path / "grader"))
    assert done.returncode == 0, done.stderr
    recipe = (tmp_path / "grader" / "Dockerfile").read_text()
    assert "was not built or run" in recipe
    assert "@" not in recipe.replace("$PWD:/course", "")
    copied = [line.split()[1:-1] for line in recipe.splitlines() if line.startswith("COPY")]
    assert sorted(name for names in copied for name in names) == sorted(
        path.name for path in (tmp_path / "grader").iterdir() if path.name != "Dockerfile"
    )
    assert "nbgrader" in (tmp_path / "grader" / "requirements.txt").read_text().splitlines()
    command = [sys.executable, "-m", "autograder.cli", "new", "first"]
    (tmp_path / "assignments").mkdir()
    environment = os.environ | {"PYTHONPATH": str(tmp_path / "grader" / "package")}
    subprocess.run(command, cwd=tmp_path, env=environment, check=True, capture_output=True)
    assert (tmp_path / "solutions" / "first" / "solution.py").is_file()
    assert not list((tmp_path / "grader").rglob("test_tiny.py"))
