"""Gradescope's results.json: a projection of one grade, and what stands in it where there is no
grade.

Every check is a test of its own with the visibility that its author chose. What is not decided has
no score at all, only words: a number would read as points lost. Gradescope needs a total; it is the
points of what is decided, and the text above the tests says what is not in it.
"""

from __future__ import annotations

import base64
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import msgspec

from autograder.assignment import Disclosure, WhenShown
from autograder.exchange.gradescope.submission_metadata import KEY, own_data
from autograder.judgement.grade import Cause, CheckResult, Grade, GradeStatus, Outcome, Visibility
from autograder.reports.feedback.excerpts import failures, run_of
from autograder.reports.feedback.page import message_blocks
from autograder.reports.feedback.plots import describe, loss_picture, recorded_losses
from autograder.reports.isolation import isolation_warning
from autograder.reports.plain import counted, number, plain, plain_line
from autograder.reports.rendering import environment
from autograder.reports.told import told_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from autograder.assignment import Assignment, Leaderboard
    from autograder.evidence.trace import Evidence, Trace
    from autograder.exchange.gradescope.submission_metadata import Allowance, Metadata

PICTURES = 8
"""Of one result; each takes some 30 kB and, on half a CPU, a quarter of a second."""
NOTICES = 20
RULE = "<hr>"
"""Between a refusal and the earlier result that it repeats."""

NOT_GRADED = "This submission was not graded"
NOT_YOUR_MARK = (
    "The score of 0 that you may see is not your mark: Gradescope asks for a number, and there is"
    " none yet."
)


class TestCase(msgspec.Struct, frozen=True, omit_defaults=True):
    """One test. Without a score it is information only."""

    name: str
    status: Literal["passed", "failed"]
    visibility: WhenShown
    number: str = ""
    score: float | None = None
    max_score: float | None = None
    output: str = ""
    output_format: Literal["html", "text"] = "text"


class LeaderboardEntry(msgspec.Struct, frozen=True):
    """A value of the leaderboard."""

    name: str
    value: float
    order: Literal["asc", "desc"]


class Results(msgspec.Struct, frozen=True, omit_defaults=True):
    """results.json.

    Standard output is for the staff; what is said to students stands in `output` and the tests.
    """

    score: float
    output: str
    execution_time: float | None = None
    tests: tuple[TestCase, ...] = ()
    leaderboard: tuple[LeaderboardEntry, ...] = ()
    extra_data: dict[str, Any] = {}


_CONSTANT = {
    "output_format": "html",
    "stdout_visibility": "hidden",
    "visibility": "visible",
    "test_name_format": "text",
}


@dataclass(frozen=True, slots=True)
class Graded:
    """A grade and what it was made from.

    `cells`: id -> source as run. `remarks` are further sentences to the student; `allowance` where
    a limit holds.
    """

    grade: Grade
    assignment: Assignment
    evidence: Evidence | None
    reference: Evidence | None
    cells: Mapping[str, str]
    remarks: tuple[str, ...] = ()
    allowance: Allowance | None = None


def encode_results(results: Results) -> bytes:
    """results.json as Gradescope reads it."""
    content = _CONSTANT | msgspec.to_builtins(results)
    return msgspec.json.format(msgspec.json.encode(content), indent=1) + b"\n"


def results_of(graded: Graded, execution_time: float) -> Results:
    """The result of a graded submission; `execution_time` in seconds."""
    grade, checks = graded.grade, [check for check in graded.grade.checks if not check.question]
    told, pictured = _told(graded), _pictured(graded, checks)
    numbers = _numbers(graded.assignment, checks)
    tests = tuple(
        _test(graded, check, numbers[check.id], told[check.id], draw=check.id in pictured)
        for check in checks
    )
    counted = grade.status is not GradeStatus.UNGRADABLE
    return Results(
        score=round(sum(check.points for check in grade.checks if not check.pending), 4),
        output=_overview(graded, checks),
        execution_time=round(execution_time, 2),
        tests=tests,
        leaderboard=tuple(
            entry
            for wanted in graded.assignment.gradescope.leaderboard
            for entry in _leaderboard(wanted, graded)
        ),
        extra_data=_extra(graded.allowance, counted=counted, provenance=_provenance(grade)),
    )


