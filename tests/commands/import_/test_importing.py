"""nbgrader's assignments here: the same scores on the same submissions, cell by cell, from
nbgrader's own run of them.
"""

import csv
import re
import shutil
from dataclasses import dataclass
from pathlib import Path

import nbformat
import pytest
from nbgrader_course import CELLS, CLASS, OPEN, cell, nbgrader_class, write_source
from tiny_class import Recorded

from autograder.assignment import open_assignment
from autograder.commands.grade.pages.project import project_class
from autograder.commands.grade.regrade import regrade_class
from autograder.commands.grade.submissions import collect_submissions
from autograder.commands.grade.whole_class import grade_class
from autograder.commands.import_.nbgrader_assignment import import_nbgrader
from autograder.commands.release.student_version import release_assignment
from autograder.commands.validate.kill_matrix import lines
from autograder.commands.validate.validation import validate_assignment
from autograder.course.results import ResultsFolder
from autograder.errors import AssignmentError, ExchangeError
from autograder.evidence.limits import Limits
from autograder.evidence.protocol import Cell, ExecutionRequest
from autograder.judgement.grade import Cause, Outcome
from autograder.notebooks.cells import grade_id_of
from autograder.notebooks.writing.facts import Facts
from autograder.notebooks.writing.source import Mode, render_notebook

pytestmark = pytest.mark.long("nbgrader's own commands on a course of its own")


@dataclass
class Imported:
    """An imported assignment, nbgrader's course that it comes from, and nbgrader's scores."""

    root: Path
    nbgrader: Path
    scores: dict
    executor: object

    @property
    def files(self):
        return open_assignment(self.root, "ps1")

    @property
    def results(self):
        return ResultsFolder(self.root / "results", "ps1")

    @property
    def template(self):
        return self.root / "assignments" / "ps1" / "notebook.py.j2"

    @property
    def checks(self):
        return self.root / "assignments" / "ps1" / "test_ps1.py"

    def grade(self, *students):
        files = self.files
        candidates = collect_submissions(
            self.nbgrader / "submitted", files.slug, files.assignment.submitted_as
        )
        chosen = [one for one in candidates if not students or one.student in students]
        return {
            one.student: one
            for one in grade_class(files, chosen, self.results, self.executor, Recorded())
        }

    def copy(self, folder):
        """One to spoil."""
        shutil.copytree(self.root, folder)
        return Imported(folder, self.nbgrader, self.scores, self.executor)


def course_at(root):
    (root / "assignments").mkdir(parents=True)
    return root


def edit(path, old, new):
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))


def by_id(grade):
    return {check.id: check for check in grade.checks}


@pytest.fixture(scope="module")
def imported(tmp_path_factory, executor):
    """One class, graded by both tools, and projected."""
    course = nbgrader_class(tmp_path_factory.mktemp("nbgrader"), CLASS | OPEN)
    root = course_at(tmp_path_factory.mktemp("ours"))
    import_nbgrader(root, course.root / "source" / "ps1")
    made = Imported(root, course.root, course.scores, executor)
    project_class(made.files, made.results, tuple(made.grade().values()), Recorded())
    return made


@pytest.fixture(scope="module")
def grades(imported):
    return {
        student: by_id(imported.results.read_grade(student))
        for student in imported.results.students()
    }


@pytest.mark.parametrize("student", CLASS)
def test_the_same_points_as_nbgrader_gives(imported, grades, student):
    """Cell by cell; what nbgrader leaves to a person is left to a person."""
    ours = {
        name: None if check.pending else check.points for name, check in grades[student].items()
    }
    assert ours == imported.scores[student]


def test_the_class_gets_something_of_everything(imported):
    """The comparison is of numbers that differ."""
    for name, points in (
        ("test_mean", {0, 3}),
        ("slopes", {0, 1.5, 2}),
        ("quiet-tests", {0, 0.5}),
        ("test_best", {0, 1}),
    ):
        assert {imported.scores[student][name] for student in CLASS} == points, name


