"""submission_metadata.json, and limits counted from it."""

import datetime
import json

import jsonschema
import pytest
from gradescope_schema import RESULTS

from autograder.assignment import RateLimit
from autograder.errors import ExchangeError
from autograder.exchange.gradescope.results_json import encode_results, not_graded, refused
from autograder.exchange.gradescope.submission_metadata import allowance, read_metadata

NOW = datetime.datetime(2026, 11, 25, 12, tzinfo=datetime.timezone(datetime.timedelta(hours=-8)))
THREE = RateLimit(3, 24)


def metadata(*previous, created_at=NOW):
    """A submission at noon in California, after these."""
    return read_metadata(
        json.dumps(
            {
                "id": 7,
                "created_at": created_at.isoformat(),
                "assignment": {"late_due_date": None},
                "previous_submissions": previous,
            }
        ).encode()
    )


def before(hours, **fields):
    """A submission so many hours earlier, as Gradescope tells it, in another time zone."""
    return {
        "submission_time": (
            (NOW - datetime.timedelta(hours=hours)).astimezone(datetime.UTC).isoformat()
        ),
        "score": 1.0,
        **fields,
    }


def test_what_gradescope_documents_is_read():
    """Its own example, whose total_points is a text and whose results belong to the latest
    submission.
    """
    found = read_metadata(
        b'{"id": 123456, "created_at": "2018-07-01T14:22:32.365935-07:00", "assignment":'
        b' {"due_date": "2018-07-31T23:00:00.000000-07:00", "group_size": 4,"group_submission":'
        b' true, "id": 25828, "course_id": 1234, "late_due_date": null, "title": "Programming'
        b' Assignment 1", "total_points": "20.0"},"submission_method": "upload", "users":'
        b' [{"email": "student@example.com", "id": 1234, "name": "Student User"}],'
        b' "previous_submissions": [{"submission_time": "2017-04-06T14:24:48.087023-07:00",'
        b' "score": "0.0", "autograder_error": false, "results": {"score": 0.0}}]}'
    )
    assert found.created_at.isoformat() == "2018-07-01T14:22:32.365935-07:00"
    assert [user.email for user in found.users] == ["student@example.com"]
    assert found.latest_results == {"score": 0.0}
    assert found.earlier[0].score == 0


@pytest.mark.parametrize(
    "data",
    [b"", b"[]", b"{}", b'{"created_at": "yesterday"}', b'{"created_at": "2018-07-01T14:22:32"}'],
)
def test_other_files_are_refused(data):
    """Also times without a zone, which no window can be counted from."""
    with pytest.raises(ExchangeError, match=r"submission_metadata\.json"):
        read_metadata(data)


def test_gradings_in_the_window_are_counted():
    """Three within a day allow none; two, or three of which one is older, allow another.

    The moment that is named is when the oldest leaves the window.
    """
    full = allowance(metadata(before(30), before(23), before(5), before(1)), THREE)
    assert (full.used, full.again_at) == (3, NOW + datetime.timedelta(hours=1))
    assert allowance(metadata(before(5), before(1)), THREE).again_at is None
    assert allowance(metadata(before(24.01), before(5), before(1)), THREE).again_at is None


def test_at_the_moment_that_was_named_the_next_one_is_graded():
    """Neither refused a second time for the oldest, nor held against itself."""
    assert allowance(metadata(before(24), before(5), before(1)), THREE).used == 2
    assert allowance(metadata(before(5), before(1), before(0)), THREE).used == 2


def test_the_moment_is_when_so_many_have_left_that_one_is_free():
    """In whatever order they are listed, and where the limit was lowered meanwhile: of five in the
    window three have to leave.
    """
    for hours in ((23, 5, 1), (1, 23, 5), (5, 1, 23)):
        assert allowance(metadata(*map(before, hours)), THREE).again_at == NOW + datetime.timedelta(
            hours=1
        )
    lowered = allowance(metadata(*map(before, (23, 22, 20, 5, 1))), THREE)
    assert (lowered.used, lowered.again_at) == (5, NOW + datetime.timedelta(hours=4))


def test_the_clock_does_not_count():
    """An old submission that is graded again has the limit of its own day, and what was handed in
    after it counts for nothing.
    """
    long_ago = NOW - datetime.timedelta(days=400)
    assert (
        allowance(metadata(before(5), before(3), before(1), created_at=long_ago), THREE).used == 0
    )
    around = [before(400 * 24 + hours) for hours in (5, 3, 1)]
    assert allowance(metadata(*around, before(5), created_at=long_ago), THREE).again_at is not None


def test_what_failed_by_no_fault_of_the_student_counts_for_nothing():
    """Gradescope's own word for it, and ours of the latest one."""
    assert (
        allowance(metadata(before(5, autograder_error=True), before(3), before(1)), THREE).used == 2
    )
    ours = json.loads(encode_results(not_graded("The machine failed.")))
    assert allowance(metadata(before(5), before(3), before(1, results=ours)), THREE).used == 2


def chain(hours, limit=THREE):
    """One submission after another, each result handed on as Gradescope does: with the latest
    alone. Returns who was refused.
    """
    previous, answers = [], []
    for offset in hours:
        moment = NOW + datetime.timedelta(hours=offset)
        described = metadata(*previous, created_at=moment)
        allowed = allowance(described, limit)
        if allowed.again_at is not None:
            result = refused(described, allowed, 0.1)
        else:
            own = {"counted": True, "uncounted": [one.isoformat() for one in allowed.uncounted]}
            result = not_graded("x")
            result = type(result)(
                8.0, f"<p>The result of {offset}</p>", 1.0, extra_data={"gradstep": own}
            )
        content = json.loads(encode_results(result))
        jsonschema.validate(content, RESULTS)
        for one in previous:
            one.pop("results", None)
        previous.append(
            {
                "submission_time": moment.isoformat(),
                "score": content["score"],
                "autograder_error": False,
                "results": content,
            }
        )
        answers.append(content)
    return answers


def test_refused_submissions_use_up_nothing():
    """Whoever is refused and keeps trying is graded as soon as the oldest grading has left the
    window.
    """
    answers = chain([0, 1, 2, 3, 4, 5, 23, 24.5, 24.6, 25.5])
    refusals = ["used up" in answer["output"] for answer in answers]
    assert refusals == [False, False, False, True, True, True, True, False, True, False]


def test_a_refused_submission_keeps_the_result_before_it():
    """Score and text stay, with one note above them, however often; never a bare 0."""
    answers = chain([0, 1, 2, 3, 4])
    for answer in answers[3:]:
        assert answer["score"] == 8
        assert answer["output"].count("used up") == 1
        assert answer["output"].count("The result of 2") == 1
    assert "from 2026-11-26 12:00:00" in answers[3]["output"]


@pytest.mark.parametrize("results", [None, {}, {"tests": "forged"}, []])
def test_where_the_result_before_is_missing_its_score_stays(results):
    """Gradescope may not have it yet; a submission on which nothing is known has words."""
    described = metadata(
        before(3, score=6.5), before(2, score=7.5), before(1, score=None, results=results)
    )
    content = json.loads(encode_results(refused(described, allowance(described, THREE), 0.1)))
    jsonschema.validate(content, RESULTS)
    assert content["score"] == 7.5
    assert "The score is that of your submission before this one" in content["output"]
    unknown = metadata(*(before(hours, score=None) for hours in (3, 2, 1)))
    assert "not your mark" in refused(unknown, allowance(unknown, THREE), 0.1).output
