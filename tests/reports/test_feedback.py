"""The page that a student reads."""

from __future__ import annotations

import base64
import hashlib
import os
import re
import shutil
import subprocess
from collections import Counter
from dataclasses import replace
from html import unescape
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from report_samples import ASSIGNMENT, CELLS, LOSSES, check, evidence, grade, sample_page, trace

from autograder.assignment import Disclosure
from autograder.evidence.trace import CellRun, ErrorReport, Evidence, Run, RunStatus
from autograder.judgement.findings.catalogue import tell
from autograder.judgement.findings.finding import Contract, Finding
from autograder.judgement.grade import RULINGS, Cause, CheckResult, Outcome, Visibility
from autograder.reports.feedback.page import grade_digest, render_feedback

GOLDEN = Path(__file__).parent / "golden" / "feedback.html"
HOSTILE = (
    "</style><script>alert(1)</script>\"><img src=x onerror=alert(2)>' onmouseover='x {{ 7*7 }} {%"
    " raw %} <!-- ]]>"
    " </title></pre></code>\x1b[31mred\x1b]8;;http://evil\x07link\x07\x00\x9b1m\u202e"
    " javascript:alert(3)"
)


class Page(HTMLParser):
    """Elements, attributes and text of a page."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: Counter[str] = Counter()
        self.attributes: set[str] = set()
        self.text = ""
        self.links: list[str] = []
        self.ids: Counter[str] = Counter()
        self._hidden = 0
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags[tag] += 1
        self.attributes |= {name for name, _ in attrs}
        self.links += [
            value or "" for name, value in attrs if name in ("href", "src", "xlink:href")
        ]
        self.ids.update(value or "" for name, value in attrs if name == "id")
        self._hidden += tag == "style"

    def handle_endtag(self, tag: str) -> None:
        self._hidden -= tag == "style"

    def handle_data(self, data: str) -> None:
        if not self._hidden:
            self.text += data


def read(html: str) -> str:
    """The page's text with single spaces."""
    return " ".join(Page(html).text.split())


def test_the_page_is_as_reviewed() -> None:
    """Golden file, without the picture (matplotlib's versions differ); GRADSTEP_UPDATE_GOLDEN=1
    writes it anew, for its diff to be read.
    """
    html = re.sub(r"<svg.*?</svg>", "<svg></svg>", render_feedback(sample_page()), flags=re.DOTALL)
    if os.environ.get("GRADSTEP_UPDATE_GOLDEN") == "1":
        GOLDEN.parent.mkdir(exist_ok=True)
        GOLDEN.write_text(html, encoding="utf-8")
    assert html == GOLDEN.read_text(encoding="utf-8")


def test_hostile_text_adds_no_element_and_no_attribute() -> None:
    """The same page with hostile names, messages, code and errors everywhere has the same elements
    as with harmless ones.
    """

    def page(text: str) -> Page:
        error = ErrorReport(text, text, text, "c1", 1)
        hostile = replace(
            sample_page(),
            grade=grade(
                check("a", Outcome.FAILED, 0, title=text, message=text, part=text, given=(text,)),
                student=text,
                problem=text,
                notices=(text,),
                submitted_at=text,
            ),
            evidence=evidence(LOSSES, error=error),
            cells={"c1": f"{text}\ud800\n{text}"},
        )
        return Page(render_feedback(hostile))

    harmless, hostile = page("x"), page(HOSTILE)
    assert hostile.tags == harmless.tags
    assert hostile.attributes == harmless.attributes
    assert "script" not in hostile.tags
    assert not [name for name in hostile.attributes if name.startswith("on")]
    assert all(link.startswith("#") for link in hostile.links)
    assert "alert(1)" in hostile.text
    assert "redlink" in hostile.text
    assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202e]", hostile.text)


def test_the_page_asks_for_nothing() -> None:
    """No request and no script can leave it: policy first, no element that loads anything."""
    page = Page(render_feedback(sample_page()))
    assert not {"script", "link", "iframe", "object", "img", "form", "base"} & set(page.tags)
    assert page.tags["style"] == 1
    assert "style" not in page.attributes  # the policy lets none act


