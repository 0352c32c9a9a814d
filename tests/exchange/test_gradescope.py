"""A grade as Gradescope's results.json: pure functions on samples."""

import base64
import datetime
import json
import re
from html.parser import HTMLParser
from pathlib import Path

import jsonschema
import numpy as np
import pytest
from gradescope_schema import RESULTS

from autograder.assignment import (
    Assignment,
    Disclosure,
    Gradescope,
    Leaderboard,
    Part,
    RateLimit,
    read_assignment,
)
from autograder.checks.declaring import Worth
from autograder.checks.docket import CheckSpec
from autograder.errors import AssignmentError
from autograder.evidence.limits import Isolation
from autograder.evidence.trace import (
    Ended,
    Ending,
    ErrorReport,
    Evidence,
    Run,
    RunStatus,
    Trace,
    array_of,
)
from autograder.exchange.gradescope.preview import preview
from autograder.exchange.gradescope.results_json import (
    PICTURES,
    Graded,
    encode_results,
    not_graded,
    results_of,
)
from autograder.exchange.gradescope.submission_metadata import Allowance
from autograder.judgement.findings.finding import Contract, Finding
from autograder.judgement.grade import (
    RULINGS,
    Cause,
    CheckResult,
    Grade,
    Outcome,
    Provenance,
    Visibility,
)

LATER = Visibility.AFTER_DUE_DATE
PARTS = (Part("Loss", ("loss_fn",), ("loss_fn",)), Part("Loop", ("training_loop",)))
FINDING = Finding("never-clears", Contract.CLEARING, "`.grad` holds 30.0 before backward", "0.0", 2)


def assignment(**settings):
    return Assignment(title="Tiny", points=20, parts=PARTS, gradescope=Gradescope(**settings))


def check(
    name, cause=Cause.AGREES, *, points=None, of=4.0, when=Visibility.VISIBLE, part="Loop", **fields
):
    """A check for `cause`, with all of its points if it passed."""
    outcome = RULINGS[cause].outcome
    got = points if points is not None else of if outcome is Outcome.PASSED else 0.0
    return CheckResult(name, name, part, outcome, cause, got, of, when, **fields)


def grade(*checks, **fields):
    provenance = Provenance(
        "0.1.0",
        "5a" * 32,
        "ev" * 32,
        "ju" * 32,
        {"torch": "2.13.0", "python": "3.12.3", "isolation": "strong"},
    )
    return Grade(
        "submission-7",
        "tiny",
        checks,
        fields.pop("notices", ()),
        fields.pop("problem", ""),
        provenance,
        **fields,
    )


def trace(losses):
    steps = np.arange(1, len(losses) + 1)
    return Trace(
        "SGD",
        True,
        len(losses),
        (),
        (),
        (),
        array_of(steps),
        array_of(np.asarray(losses)),
        (),
        (),
        (),
    )


def evidence(**losses):
    """One call for each check, with these losses."""
    return Evidence(
        "key",
        (),
        tuple(
            Run(name, RunStatus.FINISHED, traces=(trace(values),))
            for name, values in losses.items()
        ),
        Ending(Ended.FINISHED),
    )


def projected(graded_checks, *, settings=None, runs=None, allowance=None, **fields):
    """results.json of a grade of these checks, read back and held against the format."""
    graded = Graded(
        grade(*graded_checks, **fields),
        assignment(**(settings or {})),
        runs,
        runs,
        {},
        (),
        allowance,
    )
    content = json.loads(encode_results(results_of(graded, 12.3456)))
    jsonschema.validate(content, RESULTS)
    return content


class Elements(HTMLParser):
    """All elements of a page with their attributes, and its text."""

    def __init__(self, page):
        super().__init__()
        self.found, self.text = [], ""
        self.feed(page)

    def handle_starttag(self, tag, attributes):
        self.found.append((tag, dict(attributes)))

    def handle_data(self, data):
        self.text += data