def test_what_fails_open_in_nbgrader_does_not_here(imported, grades):
    """NaN goes to a person; a number of numpy's, which nbgrader can't read, counts as what it
    is.
    """
    assert [imported.scores[student]["slopes"] for student in OPEN] == [2, 2]
    assert (grades["nan"]["slopes"].outcome, grades["nan"]["slopes"].points) == (
        Outcome.NEEDS_REVIEW,
        0,
    )
    assert "the value nan, which is no number from 0 to 2" in grades["nan"]["slopes"].message
    assert grades["object"]["slopes"].points == 0.25


def test_a_restored_cell_is_said_to_be_restored_and_no_other(imported):
    """The test cells of the class's own notebooks lack the hidden tests: that is no change of the
    student's.
    """
    assert any(
        "'test_mean', 'slopes' had been changed" in notice
        for notice in imported.results.read_grade("cheats").notices
    )
    assert imported.results.read_grade("right").notices == ()


def test_pages_and_table_say_that_tests_can_be_read(imported):
    """Beside each such check, not beside answers; with the points that they gave in a column of the
    table.
    """
    page = imported.results.feedback_path("right").read_text()
    assert page.count("readable by student code") == 4
    rows = {row["student_id"]: row for row in csv.DictReader(imported.results.csv.open())}
    assert rows["right"]["points_readable_by_student_code"] == "6.5"
    assert rows["blank"]["points_readable_by_student_code"] == "0"


def test_hidden_tests_are_not_told_in_feedback(imported, grades):
    """Half passes the visible test and fails the hidden one: that much is said.

    Wrong fails the visible one: that is quoted.
    """
    assert grades["half"]["test_mean"].message == "A hidden test failed (AssertionError)."
    page = imported.results.feedback_path("half").read_text()
    assert "in a hidden test" in page
    assert not re.search(r"secret list|\[-7", page)
    assert "mean([1, 2, 3]) is 2" in imported.results.feedback_path("wrong").read_text()


def test_a_mark_for_a_task_is_entered_in_formgrader_and_kept(imported, tmp_path):
    """Tasks are cells of their own kind in the gradebook."""
    from nbgrader.api import Gradebook

    own = imported.copy(tmp_path / "own")
    with Gradebook(f"sqlite:///{own.results.nbgrader.gradebook_file}", "c101") as gradebook:
        assert [
            (task.name, task.max_score)
            for task in gradebook.find_notebook("lines", "ps1").task_cells
        ] == [("draw", 4)]
        mark = gradebook.find_grade("draw", "lines", "ps1", "right")
        assert mark.needs_manual_grade
        mark.manual_score, mark.needs_manual_grade = 3, False
        gradebook.db.commit()
    drawn = by_id(own.grade("right")["right"])["draw"]
    assert (drawn.cause, drawn.points) == (Cause.MARKED, 3)


def test_graded_in_place_the_course_keeps_nbgraders_own_scores(imported, tmp_path):
    """Under nbgrader's names for assignment and notebook, in the gradebook that nbgrader has
    filled: nothing is doubled, and nothing moves.
    """
    from nbgrader.api import Gradebook

    own = imported.copy(tmp_path / "own")
    course = tmp_path / "c101"
    shutil.copytree(imported.nbgrader, course)
    shutil.rmtree(course / "autograded")
    own.results.settle_in(course)
    project_class(
        own.files,
        own.results,
        tuple(map(own.results.read_grade, own.results.students())),
        Recorded(),
    )
    with Gradebook(f"sqlite:///{course / 'gradebook.db'}", "c101") as gradebook:
        assert [assignment.name for assignment in gradebook.assignments] == ["ps1"]
        assert [notebook.name for notebook in gradebook.find_assignment("ps1").notebooks] == [
            "lines"
        ]
        for student in CLASS:
            marks = gradebook.find_submission_notebook("lines", "ps1", student).grades
            assert {mark.name: mark.auto_score for mark in marks} == imported.scores[student], (
                student
            )
    assert {path.parent.parent.name for path in course.glob("autograded/*/ps1/lines.ipynb")} == set(
        CLASS | OPEN
    )