def test_the_policy_lets_one_style_sheet_act_and_nothing_else() -> None:
    """Its hash is that of the sheet in the page; no script, request, form or base, and no inline
    anything.
    """
    html = render_feedback(sample_page())
    (content,) = re.findall(r'<meta http-equiv="Content-Security-Policy" content="([^"]*)">', html)
    policy = {
        name: values for name, *values in (part.split() for part in unescape(content).split(";"))
    }
    sheet = html[html.index("<style>") + 7 : html.index("</style>")]
    digest = base64.b64encode(hashlib.sha256(sheet.encode()).digest()).decode()
    assert policy == {
        "default-src": ["'none'"],
        "style-src": [f"'sha256-{digest}'"],
        "img-src": ["data:"],
        "base-uri": ["'none'"],
        "form-action": ["'none'"],
    }
    assert html.index("Content-Security-Policy") < html.index("<title>") < html.index("<style>")
    assert "\r" not in sheet  # browsers hash line feeds


def test_a_browser_finds_nothing_to_forbid(tmp_path: Path) -> None:
    """Where Chromium is installed: hostile text everywhere runs nothing, and the policy stops
    nothing of our own.
    """
    browser = (
        shutil.which("chromium")
        or shutil.which("chromium-browser")
        or shutil.which("google-chrome")
    )
    if browser is None:
        pytest.skip("no Chromium on this machine")
    hostile = [
        check(f"c{number}", Outcome.FAILED, 0, title=HOSTILE, message=HOSTILE)
        for number in range(2)
    ]
    page = sample_page(grade=grade(*hostile, student=HOSTILE, problem=HOSTILE, notices=(HOSTILE,)))
    (tmp_path / "ours.html").write_text(render_feedback(page), encoding="utf-8")
    (tmp_path / "spoilt.html").write_text(
        render_feedback(page).replace("</h1>", "</h1><script>document.title='ran'</script>", 1),
        encoding="utf-8",
    )
    for name, forbidden in (("ours", 0), ("spoilt", 1)):
        command = [
            browser,
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            f"--user-data-dir={tmp_path / name}",
            "--enable-logging=stderr",
            "--dump-dom",
        ]
        done = subprocess.run(
            [*command, (tmp_path / f"{name}.html").as_uri()],
            text=True,
            capture_output=True,
            check=True,
            timeout=60,
            errors="replace",
        )
        assert "<title>ran" not in done.stdout
        assert "2 checks passed" in done.stdout
        assert done.stderr.count("violates the following Content Security Policy") == forbidden


def test_ids_are_unique() -> None:
    """Links and labels point at one thing."""
    assert max(Page(render_feedback(sample_page(show_hidden=True))).ids.values()) == 1


def test_before_the_due_date_hidden_checks_say_nothing_but_that_they_are() -> None:
    """No title, message, points, curve or outcome of them; the total counts the rest and says
    so.
    """
    html = render_feedback(sample_page())
    text = read(html)
    assert "25 of 50 points" in text  # of what is decided
    assert "1 check hidden until the due date" in text
    assert "The points above are those of the checks you can see" in text
    for secret in ("HIDDEN-DETAIL", "data you have not seen", "SECRET"):
        assert secret not in html


def test_checks_that_wait_for_the_grades_say_nothing_before_the_due_date_either() -> None:
    """Title and message of a check that is shown once grades are published."""
    waits = check(
        "later",
        Outcome.FAILED,
        0,
        title="LATER",
        message="OBSERVED",
        visibility=Visibility.AFTER_PUBLISHED,
    )
    html = render_feedback(sample_page(grade=grade(check("seen"), waits)))
    assert "LATER" not in html
    assert "OBSERVED" not in html
    assert "OBSERVED" in render_feedback(
        sample_page(grade=grade(check("seen"), waits), show_hidden=True)
    )