def test_a_grade_of_every_outcome_is_a_valid_result():
    """Each cause that there is, once: score of what is decided, number by part, execution time as a
    number.
    """
    checks = [check(f"c{number}", cause) for number, cause in enumerate(Cause)]
    content = projected(checks)
    assert content["execution_time"] == 12.35
    assert content["score"] == sum(4 for cause in Cause if RULINGS[cause].outcome is Outcome.PASSED)
    assert [test["number"] for test in content["tests"]] == [
        f"2.{number}" for number in range(1, len(checks) + 1)
    ]
    assert content["stdout_visibility"] == "hidden"


@pytest.mark.parametrize(
    "cause",
    [
        cause
        for cause in Cause
        if RULINGS[cause].outcome in (Outcome.NEEDS_REVIEW, Outcome.UNGRADABLE)
    ],
)
def test_what_is_not_decided_has_words_and_no_number(cause):
    """No 0 that reads as lost, and the text above says how many points are in no score; a failed
    check has its 0.
    """
    content = projected([check("open", cause, of=7.0), check("lost", Cause.DISAGREES)])
    undecided, lost = content["tests"]
    assert "score" not in undecided
    assert "max_score" not in undecided
    assert undecided["status"] != "passed"
    assert "not decided yet, 7 points" in undecided["name"]
    assert "neither lost nor given" in undecided["output"]
    assert "7 points are not decided yet" in content["output"]
    assert (lost["score"], lost["max_score"], lost["status"]) == (0, 4, "failed")
    assert "not decided" not in projected([check("lost", Cause.DISAGREES)])["output"]


def test_errors_are_those_of_checks_that_are_shown_at_once():
    """The words of an error on hidden data would tell them."""
    runs = tuple(
        Run(name, RunStatus.RAISED, error=ErrorReport("ValueError", f"error of {name}"))
        for name in ("hidden", "seen")
    )
    checks = [
        check("secret", Cause.DISAGREES, when=LATER, run="hidden"),
        check("open", Cause.DISAGREES, run="seen"),
    ]
    output = projected(checks, runs=Evidence("key", (), runs, Ending(Ended.FINISHED)))["output"]
    assert "error of seen" in output
    assert "error of hidden" not in output


def test_points_that_a_person_looks_at_again_are_in_no_score():
    """Whatever was given for them before."""
    again = check("why", Cause.TO_BE_MARKED_AGAIN, points=3.0, question=True)
    assert projected([check("loss"), again])["score"] == 4


def test_part_of_the_points_is_shown_as_such():
    """Half a loop: its points, failed, and words that say so."""
    (test,) = projected([check("loop", Cause.DISAGREES, points=2.5)])["tests"]
    assert (test["score"], test["status"]) == (2.5, "failed")
    assert "Partly passed: 2.5 of 4 points" in test["output"]


def test_a_bonus_is_no_loss_to_those_who_lack_it():
    """It is called so, and the points that can be had leave it out."""
    content = projected([check("swift", points=3.0, of=0.0, bonus=3.0), check("plain")])
    assert [(test["score"], test["max_score"]) for test in content["tests"]] == [(3, 3), (4, 4)]
    assert content["tests"][0]["name"] == "swift (bonus)"
    assert content["score"] == 7
    assert "7 of 4 points" in content["output"]


def test_questions_are_no_tests():
    """A person marks them in Gradescope; the text says how many points, and which have no
    answer.
    """
    content = projected(
        [
            check("loop"),
            check("why", Cause.TO_BE_MARKED, question=True),
            check("how", Cause.UNANSWERED, question=True),
        ]
    )
    assert [test["name"] for test in content["tests"]] == ["loop"]
    assert (
        "8 more points are for answers that a person marks. No answer was found to: how."
        in content["output"]
    )
    assert content["score"] == 4
    assert "answers" not in projected([check("loop")])["output"]


HOSTILE = (
    "<script>alert(1)</script><img src=x onerror=alert(1)>\x1b[31m\u202e[a](javascript:alert(1)) {{"
    " 7 * 7 }}"
)


