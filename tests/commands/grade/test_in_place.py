"""A course that nbgrader made, graded where it is; what nbgrader itself then shows of it."""

import csv
import os
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

pytest.importorskip("nbgrader")

from nbgrader.api import Gradebook
from nbgrader.apps.api import NbGraderAPI
from nbgrader.coursedir import CourseDirectory
from tiny_class import handed_in

pytestmark = pytest.mark.long("nbgrader's own commands on a course of its own")

CONFIG = """c = get_config()
c.CourseDirectory.course_id = "dl"
c.ClearSolutions.enabled = False
c.LateSubmissionPlugin.penalty_method = "zero"
"""


class Course:
    """An nbgrader course beside one of ours; both of their tools, run as an instructor does."""

    def __init__(self, root: Path):
        self.root, self.ours = root, root.parent / "ours"

    def nbgrader(self, *words: str) -> str:
        return self._run("nbgrader", *words, cwd=self.root)

    def autograder(self, *words: str) -> str:
        return self._run("autograder.cli", *words, cwd=self.ours)

    def _run(self, module: str, *words: str, cwd: Path) -> str:
        # nbgrader looks for `alembic` in it
        home, path = (
            self.root.parent,
            f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        )
        environment = os.environ | {
            "HOME": str(home),
            "JUPYTER_CONFIG_DIR": str(home / "config"),
            "PATH": path,
        }
        done = subprocess.run(
            [sys.executable, "-m", module, *map(str, words)],
            cwd=cwd,
            env=environment,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        assert done.returncode == 0, done.stderr + done.stdout
        return done.stdout

    @property
    def gradebook(self) -> Gradebook:
        return Gradebook(f"sqlite:///{self.root / 'gradebook.db'}")

    def scores(self) -> dict[str, float]:
        """As `nbgrader export` prints them."""
        self.nbgrader("export")
        with (self.root / "grades.csv").open() as file:
            return {row["student_id"]: float(row["score"]) for row in csv.DictReader(file)}


@pytest.fixture(scope="module")
def course(released, tmp_path_factory):
    """An nbgrader course from our release with four submissions, one late, graded once."""
    root = tmp_path_factory.mktemp("in-place") / "nbcourse"
    made = Course(root)
    shutil.copytree(released, made.ours)
    source = root / "source" / "tiny"
    source.mkdir(parents=True)
    shutil.copy(released / "release" / "tiny.ipynb", source)
    (root / "nbgrader_config.py").write_text(CONFIG)
    made.nbgrader("generate_assignment", "tiny")
    with made.gradebook as gradebook:
        gradebook.update_or_create_assignment("tiny", duedate="2026-12-06T00:00:00 UTC")
        gradebook.update_or_create_student("ada", first_name="Ada", last_name="Lovelace")
        gradebook.db.commit()
    release = nbformat.read(root / "release" / "tiny" / "tiny.ipynb", as_version=4)
    for student, moment in {
        "ada": "2026-12-05",
        "bob": "2026-12-05",
        "cyd": "2026-12-05",
        "dan": "2026-12-07",
    }.items():
        folder = root / "submitted" / student / "tiny"
        folder.mkdir(parents=True)
        changes = {"bob": {"training_loop": WITHOUT_CLEARING}, "cyd": None}.get(student, {})
        nbformat.write(
            release if changes is None else handed_in(release, **changes), folder / "tiny.ipynb"
        )
        (folder / "timestamp.txt").write_text(f"{moment} 12:00:00 UTC")
    made.said = made.autograder("grade", "tiny", root, "-j", "1")
    return made


WITHOUT_CLEARING = """def training_loop(n_epochs, optimizer, params):
    for _ in range(n_epochs):
        loss_fn(params).backward()
        optimizer.step()
    return params
"""


def test_the_gradebook_is_the_courses_own(course):
    """And said to be; our results folder has none."""
    assert str(course.root / "gradebook.db") in course.said.replace("\n", "")
    assert not (course.ours / "results" / "gradebook.db").exists()
    assert not (course.ours / "results" / "autograded").exists()


def test_export_has_our_points_and_nbgraders_penalties(course):
    """The late one has nbgrader's penalty; the blank stub nothing."""
    grades = csv.DictReader((course.ours / "results" / "grades-tiny.csv").open())
    ours = {row["student_id"]: float(row["points"]) for row in grades}
    assert ours["ada"] == ours["dan"] == 10
    assert 0 < ours["bob"] < 10
    assert ours["cyd"] == 0
    assert course.scores() == ours | {"dan": 0}


def test_formgrader_shows_points_per_check(course):
    """Through the interface that formgrader's pages are made from."""
    api = NbGraderAPI(CourseDirectory(root=str(course.root), course_id="dl"))
    rows = {row["student"]: row for row in api.get_submissions("tiny")}
    assert {name for name, row in rows.items() if row["autograded"]} == {"ada", "bob", "cyd", "dan"}
    assert (rows["ada"]["first_name"], rows["ada"]["last_name"]) == ("Ada", "Lovelace")
    assert not rows["ada"]["needs_manual_grade"]
    with course.gradebook as gradebook:
        marks = {
            mark.name: mark.score
            for mark in gradebook.find_submission("tiny", "ada").notebooks[0].grades
        }
    assert marks == {"test_loss_fn": 2, "test_train": 3, "test_loop": 5}


def test_generate_feedback_makes_a_page_for_everybody(course):
    """With our words in the cells of the checks."""
    course.nbgrader("generate_feedback", "tiny")
    pages = {
        path.parent.parent.name: path.read_text()
        for path in course.root.glob("feedback/*/tiny/tiny.html")
    }
    assert set(pages) == {"ada", "bob", "cyd", "dan"}
    assert "[GradStep] failed" in pages["bob"]
    assert "[GradStep] failed" not in pages["ada"]


def test_what_a_person_gave_survives_grading_and_regrading(course):
    """A score, extra credit, a comment and an extension, which lifts the penalty at once."""
    with course.gradebook as gradebook:
        gradebook.find_grade("test_loop", "tiny", "tiny", "bob").manual_score = 4
        gradebook.find_grade("test_train", "tiny", "tiny", "ada").extra_credit = 1
        gradebook.find_comment("training_loop", "tiny", "tiny", "bob").manual_comment = "Nearly."
        gradebook.grant_extension("tiny", "dan", days=2)
        gradebook.db.commit()
    before = course.scores()
    assert "0 graded anew" in course.autograder(
        "grade", "tiny", course.root / "submitted", "-j", "1"
    )
    course.autograder("regrade", "tiny")
    course.autograder("grade", "tiny", course.root, "--force", "-j", "1")
    with course.gradebook as gradebook:
        assert gradebook.find_grade("test_loop", "tiny", "tiny", "bob").manual_score == 4
        assert (
            gradebook.find_comment("training_loop", "tiny", "tiny", "bob").manual_comment
            == "Nearly."
        )
    assert course.scores() == before | {"dan": 10}
    assert not (
        course.ours / "results" / "gradebook.db"
    ).exists()  # regrade, too, has written where the course is
