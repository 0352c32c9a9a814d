"""nbgrader's assignments here: the same scores on the same submissions, cell by cell, from nbgrader's own run of them."""

import pytest
from nbgrader_course import CLASS, OPEN, nbgrader_class
from tiny_class import Recorded

from autograder.assignment import Limits, open_assignment
from autograder.pipeline.collect import collect_submissions
from autograder.pipeline.grade import grade_class
from autograder.pipeline.importing import import_nbgrader
from autograder.pipeline.results import ResultsFolder
from autograder.protocol import Cell, ExecutionRequest

PERSON = {"why", "plot", "draw"}


@pytest.fixture(scope="module")
def graded(tmp_path_factory, executor):
    """One class, graded by both tools: nbgrader's scores, our grades and where they lie."""
    course = nbgrader_class(tmp_path_factory.mktemp("nbgrader"), CLASS | OPEN)
    root = tmp_path_factory.mktemp("ours")
    (root / "assignments").mkdir()
    (imported,) = import_nbgrader(root, course.root / "source" / "ps1")
    files, results = open_assignment(root, imported.slug), ResultsFolder(root / "results", imported.slug)
    candidates = collect_submissions(course.root / "submitted", files.slug, files.assignment.submitted_as)
    grades = grade_class(files, candidates, results, executor, Recorded())
    return course.scores, {grade.student: {check.id: check for check in grade.checks} for grade in grades}, files, results


@pytest.mark.parametrize("student", CLASS)
def test_the_same_points_as_nbgrader_gives(graded, student):
    """Test cell by test cell; what nbgrader leaves to a person is left to a person."""
    scores, grades, *_ = graded
    ours = {name: None if check.pending else check.points for name, check in grades[student].items() if name != "draw"}
    assert ours == {name: score for name, score in scores[student].items() if name != "draw"}
    assert grades[student]["draw"].pending


def test_a_cell_without_end_is_interrupted_and_the_next_one_runs(executor):
    """Also one that computes, inside of `except Exception`; the time of one cell is no other's."""
    limits = Limits(cell_s=1)
    sources = [
        "x = 1",
        "try:\n    while True:\n        pass\nexcept Exception:\n    x = 2",
        "import time\ntime.sleep(0.7)",
        "time.sleep(0.7)\nprint(x)",
    ]
    request = ExecutionRequest(tuple(Cell(f"cell-{number}", source) for number, source in enumerate(sources)), 0, limits)
    evidence = executor.run("endless", request, ())
    assert [cell.run.error and cell.run.error.type for cell in evidence.cells] == [None, "CellTimeoutError", None, None]
    assert evidence.cells[1].run.error.message == "the cell took longer than 1 s"
    assert evidence.cells[3].run.output == "1\n"