def test_the_release_is_nbgraders(imported):
    """Cell by cell: text, what nbgrader's metadata says, checksums."""
    folder = imported.root / "release"
    ours = nbformat.read(
        release_assignment(imported.files, folder, imported.results.evidence, imported.executor),
        as_version=4,
    )
    theirs = nbformat.read(imported.nbgrader / "release" / "ps1" / "lines.ipynb", as_version=4)
    assert [one.source for one in ours.cells] == [one.source for one in theirs.cells]
    keys = ("grade", "solution", "locked", "grade_id", "points", "checksum")
    marks = [
        [{key: one.metadata.get("nbgrader", {}).get(key) for key in keys} for one in notebook.cells]
        for notebook in (ours, theirs)
    ]
    assert marks[0] == marks[1]
    assert [
        one.metadata.nbgrader.grade_id
        for one in ours.cells
        if one.metadata.get("nbgrader", {}).get("task")
    ] == ["draw"]
    assert (folder / "data" / "points.csv").read_bytes() == (
        imported.nbgrader / "release" / "ps1" / "data" / "points.csv"
    ).read_bytes()


def test_changed_points_are_judged_again_without_running_anything(imported, tmp_path):
    """As for any other check; the share of a partial score stays the test's own number."""
    own = imported.copy(tmp_path / "own")
    edit(own.checks, '@points(3)\n@graded_cell("test_mean"', '@points(4)\n@graded_cell("test_mean"')
    edit(own.root / "assignments" / "ps1" / "assignment.toml", "points = 13.5", "points = 14.5")
    moves, lost = regrade_class(own.files, own.results, own.executor)
    moved = {
        move.after.student: move.after.points - move.before.points for move in moves if move.changed
    }
    assert lost == {}
    assert moved == {
        student: 1.0 for student in CLASS | OPEN if imported.scores[student]["test_mean"] == 3
    }


def test_changed_tests_are_run_not_judged_from_old_runs(imported, tmp_path):
    """`regrade` says that it can't; `grade` runs the new test."""
    own = imported.copy(tmp_path / "own")
    edit(
        own.template,
        "assert mean([-7, 7.5]) == 0.25",
        "assert mean([-7, 7.5]) == 0.25 and mean([3]) == 3",
    )
    moves, lost = regrade_class(own.files, own.results, own.executor)
    assert (moves, set(lost)) == ((), set(CLASS | OPEN))
    again = own.grade("right", "half")
    assert by_id(again["right"])["test_mean"].points == 3
    assert by_id(again["half"])["test_mean"].points == 0


def test_a_test_cell_gives_way_to_a_check(imported, tmp_path):
    """One at a time: the cell stays as an example, the check asks for calls that no submission can
    read.
    """
    own = imported.copy(tmp_path / "own")
    edit(own.template, '# %% role="tests" id="test_mean"', '# %% role="given" id="test_mean"')
    edit(
        own.checks,
        '@points(3)\n@graded_cell("test_mean", of="mean")',
        '@points(3)\n@call("mean", values=as_list([-7.0, 7.5]))',
    )
    edit(
        own.checks,
        "    assert_graded_cell(run, reference)",
        "    assert_close(run.returned, reference.returned)",
    )
    edit(own.checks, "import points", "import as_list, assert_close, call, points")
    again = own.grade("right", "half", "cheats")
    checks = {student: by_id(grade) for student, grade in again.items()}
    assert {student: one["test_mean"].points for student, one in checks.items()} == {
        "right": 3,
        "half": 0,
        "cheats": 0,
    }
    assert [(name, check.readable) for name, check in checks["right"].items()][:2] == [
        ("test_mean", False),
        ("slopes", True),
    ]
    assert checks["half"]["slopes"].points == 1.5


def test_test_cells_are_not_run_again_with_given_definitions(imported, tmp_path):
    """Their one run counts, as in nbgrader, also where an author has named definitions to give."""
    own = imported.copy(tmp_path / "own")
    edit(
        own.root / "assignments" / "ps1" / "assignment.toml",
        'functions = ["mean"]',
        'functions = ["mean"]\ngiven = ["mean"]',
    )
    checks = by_id(own.grade("error")["error"])
    assert {name: checks[name].points for name in ("test_mean", "quiet-tests")} == {
        "test_mean": 0,
        "quiet-tests": 0,
    }
    assert all(check.given == () for check in checks.values())


