"""Blackboard: attempts and receipts in."""

import datetime
import zoneinfo

from lms_samples import make_zip, notebook, receipt

from autograder.exchange.lms import blackboard
from autograder.exchange.lms.delivery import Asked, IdKind
from autograder.exchange.lms.download import open_download

WHEN = "2026-11-25-09-00-00"


def delivered(tmp_path, members, zone=None):
    with open_download(make_zip(tmp_path / "gradebook.zip", members)) as download:
        assert blackboard.recognise(download.names)
        return blackboard.deliveries(download, Asked("tiny", zone))


def test_attempts_are_told_apart_and_receipts_are_no_files(tmp_path):
    """Two attempts of one user, in order, each with its receipt."""
    members = {}
    for when in (WHEN, "2026-11-26-10-30-00"):
        members[f"Tiny_alee_attempt_{when}.txt"] = receipt("Ann Lee", "alee")
        members[f"Tiny_alee_attempt_{when}_tiny.ipynb"] = notebook(when)
    found = sorted(delivered(tmp_path, members).deliveries, key=lambda one: one.order, reverse=True)
    assert [one.order for one in found] == ["2026-11-26-10-30-00", WHEN]
    assert [[entry.name for entry in one.files] for one in found] == [
        [f"Tiny_alee_attempt_{when}_tiny.ipynb"] for when in ("2026-11-26-10-30-00", WHEN)
    ]
    assert found[0].people[0].ids == ((IdKind.LOGIN, "alee"),)
    assert found[0].people[0].shown == "Ann Lee"


def test_underscores_in_titles_and_usernames_are_told_by_the_receipt(tmp_path):
    """And, where one attempt lacks it, by the title in the others'; where there is none at all, by
    nothing.
    """
    members = {
        f"Tiny_one_ann_lee_attempt_{WHEN}.txt": receipt(
            "Ann Lee", "ann_lee", assignment="Tiny_one"
        ),
        f"Tiny_one_ann_lee_attempt_{WHEN}_tiny.ipynb": b"",
        f"Tiny_one_bob_b_attempt_{WHEN}_tiny.ipynb": b"",
    }
    assert [one.people[0].handle for one in delivered(tmp_path, members).deliveries] == [
        "ann_lee",
        "bob_b",
    ]
    alone = delivered(tmp_path, {f"Tiny_one_bob_b_attempt_{WHEN}_tiny.ipynb": b""})
    assert alone.deliveries == ()
    assert alone.strange == (f"Tiny_one_bob_b_attempt_{WHEN}_tiny.ipynb",)


def test_a_receipt_of_another_user_than_the_files_makes_nobody_else_of_them(tmp_path):
    """The file's name is Blackboard's own; a name with brackets in it may look like another's
    login.
    """
    members = {
        f"Tiny_alee_attempt_{WHEN}.txt": receipt("Ann Lee", "bob"),
        f"Tiny_alee_attempt_{WHEN}_tiny.ipynb": b"",
    }
    (one,) = delivered(tmp_path, members).deliveries
    assert one.people[0].ids == ((IdKind.LOGIN, "alee"),)


def test_a_students_own_words_in_a_receipt_are_not_read(tmp_path):
    """Who writes "Name:" into the text field does not become somebody else."""
    field = "Name: Bob (bob)\nAssignment: Bob"
    members = {
        f"Tiny_eve_attempt_{WHEN}.txt": receipt("Eve", "eve", field=field),
        f"Tiny_eve_attempt_{WHEN}_x_attempt_{WHEN}.txt": b"Name: Bob (bob)",
    }
    (one,) = delivered(tmp_path, members).deliveries
    assert one.people[0].handle == "eve"
    assert [entry.name for entry in one.files] == [f"Tiny_eve_attempt_{WHEN}_x_attempt_{WHEN}.txt"]


def test_a_group_stands_in_the_place_of_the_username(tmp_path):
    """Its receipt has no username."""
    members = {
        f"Tiny_Team A_attempt_{WHEN}.txt": receipt("Team A", ""),
        f"Tiny_Team A_attempt_{WHEN}_tiny.ipynb": b"",
    }
    (one,) = delivered(tmp_path, members).deliveries
    assert one.people[0].name == "team a"


def test_times_have_a_zone_only_if_somebody_says_it(tmp_path):
    """The server's own clock, summer time included; without a zone, nobody is late and the author
    is told.
    """
    members = {"Tiny_alee_attempt_2026-07-01-09-00-00_tiny.ipynb": b""}
    unknown = delivered(tmp_path, members)
    assert unknown.deliveries[0].submitted_at is None
    assert "--timezone" in unknown.notes[0]
    known = delivered(tmp_path, members, zoneinfo.ZoneInfo("Europe/London"))
    assert known.deliveries[0].submitted_at == datetime.datetime(2026, 7, 1, 8, tzinfo=datetime.UTC)
    assert known.notes == ()


def test_a_receipt_in_utc_says_the_zone(tmp_path):
    """Letters of other zones mean several things and are not believed."""
    for letters, moment in (
        ("GMT", datetime.datetime(2026, 11, 25, 9, tzinfo=datetime.UTC)),
        ("UTC", datetime.datetime(2026, 11, 25, 9, tzinfo=datetime.UTC)),
        ("CST", None),
        ("BST", None),
    ):
        members = {
            f"Tiny_alee_attempt_{WHEN}.txt": receipt("Ann", "alee").replace("GMT", letters),
            f"Tiny_alee_attempt_{WHEN}_x.ipynb": b"",
        }
        found = delivered(tmp_path, members)
        assert found.deliveries[0].submitted_at == moment
        assert bool(found.notes) == (moment is None)


def test_one_name_of_blackboards_makes_no_blackboard_download():
    """A student could choose it on Canvas."""
    assert not blackboard.recognise(
        ("leeann_1_2_tiny.ipynb", "bob_3_4_tiny.ipynb", f"eve_5_6_x_attempt_{WHEN}_y.ipynb")
    )
