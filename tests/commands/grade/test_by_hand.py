"""Checks that a person decides otherwise, in formgrader: the points are theirs in every report and
export, and stay theirs.
"""

import shutil

import msgspec
import pytest
from selection import short

pytest.importorskip("nbgrader")

from marking import Silent, grade, person_marks, regrade, totals
from nbgrader.api import Gradebook
from tiny_class import LOOP

from autograder.commands.export.standing import standings
from autograder.commands.grade.ledger import read_ledger
from autograder.commands.grade.marking import carried
from autograder.commands.grade.pages.project import project_with_marks
from autograder.judgement.grade import Cause, GradeStatus, Outcome, decode_grade, encode_grade
from autograder.people.handed_in import Collected, Record

WRONG_LOOP = LOOP.replace("optimizer.zero_grad()", "pass")


def check_of(grades, name="test_loop", student="ada"):
    return next(check for check in grades[student].checks if check.id == name)


def mark_in_gradebook(course, name="test_loop", student="ada"):
    """Automatic and manual score, and whether a person is asked."""
    with Gradebook(f"sqlite:///{course.results.nbgrader.gradebook_file}") as gradebook:
        mark = gradebook.find_grade(name, "tiny", "tiny", student)
        return mark.auto_score, mark.manual_score, mark.needs_manual_grade


@pytest.fixture
def decided(course):
    """A wrong loop that loses its hidden check, for which a person gives 4 of 5 points."""
    course.submit("ada", training_loop=WRONG_LOOP)
    course.submit("bob", training_loop=LOOP)
    before = grade(course)
    assert (check_of(before).outcome, check_of(before).points) == (Outcome.FAILED, 0)
    person_marks(course, "ada", 4, cell="test_loop")
    return course


@pytest.mark.parametrize(
    "way", short(["regrade", "grade", "force"], ["regrade"], "graded, marked and graded again")
)
def test_a_persons_points_take_the_place_of_a_checks(decided, way):
    """In the grade, the table, what nbgrader prints, and exports; the check's own outcome is kept
    beside it.
    """
    own = check_of({"ada": decided.results.read_grade("ada")})
    if way == "regrade":
        assert [
            (move.before.student, move.changed) for move in regrade(decided) if move.changed
        ] == [("ada", ("test_loop",))]
    else:
        grade(decided, force=way == "force")
    now = decided.results.read_grade("ada")
    check = check_of({"ada": now})
    assert (check.outcome, check.cause, check.points, check.automatic) == (
        Outcome.FAILED,
        Cause.MARKED,
        4,
        own,
    )
    assert check.message.startswith(
        "A person has decided on these points.\nBy itself the check is: failed."
    )
    assert decode_grade(encode_grade(now)) == now
    ours, theirs = totals(decided)
    assert ours == theirs
    assert (
        ours["ada"][0]
        == now.points
        == 4 + sum(one.points for one in now.checks if one.id != "test_loop")
    )
    assert mark_in_gradebook(decided) == (0, 4, False)


def test_the_student_reads_who_decided(decided):
    """On the page, where the check may be seen."""
    person_marks(decided, "ada", 2, cell="test_train")
    regrade(decided)
    assert (
        "A person has decided on these points" in decided.results.feedback_path("ada").read_text()
    )
    assert "A person has decided" not in decided.results.feedback_path("bob").read_text()


def test_exports_ask_the_gradebook_first(decided):
    """Also without another grade or regrade in between."""
    found = {
        one.member.id: one.grade.points
        for one in standings(decided.files, decided.results, Collected(Record("tiny")))
    }
    assert found["ada"] == 4 + sum(
        one.points for one in decided.results.read_grade("ada").checks if one.id != "test_loop"
    )
    assert found["bob"] == 10


