"""A check report for GitHub: workflow commands that annotate the notebook, and the result.json of
Classroom 50.

Workflow commands are lines of output that begin with ``::``, or hold ``##[``; whatever a student
printed could be one, so output is put between `pause` and `resume`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from autograder.judgement.grade import Outcome
from autograder.reports.check_report import WORDS, message_of
from autograder.reports.plain import plain_line

if TYPE_CHECKING:
    import datetime
    from collections.abc import Iterator

    from autograder.judgement.grade import CheckResult
    from autograder.reports.check_report import CheckReport

SUMMARY_BYTES = 1 << 20
"""Of a step's summary: more makes the upload fail."""
ANNOTATIONS = 10
"""Of each level in one step: GitHub drops more."""
ANNOTATION_CHARS = 4_000
"""GitHub cuts a message at 4096."""
SCHEMA = "classroom50/result/v1"

_DATA = str.maketrans({"%": "%25", "\r": "%0D", "\n": "%0A"})
_PROPERTY = str.maketrans({"%": "%25", "\r": "%0D", "\n": "%0A", ":": "%3A", ",": "%2C"})
_IDENTITY = {
    "classroom": "CLASSROOM",
    "assignment": "ASSIGNMENT",
    "submission": "SUBMISSION_TAG",
    "commit": "COMMIT_URL",
    "release": "RELEASE_URL",
}


def pause(token: str) -> str:
    """Return the line after which lines are text and no commands.

    It holds until `resume` with the same `token`, which nobody must be able to guess.
    """
    return f"::stop-commands::{token}"


def resume(token: str) -> str:
    """The line after which commands are commands again."""
    return f"::{token}::"


def commands(report: CheckReport, notebook: str) -> Iterator[str]:
    """Yield one line for each lost check, errors and warnings ten each at most.

    The last says how many more there are. `notebook` is its path from the repository's root.
    """
    told = report.told()
    levels: dict[str, list[str]] = {"error": [], "warning": []}
    for check in report.checks:
        if check.outcome is Outcome.PASSED:
            continue
        place = report.places.get(check.id)
        title = f"{plain_line(check.title or check.id, 120)}: {WORDS[check.outcome][1]}"
        message = message_of(check, told)[:ANNOTATION_CHARS] or title
        levels["error" if check.lost else "warning"].append(
            _command(
                "error" if check.lost else "warning",
                notebook,
                place.line if place else 1,
                title,
                message,
            )
        )
    for level, lines in levels.items():
        if len(lines) > ANNOTATIONS:
            more = (
                f"{len(lines) - ANNOTATIONS + 1} more checks are lost; the summary and the log have"
                " them all."
            )
            lines[ANNOTATIONS - 1 :] = [_command(level, notebook, 1, "More", more)]
        yield from lines


def _command(level: str, file: str, line: int, title: str, message: str) -> str:
    return (
        f"::{level}"
        f" file={file.translate(_PROPERTY)},line={line},title={title.translate(_PROPERTY)}"
        f"::{message.translate(_DATA)}"
    )


@dataclass(frozen=True, slots=True)
class Submitted:
    """Classroom 50's description of the submission.

    From its runner's environment; strings, empty where it says nothing. `moment` is that of the
    grading, in UTC.
    """

    fields: Mapping[str, str]
    moment: datetime.datetime


def submitted(environment: Mapping[str, str], moment: datetime.datetime) -> Submitted:
    """Read the runner's variables; outside of Classroom 50 those of GitHub Actions stand in."""
    fields = {name: environment.get(variable, "") for name, variable in _IDENTITY.items()}
    server, repository, commit = (
        environment.get(f"GITHUB_{name}", "") for name in ("SERVER_URL", "REPOSITORY", "SHA")
    )
    if not fields["commit"] and repository and commit:
        fields["commit"] = f"{server}/{repository}/commit/{commit}"
    fields["review"] = environment.get("REVIEW_URL", "") or fields["commit"]
    return Submitted(fields, moment)


def result_json(report: CheckReport, submission: Submitted) -> dict[str, Any]:
    """Return Classroom 50's result.json.

    It has whole numbers only, so points with fractions are multiplied by the least number that
    makes them whole (at most 100). Each test says its outcome besides.
    """
    factor = scale(
        [
            points
            for check in report.checks
            for points in (check.points, check.max_points, check.bonus)
        ]
    )
    tests = [_test(check, factor) for check in report.checks]
    moment = submission.moment.strftime("%Y-%m-%dT%H:%M:%SZ")
    return {
        "schema": SCHEMA,
        **submission.fields,
        "datetime": moment,
        "graded_at": moment,
        "score": sum(test["score"] for test in tests),
        "max-score": sum(test["max-score"] for test in tests),
        "tests": tests,
    }


def _test(check: CheckResult, factor: int) -> dict[str, Any]:
    return {
        "test-name": plain_line(check.title or check.id),
        "passed": check.outcome is Outcome.PASSED,
        "score": int(check.points * factor + 1e-6),
        "max-score": int(check.max_points * factor + 1e-6),
        "outcome": str(check.outcome),
    }


def scale(points: list[float]) -> int:
    """The least whole number up to 100 that makes all `points` whole; 100 where none does."""
    shares = [Fraction(one).limit_denominator(100) for one in points]
    return next(
        (
            factor
            for factor in range(1, 101)
            if all((share * factor).denominator == 1 for share in shares)
        ),
        100,
    )
