"""Equal solutions of different students are found, and nothing else is."""

import nbformat
import pytest
from tiny_class import LOOP, LOSS, TINY

from autograder.assignment import open_assignment
from autograder.commands.grade.same_code import same_code
from autograder.course.executed import executed_notebook, write_executed
from autograder.course.results import ResultsFolder
from autograder.evidence.trace import Ended, Ending, Evidence
from autograder.judgement.grade import Grade, Provenance
from autograder.notebooks.reading.submission import read_submission
from autograder.people.handed_in import Entry, Member, Record

OTHER = LOOP.replace("for _ in range(n_epochs)", "for epoch in range(n_epochs)")


@pytest.fixture
def write(released, tmp_path):
    """Hand in cells, as grading would keep them; returns the groups that are alike."""
    release = nbformat.read(released / "release" / "tiny.ipynb", as_version=4)
    results = ResultsFolder(tmp_path / "results", "tiny")
    grades = []

    def hand_in(student, extra=(), **cells):
        notebook = nbformat.from_dict(release)
        for cell in notebook.cells:
            cell.source = cells.get(cell.metadata.get("nbgrader", {}).get("grade_id"), cell.source)
        notebook.cells += [nbformat.v4.new_code_cell(source) for source in extra]
        path = tmp_path / f"{student}.ipynb"
        nbformat.write(notebook, path)
        submission = read_submission(path, release)
        write_executed(
            results.executed_path(student),
            executed_notebook(submission, Evidence("", (), (), Ending(Ended.FINISHED))),
        )
        grades.append(Grade(student, "tiny", (), (), "", Provenance("", "", "", "")))

    hand_in.alike = lambda *entries: same_code(results, grades, Record("tiny", entries=entries))
    return hand_in


def test_the_course_is_the_tiny_one():
    """Its stub has two functions to write."""
    assert open_assignment(TINY, "tiny").assignment.points == 10


def test_layout_comments_and_own_cells_do_not_hide_it(write):
    """Blank lines, spaces, comments, brackets, another order of cells of one's own."""
    write("ann", loss_fn=LOSS, training_loop=LOOP)
    write(
        "bob",
        extra=("print('mine')",),
        loss_fn="# my idea\n\n" + LOSS.replace("(values**2)", "( (values ** 2) )"),
        training_loop=LOOP + "\n\n",
    )
    write("cy", loss_fn=LOSS, training_loop=OTHER)
    write("dan", training_loop=LOOP)
    assert write.alike() == (("ann", "bob"),)


def test_blank_ones_are_not_alike(write):
    """Nor are those who wrote one function, unless it is the same."""
    write("ann")
    write("bob")
    write("cy", loss_fn=LOSS)
    assert write.alike() == ()
    write("dan", loss_fn=LOSS)
    assert write.alike() == (("cy", "dan"),)


def test_code_that_is_no_python_is_compared_by_its_words(write):
    """Magics and mistakes."""
    write("ann", loss_fn="def loss_fn(values)\n    return 1", training_loop=LOOP)
    write("bob", loss_fn="def loss_fn(values)\n  return   1", training_loop=LOOP)
    write("cy", loss_fn="def loss_fn(values)\n    return 2", training_loop=LOOP)
    assert write.alike() == (("ann", "bob"),)


def test_attempts_of_one_student_are_no_copies(write):
    """Of another's they are."""
    entries = tuple(Entry(f"ann~{n}", "ann", (Member("ann"),), "", ()) for n in (1, 2))
    write("ann~1", loss_fn=LOSS)
    write("ann~2", loss_fn=LOSS)
    assert write.alike(*entries) == ()
    write("bob", loss_fn=LOSS)
    assert write.alike(*entries) == (("ann~1", "ann~2", "bob"),)
