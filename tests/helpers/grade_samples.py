"""Grades of a class of the tiny course, without running anything."""

from autograder.judgement.grade import Cause, CheckResult, Grade, Outcome, Provenance, Visibility


def make_check(name, points, of, outcome=Outcome.PASSED, bonus=0.0):
    cause = Cause.AGREES if outcome is Outcome.PASSED else Cause.UNDECIDED
    return CheckResult(name, name, "", outcome, cause, points, of, Visibility.VISIBLE, bonus=bonus)


def make_grade(student, points, pending=0.0, outcome=Outcome.NEEDS_REVIEW, late=None):
    checks = [make_check("loss", points, 10 - pending)] + (
        [make_check("loop", 0.0, pending, outcome)] if pending else []
    )
    return Grade(
        student, "tiny", tuple(checks), (), "", Provenance("0.1.0", "5a", "", ""), late=late
    )