def test_what_resembles_anothers_waits_for_the_due_date() -> None:
    """Before it, a student could still change it."""
    page = sample_page(grade=grade(check("seen"), resembles=("RESEMBLES",)))
    assert "RESEMBLES" not in render_feedback(page)
    assert "RESEMBLES" in render_feedback(replace(page, show_hidden=True))


def test_the_fix_is_told_after_the_due_date_alone() -> None:
    """Until then what the assignment's author allows."""
    finding = Finding("never-clears", Contract.CLEARING, "30 in .grad", "zeros")
    page = sample_page(
        grade=grade(check("loop", Outcome.FAILED, 0, findings=(finding,))),
        assignment=msgspec.structs.replace(ASSIGNMENT, disclosure=Disclosure.WHERE),
    )
    before, after = (
        read(render_feedback(replace(page, show_hidden=late))) for late in (False, True)
    )
    fix = " ".join(tell(finding, Disclosure.FIX).split())
    assert " ".join(tell(finding, Disclosure.WHERE).split()) in before
    assert fix not in before
    assert fix in after


def test_after_the_due_date_hidden_checks_are_shown_but_never_the_secret_ones() -> None:
    """`hidden` stays hidden; the student is told that it exists."""
    html = render_feedback(sample_page(show_hidden=True))
    assert "HIDDEN-DETAIL" in html
    assert "25 of 60 points" in read(html)
    assert "SECRET" not in html
    assert "counts checks that are never shown" in read(html)


def test_a_curve_on_hidden_data_waits_for_the_due_date() -> None:
    """Only runs of checks that the student can see."""
    checks = (
        check("seen"),
        check("unseen", Outcome.FAILED, 0, visibility=Visibility.AFTER_DUE_DATE, run="call-0"),
    )
    page = sample_page(grade=grade(*checks), evidence=evidence(LOSSES, error=None))
    assert "step by step" not in render_feedback(page)
    assert "step by step" in render_feedback(replace(page, show_hidden=True))


def test_of_several_optimizers_the_one_that_recorded_most_is_drawn() -> None:
    """A student may have made another before."""
    run = Run(
        "call-0",
        RunStatus.FINISHED,
        traces=(trace(LOSSES[:3] * 2), trace(LOSSES), trace(LOSSES[:2] * 3)),
    )
    made = Evidence("key", (), (run,), evidence().ending)
    text = read(
        render_feedback(
            sample_page(
                grade=grade(check("c", Outcome.FAILED, 0, run="call-0")),
                evidence=made,
                reference=None,
            )
        )
    )
    assert f"Your loss: {LOSSES[0]:.4g} at step 1, {LOSSES[-1]:.4g} at step 60" in text


def test_errors_are_shown_three_at_most_and_none_of_a_given_definitions_run() -> None:
    """A student can't mend what was put in the place of the own function."""

    def failing(name: str, **fields: Any) -> Run:
        return Run(
            name,
            RunStatus.RAISED,
            error=ErrorReport("E", f"error of {name}", "", name, 1),
            **fields,
        )

    cells = tuple(CellRun(failing(name)) for name in ("c1", "c2", "c3", "c4"))
    text = read(
        render_feedback(sample_page(evidence=Evidence("key", cells, (), evidence().ending)))
    )
    assert [name for name in ("c1", "c2", "c3", "c4") if f"error of {name}" in text] == [
        "c1",
        "c2",
        "c3",
    ]
    checks = grade(
        check("own", Outcome.FAILED, 0, run="own"),
        check("given", Outcome.FAILED, 0, run="given", given=("loss_fn",)),
    )
    calls = (failing("own"), failing("given", given=("loss_fn",)))
    text = read(
        render_feedback(
            sample_page(grade=checks, evidence=Evidence("key", (), calls, evidence().ending))
        )
    )
    assert "error of own" in text
    assert "error of given" not in text


def test_a_bonus_adds_and_is_told_as_such() -> None:
    """Earned or not, never out of the points that can be had."""
    earned = check("extra", points=2, max_points=0, bonus=5)
    text = read(render_feedback(sample_page(grade=grade(check("c"), earned))))
    assert "+2 (bonus, at most +5)" in text
    assert "12 of 10 points" in text


