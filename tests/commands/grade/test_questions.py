"""Questions that a person marks: from the answer's cell through formgrader into grade.json, and
kept.
"""

import nbformat
import pytest

pytest.importorskip("nbgrader")

from marking import Silent, grade, in_gradebook, person_marks, regrade, totals
from nbgrader.api import Gradebook, MissingEntry

from autograder.commands.grade.pages.project import project_class
from autograder.commands.grade.regrade import regrade_class
from autograder.commands.release.student_version import release_assignment
from autograder.commands.validate.validation import validate_assignment
from autograder.errors import AssignmentError, ExchangeError
from autograder.judgement.grade import Cause, GradeStatus, Outcome, decode_grade, encode_grade

QUESTION = '\n[[questions]]\nid = "why"\ntitle = "Why Adam settles"\npart = "Explain"\npoints = 4\n'
CELLS = """
# %% [markdown] role="text" id="explain"
# Why does Adam settle? ({{ points("why") }} points)

# %% [markdown] role="answer" id="why"
# *Your answer:*
"""


@pytest.fixture
def asked(course):
    """The tiny course with one question, released."""
    toml = course.root / "assignments" / "tiny" / "assignment.toml"
    text = toml.read_text()
    limits = text.index("[limits]")
    toml.write_text(
        text[:limits].replace("points = 10", "points = 14") + QUESTION + "\n" + text[limits:]
    )
    template = course.root / "assignments" / "tiny" / "notebook.py.j2"
    template.write_text(template.read_text() + CELLS)
    release_assignment(
        course.files, course.root / "release", course.results.evidence, course.executor
    )
    course.release = nbformat.read(course.root / "release" / "tiny.ipynb", as_version=4)
    return course


def why(grades, student="ada"):
    return next(check for check in grades[student].checks if check.id == "why")


def test_an_answer_needs_review_and_counts_neither_as_0_nor_as_given(asked):
    """10 of 10 and 4 to be marked; grade.json says so, and formgrader lists it."""
    asked.submit("ada", why="Its steps shrink with the gradient.")
    grades = grade(asked)
    check, whole = why(grades), grades["ada"]
    assert (check.outcome, check.cause, check.points, check.max_points) == (
        Outcome.NEEDS_REVIEW,
        Cause.TO_BE_MARKED,
        0,
        4,
    )
    assert (
        whole.decided_points,
        whole.decided_max_points,
        whole.pending_points,
        whole.max_points,
    ) == (10, 10, 4, 14)
    assert whole.status is GradeStatus.NEEDS_REVIEW
    assert (
        '"totals": {\n    "points": 10.0,\n    "of": 10.0,\n    "pending": 4.0\n  }'
        in asked.results.grade_path("ada").read_text()
    )
    assert in_gradebook(asked) == (None, None, True, None)
    assert (
        "5 of 5 points"
        in " ".join(  # the page counts what the student can see: not the hidden check
            asked.results.feedback_path("ada").read_text().replace("<small>", "").split()
        )
    )


def test_a_blank_answer_has_no_points_and_waits_for_nobody(asked):
    """As in nbgrader: there is nothing to mark. A person can still give points."""
    asked.submit("ada")
    grades = grade(asked)
    assert (why(grades).outcome, why(grades).cause, grades["ada"].status) == (
        Outcome.NOT_REACHED,
        Cause.UNANSWERED,
        GradeStatus.GRADED,
    )
    assert (grades["ada"].points, grades["ada"].pending_points) == (10, 0)
    assert in_gradebook(asked) == (0, None, False, None)
    person_marks(asked, "ada", 1, "You told me.")
    assert why(grade(asked)).points == 1


def test_an_answer_whose_cell_is_gone_is_for_a_person_to_look_for(asked):
    """No 0 without anybody looking: it may stand in another cell, without marks."""
    path = asked.submit("ada", extra=["'Its steps shrink.'"])
    notebook = nbformat.read(path, as_version=4)
    notebook.cells = [
        cell
        for cell in notebook.cells
        if cell.get("metadata", {}).get("nbgrader", {}).get("grade_id") != "why"
    ]
    nbformat.write(notebook, path)
    assert why(grade(asked)).cause is Cause.ANSWER_MISSING


def test_a_submission_that_cannot_be_read_has_no_answers_either(asked):
    """The question ends as the checks do."""
    asked.submit("ada").write_text("<html>")
    check = why(grade(asked))
    assert (check.cause, check.outcome, check.points) == (Cause.UNREADABLE, Outcome.NOT_REACHED, 0)