def not_graded(
    words: str, *, execution_time: float | None = None, allowance: Allowance | None = None
) -> Results:
    """Return the result where there is no grade, for reasons that are not the student's.

    It counts for no limit. `words` go to the student.
    """
    case = TestCase(
        f"{NOT_GRADED}: there are no points yet", "failed", "visible", output=plain(words, 2_000)
    )
    output = _page(sentences=(f"{NOT_GRADED}. {plain(words, 2_000)}", NOT_YOUR_MARK))
    return Results(
        0.0, output, execution_time, (case,), extra_data=_extra(allowance, counted=False)
    )


def refused(metadata: Metadata, allowed: Allowance, execution_time: float) -> Results:
    """The result of a submission over the limit: the one before it, with a note.

    Where that can't be had, its score alone.
    """
    assert allowed.again_at is not None
    kept = next((one.score for one in reversed(metadata.earlier) if one.score is not None), None)
    note = (
        f"{NOT_GRADED}, since {_limit_words(allowed)}, counted at the time of handing in. What is"
        f" handed in from {_time(allowed)} on is graded again. "
        + (
            "The score is that of your submission before this one."
            if kept is not None
            else NOT_YOUR_MARK
        )
    )
    extra = _extra(allowed, counted=False, refused=True)
    before = metadata.latest_results
    try:
        earlier = msgspec.convert(before, Results, strict=False)
    except msgspec.ValidationError:
        case = TestCase(f"{NOT_GRADED}: the limit is used up", "failed", "visible", output=note)
        return Results(
            kept or 0.0,
            _page(sentences=(note,)),
            round(execution_time, 2),
            (case,),
            extra_data=extra,
        )
    words = earlier.output.partition(RULE)[2] if own_data(before).get("refused") else earlier.output
    extra = {KEY: own_data(before) | extra[KEY]}
    output = f"{_page(sentences=(note,))}{RULE}\n{words}"
    return msgspec.structs.replace(
        earlier, output=output, execution_time=round(execution_time, 2), extra_data=extra
    )


def shown_when(assignment: Assignment, declared: Visibility) -> Visibility:
    """Return the time from which Gradescope shows a check of visibility `declared`."""
    return Visibility(assignment.gradescope.show.get(declared.value, declared.value))


_LATER = {
    Visibility.AFTER_DUE_DATE: "shown after the due date",
    Visibility.AFTER_PUBLISHED: "shown when the grades are published",
    Visibility.HIDDEN: "never shown",
}


def _when(graded: Graded, check: CheckResult) -> Visibility:
    return shown_when(graded.assignment, check.visibility)


def _test(
    graded: Graded, check: CheckResult, place: str, findings: tuple[str, ...], *, draw: bool
) -> TestCase:
    title = plain_line(check.title or check.id) + (" (bonus)" if check.bonus else "")
    if check.pending:
        name = f"{title}: not decided yet, {number(check.max_points)} points"
        return TestCase(
            name,
            "failed",
            _when(graded, check).value,
            place,
            output=_text(graded, check, findings, draw=draw),
            output_format="html",
        )
    return TestCase(
        name=title,
        status="passed" if check.outcome is Outcome.PASSED else "failed",
        visibility=_when(graded, check).value,
        number=place,
        score=round(check.points, 4),
        max_score=round(check.max_points + check.bonus, 4),
        output=_text(graded, check, findings, draw=draw),
        output_format="html",
    )


def _text(graded: Graded, check: CheckResult, findings: tuple[str, ...], *, draw: bool) -> str:
    words, picture = _curve(graded, check) if draw else ("", "")
    return (
        environment()
        .get_template("gradescope/check.html.j2")
        .render(
            verdict=_verdict(check),
            message=message_blocks(check.message),
            findings=findings,
            given=(
                ", ".join(plain_line(name, 60) for name in check.given)
                if _may_tell_given(graded, check)
                else ""
            ),
            words=words,
            picture=picture,
        )
    )