@pytest.mark.long("graded, marked and graded again")
def test_full_points_need_no_reason(decided):
    """And extra credit alone comes on top of what the check has by itself."""
    person_marks(decided, "ada", 5, cell="test_loop")
    person_marks(decided, "bob", None, extra=1, cell="test_loop")
    regrade(decided)
    full, extra = (
        check_of({student: decided.results.read_grade(student)}, student=student)
        for student in ("ada", "bob")
    )
    assert (full.outcome, full.points, full.message, full.findings) == (
        Outcome.PASSED,
        5,
        "A person has decided on these points.",
        (),
    )
    assert (extra.outcome, extra.points) == (Outcome.PASSED, 6)
    ours, theirs = totals(decided)
    assert ours == theirs


def test_taken_back_the_checks_own_outcome_counts_again(decided):
    """Nothing has to be judged for it."""
    before = decided.results.read_grade("ada")
    regrade(decided)
    person_marks(decided, "ada", None, cell="test_loop")
    regrade(decided)
    assert decided.results.read_grade("ada") == before
    assert mark_in_gradebook(decided) == (0, None, False)


def test_a_decision_outlives_the_gradebook(decided):
    """It is in the grade, and put back into a gradebook that is made again."""
    regrade(decided)
    decided.results.nbgrader.gradebook_file.unlink()
    grade(decided)
    assert check_of({"ada": decided.results.read_grade("ada")}).points == 4
    assert mark_in_gradebook(decided) == (0, 4, False)


def test_another_submission_puts_it_before_the_person_again(decided):
    """Its check passes now: the person's points stay until they look, and the grade waits for that.

    Where nothing changes, nothing waits.
    """
    regrade(decided)
    decided.submit("ada", training_loop=WRONG_LOOP + "\nlonger = 1\n")
    assert check_of(grade(decided)).cause is Cause.MARKED
    decided.submit("ada", training_loop=LOOP)
    now = grade(decided)
    check = check_of(now)
    assert (check.outcome, check.cause, check.points) == (
        Outcome.NEEDS_REVIEW,
        Cause.TO_BE_MARKED_AGAIN,
        4,
    )
    assert check.automatic.outcome is Outcome.PASSED
    assert now["ada"].status is GradeStatus.NEEDS_REVIEW
    assert mark_in_gradebook(decided) == (5, 4, True)
    person_marks(decided, "ada", None, cell="test_loop")
    assert check_of(grade(decided)).points == 5
    assert decided.results.read_grade("ada").status is GradeStatus.GRADED


@pytest.mark.long("graded, marked and graded again")
def test_extra_credit_follows_the_checks_own_points(decided):
    """It is no sum that is fixed: a wrong loop handed in later has the extra credit alone, once a
    person has looked.
    """
    person_marks(decided, "bob", None, extra=1, cell="test_loop")
    regrade(decided)
    decided.submit("bob", training_loop=WRONG_LOOP + "\nanother = 1\n")
    check = check_of(grade(decided), student="bob")
    assert (check.outcome, check.points, check.automatic.points) == (Outcome.NEEDS_REVIEW, 1, 0)
    ours, theirs = totals(decided)
    assert ours == theirs
    decided.results.nbgrader.gradebook_file.unlink()
    grade(decided)
    ours, theirs = totals(decided)
    assert ours == theirs


@pytest.mark.long("graded, marked and graded again")
def test_scores_from_before_the_first_grading_count_at_once(decided):
    """The gradebook is there, our results are not: an nbgrader course that was graded by others.

    Where nothing was typed, nothing is done twice.
    """
    regrade(decided)
    shutil.rmtree(decided.results.root / "grades")
    grades, _ = decided.grade()
    now, _ = project_with_marks(decided.files, decided.results, tuple(grades.values()), Silent())
    assert {one.student: one.points for one in now} == {"ada": 6, "bob": 10}
    assert list(now) == [decided.results.read_grade(student) for student in ("ada", "bob")]
    ours, theirs = totals(decided)
    assert ours == theirs
    written = decided.results.feedback_path("ada").stat().st_mtime_ns
    assert project_with_marks(decided.files, decided.results, now, Silent())[0] is now
    assert decided.results.feedback_path("ada").stat().st_mtime_ns == written


