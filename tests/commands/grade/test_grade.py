"""Grading a class: outcomes, what is run again, what is kept."""

import pytest
from tiny_class import LOSS, Recorded

from autograder.commands.grade import one_submission as grader_module
from autograder.commands.grade.regrade import regrade_class
from autograder.commands.grade.submissions import collect_submissions
from autograder.commands.grade.whole_class import grade_class
from autograder.course.results import ResultsFolder
from autograder.errors import AssignmentError, SubmissionError
from autograder.judgement.grade import Cause, GradeStatus, Outcome

WRONG_LOSS = "def loss_fn(values):\n    return (values**2).sum()\n"
ONE_SHORT = """def training_loop(n_epochs, optimizer, params):
    for _ in range(1, n_epochs):
        optimizer.zero_grad()
        loss_fn(params).backward()
        optimizer.step()
    return params
"""


def outcomes(grade):
    return {check.id: (check.outcome, check.cause) for check in grade.checks}


def test_a_class_is_graded_and_a_second_run_grades_nothing_anew(course):
    """Right, wrong and broken side by side; unchanged submissions are not run, judged or written
    again; a changed one is, alone.
    """
    course.submit("right")
    course.submit("short", training_loop=ONE_SHORT)
    course.submit("broken", training_loop="def training_loop(:")
    grades, progress = course.grade()
    assert sorted(progress.students) == ["broken", "right", "short"]
    assert grades["right"].points == 10
    assert grades["short"].points == 2
    assert grades["broken"].points == 2
    assert "SyntaxError" in grades["broken"].problem
    assert outcomes(grades["broken"])["test_loop"] == (Outcome.NOT_REACHED, Cause.UNDEFINED)
    written = course.results.grade_path("right").stat().st_mtime_ns
    again, progress = course.grade()
    assert again == grades
    assert progress.total == 0
    course.submit("short")
    again, progress = course.grade()
    assert progress.students == ("short",)
    assert again["short"].points == 10
    assert course.results.grade_path("right").stat().st_mtime_ns == written


def test_one_mistake_costs_its_points_once(course):
    """A summed loss loses its own two points; what its loss made wrong of the loop is judged with
    the given loss, and says so.
    """
    course.submit("summed", loss_fn=WRONG_LOSS)
    grades, _ = course.grade()
    assert grades["summed"].points == 8
    given = {check.id: check.given for check in grades["summed"].checks}
    assert given == {"test_loss_fn": (), "test_train": (), "test_loop": ("loss_fn",)}


def test_given_definitions_do_not_excuse_a_mistake_of_the_loops_own(course):
    """Two mistakes, two losses."""
    course.submit("both", loss_fn=WRONG_LOSS, training_loop=ONE_SHORT)
    grades, _ = course.grade()
    assert grades["both"].points == 0


def test_a_function_rebound_after_its_check_is_called_as_it_was_there(course):
    """A scratch cell at the end that breaks loss_fn does not cost the points of the loss that was
    right.
    """
    course.submit("scratch", extra=["loss_fn = None"])
    grades, _ = course.grade()
    assert outcomes(grades["scratch"])["test_loss_fn"] == (Outcome.PASSED, Cause.AGREES)


@pytest.mark.parametrize(
    ("cells", "check", "outcome", "cause", "words"),
    [
        (
            {"training_loop": "def train(n): pass"},
            "test_loop",
            Outcome.NOT_REACHED,
            Cause.UNDEFINED,
            "not defined",
        ),
        (
            {"training_loop": "def training_loop(n_epochs, optimizer): pass"},
            "test_loop",
            Outcome.FAILED,
            Cause.WRONG_SIGNATURE,
            "params",
        ),
        (
            {"training_loop": "def training_loop(n_epochs, optimizer, params): return 1 / 0"},
            "test_loop",
            Outcome.FAILED,
            Cause.RAISED,
            "ZeroDivisionError",
        ),
        (
            {"training_loop": "def training_loop(n_epochs, optimizer, params): pass"},
            "test_loop",
            Outcome.FAILED,
            Cause.DISAGREES,
            "0 steps",
        ),
        (
            {"loss_fn": "def loss_fn(values): return values.sum() * float('nan')"},
            "test_loss_fn",
            Outcome.FAILED,
            Cause.DISAGREES,
            "Not finite",
        ),
        (
            {"loss_fn": "def loss_fn(values): return values[None]"},
            "test_loss_fn",
            Outcome.FAILED,
            Cause.DISAGREES,
            "Shape",
        ),
        (
            {"loss_fn": "def loss_fn(values): return 'five'"},
            "test_loss_fn",
            Outcome.FAILED,
            Cause.DISAGREES,
            "a str",
        ),
        (
            {"loss_fn": "import os\ndef loss_fn(values): os._exit(3)"},
            "test_loss_fn",
            Outcome.FAILED,
            Cause.EXITED,
            "exit",
        ),
        pytest.param(
            {"loss_fn": "def loss_fn(values):\n    while True: pass"},
            "test_loss_fn",
            Outcome.FAILED,
            Cause.CPU_LIMIT,
            "computing time",
            marks=pytest.mark.long("uses up its CPU time"),
        ),
        (
            {"loss_fn": "import wandb_of_the_future\n"},
            "test_loss_fn",
            Outcome.NEEDS_REVIEW,
            Cause.PACKAGE_MISSING,
            "wandb_of_the_future",
        ),
        pytest.param(
            {"train": "while True: pass"},
            "test_train",
            Outcome.FAILED,
            Cause.CPU_LIMIT,
            "computing time",
            marks=pytest.mark.long("uses up its CPU time"),
        ),
        (
            {"train": "import os; os._exit(0)"},
            "test_loop",
            Outcome.FAILED,
            Cause.EXITED,
            "ended Python itself",
        ),
    ],
)
def test_each_kind_of_failure_has_its_own_outcome_and_message(
    course, cells, check, outcome, cause, words
):
    """What the student reads names what happened; the other checks are untouched where they can
    be.
    """
    course.submit("student", **cells)
    grades, _ = course.grade()
    found = next(result for result in grades["student"].checks if result.id == check)
    assert (found.outcome, found.cause) == (outcome, cause)
    assert words in found.message
    assert found.points == 0