def test_what_students_wrote_stands_there_as_text():
    """Titles, messages, notices, problem, findings, given names: no element and no attribute but
    our own, no control character.
    """
    finding = Finding("never-clears", Contract.CLEARING, HOSTILE, HOSTILE, 1)
    lost = check(
        HOSTILE,
        Cause.DISAGREES,
        message=f"{HOSTILE}\n\n{HOSTILE}  x",
        findings=(finding,),
        given=(HOSTILE,),
        when=LATER,
        run="run",
    )
    content = projected(
        [lost], notices=(HOSTILE,), problem=HOSTILE, runs=evidence(run=[3.0, 2.0, 1.0])
    )
    for page in (content["output"], content["tests"][0]["output"]):
        seen = Elements(page)
        assert {tag for tag, _ in seen.found} <= {"p", "b", "em", "pre", "ul", "li", "img"}
        assert [set(attributes) for tag, attributes in seen.found if tag != "img"] == [set()] * sum(
            tag != "img" for tag, _ in seen.found
        )
        assert all(
            set(attributes) == {"src", "alt", "width"}
            for tag, attributes in seen.found
            if tag == "img"
        )
        assert "<script>alert(1)</script>" in seen.text
        assert "49" not in seen.text
        assert not {"\x1b", "\u202e"} & set(page)
    assert "name_format" not in content["tests"][0]  # names are plain text
    assert content["test_name_format"] == "text"


def visible(content):
    """What a student can read before the due date."""
    tests = [test for test in content["tests"] if test["visibility"] == "visible"]
    return content["output"], tests, content.get("leaderboard")


@pytest.mark.parametrize(
    "cause",
    [Cause.DISAGREES, Cause.UNDECIDED, Cause.CHECK_BROKEN, Cause.NO_NOTEBOOK, Cause.CPU_LIMIT],
)
def test_what_is_visible_tells_nothing_of_what_is_hidden(cause):
    """Two submissions that differ in a hidden check alone look the same until it is shown, also
    where a later part was judged with given definitions.
    """
    later = check("swap", Cause.DISAGREES, given=("loss_fn",), findings=(FINDING,))
    hidden = [
        check("on unseen data", one, part="Loss", when=LATER, findings=(FINDING,) * (one is cause))
        for one in (cause, Cause.AGREES)
    ]
    first, second = (projected([check("loss", part="Loss"), one, later]) for one in hidden)
    assert visible(first) == visible(second)
    assert first["tests"] != second["tests"]
    open_loss = projected([check("loss", Cause.DISAGREES, part="Loss"), later])
    assert "given loss_fn" in open_loss["tests"][1]["output"]


def test_the_author_chooses_what_is_shown_when():
    """`show` moves a visibility; what is not named stays as the check declares it."""
    checks = [check("a", when=LATER), check("b", when=Visibility.HIDDEN), check("c")]
    as_declared, moved = (
        projected(checks),
        projected(
            checks, settings={"show": {"after_due_date": "visible", "visible": "after_published"}}
        ),
    )
    assert [test["visibility"] for test in as_declared["tests"]] == [
        "after_due_date",
        "hidden",
        "visible",
    ]
    assert [test["visibility"] for test in moved["tests"]] == [
        "visible",
        "hidden",
        "after_published",
    ]
    assert "1 more check is shown after the due date, worth 4 points" in as_declared["output"]
    assert "after the due date" not in moved["output"]


def test_a_finding_is_told_in_full_where_it_can_be_seen():
    """The visible check says it at length though a hidden one before it has it too, and how to mend
    it only what is shown later says.
    """
    content = projected(
        [
            check(name, Cause.DISAGREES, when=when, findings=(FINDING,))
            for name, when in (("h", LATER), ("a", Visibility.VISIBLE), ("b", Visibility.VISIBLE))
        ]
    )
    hidden, first, second = (test["output"] for test in content["tests"])
    fix = "Call optimizer.zero_grad() in every epoch"
    assert "`.grad` holds 30.0 before backward" in first
    assert "The same as at" not in first
    assert fix not in first
    assert "The same as at “a”." in second
    assert fix in hidden
    assert assignment().disclosure is Disclosure.CONCEPT


def picture(page):
    """The PNG in a page, or None."""
    sources = [attributes["src"] for tag, attributes in Elements(page).found if tag == "img"]
    return (
        base64.b64decode(sources[0].removeprefix("data:image/png;base64,"), validate=True)
        if sources
        else None
    )