def test_a_check_may_give_part_of_its_points(imported, tmp_path):
    """`PartialCredit` in any check's body: failed, with points; more than the check is worth is the
    check's own fault.
    """
    own = imported.copy(tmp_path / "own")
    body = """
    if run.graded.error is not None:
        raise PartialCredit({} * reference.worth, "a quarter")
"""
    edit(own.checks, "import points", "import PartialCredit, points")
    checks = own.checks.read_text()
    for share, outcome, points, cause in (
        (0.25, Outcome.FAILED, 0.25, Cause.DISAGREES),
        (7, Outcome.FAILED, 0, Cause.CHECK_RAISED),
    ):
        own.checks.write_text(
            checks.replace("    assert_graded_cell(run, reference)\n", body.format(share))
        )
        moves, _ = regrade_class(own.files, own.results, own.executor)
        graded = {move.after.student: by_id(move.after)["test_best"] for move in moves}
        assert (graded["error"].outcome, graded["error"].points, graded["error"].cause) == (
            outcome,
            points,
            cause,
        )
        assert (graded["right"].outcome, graded["right"].points) == (Outcome.PASSED, 1)


# --- importing ------------------------------------------------------------------------------------


def test_importing_again_changes_nothing(imported, tmp_path):
    """The same bytes; and a file that was edited is named, not overwritten, and nothing else is
    written.
    """
    own = imported.copy(tmp_path / "own")
    before = {path: path.stat().st_mtime_ns for path in own.root.rglob("*") if path.is_file()}
    (again,) = import_nbgrader(own.root, own.nbgrader / "source" / "ps1")
    assert not again.written
    assert {
        path: path.stat().st_mtime_ns for path in own.root.rglob("*") if path.is_file()
    } == before
    edit(own.checks, "@points(3)", "@points(4)")
    own.template.unlink()
    with pytest.raises(
        AssignmentError, match=r"never overwritten: \S*test_ps1\.py\. Import under another name"
    ):
        import_nbgrader(own.root, own.nbgrader / "source" / "ps1")
    assert not own.template.exists()
    assert "@points(4)" in own.checks.read_text()


def test_each_notebook_becomes_an_assignment(tmp_path, executor):
    """nbgrader's own example course: two notebooks, an image beside them; submissions are found
    under nbgrader's names.
    """
    import nbgrader

    example = Path(nbgrader.__file__).parent / "docs" / "source" / "user_guide" / "source" / "ps1"
    root = course_at(tmp_path / "course")
    first, second = import_nbgrader(root, example)
    assert [(one.slug, one.test_points, one.question_points) for one in (first, second)] == [
        ("ps1-problem1", 3, 7),
        ("ps1-problem2", 0, 3),
    ]
    files = open_assignment(root, "ps1-problem1")
    released = release_assignment(
        files, tmp_path / "release", ResultsFolder(root / "results", files.slug).evidence, executor
    )
    assert (released.name, (tmp_path / "release" / "jupyter.png").exists()) == (
        "problem1.ipynb",
        True,
    )
    for student, notebooks in {
        "ada": ["problem1", "problem2"],
        "bob": ["problem2"],
        "cy": [],
    }.items():
        (tmp_path / "submitted" / student / "ps1").mkdir(parents=True)
        for name in notebooks:
            shutil.copy(released, tmp_path / "submitted" / student / "ps1" / f"{name}.ipynb")
    found = collect_submissions(tmp_path / "submitted", files.slug, files.assignment.submitted_as)
    assert [(one.student, one.path and one.path.name, one.problem) for one in found] == [
        ("ada", "problem1.ipynb", None),
        ("bob", None, Cause.SEVERAL_NOTEBOOKS),
        ("cy", None, Cause.NO_NOTEBOOK),
    ]


