"""A grade as PrairieLearn's results.json."""

import json

import jsonschema
import msgspec
import pytest
from checked_samples import mixed, report, result

from autograder.assignment import Disclosure
from autograder.exchange.prairielearn import MAX_BYTES, encoded, not_gradable, results_json
from autograder.judgement.grade import Cause, Outcome, Visibility

TEXT = {"type": "string"}
SCHEMA = {
    "type": "object",
    "additionalProperties": False,
    "required": ["gradable"],
    "if": {"properties": {"gradable": {"const": True}}},
    "then": {"required": ["score", "tests"]},
    "else": {"required": ["format_errors"], "not": {"required": ["score"]}},
    "properties": {
        "gradable": {"type": "boolean"},
        "score": {"type": "number", "minimum": 0, "maximum": 1},
        "message": TEXT,
        "output": TEXT,
        "format_errors": {"type": "array", "items": TEXT, "minItems": 1},
        "tests": {
            "type": "array",
            "items": {
                "type": "object",
                "additionalProperties": False,
                "required": ["name"],
                "properties": {
                    "name": TEXT,
                    "description": TEXT,
                    "message": TEXT,
                    "output": TEXT,
                    "points": {"type": "number"},
                    "max_points": {"type": "number"},
                },
            },
        },
    },
}


def project(*checks, late=False):
    content = json.loads(
        encoded(results_json(report(*checks).grade, Disclosure.CONCEPT, show_hidden=late))
    )
    jsonschema.validate(content, SCHEMA)
    return content


def hidden(check, visibility=Visibility.AFTER_DUE_DATE):
    return msgspec.structs.replace(check, visibility=visibility)


def test_hidden_checks_count_and_are_not_told_before_the_due_date():
    """Their titles and messages come with the due date; those that are never shown never do."""
    checks = [
        result("seen"),
        hidden(result("later", Outcome.FAILED, "secret")),
        hidden(result("never", Outcome.FAILED, "secret"), Visibility.HIDDEN),
    ]
    early, late = project(*checks), project(*checks, late=True)
    assert early["score"] == late["score"] == pytest.approx(1 / 3)
    assert [test["name"] for test in early["tests"]] == ["The seen"]
    assert "secret" not in json.dumps(early)
    assert "2 checks are counted and not shown yet" in early["message"]
    assert [test["name"] for test in late["tests"]] == ["The seen", "The later"]


def test_what_waits_for_a_person_is_no_part_of_the_score():
    """Half of what is decided, and a word about the rest."""
    content = project(
        result("a"), result("b", Outcome.FAILED), result("c", Outcome.NEEDS_REVIEW, points=4.0)
    )
    assert content["score"] == 0.5
    assert "4 points wait" in content["message"]


def test_our_own_failures_and_unreadable_files_cost_no_attempt():
    """gradable: false, with the reason where the student can mend it."""
    assert project(*mixed().grade.checks)["gradable"] is False
    unread = msgspec.structs.replace(
        result("a", Outcome.NOT_REACHED, "Your file is not a notebook."), cause=Cause.UNREADABLE
    )
    assert project(unread)["format_errors"] == ["Your file is not a notebook."]
    jsonschema.validate(not_gradable("x"), SCHEMA)


def test_results_stay_below_a_megabyte():
    """Outputs of the last tests go first."""
    content = results_json(
        report(
            *(result(str(number), Outcome.FAILED, "\u4e00" * 1900) for number in range(400))
        ).grade,
        Disclosure.CONCEPT,
        show_hidden=False,
    )
    assert len(encoded(content)) <= MAX_BYTES
    assert content["tests"][0]["output"].startswith("\u4e00")
    assert content["tests"][-1]["output"] == "[left out: too long]"