def test_lost_checks_come_with_a_loss_plot():
    """A PNG, and the same in words for pages without it; passed calls have none, passed cells do; a
    single loss makes no curve.
    """
    runs = evidence(lost=[9.0, 4.0, 2.0], passed=[9.0, 3.0, 1.0], single=[5.0])
    content = projected(
        [
            check("a", Cause.DISAGREES, run="lost"),
            check("b", run="passed"),
            check("c", Cause.DISAGREES, run="single"),
            check("d", Cause.DISAGREES),
        ],
        runs=runs,
    )
    pictures = [picture(test["output"]) for test in content["tests"]]
    assert pictures[0].startswith(b"\x89PNG\r\n\x1a\n")
    assert pictures[0].endswith(b"IEND\xaeB`\x82")
    assert pictures[1:] == [None, None, None]
    assert "Your loss: 9 at step 1, 2 at step 3." in content["tests"][0]["output"]


def test_there_are_only_so_many_plots():
    """A submission that loses everything still makes a small file, in which each check has its
    words.
    """
    names = [f"c{number}" for number in range(PICTURES + 3)]
    content = projected(
        [check(name, Cause.DISAGREES, run=name) for name in names],
        runs=evidence(**{name: [3.0, 2.0] for name in names}),
    )
    assert sum(picture(test["output"]) is not None for test in content["tests"]) == PICTURES
    assert len(json.dumps(content)) < 500_000


BOARD = {"leaderboard": (Leaderboard("Steps to a loss of 3", "c", 3.0),)}


def test_the_leaderboard_counts_steps_of_a_check_that_passed():
    """The first step at or below the loss; nobody is on it whose check did not pass, was never
    there, is not visible, or who never got so far.
    """
    runs = evidence(run=[9.0, float("nan"), 3.0, 1.0])
    assert projected([check("c", run="run")], settings=BOARD, runs=runs)["leaderboard"] == [
        {"name": "Steps to a loss of 3", "value": 3, "order": "asc"}
    ]
    assert "leaderboard" not in projected(
        [check("c", Cause.DISAGREES, run="run")], settings=BOARD, runs=runs
    )
    assert "leaderboard" not in projected(
        [check("c", run="run", when=LATER)], settings=BOARD, runs=runs
    )
    assert "leaderboard" not in projected(
        [check("c", run="run")], settings=BOARD, runs=evidence(run=[9.0, 4.0])
    )
    assert "leaderboard" not in projected([check("other", run="run")], settings=BOARD, runs=runs)


def test_a_result_says_what_it_was_made_from():
    """Versions, hashes and isolation, under one key of our own."""
    own = projected([check("c")])["extra_data"]["gradstep"]
    assert own["provenance"]["submission_sha256"] == "5a" * 32
    assert own["provenance"]["environment"]["isolation"] == "strong"
    assert own["counted"] is True


def test_the_machines_faults_use_up_no_grading():
    """A grade with an ungradable check counts for no limit, one that needs review does; the student
    reads how many are left.
    """
    allowed = Allowance(
        RateLimit(3, 24), 1, None, (datetime.datetime(2026, 11, 25, 8, tzinfo=datetime.UTC),)
    )
    for cause, counted, left in ((Cause.MACHINE_FAILED, False, 2), (Cause.UNDECIDED, True, 1)):
        content = projected([check("c", cause)], allowance=allowed)
        assert content["extra_data"]["gradstep"]["counted"] is counted
        assert content["extra_data"]["gradstep"]["uncounted"] == ["2026-11-25T08:00:00+00:00"]
        assert f"{left} of 3 gradings within 24 hours are left." in content["output"]


def test_a_result_without_a_grade_is_valid_and_says_so():
    """Its 0 comes with words twice: above, and as the name of its one test."""
    content = json.loads(
        encode_results(not_graded("The machine <b>failed</b>.", execution_time=1.5))
    )
    jsonschema.validate(content, RESULTS)
    assert content["score"] == 0
    assert "not your mark" in content["output"]
    assert "The machine &lt;b&gt;failed&lt;/b&gt;." in content["output"]
    assert "not graded" in content["tests"][0]["name"]
    assert "score" not in content["tests"][0]


