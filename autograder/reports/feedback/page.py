"""The page that a student reads: one self-contained HTML file, projected from a grade and its
evidence.
"""

from __future__ import annotations

import datetime
import hashlib
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from markupsafe import Markup

from autograder.assignment import Disclosure
from autograder.judgement.grade import Cause, CheckResult, Grade, Outcome, Visibility, encode_grade
from autograder.reports.feedback.excerpts import Excerpt, failures, run_of
from autograder.reports.feedback.plots import describe, loss_curves, recorded_losses
from autograder.reports.isolation import isolation_warning
from autograder.reports.plain import number, plain, plain_line
from autograder.reports.rendering import environment, policy, style
from autograder.reports.told import told_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from autograder.assignment import Assignment
    from autograder.evidence.trace import Evidence, Run, Trace

MESSAGE_CHARS = 6_000
NOTICES_SHOWN = 20


@dataclass(frozen=True, slots=True)
class FeedbackPage:
    """Contents of a page.

    `show_hidden`: the due date has passed; `cells`: id -> source as run, in the notebook's order.
    """

    grade: Grade
    assignment: Assignment
    evidence: Evidence | None
    reference: Evidence | None
    show_hidden: bool
    cells: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Block:
    """A paragraph of a message; one of several lines, or with columns, keeps its layout."""

    text: str
    preformatted: bool


@dataclass(frozen=True, slots=True)
class CheckView:
    """One row of a part."""

    anchor: str
    title: str
    kind: str
    symbol: str
    word: str
    points: str
    message: tuple[Block, ...]
    given: str
    findings: tuple[str, ...] = ()
    comment: tuple[Block, ...] = ()
    readable: bool = False


@dataclass(frozen=True, slots=True)
class PartView:
    """A part's rows, its points over them, and how many rows wait for the due date."""

    title: str
    points: str
    checks: tuple[CheckView, ...]
    concealed: int


@dataclass(frozen=True, slots=True)
class CurveView:
    """A loss curve: the picture ("" where there is none), and the same in words.

    `title` is that of the check it belongs to.
    """

    picture: Markup
    words: str
    title: str


LOOKS: dict[Outcome, tuple[str, str, str]] = {
    Outcome.PASSED: ("passed", "✓", "passed"),
    Outcome.FAILED: ("failed", "✗", "not passed"),
    Outcome.NOT_REACHED: ("unreached", "–", "not reached"),
    Outcome.NEEDS_REVIEW: ("pending", "?", "needs review"),
    Outcome.UNGRADABLE: ("pending", "!", "not graded yet"),
}
"""Of each outcome: CSS class, symbol, words to the student.

Symbol and words tell it without colour.
"""
PARTLY = ("partly", "◐", "partly passed")
ANSWER_WORDS = {
    Cause.TO_BE_MARKED: "to be marked",
    Cause.TO_BE_MARKED_AGAIN: "to be marked",
    Cause.UNANSWERED: "no answer",
    Cause.MARKED_FULL: "marked",
    Cause.MARKED: "marked",
}
"""What is said of answers, which are not passed or failed."""


def grade_digest(grade: Grade) -> str:
    """SHA-256 of grade.json in hex; a page that carries another one is stale."""
    return hashlib.sha256(encode_grade(grade)).hexdigest()


def render_feedback(page: FeedbackPage) -> str:
    """The page as HTML. What students or checks wrote stands in it as text, never as markup."""
    grade, shown = page.grade, _shown(page)
    decided = [check for check in shown if not check.pending]
    points, of = sum(check.points for check in decided), sum(check.max_points for check in decided)
    to_mark = sum(check.max_points for check in shown if check.pending and check.question)
    undecided = sum(check.max_points for check in shown if check.pending and not check.question)
    return (
        environment()
        .get_template("feedback.html.j2")
        .render(
            policy=policy(style()),
            style=Markup(style()),  # noqa: S704  # our own file
            title=page.assignment.title,
            student=plain_line(grade.student),
            digest=grade_digest(grade),
            points=number(points),
            max_points=number(of),
            percent=round(100 * min(max(points / of, 0.0), 1.0)) if of else 0,
            to_mark=number(to_mark) if to_mark else "",
            pending=number(undecided) if undecided else "",
            verdict=_verdict(shown),
            first_lost=next((_view(check, grade) for check in shown if check.lost), None),
            several_lost=sum(check.lost for check in shown) > 1,
            concealed=len([check for check in grade.checks if _waits(check, page)]),
            never_shown=any(check.visibility is Visibility.HIDDEN for check in grade.checks),
            due=_moment(page.assignment.due) if page.assignment.due else "",
            submitted=_submitted(grade.submitted_at),
            problem=plain(grade.problem, 1_000),
            isolation=isolation_warning(grade),
            notices=[
                plain(notice, 2_000)
                for notice in (
                    *grade.notices[:NOTICES_SHOWN],
                    *(grade.resembles if page.show_hidden else ()),
                )
            ],
            parts=_parts(page, shown),
            curve=_curve(page, shown),
            failures=_failures(page, shown),
            footer=_footer(page),
        )
    )


def _moment(time: datetime.datetime) -> str:
    return f"{time.day} {time:%B %Y, %H:%M %Z}".strip()


