"""Nothing changed: nothing is run, judged or written, and nothing is imported that only that would
need. What is missing is made up for.
"""

import json
import os
import shutil
import subprocess
import sys

import pytest
from places import ROOT
from selection import short
from tiny_class import LOOP, Recorded, handed_in

from autograder.commands.grade.pages.project import project_class
from autograder.commands.grade.submissions import collect_submissions
from autograder.commands.grade.whole_class import grade_class

STUDENTS = 200
HEAVY = (
    "numpy",
    "pytest",
    "nbformat",
    "jinja2",
    "nbgrader",
    "sqlalchemy",
    "jupytext",
    "autograder.checks.docket",
    "autograder.reports.feedback.page",
)
COMMAND = """import sys
from autograder.cli import main
heavy = sys.argv.pop().split(",")
try:
    main()
finally:
    print("imported:", *(name for name in heavy if name in sys.modules))
"""


def autograder(course, *words):
    environment = os.environ | {"PYTHONPATH": str(ROOT), "COLUMNS": "200"}
    command = [sys.executable, "-c", COMMAND, *map(str, words), ",".join(HEAVY)]
    done = subprocess.run(
        command,
        cwd=course.root,
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def state(course):
    """What lies in the results folder: content, and when it was written.

    The claim's note is of the process that had it last.
    """
    return {
        path: (path.read_bytes(), path.stat().st_mtime_ns)
        for path in course.results.root.rglob("*")
        if path.is_file() and path.name != ".claim"
    }


@pytest.fixture
def graded(course):
    """Three students, graded and projected."""
    course.submit("ada")
    course.submit("bob", training_loop=LOOP.replace("optimizer.zero_grad()", "pass"))
    course.submit("cy").write_text("<html>")
    grades, _ = course.grade()
    project_class(course.files, course.results, tuple(grades.values()), Recorded())
    return course


@pytest.mark.long("commands on a graded class")
def test_two_hundred_unchanged_submissions(course):
    """All different files.

    The first time they are graded; then neither `grade` nor `regrade` runs, judges, writes or
    imports anything for it.
    """
    notebook = handed_in(course.release)
    for number in range(STUDENTS):
        notebook.cells[0].source = f"# Notes of student {number}"
        path = course.root / "submitted" / f"s{number:03}" / "tiny" / "tiny.ipynb"
        path.parent.mkdir(parents=True)
        path.write_text(json.dumps(notebook))
    assert f"{STUDENTS} graded anew, 0 unchanged" in autograder(
        course, "grade", "tiny", "submitted"
    )
    before = state(course)
    # theirs, and the reference's
    assert len(list(course.results.evidence.root.rglob("*.msgpack"))) == 2
    said = autograder(course, "grade", "tiny", "submitted")
    assert f"0 graded anew, {STUDENTS} unchanged" in said
    assert said.splitlines()[-1] == "imported:"
    said = autograder(course, "regrade", "tiny")
    assert f"0 of {STUDENTS} grades change." in said
    assert said.splitlines()[-1] == "imported:"
    assert state(course) == before


@pytest.mark.seconds("two commands on a graded class")
@pytest.mark.parametrize(
    "lost",
    short(
        [
            "grades-tiny.csv",
            "gradebook.db",
            "grades/tiny/bob/feedback.html",
            "autograded/bob/tiny/tiny.ipynb",
            "grades/tiny/.projected.json",
        ],
        ["grades/tiny/bob/feedback.html"],
        "two commands on a graded class",
    ),
)
def test_what_is_missing_is_made_again(graded, lost):
    """Deleted by hand, or never written by a run that was killed: the same command makes it again,
    with nothing graded anew.
    """
    if "db" in lost or "autograded" in lost:
        pytest.importorskip("nbgrader")
    assert "0 graded anew, 3 unchanged" in autograder(graded, "grade", "tiny", "submitted")
    before = state(graded)
    (graded.results.root / lost).unlink()
    assert "0 graded anew, 3 unchanged" in autograder(graded, "grade", "tiny", "submitted")
    after = state(graded)
    assert after.keys() == before.keys()
    assert {path for path in after if after[path][0] != before[path][0]} <= {
        graded.results.root / "gradebook.db"
    }
    assert after[graded.results.grade_path("bob")] == before[graded.results.grade_path("bob")]


@pytest.mark.long("commands on a graded class")
def test_a_lost_gradebook_is_made_up_for_everybody_in_the_end(graded):
    """Also where the next run is about one student: the others are not taken to be in it."""
    nbgrader = pytest.importorskip("nbgrader.api")
    (graded.results.root / "gradebook.db").unlink()
    shutil.rmtree(graded.results.root / "autograded")
    autograder(graded, "grade", "tiny", "submitted", "--only", "ada")
    autograder(graded, "grade", "tiny", "submitted")
    with nbgrader.Gradebook(f"sqlite:///{graded.results.root / 'gradebook.db'}") as book:
        assert sorted(one.student.id for one in book.assignment_submissions("tiny")) == [
            "ada",
            "bob",
            "cy",
        ]


@pytest.mark.long("commands on a graded class")
def test_a_run_that_was_killed_between_grading_and_projecting(graded):
    """One was graded anew, and its page not written: the next run, which grades nothing, writes it,
    and no other.
    """
    autograder(graded, "grade", "tiny", "submitted")
    graded.submit("bob")
    candidates = collect_submissions(graded.root / "submitted", "tiny")
    grade_class(graded.files, candidates, graded.results, graded.executor, Recorded())
    before = state(graded)
    assert "0 graded anew, 3 unchanged" in autograder(graded, "grade", "tiny", "submitted")
    after = state(graded)
    pages = [graded.results.feedback_path(student) for student in ("ada", "bob")]
    assert [after[page] == before[page] for page in pages] == [True, False]
    assert ",bob,10,10," in graded.results.csv.read_text().replace(".0", "")