@pytest.mark.parametrize(
    ("spoiled", "message"),
    [
        (
            cell("x = 1\n# %% two\ny = 2", "setup", locked=True),
            r"lines\.ipynb can't be taken over: .*notebook\.py\.j2:3: the cell has no role",
        ),
        (
            cell("{{ x }}\n{% endraw %}", "setup", locked=True),
            r"lines\.ipynb can't be taken over: .*notebook\.py\.j2:\d+: ",
        ),
        (
            cell("%%bash\nls", "setup", solution=True),
            r"lines\.ipynb: cell 'setup' can't be taken over as it is",
        ),
    ],
)
def test_cells_that_a_script_can_not_hold_are_refused(tmp_path, spoiled, message):
    """And nothing is written."""
    root = course_at(tmp_path / "ours")
    source = write_source(tmp_path / "theirs", [spoiled, *CELLS[3:5]])
    with pytest.raises(ExchangeError, match=message):
        import_nbgrader(root, source)
    assert [path for path in root.rglob("*") if path.is_file()] == []


@pytest.mark.parametrize(
    "source",
    [
        "%%time\nx = 1",
        "!ls\n%cd .\n# !pip install x",
        "%%bash\nls",
        "\n\nx = 1",
        "f'{{x}}' '{% if %}{#'",
        '"""\n# %matplotlib\n"""',
        "",
    ],
)
def test_cells_come_through_as_they_are(tmp_path, source):
    """Magics, braces, blank lines: in cells that students get, in solutions, and in tests."""
    cells = [
        cell(source),
        cell(source, "tests", points=1, grade=True, locked=True),
        cell(source, "given", locked=True),
    ]
    cells += [] if source.startswith("%%bash") else [cell(source, "own", solution=True)]
    (made,) = import_nbgrader(
        course_at(tmp_path / "ours"), write_source(tmp_path / "theirs", cells)
    )
    assert made.written
    files = open_assignment(tmp_path / "ours", "ps1")
    points = Facts({"tests": 1.0})
    assert [
        one.source.strip("\n") for one in render_notebook(files, Mode.REFERENCE, points).cells
    ] == [source.strip("\n")] * len(cells)
    stubs = ["# YOUR CODE HERE\nraise NotImplementedError()"] * (len(cells) - 3)
    assert [
        one.source.strip("\n") for one in render_notebook(files, Mode.RELEASE, points).cells
    ] == [source.strip("\n")] * 3 + stubs


def test_sums_of_tenths_add_up_and_tests_of_nothing_are_told(tmp_path, executor):
    """0.1 + 0.2 + 0.3 is no 0.6 to a computer.

    `validate` names the test cells that a blank notebook passes.
    """
    tests = [
        cell("pass", f"t{number}", points=number / 10, grade=True, locked=True)
        for number in (1, 2, 3)
    ]
    root = course_at(tmp_path / "ours")
    import_nbgrader(
        root,
        write_source(
            tmp_path / "theirs",
            [*tests, cell("Because", "why", markdown=True, points=0.7, grade=True, solution=True)],
        ),
    )
    files = open_assignment(root, "ps1")
    assert files.assignment.points == 1.3
    released = release_assignment(
        files, tmp_path / "release", ResultsFolder(root / "results", "ps1").evidence, executor
    )
    assert [grade_id_of(one) for one in nbformat.read(released, as_version=4).cells] == [
        "t1",
        "t2",
        "t3",
        "why",
    ]
    validation = validate_assignment(
        files, ResultsFolder(root / "results", "ps1"), executor, Recorded()
    )
    assert (validation.passed, validation.stub_passes) == (False, ("t1", "t2", "t3"))
    assert "Stub       0.6 points, for t1, t2, t3: passed with nothing written" in lines(validation)


def test_a_cell_without_end_is_interrupted_and_the_next_one_runs(executor):
    """Also one that computes, inside of `except Exception`; the time of one cell is no other's."""
    limits = Limits(cell_s=1)
    sources = [
        "x = 1",
        "try:\n    while True:\n        pass\nexcept Exception:\n    x = 2",
        "import time\ntime.sleep(0.7)",
        "time.sleep(0.7)\nprint(x)",
    ]
    request = ExecutionRequest(
        tuple(Cell(f"cell-{number}", source) for number, source in enumerate(sources)), 0, limits
    )
    evidence = executor.run("endless", request, ())
    assert [one.run.error and one.run.error.type for one in evidence.cells] == [
        None,
        "CellTimeoutError",
        None,
        None,
    ]
    assert evidence.cells[1].run.error.message == "the cell took longer than 1 s"
    assert evidence.cells[3].run.output == "1\n"