def _verdict(check: CheckResult) -> str:
    match check.outcome:
        case Outcome.PASSED:
            return "Passed."
        case Outcome.FAILED if check.points > 0:
            return f"Partly passed: {number(check.points)} of {number(check.max_points)} points."
        case Outcome.FAILED:
            return "Not passed."
        case Outcome.NOT_REACHED:
            return "Not reached: there was nothing to judge."
        case Outcome.NEEDS_REVIEW:
            return (
                f"Not decided yet: a person will look at it. These {number(check.max_points)}"
                " points are neither lost nor given until then."
            )
        case Outcome.UNGRADABLE:
            return (
                f"Not graded yet, by no fault of yours. These {number(check.max_points)} points are"
                " neither lost nor given until then."
            )


def _may_tell_given(graded: Graded, check: CheckResult) -> bool:
    """Tell whether the student can see anyway that an earlier part lost points.

    Else "yours had lost its points" would tell what a hidden check found.
    """
    if _when(graded, check) is not Visibility.VISIBLE:
        return True
    parts = {part.title for name in check.given if (part := graded.assignment.part_of(name))}
    return any(
        one.part in parts and one.lost and _when(graded, one) is Visibility.VISIBLE
        for one in graded.grade.checks
    )


def _told(graded: Graded) -> dict[str, tuple[str, ...]]:
    """Return the texts of each check's findings, by check id.

    Checks of each time at which checks are shown are told by themselves, since what is shown later
    tells all.
    """
    told: dict[str, tuple[str, ...]] = {}
    for when in Visibility:
        shown = [check for check in graded.grade.checks if _when(graded, check) is when]
        now = when is Visibility.VISIBLE
        told |= told_of(shown, graded.assignment.disclosure if now else Disclosure.FIX)
    return told


def _pictured(graded: Graded, checks: Sequence[CheckResult]) -> set[str]:
    """The checks that get a curve: lost ones first, then the runs in the notebook itself."""
    chosen = [check for check in checks if check.lost] + [
        check for check in checks if check.on_cell and not check.lost
    ]
    drawable = [
        check.id
        for check in chosen
        if (trace := _trace(graded.evidence, check)) is not None and recorded_losses(trace) > 1
    ]
    return set(drawable[:PICTURES])


def _curve(graded: Graded, check: CheckResult) -> tuple[str, str]:
    """The curve in words and as a PNG in base64."""
    own, theirs = _trace(graded.evidence, check), _trace(graded.reference, check)
    return describe(own, theirs), base64.b64encode(loss_picture(own, theirs)).decode()


def _trace(evidence: Evidence | None, check: CheckResult) -> Trace | None:
    run = run_of(evidence, check)
    return max(run.traces, key=recorded_losses, default=None) if run else None


def _numbers(assignment: Assignment, checks: Sequence[CheckResult]) -> dict[str, str]:
    """ "3.2": the second check of the third part."""
    parts = list(
        dict.fromkeys([part.title for part in assignment.parts] + [check.part for check in checks])
    )
    counts: dict[str, int] = {}
    numbers = {}
    for check in checks:
        counts[check.part] = counts.get(check.part, 0) + 1
        numbers[check.id] = f"{parts.index(check.part) + 1}.{counts[check.part]}"
    return numbers


def _overview(graded: Graded, checks: Sequence[CheckResult]) -> str:
    grade = graded.grade
    open_ones = [check for check in checks if _when(graded, check) is Visibility.VISIBLE]
    runs = [
        run for check in open_ones if not check.on_cell and (run := run_of(graded.evidence, check))
    ]
    return _page(
        sentences=(*graded.remarks, *_points(graded, open_ones), *_rest(graded, checks)),
        notices=[plain(notice, 2_000) for notice in grade.notices[:NOTICES]],
        failures=failures(graded.evidence, runs, graded.cells),
        footer=_footer(grade),
    )


def _points(graded: Graded, shown: Sequence[CheckResult]) -> list[str]:
    """Sum up the student's points for checks that are shown at once."""
    warning, problem = isolation_warning(graded.grade), plain(graded.grade.problem, 1_000)
    sentences = [f"For the instructor: {warning}."] if warning else []
    sentences += [f"Your submission did not run cleanly: {problem}"] if problem else []
    decided = [check for check in shown if not check.pending]
    if decided:
        passed = sum(check.outcome is Outcome.PASSED for check in decided)
        points, of = (
            number(sum(values))
            for values in (
                [check.points for check in decided],
                [check.max_points for check in decided],
            )
        )
        sentences.append(
            f"Of the checks that you see at once, {passed} of {len(decided)} passed: {points} of"
            f" {of} points."
        )
    if pending := sum(check.max_points for check in shown if check.pending):
        sentences.append(
            f"{number(pending)} points are not decided yet. They are in no score yet, and cost you"
            " nothing until a person, or another run, decides them."
        )
    return sentences


