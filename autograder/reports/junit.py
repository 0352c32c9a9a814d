"""A check report as JUnit XML, which every CI system shows."""

from __future__ import annotations

import xml.etree.ElementTree as ET  # only written with: nothing is parsed
from typing import TYPE_CHECKING, Any

from autograder.judgement.grade import CheckResult, Outcome
from autograder.reports.check_report import WORDS, CheckReport, message_of, points_of
from autograder.reports.plain import plain_line

if TYPE_CHECKING:
    from collections.abc import Mapping

KINDS = {
    Outcome.FAILED: "failure",
    Outcome.NOT_REACHED: "failure",
    Outcome.NEEDS_REVIEW: "skipped",
    Outcome.UNGRADABLE: "error",
}
"""The element for each outcome but passed."""


def junit_xml(report: CheckReport, notebook: str) -> str:
    """One suite with a case for each visible check, those left to the grader as skipped.

    `notebook` is the file's name as the repository has it.

    Only characters that XML has are in it.
    """
    told = report.told()
    kinds = [KINDS.get(check.outcome, "") for check in report.checks]
    counts: dict[str, Any] = {
        f"{kind}s" if kind != "skipped" else kind: str(kinds.count(kind))
        for kind in ("failure", "error", "skipped")
    }
    counts["skipped"] = str(kinds.count("skipped") + len(report.left_out))
    whole = str(len(kinds) + len(report.left_out))
    suites = ET.Element("testsuites", name="GradStep", tests=whole, **counts)
    suite = ET.SubElement(
        suites,
        "testsuite",
        name=plain_line(report.title) or "checks",
        tests=whole,
        time="0",
        **counts,
    )
    for check in report.checks:
        _case(suite, check, told, plain_line(notebook, 400))
    for title, reason in report.left_out:
        case = ET.SubElement(
            suite, "testcase", classname="only when graded", name=plain_line(title), time="0"
        )
        ET.SubElement(case, "skipped", message=plain_line(reason))
    ET.indent(suites)
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n' + ET.tostring(suites, encoding="unicode") + "\n"
    )


def _case(
    suite: ET.Element, check: CheckResult, told: Mapping[str, tuple[str, ...]], notebook: str
) -> None:
    case = ET.SubElement(
        suite,
        "testcase",
        classname=plain_line(check.part) or "checks",
        name=plain_line(check.title or check.id),
        file=notebook,
        time="0",
    )
    kind = KINDS.get(check.outcome)
    if kind is not None:
        element = ET.SubElement(
            case, kind, message=f"{WORDS[check.outcome][1]}, {points_of(check)} points"
        )
        element.text = message_of(check, told)