def test_the_schema_refuses_what_gradescope_does_not_know():
    """Or the tests above would show nothing."""
    good = {"score": 1, "tests": [{"name": "a", "status": "passed"}]}
    jsonschema.validate(good, RESULTS)
    for bad in (
        {"tests": [{"name": "a"}]},
        {"score": "1"},
        {**good, "execution_time": "1"},
        {"score": 1, "tests": [{"status": "review"}]},
    ):
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate(bad, RESULTS)


def spec(name, points, when=Visibility.VISIBLE):
    return CheckSpec(name, f"Title of {name}", Worth(points, when), None, None)


def test_the_preview_says_what_students_will_see():
    """Groups with points, the missing total and how to have it; with nothing hidden, the total."""
    specs = [spec("a", 4), spec("b", 6, LATER), spec("c", 10, Visibility.HIDDEN)]
    lines = "\n".join(preview(assignment(), specs))
    assert "At once: 1 check, 4 points" in lines
    assert "After the due date (the late one, where there is one): 1 check, 6 points" in lines
    assert "Never: 1 check, 10 points" in lines
    assert "   6  Title of b" in lines
    assert "No total score" in lines
    assert "give the autograder 20 points" in lines
    shown = "\n".join(
        preview(assignment(show={"after_due_date": "visible", "hidden": "visible"}), specs)
    )
    assert "At once: 3 checks, 20 points" in shown
    assert "No total" not in shown


@pytest.mark.parametrize(
    "table",
    [
        '[gradescope]\nisolation = "none"',
        "[gradescope]\ntimeout_minutes = 60",
        '[gradescope]\nshow = { later = "visible" }',
        "[gradescope.limit]\nsubmissions = 0\nhours = 24",
        "[gradescope.limit]\nsubmissions = 5\nhours = 1e12",
        "[gradescope]\nshown = {}",
    ],
)
def test_a_wrong_table_is_refused(tmp_path, table):
    """Never without saying which file."""
    (tmp_path / "assignment.toml").write_text(f'title = "T"\npoints = 1\nparts = []\n{table}\n')
    with pytest.raises(AssignmentError, match=r"assignment\.toml"):
        read_assignment(tmp_path / "assignment.toml")


def test_the_pages_tables_are_right(tmp_path):
    """What docs/gradescope.md shows of assignment.toml is read, and its defaults are the
    defaults.
    """
    page = (Path(__file__).parent.parent.parent / "docs" / "gradescope.md").read_text()
    tables = re.findall(r"```toml\n(.*?)```", page, re.DOTALL)
    read = []
    for table in tables:
        (tmp_path / "assignment.toml").write_text(f'title = "T"\npoints = 1\nparts = []\n{table}')
        read.append(read_assignment(tmp_path / "assignment.toml").gradescope)
    assert read[0] == Gradescope(show={"after_due_date": "visible"})
    assert read[1] == Gradescope(
        limit=RateLimit(5, 24),
        leaderboard=(Leaderboard("Steps to a loss of 3", "test_lecture_run", 3.0),),
    )
    assert len(read) == 2


def test_a_right_table_is_read(tmp_path):
    """All of it; left out, nothing changes."""
    (tmp_path / "assignment.toml").write_text(
        'title = "T"\npoints = 1\nparts = []\n[gradescope]\nshow = { after_due_date = "visible"'
        ' }\ntimeout_minutes = 20\nisolation = "weak"\nlimit = { submissions = 5, hours = 24'
        ' }\n[[gradescope.leaderboard]]\nname = "Steps"\ncheck = "test_x"\nloss = 3.0\n'
    )
    assert read_assignment(tmp_path / "assignment.toml").gradescope == Gradescope(
        {"after_due_date": "visible"},
        20,
        Isolation.WEAK,
        RateLimit(5, 24),
        (Leaderboard("Steps", "test_x", 3.0),),
    )
    (tmp_path / "assignment.toml").write_text('title = "T"\npoints = 1\nparts = []\n')
    assert read_assignment(tmp_path / "assignment.toml").gradescope == Gradescope()
