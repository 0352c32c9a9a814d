"""Whatever the order, however many at once, the first time or again: the same grades, pages, table
and gradebook. Times and database ids aside.
"""

import random
import shutil
import sqlite3

import pytest
from tiny_class import LOOP, LOSS, Recorded

from autograder.commands.grade.pages.project import project_class
from autograder.commands.grade.regrade import regrade_class
from autograder.commands.grade.submissions import collect_submissions
from autograder.commands.grade.whole_class import grade_class
from autograder.course.results import ResultsFolder

pytestmark = pytest.mark.long("a class graded three times")

GRADES = """
SELECT submitted_assignment.student_id, base_cell.name, grade.auto_score, grade.manual_score,
    grade.extra_credit, grade.needs_manual_grade,
    (SELECT comment.auto_comment FROM comment
        WHERE comment.notebook_id = grade.notebook_id AND comment.cell_id = grade.cell_id)
FROM grade
JOIN base_cell ON grade.cell_id = base_cell.id
JOIN submitted_notebook ON grade.notebook_id = submitted_notebook.id
JOIN submitted_assignment ON submitted_notebook.assignment_id = submitted_assignment.id
ORDER BY 1, 2
"""


class Jobs:
    """The executor with so many jobs."""

    def __init__(self, executor, jobs):
        self._executor, self.jobs = executor, jobs

    def __getattr__(self, name):
        return getattr(self._executor, name)


@pytest.fixture
def mixed(course):
    """Right, wrong in several ways, alike, unreadable and hostile."""
    course.submit("right", extra=["print('done')"])
    course.submit("twin-a")
    course.submit("twin-b")
    course.submit("uncleared", training_loop=LOOP.replace("optimizer.zero_grad()", "pass"))
    course.submit("summed", loss_fn=LOSS.replace("mean", "sum"))
    course.submit("broken", training_loop="def training_loop(:")
    course.submit("raises", loss_fn="def loss_fn(values): return values / undefined")
    course.submit("html").write_text("<html>")
    course.submit("none").unlink()
    course.submit("exits", extra=["import os; os._exit(0)"])
    course.submit(
        "forger",
        extra=["import sys, gc\nfor found in gc.get_objects()[:50]: pass\nsys.modules.clear()"],
    )
    course.submit(
        "markup",
        loss_fn=LOSS + "print('<script>alert(1)</script>')\n",
        extra=["raise ValueError('<b>' * 100)"],
    )
    return course


def exports(results):
    """Everything that people are given, by name."""
    wanted = ("grade.json", "feedback.html", "executed.ipynb", "tiny.ipynb", results.csv.name)
    found = {
        path.relative_to(results.root): path.read_bytes()
        for path in results.root.rglob("*")
        if path.name in wanted
    }
    if (results.root / "gradebook.db").exists():
        with sqlite3.connect(results.root / "gradebook.db") as book:
            found["gradebook"] = book.execute(GRADES).fetchall()
    return found


def differing(one, other):
    return sorted(
        str(name) for name in one.keys() | other.keys() if one.get(name) != other.get(name)
    )


def graded(course, name, jobs, seed):
    """Into a results folder of its own, in another order for each `seed`."""
    results = ResultsFolder(course.root / name, "tiny")
    candidates = list(collect_submissions(course.root / "submitted", "tiny"))
    random.Random(seed).shuffle(candidates)
    grades = grade_class(course.files, candidates, results, Jobs(course.executor, jobs), Recorded())
    project_class(course.files, results, grades, Recorded())
    return results


def regraded(course, results):
    """Judged again and projected."""
    moves, lost = regrade_class(course.files, results, course.executor)
    assert lost == {}
    for move in moves:
        results.write_grade(move.after)
    project_class(course.files, results, tuple(move.after for move in moves), Recorded())


def test_the_same_exports_with_one_job_and_two_in_any_order_and_again(mixed):
    """Graded by one and by two, shuffled; then every check is judged again, twice, under other
    words and back.
    """
    first, second = graded(mixed, "first", 1, 1), graded(mixed, "second", 2, 2)
    expected = exports(first)
    assert len(expected) > 4 * 8
    assert differing(exports(second), expected) == []
    toml = mixed.root / "assignments" / "tiny" / "assignment.toml"
    for results in (first, second):
        text = toml.read_text()
        toml.write_text(text + "\n# another digest\n")
        regraded(mixed, results)
        toml.write_text(text)
        shutil.rmtree(results.root / "autograded", ignore_errors=True)
        regraded(mixed, results)
        assert differing(exports(results), expected) == []
    written = {path: path.stat().st_mtime_ns for path in first.root.rglob("*.html")}
    regraded(mixed, first)
    assert {path: path.stat().st_mtime_ns for path in first.root.rglob("*.html")} == written