def _rest(graded: Graded, checks: Sequence[CheckResult]) -> list[str]:
    """Sum up the rest: checks that are shown later, answers, the limit."""
    sentences = []
    for when, words in _LATER.items():
        later = [check for check in checks if _when(graded, check) is when]
        if later:
            worth = number(sum(check.max_points for check in later))
            sentences.append(
                f"{len(later)} more check{'s are' if len(later) > 1 else ' is'} {words}, worth"
                f" {worth} points. Until all are shown, Gradescope shows no total."
            )
    questions = [check for check in graded.grade.checks if check.question]
    if questions:
        blank = [plain_line(check.title) for check in questions if check.cause is Cause.UNANSWERED]
        worth = number(sum(check.max_points for check in questions))
        sentences.append(
            f"{worth} more points are for answers that a person marks."
            + (f" No answer was found to: {'; '.join(blank)}." if blank else "")
        )
    if graded.allowance is not None:
        left = (
            graded.allowance.limit.submissions
            - graded.allowance.used
            - (graded.grade.status is not GradeStatus.UNGRADABLE)
        )
        sentences.append(f"{max(0, left)} of {_limit_of(graded.allowance)} are left.")
    return sentences


def _limit_of(allowed: Allowance) -> str:
    limit = allowed.limit
    return f"{counted(limit.submissions, 'grading')} within {number(limit.hours)} hours"


def _limit_words(allowed: Allowance) -> str:
    return f"your {_limit_of(allowed)} {'are' if allowed.limit.submissions > 1 else 'is'} used up"


def _time(allowed: Allowance) -> str:
    moment = allowed.again_at
    assert moment is not None
    return f"{moment:%Y-%m-%d %H:%M:%S} (UTC{moment:%z})"


def _footer(grade: Grade) -> str:
    known = grade.provenance.environment
    items = [
        f"GradStep {grade.provenance.gradstep}",
        *(f"{name} {known[name]}" for name in ("torch", "python", "isolation") if known.get(name)),
    ]
    return plain_line(" · ".join(items))


def _page(
    sentences: Sequence[str],
    notices: Sequence[str] = (),
    failures: Sequence[object] = (),
    footer: str = "",
) -> str:
    template = environment().get_template("gradescope/submission.html.j2")
    return template.render(sentences=sentences, notices=notices, failures=failures, footer=footer)


def _provenance(grade: Grade) -> dict[str, Any]:
    return {
        "assignment": grade.assignment,
        "status": str(grade.status),
        **msgspec.to_builtins(grade.provenance),
    }


def _extra(allowed: Allowance | None, *, counted: bool, **more: object) -> dict[str, Any]:
    """Return the data that come back with the next submission.

    For the staff they also say how the result came about.
    """
    uncounted = [moment.isoformat() for moment in allowed.uncounted] if allowed else []
    return {KEY: {"counted": counted, "uncounted": uncounted, **more}}


def _leaderboard(wanted: Leaderboard, graded: Graded) -> list[LeaderboardEntry]:
    """Return the leaderboard's entry, if its check passed and everybody may see it.

    Only then the run is known to be what it seems.
    """
    check = next((check for check in graded.grade.checks if check.id == wanted.check), None)
    if (
        check is None
        or check.outcome is not Outcome.PASSED
        or _when(graded, check) is not Visibility.VISIBLE
    ):
        return []
    step = _first_step(_trace(graded.evidence, check), wanted.loss)
    return [LeaderboardEntry(plain_line(wanted.name), step, "asc")] if step is not None else []


def _first_step(trace: Trace | None, loss: float) -> float | None:
    """The first recorded step of `trace` with at most `loss`."""
    if trace is None:
        return None
    pairs = zip(
        trace.recorded.numpy().ravel().tolist(), trace.losses.numpy().ravel().tolist(), strict=False
    )
    return next(
        (float(step) for step, value in pairs if not isinstance(value, complex) and value <= loss),
        None,
    )
