"""Evidence of runs with too little isolation is not reused by a grading that requires more."""

import msgspec
import pytest

from autograder.commands.grade.regrade import regrade_class
from autograder.commands.grade.submissions import collect_submissions
from autograder.commands.grade.whole_class import grade_class
from autograder.evidence.limits import Isolation
from autograder.execution.executor import Executor
from autograder.reports.isolation import NO_SANDBOX, isolation_warning


@pytest.fixture(scope="module")
def unprotected():
    """One warm slot without a sandbox."""
    with Executor(1, Isolation.NONE) as running:
        yield running


class Told:
    """A progress that counts."""

    total = 0

    def started(self, total):
        self.total = total

    def done(self, grade):
        pass


def graded(course, executor, *, force=False):
    told = Told()
    candidates = collect_submissions(course.root / "submitted", "tiny")
    (grade,) = grade_class(course.files, candidates, course.results, executor, told, force=force)
    return grade, told.total


def stored(course, grade):
    """The evidence's file, to see whether it was written anew."""
    return course.results.evidence.path(grade.provenance.evidence_key).stat().st_mtime_ns


@pytest.mark.seconds("graded twice, with a forkserver of its own")
def test_what_ran_without_a_sandbox_is_run_again_when_one_is_required(
    course, executor, unprotected, caplog
):
    """The same submission, the same key: made again, said so once, and kept from then on."""
    course.submit("alice")
    first, _ = graded(course, unprotected)
    assert isolation_warning(first) == NO_SANDBOX
    before = stored(course, first)
    second, total = graded(course, executor)
    assert total == 1
    assert second.provenance.evidence_key == first.provenance.evidence_key
    assert stored(course, second) > before
    assert isolation_warning(second) == ""
    assert "run again, since their stored runs were isolated less than good: alice" in caplog.text
    caplog.clear()
    third, total = graded(course, executor, force=True)
    assert (total, third, stored(course, third)) == (1, second, stored(course, second))
    assert "run again" not in caplog.text


def test_what_ran_in_a_sandbox_is_kept_when_none_is_required(course, executor, unprotected, caplog):
    """More than required is enough: nothing is run, and the grade says what it was made with."""
    course.submit("alice")
    first, _ = graded(course, executor)
    assert graded(course, unprotected) == (first, 0)
    again, total = graded(course, unprotected, force=True)
    assert (total, isolation_warning(again), stored(course, again)) == (
        1,
        "",
        stored(course, first),
    )
    assert "run again" not in caplog.text


def test_regrading_says_with_what_the_stored_run_was_made(course, executor, unprotected):
    """It runs nothing, so it can only tell; a grade that claims more than its evidence is put
    right.
    """
    course.submit("alice")
    grade, _ = graded(course, unprotected)
    claims = msgspec.structs.replace(grade.provenance, environment={"isolation": "strong"})
    course.results.write_grade(msgspec.structs.replace(grade, provenance=claims))
    (move,), lost = regrade_class(course.files, course.results, executor)
    assert lost == {}
    assert isolation_warning(move.after) == NO_SANDBOX
    assert move.below(course.files.assignment.isolation)
    graded(course, executor, force=True)
    (move,), _ = regrade_class(course.files, course.results, executor)
    assert not move.below(course.files.assignment.isolation)
