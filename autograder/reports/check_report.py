"""What `autograder check` found: one report, told as lines of text or as Markdown.

What students wrote is inert in both.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import msgspec

from autograder.judgement.grade import CheckResult, Grade, Outcome
from autograder.reports.plain import number, plain, plain_line
from autograder.reports.told import told_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from autograder.assignment import Disclosure

MESSAGE_CHARS = 2_000
NOTICES_SHOWN = 20
WORDS = {
    Outcome.PASSED: ("✓", "passed"),
    Outcome.FAILED: ("✗", "not passed"),
    Outcome.NOT_REACHED: ("–", "not reached"),
    Outcome.NEEDS_REVIEW: ("?", "needs review"),
    Outcome.UNGRADABLE: ("!", "not graded"),
}
"""Of each outcome: symbol and words to the student."""
NO_MARK = (
    "These are the checks that you can see; your mark comes from all of them, also those that you"
    " don't see yet."
)


@dataclass(frozen=True, slots=True)
class Place:
    """A line of the student's file, and the cell it belongs to, both 1-based."""

    line: int
    cell: int


@dataclass(frozen=True, slots=True)
class CheckReport:
    """One notebook by its visible checks.

    `title` is the assignment's; `places` say where lost checks point to, by id; `left_out` are
    visible checks that only the grader can make, with the reason; `remarks` are sentences about how
    grading will differ.
    """

    title: str
    grade: Grade
    disclosure: Disclosure
    places: Mapping[str, Place] = field(default_factory=dict)
    left_out: tuple[tuple[str, str], ...] = ()
    remarks: tuple[str, ...] = ()

    @property
    def checks(self) -> tuple[CheckResult, ...]:
        """All but the questions, which a person marks."""
        return tuple(check for check in self.grade.checks if not check.question)

    @property
    def passed(self) -> bool:
        """True if every visible check passed."""
        return all(check.outcome is Outcome.PASSED for check in self.checks)

    @property
    def ungradable(self) -> bool:
        """True if some check could not be made, which is not the student's fault."""
        return any(check.outcome is Outcome.UNGRADABLE for check in self.checks)

    def told(self) -> dict[str, tuple[str, ...]]:
        """Texts of the findings, by check id."""
        return told_of(self.checks, self.disclosure)

    def headline(self) -> str:
        """ "2 of 3 visible checks passed, 5 of 10 points"."""
        done = sum(check.outcome is Outcome.PASSED for check in self.checks)
        points, of = (
            sum(check.points for check in self.checks),
            sum(check.max_points for check in self.checks),
        )
        return (
            f"{done} of {len(self.checks)} visible checks passed, {number(points)} of {number(of)}"
            " points"
        )

    def footnotes(self) -> list[str]:
        """Lines about everything that is not one check."""
        lines = [plain_line(notice, 1_000) for notice in self.grade.notices[:NOTICES_SHOWN]]
        lines += [plain_line(remark, 1_000) for remark in self.remarks]
        lines += [
            f"Only checked when you are graded: {plain_line(title)} ({plain_line(reason)})"
            for title, reason in self.left_out
        ]
        questions = [check for check in self.grade.checks if check.question]
        if questions:
            blank = [
                plain_line(check.title)
                for check in questions
                if check.outcome is Outcome.NOT_REACHED
            ]
            missing = f"; not answered yet: {', '.join(blank)}" if blank else ""
            lines.append(
                f"{len(questions)} answer{'s are' if len(questions) > 1 else ' is'} marked by a"
                f" person{missing}"
            )
        return [*lines, NO_MARK]


def points_of(check: CheckResult) -> str:
    """ "2/3", "+1/+1" for a bonus."""
    sign, of = ("+", check.bonus) if check.bonus else ("", check.max_points)
    return f"{sign}{number(check.points)}/{sign}{number(of)}"


def message_of(check: CheckResult, told: Mapping[str, tuple[str, ...]]) -> str:
    """Say why a check is lost: what was observed and expected, then what a diagnosis says."""
    return plain("\n".join([check.message, *told.get(check.id, ())]).strip("\n"), MESSAGE_CHARS)


