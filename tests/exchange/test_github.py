"""Annotations for GitHub Actions, and Classroom 50's result.json."""

import datetime
import json

import jsonschema
import pytest
from checked_samples import HOSTILE, mixed, report, result
from github_runner import commands_in
from result_schema import RESULT, RUNNER

from autograder.exchange.github import commands, pause, result_json, resume, scale, submitted
from autograder.judgement.grade import Outcome

NOON = datetime.datetime(2026, 6, 1, 12, 0, 0, tzinfo=datetime.UTC)


def test_a_lost_check_is_an_error_on_its_line_and_an_undecided_one_a_warning():
    """File, line and title come back from the runner as they were, whatever the message holds;
    passed checks and questions say nothing.
    """
    found = commands_in("\n".join(commands(mixed(), "my work, week 1: a%b.ipynb")))
    assert [name for name, _, _ in found] == ["error", "error", "warning", "warning"]
    assert {properties["file"] for _, properties, _ in found} == {"my work, week 1: a%b.ipynb"}
    (_, second, message), *_ = found
    assert (second["line"], second["title"]) == ("17", "The second: not passed")
    # inside of the one annotation, not one of its own
    assert "::error file=a,line=1::gotcha" in message
    assert "%0A" in message  # as the student wrote it
    assert "expected None or zeros" in message


def test_nothing_is_said_of_a_notebook_that_passes():
    """No command at all."""
    assert list(commands(report(result("first")), "n.ipynb")) == []


@pytest.mark.parametrize(("lost", "said"), [(10, 10), (11, 10), (30, 10)])
def test_no_more_annotations_than_github_shows(lost, said):
    """Ten of a level; where there are more, the last one says how many."""
    lines = list(
        commands(
            report(*(result(str(number), Outcome.FAILED) for number in range(lost))), "n.ipynb"
        )
    )
    assert len(lines) == said
    assert (f"{lost - 9} more checks" in lines[-1]) == (lost > 10)


def test_output_between_pause_and_resume_is_no_command():
    """What a student prints stays text; without the pause it would be five commands, which the
    runner obeys again afterwards.
    """
    text = HOSTILE.encode("utf-8", "replace").decode()
    assert len(commands_in(text)) >= 4
    assert commands_in(
        "\n".join([pause("token"), text, "::guess::", resume("token"), "::notice::ours"])
    ) == [("notice", {}, "ours")]


def test_result_json_follows_the_schema():
    """Whole numbers that add up; identity from the runner's environment."""
    content = json.loads(json.dumps(result_json(mixed(), submitted(RUNNER, NOON))))
    jsonschema.validate(content, RESULT)
    assert (content["score"], content["max-score"]) == (2, 10)
    assert content["score"] == sum(test["score"] for test in content["tests"])
    assert [test["passed"] for test in content["tests"]] == [True, False, False, False, False]
    assert content["submission"] == RUNNER["SUBMISSION_TAG"]
    assert content["graded_at"] == "2026-06-01T12:00:00Z"


def test_the_schema_refuses_other_results():
    """The test above can fail."""
    content = result_json(mixed(), submitted(RUNNER, NOON))
    for wrong in (
        {"score": 1.5},
        {"schema": "v2"},
        {"commit": ""},
        {"datetime": "today"},
        {"tests": [{}]},
    ):
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate(content | wrong, RESULT)


def test_outside_of_classroom_50_the_commit_is_that_of_actions():
    """The rest is empty: nobody reads it there."""
    environment = {
        "GITHUB_SERVER_URL": "https://example.org",
        "GITHUB_REPOSITORY": "a/b",
        "GITHUB_SHA": "c0ffee",
    }
    fields = submitted(environment, NOON).fields
    assert fields["commit"] == fields["review"] == "https://example.org/a/b/commit/c0ffee"
    assert fields["classroom"] == ""


@pytest.mark.parametrize(
    ("points", "factor"),
    [([2.0, 3.0], 1), ([2.5, 1.0], 2), ([0.25, 1.5], 4), ([0.1, 0.25], 20), ([1 / 3], 3), ([], 1)],
)
def test_points_with_fractions_become_whole(points, factor):
    """By the least factor."""
    assert scale(points) == factor
    assert all(abs(one * factor - round(one * factor)) < 1e-9 for one in points)


def test_all_points_are_all_points_whatever_a_float_makes_of_them():
    """0.29 times 100 is a little less than 29."""
    assert 0.29 * 100 < 29
    content = result_json(
        report(result("first", points=0.29), result("second", points=1.0)), submitted({}, NOON)
    )
    assert (content["score"], content["max-score"]) == (129, 129)