@pytest.mark.parametrize(
    "again",
    [
        pytest.param(grade, id="grade"),
        pytest.param(
            lambda course: grade(course, force=True),
            id="force",
            marks=pytest.mark.long("as the one before"),
        ),
        pytest.param(regrade, id="regrade", marks=pytest.mark.long("as the one before")),
    ],
)
def test_a_persons_mark_is_taken_in_and_kept(asked, again):
    """Score and comment from formgrader, in grade.json, page and totals, whatever is run again and
    how often.
    """
    asked.submit("ada", why="Its steps shrink.")
    asked.submit("bob", why="Luck.")
    grade(asked)
    person_marks(asked, "ada", 3, "And why do they shrink?")
    person_marks(asked, "bob", 4, extra=0.5)
    for _ in range(3):
        again(asked)
        grades = {student: asked.results.read_grade(student) for student in ("ada", "bob")}
        check = why(grades)
        assert (check.points, check.cause, check.outcome, check.comment) == (
            3,
            Cause.MARKED,
            Outcome.FAILED,
            "And why do they shrink?",
        )
        assert (why(grades, "bob").points, why(grades, "bob").outcome) == (4.5, Outcome.PASSED)
        assert {one.status for one in grades.values()} == {GradeStatus.GRADED}
        assert in_gradebook(asked) == (None, 3, False, "And why do they shrink?")
    assert "And why do they shrink?" in asked.results.feedback_path("ada").read_text()
    ours, theirs = totals(asked)
    assert ours == theirs == {"ada": (13, 14), "bob": (14.5, 14)}


def test_nothing_is_run_to_take_in_a_mark(asked):
    """The submission is as it was: only the page is made anew."""
    asked.submit("ada", why="Its steps shrink.")
    grade(asked)
    person_marks(asked, "ada", 3)
    grades, progress = asked.grade()
    assert (progress.total, why(grades).points) == (0, 3)


def test_a_dry_run_of_regrade_says_what_a_person_gave_and_writes_nothing(asked):
    """The move is listed under the question's id."""
    asked.submit("ada", why="Its steps shrink.")
    grade(asked)
    person_marks(asked, "ada", 3)
    before = asked.results.grade_path("ada").read_bytes()
    (move,), _ = regrade_class(asked.files, asked.results, asked.executor)
    assert (move.changed, move.before.points, move.after.points) == (("why",), 10, 13)
    assert asked.results.grade_path("ada").read_bytes() == before


@pytest.mark.long("grades, projects and grades again")
def test_another_answer_keeps_the_points_and_is_put_before_the_person_again(asked):
    """Until they have looked, the old points stand in all tables; then theirs do."""
    asked.submit("ada", why="Its steps shrink.")
    grade(asked)
    person_marks(asked, "ada", 3, "Why?")
    grade(asked)
    asked.submit("ada", why="Its steps shrink, for m goes to 0.")
    grades = grade(asked)
    assert (why(grades).cause, why(grades).points, grades["ada"].pending_points) == (
        Cause.TO_BE_MARKED_AGAIN,
        3,
        4,
    )
    assert in_gradebook(asked) == (None, 3, True, "Why?")
    assert why(grade(asked, force=True)).cause is Cause.TO_BE_MARKED_AGAIN
    ours, theirs = totals(asked)
    assert ours == theirs == {"ada": (13, 14)}
    person_marks(asked, "ada", 4, "Yes.")
    assert (why(grade(asked)).cause, why(grade(asked)).comment) == (Cause.MARKED_FULL, "Yes.")


def test_an_answer_with_other_white_space_is_the_same(asked):
    """What an editor leaves is no new answer."""
    asked.submit("ada", why="Its steps shrink.")
    grade(asked)
    person_marks(asked, "ada", 3)
    asked.submit("ada", why="Its steps shrink.  \n\n")
    assert why(grade(asked)).cause is Cause.MARKED


def test_a_mark_that_is_taken_back_is_open_again(asked):
    """The person deletes the score in formgrader."""
    asked.submit("ada", why="Its steps shrink.")
    grade(asked)
    person_marks(asked, "ada", 3, "Why?")
    grade(asked)
    person_marks(asked, "ada", None)
    grades = grade(asked)
    assert (why(grades).cause, why(grades).points, why(grades).comment) == (
        Cause.TO_BE_MARKED,
        0,
        "",
    )
    assert in_gradebook(asked) == (None, None, True, None)