def text_lines(report: CheckReport) -> Iterator[str]:
    """The report for a terminal, without its width."""
    told, part = report.told(), None
    yield f"{plain_line(report.title)}: {report.headline()}"
    if report.grade.problem:
        yield f"Your notebook stopped: {plain_line(report.grade.problem)}"
    for check in report.checks:
        if check.part != part:
            part = check.part
            yield plain_line(part) or "Checks"
        symbol, words = WORDS[check.outcome]
        place = report.places.get(check.id)
        yield (
            f"  {symbol} {words:<12} {points_of(check):>7} "
            f" {plain_line(check.title or check.id)}{f' (cell {place.cell})' if place else ''}"
        )
        if check.outcome is not Outcome.PASSED:
            yield from (
                f"      {line}" for line in message_of(check, told).split("\n") if line.strip()
            )
    yield from report.footnotes()


def markdown(report: CheckReport, max_bytes: int) -> str:
    """The report as Markdown of at most `max_bytes` in UTF-8: a table, then what is lost.

    Messages stand in it as code, so that nothing in them is markup.
    """
    told = report.told()
    head = [f"## {inert(report.title)}", "", report.headline() + ".", ""]
    if report.grade.problem:
        head += [f"Your notebook stopped: {inert(report.grade.problem)}", ""]
    head += ["| | check | points |", "| --- | --- | --- |"]
    for check in report.checks:
        symbol, words = WORDS[check.outcome]
        head.append(f"| {symbol} {words} | {inert(check.title or check.id)} | {points_of(check)} |")
    tail = ["", *(f"- {inert(line, 1_000)}" for line in report.footnotes()), ""]
    sections = [section for check in report.checks if (section := _section(report, check, told))]
    return _within(["\n".join(head), *sections, "\n".join(tail)], max_bytes)


def _section(report: CheckReport, check: CheckResult, told: Mapping[str, tuple[str, ...]]) -> str:
    message = message_of(check, told)
    if check.outcome is Outcome.PASSED or not message:
        return ""
    place = report.places.get(check.id)
    where = f" (cell {place.cell})" if place else ""
    fence = "`" * max(3, 1 + max((len(run) for run in re.findall(r"`+", message)), default=0))
    return f"\n### {inert(check.title or check.id)}{where}\n\n{fence}text\n{message}\n{fence}"


def _within(parts: list[str], max_bytes: int) -> str:
    """Head and tail, and as many sections between them as fit."""
    head, *sections, tail = parts
    note = "\n*More did not fit in here; the log has it all.*"
    left = max_bytes - sum(len(part.encode()) + 1 for part in (head, tail, note))
    kept = []
    for section in sections:
        left -= len(section.encode()) + 1
        if left < 0:
            kept.append(note)
            break
        kept.append(section)
    whole = "\n".join([head, *kept, tail])
    return (
        whole
        if len(whole.encode()) <= max_bytes
        else whole.encode()[:max_bytes].decode(errors="ignore")
    )


def inert(text: str, limit: int = 200) -> str:
    """Return `text` on one line that Markdown and HTML show as it is.

    Every sign that they would read is written as an entity or escaped; links and names of people
    are none.
    """
    line = plain_line(text, limit).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    line = re.sub(r"([\\`*_{}\[\]()#+\-!|~$^=])", r"\\\1", line)
    # bare addresses become links too
    line = re.sub(
        r"(?<=\w):(?=//)|(?<=www)\.", lambda match: f"{match[0]}\u200b", line, flags=re.IGNORECASE
    )
    return re.sub(r"@(?=\w)", "@\u200b", line)


def as_json(report: CheckReport) -> str:
    """Return the report as JSON for other programs.

    It has one object for each check, the words that students read, and where in the file it points
    to.
    """
    told = report.told()
    checks = [
        {
            "id": check.id,
            "title": plain_line(check.title),
            "part": plain_line(check.part),
            "outcome": str(check.outcome),
            "cause": str(check.cause),
            "points": check.points,
            "max_points": check.max_points,
            "bonus": check.bonus,
            "message": "" if check.outcome is Outcome.PASSED else message_of(check, told),
            "findings": [finding.code for finding in check.findings],
            "line": place.line if (place := report.places.get(check.id)) else None,
            "cell": place.cell if place else None,
        }
        for check in report.checks
    ]
    whole = {
        "assignment": report.grade.assignment,
        "passed": report.passed,
        "headline": report.headline(),
        "problem": plain_line(report.grade.problem),
        "checks": checks,
        "footnotes": list(report.footnotes()),
        "isolation": report.grade.provenance.environment.get("isolation", ""),
    }
    # GitHub's runner would take it for a command
    return msgspec.json.format(msgspec.json.encode(whole)).decode().replace("##[", "\\u0023#[")
