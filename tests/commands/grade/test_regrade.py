"""Judging stored evidence again."""

import shutil

import pytest
from typer.testing import CliRunner

from autograder.cli import app
from autograder.commands.grade.regrade import regrade_class
from autograder.course.results import ResultsFolder
from autograder.errors import AutograderError


def edit_checks(course, old, new):
    checks = course.root / "assignments" / "tiny" / "test_tiny.py"
    text = checks.read_text()
    assert old in text
    checks.write_text(text.replace(old, new))


def test_changed_points_move_without_running_anything(course):
    """Two points shift from one check to another; evidence is not touched, nothing is written until
    the caller does, and grade then has nothing to do.
    """
    course.submit("right")
    course.submit(
        "nothing", training_loop="def training_loop(n_epochs, optimizer, params): return params"
    )
    before, _ = course.grade()
    stored = {
        path: path.stat().st_mtime_ns for path in course.results.evidence.root.rglob("*.msgpack")
    }
    edit_checks(course, "@points(2)", "@points(4)")
    edit_checks(course, "@points(3)", "@points(1)")
    moves, lost = regrade_class(course.files, course.results, course.executor)
    assert lost == {}
    assert {move.after.student: (move.before.points, move.after.points) for move in moves} == {
        "right": (10, 10),
        "nothing": (2, 4),
    }
    assert {move.after.student: move.changed for move in moves}["nothing"] == ("test_loss_fn",)
    assert course.results.read_grade("nothing") == before["nothing"]
    assert {
        path: path.stat().st_mtime_ns for path in course.results.evidence.root.rglob("*.msgpack")
    } == stored
    for move in moves:
        course.results.write_grade(move.after)
    _, progress = course.grade()
    assert progress.total == 0


def test_a_dry_run_writes_nothing_and_a_real_one_what_it_said(course):
    """By the commands; nothing is run for either."""

    def regrade(*words):
        done = CliRunner().invoke(app, ["regrade", "tiny", "--course", str(course.root), *words])
        assert done.exit_code == 0, done.output
        assert "nothing: 2 -> 4 points (test_loss_fn)" in done.output
        return course.results.grade_path("nothing").read_bytes()

    course.submit(
        "nothing", training_loop="def training_loop(n_epochs, optimizer, params): return params"
    )
    course.grade()
    before = course.results.grade_path("nothing").read_bytes()
    edit_checks(course, "@points(2)", "@points(4)")
    edit_checks(course, "@points(3)", "@points(1)")
    assert regrade("--dry-run") == before
    assert regrade() != before
    assert course.results.read_grade("nothing").points == 4


def test_a_tighter_check_takes_points_and_a_repaired_one_gives_them_back(course):
    """The same evidence under another body."""
    course.submit("right")
    course.grade()
    edit_checks(
        course,
        "assert_close(run.returned, reference.returned)",
        "assert run.returned < reference.returned - 1 or run is reference",
    )
    (move,), _ = regrade_class(course.files, course.results, course.executor)
    assert move.after.points == 8


def test_a_call_that_was_never_made_needs_a_run(course):
    """A changed call is another run: regrade says whose evidence lacks it; grade makes it."""
    course.submit("right")
    course.grade()
    edit_checks(course, "n_epochs=20", "n_epochs=21")
    assert regrade_class(course.files, course.results, course.executor) == (
        (),
        {"right": "made without today's calls of test_loop"},
    )
    course.submit("other", loss_fn="def loss_fn(values):\n    return values.pow(2).mean()\n")
    files = course.files
    shutil.rmtree(course.root / "submitted" / "right")
    course.grade()
    moves, lost = regrade_class(files, course.results, course.executor)
    assert list(lost) == ["right"]
    assert [move.after.student for move in moves] == ["other"]


def test_unreadable_submissions_keep_their_outcome(course):
    """There is no evidence to judge, only a cause."""
    course.submit("html").write_text("<html>")
    course.grade()
    (move,), lost = regrade_class(course.files, course.results, course.executor)
    assert (lost, move.changed) == ({}, ())


def test_nothing_to_regrade_says_what_to_do(course, tmp_path):
    """No grades at all."""
    with pytest.raises(AutograderError, match="run `autograder grade tiny` first"):
        regrade_class(course.files, ResultsFolder(tmp_path / "none", "tiny"), course.executor)