def _submitted(iso: str) -> str:
    try:
        return _moment(datetime.datetime.fromisoformat(iso)) if iso else ""
    except ValueError:
        return plain_line(iso, 40)


def _waits(check: CheckResult, page: FeedbackPage) -> bool:
    return (
        check.visibility in (Visibility.AFTER_DUE_DATE, Visibility.AFTER_PUBLISHED)
        and not page.show_hidden
    )


def _shown(page: FeedbackPage) -> list[CheckResult]:
    return [
        check
        for check in page.grade.checks
        if check.visibility is not Visibility.HIDDEN and not _waits(check, page)
    ]


def _verdict(shown: list[CheckResult]) -> str:
    """One sentence over all shown checks; questions are none."""
    if not shown:
        return "There is nothing to show before the due date."
    checks = [check for check in shown if not check.question]
    passed = sum(check.outcome is Outcome.PASSED for check in checks)
    if passed == len(checks):
        return "All checks passed."
    return f"{passed} of {len(checks)} checks passed."


def _view(
    check: CheckResult, grade: Grade, told: Mapping[str, tuple[str, ...]] | None = None
) -> CheckView:
    partly = check.outcome is Outcome.FAILED and check.points > 0
    kind, symbol, word = PARTLY if partly else LOOKS[check.outcome]
    word = ANSWER_WORDS.get(check.cause, word)
    given = ", ".join(plain_line(name, 60) for name in check.given)
    return CheckView(
        anchor=f"check-{grade.checks.index(check) + 1}",
        title=plain_line(check.title or check.id),
        kind=kind,
        symbol=symbol,
        word=word,
        points=_points(check),
        message=message_blocks(check.message),
        given=given,
        findings=(told or {}).get(check.id, ()),
        comment=message_blocks(check.comment),
        readable=check.readable,
    )


def _points(check: CheckResult) -> str:
    """Points of those that could be had; of a bonus what it adds."""
    if check.bonus:
        return f"+{number(check.points)} (bonus, at most +{number(check.bonus)})"
    return (
        f"{'–' if check.pending and not check.points else number(check.points)} /"
        f" {number(check.max_points)}"
    )


def message_blocks(message: str) -> tuple[Block, ...]:
    """The paragraphs of a message that may quote a student, made plain."""
    paragraphs = [
        paragraph.strip("\n")
        for paragraph in re.split(r"\n[ \t]*\n", plain(message, MESSAGE_CHARS))
    ]
    return tuple(
        Block(text, "\n" in text or "  " in text.strip()) for text in paragraphs if text.strip()
    )


def _parts(page: FeedbackPage, shown: list[CheckResult]) -> list[PartView]:
    """Parts in the assignment's order, then those that only checks name, in theirs."""
    waiting = [check for check in page.grade.checks if _waits(check, page)]
    named = dict.fromkeys(
        [part.title for part in page.assignment.parts] + [check.part for check in page.grade.checks]
    )
    parts = []
    told = told_of(shown, Disclosure.FIX if page.show_hidden else page.assignment.disclosure)
    for name in named:
        checks = [check for check in shown if check.part == name]
        concealed = sum(check.part == name for check in waiting)
        if checks or concealed:
            done = [check for check in checks if not check.pending]
            points = (
                f"{number(sum(check.points for check in done))} /"
                f" {number(sum(check.max_points for check in done))}"
                if done
                else ""
            )
            parts.append(
                PartView(
                    plain_line(name) or "Checks",
                    points,
                    tuple(_view(check, page.grade, told) for check in checks),
                    concealed,
                )
            )
    return parts


def _curve(page: FeedbackPage, shown: list[CheckResult]) -> CurveView | None:
    """Return the curve that helps most.

    It is that of a lost check first, then of a run in the notebook itself, then any; more than one
    point first.
    """
    candidates = [
        (check, run, trace)
        for check in shown
        if (run := run_of(page.evidence, check)) and (trace := _trace(run))
    ]
    if not candidates:
        return None
    check, _, trace = min(
        candidates,
        key=lambda item: (recorded_losses(item[2]) < 2, not item[0].lost, not item[0].on_cell),
    )
    expected = run_of(page.reference, check)
    theirs = _trace(expected) if expected else None
    words = describe(trace, theirs)
    picture = Markup(loss_curves(trace, theirs))  # noqa: S704  # our own SVG, built from numbers
    return CurveView(picture, words, plain_line(check.title or check.id)) if words else None


def _trace(run: Run) -> Trace | None:
    """The optimizer that recorded most losses; students may make several."""
    return max(run.traces, key=recorded_losses, default=None)


def _failures(page: FeedbackPage, shown: list[CheckResult]) -> list[Excerpt]:
    return failures(
        page.evidence,
        [run for check in shown if not check.on_cell and (run := run_of(page.evidence, check))],
        page.cells,
    )


def _footer(page: FeedbackPage) -> list[str]:
    """Name what produced the grade, for a student who asks why."""
    provenance, environment_ = page.grade.provenance, page.grade.provenance.environment
    items = [f"GradStep {provenance.gradstep}"]
    items += [
        f"{label} {environment_[key]}"
        for key, label in (("torch", "torch"), ("python", "Python"), ("isolation", "isolation"))
        if environment_.get(key)
    ]
    items.append(f"submission {provenance.submission_sha256[:12] or 'none'}")
    return [plain_line(item, 80) for item in items]