def test_a_person_need_not_decide_what_they_only_look_at(decided):
    """A gradebook in which somebody else has a score leaves a grade to the byte as it is."""
    before = decided.results.grade_path("bob").read_bytes()
    regrade(decided)
    assert decided.results.grade_path("bob").read_bytes() == before
    assert b"by_hand" not in before


def test_another_maximum_is_for_the_person_to_see(decided):
    """4 of 5 points are not 4 of 4."""
    regrade(decided)
    checks = decided.root / "assignments" / "tiny" / "test_tiny.py"
    checks.write_text(
        checks.read_text().replace("@points(5,", "@points(4,").replace("@points(3)", "@points(4)")
    )
    regrade(decided)
    check = check_of({"ada": decided.results.read_grade("ada")})
    assert (check.outcome, check.points, check.max_points) == (Outcome.NEEDS_REVIEW, 4, 4)


def test_where_the_machine_fails_the_submission_is_run_again_and_the_mark_stays(decided):
    """A mark hides no failure of ours; and nobody has to look again because of one."""
    regrade(decided)
    before = decided.results.read_grade("ada")
    failed = [
        msgspec.structs.replace(
            check.automatic, outcome=Outcome.UNGRADABLE, cause=Cause.MACHINE_FAILED
        )
        for check in before.checks
    ]
    now = msgspec.structs.replace(before, checks=carried(before, failed))
    check = check_of({"ada": now})
    assert (check.cause, check.points, check.retry) == (Cause.MARKED, 4, True)
    decided.results.write_grade(now)
    grade(decided)
    assert decided.results.read_grade("ada") == before


def test_a_writing_that_was_interrupted_is_done_again(decided, monkeypatch):
    """Also if everything is as it was before by then: what was written in between is not what the
    ledger says.
    """
    regrade(decided)
    whole, toml = (
        read_ledger(decided.results),
        decided.root / "assignments" / "tiny" / "test_tiny.py",
    )
    text = toml.read_text()
    toml.write_text(text.replace("@points(5,", "@points(4,").replace("@points(3)", "@points(4)"))
    with monkeypatch.context() as interrupted:
        interrupted.setattr(
            "autograder.commands.grade.pages.writing.write_gradebook", lambda *_: 1 / 0
        )
        with pytest.raises(ZeroDivisionError):
            regrade(decided)
    assert read_ledger(decided.results) == {}
    toml.write_text(text)
    regrade(decided)
    assert read_ledger(decided.results).keys() == whole.keys()


@pytest.mark.long("graded, marked and graded again")
def test_a_check_that_is_dropped_is_nobodys_but_of_those_who_were_marked(decided):
    """Who was never marked has nothing of it in the gradebook any more, and nobody's total is out
    of it.
    """
    regrade(decided)
    checks = decided.root / "assignments" / "tiny" / "test_tiny.py"
    checks.write_text(checks.read_text().replace("def test_loop(", "def test_the_loop("))
    grade(decided)
    ours, theirs = totals(decided)
    assert ours["bob"] == theirs["bob"] == (10, 10)
    assert theirs["ada"] == (ours["ada"][0] + 4, 10)


@pytest.mark.seconds("graded, marked and graded again")
def test_what_waits_for_a_person_is_decided_there(course):
    """A package that is not installed: what failed beside it needs review, and does not once a
    person has given points.
    """
    course.submit("ada", training_loop=f"import not_installed_anywhere\n{WRONG_LOOP}")
    before = grade(course)
    waiting = [check.id for check in before["ada"].checks if check.outcome is Outcome.NEEDS_REVIEW]
    assert "test_loop" in waiting
    assert mark_in_gradebook(course) == (None, None, True)
    for name in waiting:
        person_marks(course, "ada", 1, cell=name)
    regrade(course)
    now = course.results.read_grade("ada")
    assert (now.status, now.pending_points) == (GradeStatus.GRADED, 0)
    ours, theirs = totals(course)
    assert ours == theirs