def test_the_curve_of_a_lost_check_comes_first() -> None:
    """It says more than that of a passed one; a run of one step says nothing."""
    checks = (
        check("one step", run="call-0"),
        check("fine", run="call-1"),
        check("lost", Outcome.FAILED, 0, run="call-2"),
    )
    page = sample_page(grade=grade(*checks), evidence=evidence([80.0], LOSSES, LOSSES * 2))
    assert "From “lost”" in read(render_feedback(page))


def test_the_run_alone_with_the_same_given_definitions_is_the_one_shown() -> None:
    """A check that failed was judged on the run that was made again."""
    runs = (
        Run("call-0", RunStatus.FINISHED, traces=(trace(LOSSES),)),
        Run("call-0", RunStatus.FINISHED, traces=(trace(LOSSES * 3),), given=("loss_fn",)),
        Run(
            "call-0",
            RunStatus.FINISHED,
            traces=(trace(LOSSES * 2),),
            given=("loss_fn",),
            alone=True,
        ),
    )
    made = Evidence("key", (), runs, evidence().ending)
    text = read(
        render_feedback(
            sample_page(
                grade=grade(check("c", Outcome.FAILED, 0, run="call-0", given=("loss_fn",))),
                evidence=made,
            )
        )
    )
    assert "Your loss: 160.7 at step 1" in text


def test_the_failing_line_is_marked_and_told_without_colour() -> None:
    """Number, text and a hint for screen readers."""
    html = render_feedback(sample_page())
    assert (
        '<span class="here"><i>2</i>print(parms)<span class="unseen"> (the error is in this'
        " line)</span></span>" in html
    )
    assert "Code cell 4, line 2" in html


def test_an_error_in_a_function_shows_the_cell_that_defines_it() -> None:
    """The report names the cell of the failing line, which need not be the cell that ran."""
    error = ErrorReport("TypeError", "no", "", "c3", 3)
    assert "Code cell 3, line 3" in render_feedback(sample_page(evidence=evidence(error=error)))


@pytest.mark.parametrize("line", [-5, 0, 7, 10**12])
def test_a_line_outside_the_cell_marks_nothing(line: int) -> None:
    """Line numbers come from the submission's process."""
    html = render_feedback(
        sample_page(evidence=evidence(error=ErrorReport("E", "m", "", "c4", line)))
    )
    assert "the error is in this line" not in html


def test_long_code_and_tracebacks_are_cut_and_say_so() -> None:
    """A page stays a page, whatever the submission printed."""
    cells = CELLS | {"c4": "\n".join(f"line_{number} = 0" for number in range(1, 100_001))}
    error = ErrorReport("E", "m" * 10**6, "frame\n" * 10**6, "c4", 50_000)
    html = render_feedback(sample_page(cells=cells, evidence=evidence(error=error)))
    assert len(html) < 60_000
    assert "[earlier lines left out]" in html


@pytest.mark.parametrize(("line", "first", "last"), [(50, 38, 62), (3, 1, 24), (99, 87, 100)])
def test_twelve_lines_around_the_error_are_shown(line: int, first: int, last: int) -> None:
    """Of a short way from the start as many as if it were further down."""
    cells = CELLS | {"c4": "\n".join(f"line_{number} = 0" for number in range(1, 101))}
    html = render_feedback(
        sample_page(cells=cells, evidence=evidence(error=ErrorReport("E", "m", "", "c4", line)))
    )
    assert [int(number) for number in re.findall(r"line_(\d+) = 0", html)] == list(
        range(first, last + 1)
    )


def test_a_cell_that_ran_out_of_time_is_shown() -> None:
    """There is no error then, only the ending."""
    made = Evidence("key", (CellRun(Run("c3", RunStatus.TIMED_OUT)),), (), evidence().ending)
    assert "The time ran out while this cell was running." in read(
        render_feedback(sample_page(evidence=made))
    )


