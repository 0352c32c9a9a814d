"""Disks, databases and clocks that fail under a grader: it says what is wrong, and afterwards the
same command finishes with the grades of an undisturbed run.
"""

import errno
import os
import sqlite3
import subprocess
import sys
import time

import pytest
from places import ROOT
from tiny_class import LOOP, Recorded

from autograder.atomic import is_disk_failure
from autograder.commands.grade.submissions import collect_submissions
from autograder.commands.grade.whole_class import grade_class

STUDENTS = 3


@pytest.fixture
def class_of(course):
    """A class of different submissions; the second never clears gradients."""
    for number in range(STUDENTS):
        loop = (
            {"training_loop": LOOP.replace("optimizer.zero_grad()", "pass")} if number == 1 else {}
        )
        course.submit(f"s{number}", extra=[f"number = {number}"], **loop)
    return course


def autograder(course, *words):
    command = [sys.executable, "-m", "autograder.cli", *map(str, words), "-j", "1"]
    environment = os.environ | {"PYTHONPATH": str(ROOT), "COLUMNS": "200"}
    return subprocess.run(
        command,
        cwd=course.root,
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def grades(results):
    """Points and outcomes, without times and hosts."""
    lines = (results / "grades-tiny.csv").read_text().splitlines()
    return [line.split(",")[:8] for line in lines]


@pytest.fixture
def small(tmp_path):
    """A file system with room for next to nothing, and for all once it is asked to grow."""
    folder = tmp_path / "small"
    folder.mkdir()
    if (
        os.geteuid() != 0
        or subprocess.run(
            ["mount", "-t", "tmpfs", "-o", "size=120k", "tmpfs", folder], check=False
        ).returncode
    ):
        pytest.skip("a small file system can't be mounted here")
    yield folder
    subprocess.run(["umount", "-l", folder], check=True)


@pytest.mark.long("commands that fail half-way, and are run again")
def test_a_full_disk_is_said_and_nothing_is_lost(class_of, small):
    """No traceback, no half a file; with more room the same command finishes."""
    autograder(class_of, "grade", "tiny", "submitted", "--results", "undisturbed")
    done = autograder(class_of, "grade", "tiny", "submitted", "--results", small / "results")
    assert done.returncode == 2, done.stderr
    assert "No space left on device" in done.stderr
    assert "Traceback" not in done.stderr
    subprocess.run(["mount", "-o", "remount,size=100m", small], check=True)
    kept = len(list(small.glob("results/grades/tiny/*/grade.json")))
    done = autograder(class_of, "grade", "tiny", "submitted", "--results", small / "results")
    assert done.returncode == 0, done.stderr
    assert f"{STUDENTS - kept} graded anew, {kept} unchanged" in done.stdout
    assert grades(small / "results") == grades(class_of.root / "undisturbed")
    assert not list(small.rglob("*.tmp"))


def test_a_folder_that_cannot_be_written_is_said(class_of, small):
    """Before anything is run."""
    subprocess.run(["mount", "-o", "remount,ro", small], check=True)
    done = autograder(class_of, "grade", "tiny", "submitted", "--results", small / "results")
    assert done.returncode == 2
    assert "Read-only file system" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.long("commands that fail half-way, and are run again")
def test_a_locked_gradebook_is_said_and_the_grades_are_kept(class_of):
    """Held by another program: the grades are on disk, and the gradebook is made up by the next
    run, which grades nothing anew.
    """
    pytest.importorskip("nbgrader")
    assert autograder(class_of, "grade", "tiny", "submitted", "--only", "s0").returncode == 0
    book = class_of.root / "results" / "gradebook.db"
    holder = sqlite3.connect(book)
    holder.execute("BEGIN EXCLUSIVE")
    done = autograder(class_of, "grade", "tiny", "submitted")
    assert done.returncode == 2
    assert "gradebook.db can't be written" in done.stderr
    assert "Traceback" not in done.stderr
    holder.close()
    done = autograder(class_of, "grade", "tiny", "submitted")
    assert done.returncode == 0
    assert f"0 graded anew, {STUDENTS} unchanged" in done.stdout
    with sqlite3.connect(book) as found:
        assert found.execute("SELECT count(*) FROM submitted_assignment").fetchone() == (STUDENTS,)


def test_a_clock_that_goes_back_grades_nothing_twice(class_of):
    """What is unchanged is told by content, not by time."""
    class_of.grade()
    for path in (class_of.root / "results").rglob("*"):
        later = time.time() + 365 * 86_400
        os.utime(path, (later, later))
    before = {
        path: path.read_bytes() for path in class_of.root.glob("results/grades/tiny/*/grade.json")
    }
    _, progress = class_of.grade()
    assert progress.total == 0
    assert len(before) == STUDENTS
    assert before == {path: path.read_bytes() for path in before}


@pytest.mark.parametrize(
    ("number", "about_the_disk"),
    [
        (errno.ENOSPC, True),
        (errno.EROFS, True),
        (errno.EDQUOT, True),
        (errno.EACCES, False),
        (errno.ENOENT, False),
        (errno.EIO, False),
    ],
)
def test_one_file_that_fails_is_no_failing_disk(number, about_the_disk):
    """The first kind stops the class, the second costs one submission its turn."""
    assert is_disk_failure(OSError(number, "")) is about_the_disk


def test_a_submission_that_cannot_be_read_stops_nobody(class_of):
    """Its file is gone when its turn comes: ungradable, the others are graded.

    Once it is back, it alone is graded by the same command.
    """
    candidates = collect_submissions(class_of.root / "submitted", "tiny")
    away = candidates[1].path.rename(class_of.root / "away.ipynb")
    grades = grade_class(
        class_of.files, candidates, class_of.results, class_of.executor, Recorded()
    )
    assert [grade.status for grade in grades] == ["graded", "ungradable", "graded"]
    away.rename(candidates[1].path)
    progress = Recorded()
    grades = grade_class(class_of.files, candidates, class_of.results, class_of.executor, progress)
    assert [grade.status for grade in grades] == ["graded"] * 3
    assert progress.students == ("s1",)