def test_a_gradebook_that_is_lost_is_made_again_with_the_marks(asked):
    """grade.json is the truth; the gradebook is a projection that people write into."""
    asked.submit("ada", why="Its steps shrink.")
    grade(asked)
    person_marks(asked, "ada", 3, "Why?")
    grade(asked)
    asked.results.nbgrader.gradebook_file.unlink()
    asked.results.feedback_path("ada").unlink()
    grades = grade(asked)
    assert (why(grades).points, in_gradebook(asked)) == (3, (None, 3, False, "Why?"))


def test_interrupted_between_grading_and_projecting_no_old_mark_passes_for_a_new_one(asked):
    """The gradebook still speaks of the answer before."""
    asked.submit("ada", why="Its steps shrink.")
    grade(asked)
    person_marks(asked, "ada", 3)
    grade(asked)
    asked.submit("ada", why="Luck.")
    asked.grade()  # and no projection
    grades = grade(asked)
    assert why(grades).cause is Cause.TO_BE_MARKED_AGAIN
    assert in_gradebook(asked)[2] is True


def test_other_students_marks_stay_when_one_is_graded_alone(asked):
    """Their rows are not written."""
    asked.submit("ada", why="Its steps shrink.")
    asked.submit("bob", why="Luck.")
    grades = grade(asked)
    person_marks(asked, "bob", 1, "No.")
    project_class(asked.files, asked.results, (grades["ada"],), Silent())
    assert in_gradebook(asked, "bob") == (None, 1, False, "No.")


def test_validate_leaves_out_what_a_person_marks_and_says_so(asked, monkeypatch):
    """Reference and stub are judged by the checks; the questions' points are named beside them."""
    monkeypatch.setattr("autograder.commands.validate.validation.mutants", lambda *_: ())
    validation = validate_assignment(asked.files, asked.results, asked.executor, Silent())
    assert (validation.points, validation.reference, validation.stub, validation.asked) == (
        10,
        10,
        0,
        4,
    )
    assert validation.passed


def test_points_of_checks_and_questions_must_add_up(asked):
    """The message says both."""
    toml = asked.root / "assignments" / "tiny" / "assignment.toml"
    toml.write_text(toml.read_text().replace("points = 14", "points = 15"))
    asked.submit("ada")
    with pytest.raises(
        AssignmentError,
        match=r"add up to 10, with 4 for questions 14, but assignment\.toml says 15",
    ):
        asked.grade()


def test_without_questions_no_gradebook_is_read(course):
    """A broken gradebook is no concern of an assignment without questions; with one, the error
    names it.
    """
    course.submit("ada")
    course.results.root.mkdir(exist_ok=True)
    course.results.nbgrader.gradebook_file.write_text("no database")
    assert course.grade()[0]["ada"].points == 10


def test_a_gradebook_that_cannot_be_read_stops_before_anything_is_overwritten(asked):
    """Marks in it would be lost."""
    asked.submit("ada", why="Its steps shrink.")
    grade(asked)
    before = asked.results.grade_path("ada").read_bytes()
    asked.results.nbgrader.gradebook_file.write_text(
        "no database, but long enough to look like one" * 20
    )
    with pytest.raises(ExchangeError, match=r"gradebook\.db can't be read"):
        asked.grade(force=True)
    assert asked.results.grade_path("ada").read_bytes() == before


def test_grade_json_reads_back_as_it_was(asked):
    """Its totals are for readers only: another total does not change the grade."""
    asked.submit("ada", why="Its steps shrink.")
    whole = grade(asked)["ada"]
    assert decode_grade(encode_grade(whole)) == whole
    assert decode_grade(encode_grade(whole).replace(b'"pending": 4.0', b'"pending": 0.0')) == whole


def test_the_answers_cell_is_a_grade_cell_that_only_a_person_scores(asked):
    """Formgrader finds a manually graded Markdown cell with the answer in the autograded
    notebook.
    """
    asked.submit("ada", why="Its steps <b>shrink</b>.")
    grade(asked)
    notebook = nbformat.read(
        asked.results.root / "autograded" / "ada" / "tiny" / "tiny.ipynb", as_version=4
    )
    (cell,) = (
        cell
        for cell in notebook.cells
        if cell.metadata.get("nbgrader", {}).get("grade_id") == "why"
    )
    assert (cell.cell_type, cell.metadata.nbgrader.grade, cell.metadata.nbgrader.solution) == (
        "markdown",
        True,
        True,
    )
    assert "shrink" in cell.source
    assert "<b>" not in cell.source
    with Gradebook(f"sqlite:///{asked.results.nbgrader.gradebook_file}") as gradebook:
        assert gradebook.find_graded_cell("why", "tiny", "tiny").max_score == 4
        with pytest.raises(MissingEntry):
            gradebook.find_graded_cell("explain", "tiny", "tiny")