@pytest.mark.seconds("runs into limits, twice")
def test_ungradable_is_run_again_and_never_zero(course):
    """A submission that only waits hits the wall limit with little computing done: no verdict, and
    the next run tries it again.
    """
    toml = course.root / "assignments" / "tiny" / "assignment.toml"
    toml.write_text(toml.read_text().replace("wall_s = 30", "wall_s = 3"))
    course.submit("sleeper", train="import time; time.sleep(60)")
    grades, _ = course.grade()
    assert grades["sleeper"].status is GradeStatus.UNGRADABLE
    assert grades["sleeper"].pending_points > 0
    assert not course.results.evidence.path(grades["sleeper"].provenance.evidence_key).exists()
    _, progress = course.grade()
    assert progress.students == ("sleeper",)


def test_a_check_that_raises_on_one_run_fails_it_with_an_explanation(course):
    """The check's body could not handle what came back; the reference passes it."""
    checks = course.root / "assignments" / "tiny" / "test_tiny.py"
    checks.write_text(
        checks.read_text().replace(
            "assert_close(run.returned, reference.returned)",
            "assert run.returned.shape == reference.returned.shape",
        )
    )
    course.submit("student", loss_fn="def loss_fn(values): return None")
    grades, _ = course.grade()
    assert outcomes(grades["student"])["test_loss_fn"] == (Outcome.FAILED, Cause.CHECK_RAISED)


def test_a_check_that_raises_on_the_reference_too_is_ungradable(course):
    """It is the author's mistake; the student keeps all other points."""
    checks = course.root / "assignments" / "tiny" / "test_tiny.py"
    checks.write_text(
        checks.read_text().replace(
            "assert_close(run.returned, reference.returned)", "raise RuntimeError"
        )
    )
    course.submit("student")
    grades, _ = course.grade()
    assert outcomes(grades["student"])["test_loss_fn"] == (Outcome.UNGRADABLE, Cause.CHECK_BROKEN)
    assert grades["student"].points == 8


def test_unreadable_submissions_have_outcomes_and_the_class_goes_on(course):
    """Not JSON, another language, several notebooks, none at all."""
    course.submit("right")
    course.submit("html").write_text("<!DOCTYPE html><title>Log in</title>")
    other = course.submit("julia")
    other.write_text(
        other.read_text().replace('"python"', '"julia"').replace('"python3"', '"julia"')
    )
    two = course.submit("two")
    two.rename(two.with_name("a.ipynb"))
    course.submit("two").rename(two.with_name("b.ipynb"))
    course.submit("empty").unlink()
    grades, _ = course.grade()
    causes = {student: grade.checks[0].cause for student, grade in grades.items()}
    assert causes == {
        "right": Cause.AGREES,
        "html": Cause.UNREADABLE,
        "julia": Cause.WRONG_KERNEL,
        "two": Cause.SEVERAL_NOTEBOOKS,
        "empty": Cause.NO_NOTEBOOK,
    }
    assert grades["right"].points == 10
    assert all(grades[student].points == 0 for student in causes if student != "right")


def test_identical_submissions_run_once(course):
    """Evidence lies under a hash of what was run; the second student's is found there."""
    course.submit("first")
    course.grade()
    course.submit("second")
    stored = set(course.results.evidence.root.rglob("*.msgpack"))
    grades, _ = course.grade()
    assert set(course.results.evidence.root.rglob("*.msgpack")) == stored
    assert grades["second"].points == 10