def test_an_unreadable_submission_still_gets_a_page() -> None:
    """No evidence, no cells, no checks."""
    text = read(
        render_feedback(
            sample_page(grade=grade(problem="not JSON"), evidence=None, reference=None, cells={})
        )
    )
    assert "not JSON" in text
    assert "0 of 0 points" in text


@pytest.mark.parametrize(
    ("outcome", "points", "words"),
    [
        (Outcome.PASSED, 10, "✓ passed"),
        (Outcome.FAILED, 0, "✗ not passed"),
        (Outcome.FAILED, 5, "◐ partly passed"),
        (Outcome.NOT_REACHED, 0, "– not reached"),
        (Outcome.NEEDS_REVIEW, 0, "? needs review"),
        (Outcome.UNGRADABLE, 0, "! not graded yet"),
    ],
)
def test_every_outcome_has_a_symbol_and_words(outcome: Outcome, points: float, words: str) -> None:
    """Colour is never the only sign."""
    assert words in read(render_feedback(sample_page(grade=grade(check("c", outcome, points)))))


def test_undecided_points_are_no_zero() -> None:
    """A dash, and the sum of what is still open."""
    text = read(render_feedback(sample_page(grade=grade(check("c", Outcome.UNGRADABLE, 0)))))
    assert "– / 10" in text
    assert "10 points are not decided yet" in text


def answer(cause: Cause, points: float = 0.0, **fields: Any) -> CheckResult:
    """A question's result."""
    return check(
        "why",
        RULINGS[cause].outcome,
        points,
        title="Why it diverges",
        part="Explain",
        cause=cause,
        question=True,
        **fields,
    )


def test_answers_wait_for_a_person_and_count_neither_as_lost_nor_as_given() -> None:
    """The checks' points out of the checks' points, and what is still to come."""
    text = read(render_feedback(sample_page(grade=grade(check("c"), answer(Cause.TO_BE_MARKED)))))
    for words in (
        "10 of 10 points",
        "All checks passed.",
        "10 more points are for answers that a person marks",
        "? to be marked",
        "– / 10",
    ):
        assert words in text
    assert "Look first at" not in text


def test_a_marked_answer_shows_points_and_comment_and_runs_nothing() -> None:
    """The person's words are text."""
    html = render_feedback(
        sample_page(
            grade=grade(
                check("c"),
                answer(Cause.MARKED, 7, comment="Good, but why? <script>alert(1)</script>"),
            )
        )
    )
    text = read(html)
    for words in (
        "17 of 20 points",
        "◐ marked",
        "7 / 10",
        "From the person who marked it:",
        "Good, but why?",
    ):
        assert words in text
    assert "<script>" not in html
    assert "a person marks" not in text


def test_a_blank_answer_has_no_points_and_says_why() -> None:
    """Nothing to wait for."""
    text = read(
        render_feedback(
            sample_page(
                grade=grade(
                    check("c"), answer(Cause.UNANSWERED, message="There is no answer in this cell.")
                )
            )
        )
    )
    for words in ("10 of 20 points", "– no answer", "There is no answer in this cell."):
        assert words in text


def test_the_page_carries_its_grades_digest() -> None:
    """Another grade, another digest: that is how a stale page is told."""
    page = sample_page()
    assert f'<meta name="gradstep-grade" content="{grade_digest(page.grade)}">' in render_feedback(
        page
    )
    assert grade_digest(grade(check("a"))) != grade_digest(grade(check("a", Outcome.FAILED, 0)))


def test_checks_of_an_unknown_part_are_not_lost() -> None:
    """A part that assignment.toml does not list comes last."""
    text = read(
        render_feedback(
            sample_page(
                grade=grade(
                    check("stray", part="Appendix"), check("m", part=ASSIGNMENT.parts[0].title)
                )
            )
        )
    )
    assert text.index("1. Recall") < text.index("Appendix")


def test_hostile_losses_do_not_break_the_page() -> None:
    """Mismatched lengths, NaN and huge values."""
    made = evidence(np.array([np.nan, 1e308, -1e308, np.inf]))
    assert render_feedback(sample_page(evidence=made, reference=None))
