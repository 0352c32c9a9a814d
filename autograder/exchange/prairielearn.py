"""A grade as the results.json of PrairieLearn's external graders.

Students see it at once, so checks that wait for the due date are counted and not told.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from autograder.judgement.grade import Cause, Grade, GradeStatus, Outcome, Visibility
from autograder.reports.check_report import WORDS, message_of
from autograder.reports.plain import number, plain, plain_line
from autograder.reports.told import told_of

if TYPE_CHECKING:
    from autograder.assignment import Disclosure
    from autograder.judgement.grade import CheckResult

MAX_BYTES = 1_000_000
"""PrairieLearn takes results of 1 MB."""
_FORMAT = frozenset(
    {Cause.UNREADABLE, Cause.NO_NOTEBOOK, Cause.SEVERAL_NOTEBOOKS, Cause.WRONG_KERNEL}
)
"""Nothing could be graded, and the student can mend it: no attempt is lost."""


def results_json(grade: Grade, disclosure: Disclosure, *, show_hidden: bool) -> dict[str, Any]:
    """The projection of `grade`.

    `score` is the share of all that is decided; `show_hidden`: the due date has passed.

    What the machine failed at, and files that are no notebook, are `gradable: false`, which costs
    no attempt.
    """
    unread = next((check for check in grade.checks if check.cause in _FORMAT), None)
    if unread is not None:
        return {
            "gradable": False,
            "format_errors": [plain(unread.message or str(unread.cause), 2_000)],
        }
    if grade.status is GradeStatus.UNGRADABLE:
        return not_gradable(
            "The grading machine could not grade this. It costs no points and no attempt: submit"
            " again, or ask your instructor."
        )
    shown = [check for check in grade.checks if _is_shown(check, show_hidden=show_hidden)]
    told = told_of(shown, disclosure)
    of = grade.decided_max_points
    results: dict[str, Any] = {
        "gradable": True,
        "score": min(max(grade.decided_points / of, 0.0), 1.0) if of else 0.0,
        "message": _message(grade, len(grade.checks) - len(shown)),
        "output": "\n".join(
            plain_line(line, 1_000)
            for line in (*([grade.problem] if grade.problem else []), *grade.notices[:20])
        ),
        "tests": [_test(check, told) for check in shown],
    }
    return _fitting(results)


def not_gradable(reason: str) -> dict[str, Any]:
    """Results of a submission that could not be graded, through no fault of the student's."""
    return {
        "gradable": False,
        "message": plain(reason, 2_000),
        "format_errors": [plain(reason, 2_000)],
    }


def encoded(results: dict[str, Any]) -> bytes:
    """As JSON."""
    return msgspec.json.format(msgspec.json.encode(results)) + b"\n"


def _is_shown(check: CheckResult, *, show_hidden: bool) -> bool:
    return check.visibility is Visibility.VISIBLE or (
        show_hidden and check.visibility is not Visibility.HIDDEN
    )


def _message(grade: Grade, concealed: int) -> str:
    words = [f"{number(grade.decided_points)} of {number(grade.decided_max_points)} points"]
    if grade.pending_points:
        words.append(f"{number(grade.pending_points)} points wait for a person")
    if concealed:
        words.append(f"{concealed} checks are counted and not shown yet")
    return "; ".join(words) + "."


def _test(check: CheckResult, told: dict[str, tuple[str, ...]]) -> dict[str, Any]:
    return {
        "name": plain_line(check.title or check.id),
        "description": plain_line(check.part),
        "points": check.points,
        "max_points": check.max_points or check.bonus,
        "message": WORDS[check.outcome][1],
        "output": "" if check.outcome is Outcome.PASSED else message_of(check, told),
    }


def _fitting(results: dict[str, Any]) -> dict[str, Any]:
    """`results`, without the output of tests, last ones first, as far as it takes to fit."""
    for test in reversed(results["tests"]):
        if len(encoded(results)) <= MAX_BYTES:
            break
        test["output"] = "[left out: too long]"
    return results