def test_damaged_results_are_made_again(course):
    """A truncated grade.json or evidence file counts as none."""
    course.submit("student")
    before, _ = course.grade()
    course.results.grade_path("student").write_text("{")
    course.results.evidence.path(before["student"].provenance.evidence_key).write_bytes(b"\x00")
    after, progress = course.grade()
    assert progress.students == ("student",)
    assert after == before


def test_points_that_do_not_add_up_are_the_authors_mistake(course):
    """Said before anything runs."""
    toml = course.root / "assignments" / "tiny" / "assignment.toml"
    toml.write_text(toml.read_text().replace("points = 10", "points = 11"))
    course.submit("student")
    with pytest.raises(AssignmentError, match="add up to 10, but"):
        course.grade()


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("return params\n    ### END", "return 1 / 0\n    ### END", "the reference of tiny raises"),
        ("### END SOLUTION", "", "END SOLUTION"),
    ],
)
def test_a_broken_solution_is_the_authors_mistake(course, old, new, words):
    """A reference that raises or can't be cut is named with its file."""
    solution = course.root / "solutions" / "tiny" / "solution.py"
    solution.write_text(solution.read_text().replace(old, new))
    course.submit("student")
    with pytest.raises(AssignmentError, match=words):
        course.grade()


def test_checks_that_can_not_be_collected_are_shown_as_pytest_says_it(course):
    """A syntax error or a missing mark in the checks names file and test."""
    checks = course.root / "assignments" / "tiny" / "test_tiny.py"
    good = checks.read_text()
    course.submit("student")
    checks.write_text(good + "def test_(:\n")
    with pytest.raises(AssignmentError, match="SyntaxError"):
        course.grade()
    checks.write_text(good + "\n\ndef test_plain(run):\n    '''No marks'''\n")
    with pytest.raises(AssignmentError, match="test_plain: a check needs one @points"):
        course.grade()


def test_an_empty_folder_says_what_was_looked_for(tmp_path):
    """Neither silence nor a crash."""
    with pytest.raises(SubmissionError, match=r"tiny/tiny.ipynb"):
        collect_submissions(tmp_path, "tiny")
    with pytest.raises(SubmissionError, match="no such file"):
        collect_submissions(tmp_path / "nowhere", "tiny")


def test_files_and_helper_modules_stand_beside_the_notebook(course):
    """Data and modules that assignment.toml lists can be opened and imported; nothing else of the
    assignment can.
    """
    folder = course.root / "assignments" / "tiny"
    (folder / "files").mkdir()
    (folder / "files" / "helper.py").write_text("FACTOR = 1.0\n")
    (folder / "files" / "data.csv").write_text("1.0,3.0\n")
    toml = folder / "assignment.toml"
    toml.write_text(
        toml.read_text().replace(
            "points = 10", 'points = 10\nfiles = ["files/helper.py", "files/data.csv"]'
        )
    )
    uses = "import helper\nassert open('data.csv').read() == '1.0,3.0\\n'\n" + LOSS.replace(
        "(values**2)", "(helper.FACTOR * values**2)"
    )
    course.submit("uses", loss_fn=uses)
    course.submit("spies", extra=["open('test_tiny.py')"])
    grades, _ = course.grade()
    assert grades["uses"].points == 10
    assert grades["uses"].problem == ""
    assert "FileNotFoundError" in grades["spies"].problem


def test_a_submission_that_breaks_our_own_code_costs_no_points_and_stops_nobody(
    course, monkeypatch
):
    """A fault of the grader's at one submission: ungradable, tried again, and the class goes on."""
    course.submit("right")
    course.submit("unlucky")
    real = grader_module.read_submission

    def fails_once(path, *words, **more):
        if "unlucky" in str(path):
            raise RuntimeError("a bug of ours")
        return real(path, *words, **more)

    with monkeypatch.context() as patch:
        patch.setattr(grader_module, "read_submission", fails_once)
        grades, _ = course.grade()
    assert grades["right"].points == 10
    assert {check.cause for check in grades["unlucky"].checks} == {Cause.MACHINE_FAILED}
    assert grades["unlucky"].status is GradeStatus.UNGRADABLE
    grades, progress = course.grade()
    assert progress.students == ("unlucky",)
    assert grades["unlucky"].points == 10


def test_evidence_elsewhere_is_found_again(course, tmp_path):
    """At a place that fsspec opens: graded there, regraded from there, and nothing lies in the
    results folder.
    """
    course.submit("ada")
    results = ResultsFolder(
        tmp_path / "results", "tiny", evidence_place=f"file://{tmp_path / 'bucket'}"
    )
    candidates = collect_submissions(course.root / "submitted", "tiny")
    (grade,) = grade_class(course.files, candidates, results, course.executor, Recorded())
    assert grade.points == 10
    assert not (tmp_path / "results" / "evidence").exists()
    moves, lost = regrade_class(course.files, results, course.executor)
    assert [move.after.points for move in moves] == [10]
    assert lost == {}
