"""A check report as text, Markdown, JSON and JUnit XML."""

import json
import re
import xml.etree.ElementTree as ET
from html.parser import HTMLParser

import mistune
import pytest
from checked_samples import HOSTILE, mixed, report, result

from autograder.judgement.grade import Outcome
from autograder.reports.check_report import as_json, markdown, text_lines
from autograder.reports.junit import junit_xml


def test_the_text_says_each_outcome_where_and_why():
    """One line for each check, its message below it, what is left out at the end."""
    text = "\n".join(text_lines(mixed()))
    assert "1 of 5 visible checks passed, 2 of 10 points" in text
    assert "✗ not passed       0/2  The second (cell 4)" in text
    assert "Step 2: before epoch 2's backward, .grad held [1.0]; expected None or zeros." in text
    assert "never-clears" in text
    assert "Only checked when you are graded: One epoch (only the grader can)" in text
    assert "1 answer is marked by a person" in text
    assert "your mark comes from all of them" in text


def test_passed_checks_say_nothing_more():
    """No message, no place."""
    lines = list(text_lines(report(result("first"))))
    assert len(lines) == 4
    assert lines[2].strip().startswith("✓ passed")


def test_text_of_students_is_inert_in_a_terminal():
    """No escapes, controls or surrogates."""
    text = "\n".join(text_lines(mixed()))
    assert "gotcha" in text
    assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]", text)


class Tags(HTMLParser):
    def __init__(self):
        super().__init__()
        self.found, self.links = set(), []

    def handle_starttag(self, tag, attributes):
        self.found.add(tag)
        self.links += [
            value for name, value in attributes if name in ("href", "src") or name.startswith("on")
        ]


def test_text_of_students_is_inert_in_markdown():
    """Rendered with HTML let through, as a lax renderer would: only the report's own elements, no
    link, no table broken.
    """
    text = markdown(mixed(), 1 << 20)
    tags = Tags()
    tags.feed(
        mistune.create_markdown(escape=False, plugins=["table", "url", "strikethrough"])(text)
    )
    assert tags.found <= {
        "h2",
        "h3",
        "p",
        "table",
        "thead",
        "tbody",
        "tr",
        "th",
        "td",
        "pre",
        "code",
        "ul",
        "li",
        "em",
    }
    assert tags.links == []
    # outside of code it would call people
    assert "@everyone" not in re.sub(r"`{4,}text\n.*?\n`{4,}", "", text, flags=re.DOTALL)
    rows = [line for line in text.splitlines() if line.startswith("|")]
    assert len(rows) == 2 + 5
    assert all(len(re.findall(r"(?<!\\)\|", row)) == 4 for row in rows)


def test_no_line_of_a_message_ends_the_block_that_it_stands_in():
    """A student's own line of backticks, however long, stays text."""
    message = "Observed:\n```\n# a heading\n``````\n@everyone"
    lines = markdown(report(result("first", Outcome.FAILED, message)), 1 << 20).splitlines()
    (start,) = (number for number, line in enumerate(lines) if re.fullmatch(r"`+text", line))
    fence = lines[start].removesuffix("text")
    assert lines[start + 1 : start + 6] == message.splitlines()
    assert lines[start + 6] == fence
    assert len(fence) > len("``````")


@pytest.mark.parametrize("limit", [1 << 20, 20_000, 3_000])
def test_markdown_keeps_its_limit(limit):
    """Many long messages: the table and the end stay, sections go, and it says so."""
    long = report(*(result(str(number), Outcome.FAILED, "é" * 1900) for number in range(40)))
    text = markdown(long, limit)
    assert len(text.encode()) <= limit
    assert text.count("not passed") == 40
    assert ("More did not fit" in text) == (limit < 1 << 20)


def test_junit_is_xml_and_counts():
    """Every outcome has its element; counts agree with the cases; invalid characters are gone."""
    suites = ET.fromstring(junit_xml(mixed(), "work/tiny.ipynb"))
    cases = suites.findall("./testsuite/testcase")
    kinds = {case.get("name"): [child.tag for child in case] for case in cases}
    assert kinds == {
        "The first": [],
        "The second": ["failure"],
        "The third": ["failure"],
        "The fourth": ["skipped"],
        "The fifth": ["error"],
        "One epoch": ["skipped"],
    }
    suite = suites.find("testsuite")
    for name, count in {"tests": 6, "failures": 2, "errors": 1, "skipped": 2}.items():
        assert suite.get(name) == suites.get(name) == str(count)
    assert cases[0].get("file") == "work/tiny.ipynb"
    assert "alert(1)" in cases[1].find("failure").text
    assert "never-clears" in cases[1].find("failure").text


def test_json_has_places_and_codes():
    """For editors and other programs."""
    content = json.loads(as_json(mixed()))
    assert content["passed"] is False
    second = content["checks"][1]
    assert (second["line"], second["cell"], second["findings"], second["outcome"]) == (
        17,
        4,
        ["never-clears"],
        "failed",
    )
    assert content["checks"][0]["message"] == ""
    assert HOSTILE.count("gotcha") == second["message"].count("gotcha")


def test_a_bonus_is_told_as_points_on_top():
    """Not as a check that is worth nothing."""
    text = "\n".join(text_lines(report(result("first"), result("extra", points=0.0, bonus=3.0))))
    assert "+0/+3  The extra" in text
    assert "2/2  The first" in text


def test_answers_that_are_missing_are_named():
    """Those that are there wait for a person, and are not."""
    answers = [
        result("why", Outcome.NEEDS_REVIEW, question=True),
        result("how", Outcome.NOT_REACHED, question=True),
    ]
    assert (
        "2 answers are marked by a person; not answered yet: The how"
        in report(result("first"), *answers).footnotes()
    )
    assert "1 answer is marked by a person" in report(result("first"), answers[0]).footnotes()
