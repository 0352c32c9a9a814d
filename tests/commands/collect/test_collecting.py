"""Downloads become submitted/: whose each is, which attempt counts, and nothing is lost or
guessed.
"""

import json
import shutil
import time
import zoneinfo

import pytest
from lms_samples import (
    CANVAS_GRADEBOOK,
    GRADESCOPE_METADATA,
    make_folder,
    make_zip,
    notebook,
    receipt,
    zip_bytes,
)
from tiny_class import TINY

from autograder.assignment import open_assignment
from autograder.commands.collect.attempts import Take
from autograder.commands.collect.collection import EARLIER, Source, collect_download
from autograder.commands.collect.summary import collection_lines, incomplete
from autograder.commands.grade.submissions import collect_submissions
from autograder.errors import ExchangeError
from autograder.judgement.grade import Cause
from autograder.people.handed_in import read_record
from autograder.people.roster import read_roster

ROSTER = """id,name,canvas_id,moodle_id,login,email,group
ann,"Lee, Ann",1234,501,alee,ann@uni.edu,
ann2,"Lee, Ann",,,alee2,ann2@uni.edu,
zoe,"Müller, Zoë",,502,,zoe@uni.edu,Team A
pat,Pat O'Brien,1240,503,,pat@uni.edu,Team A
wang,王 小明,1237,,wang,,
jose,José Gil,,,,,
"""


class Collecting:
    """A folder to collect in, with the tiny assignment, due or not."""

    def __init__(self, tmp_path, due=""):
        self.tmp, self.root = tmp_path, tmp_path / "submitted"
        course = tmp_path / "course"
        shutil.copytree(TINY, course)
        toml = course / "assignments" / "tiny" / "assignment.toml"
        toml.write_text((f"due = {due}\n" if due else "") + toml.read_text())
        self.files = open_assignment(course, "tiny")

    def roster(self, text=ROSTER):
        (self.tmp / "roster.csv").write_text(text, encoding="utf-8")
        return read_roster(self.tmp / "roster.csv")

    def __call__(self, members, roster=None, **options):
        path = make_zip(self.tmp / "download.zip", members)
        return collect_download(self.files, Source(path, roster, **options), self.root)

    def there(self):
        """Files below submitted/ that are not hidden, with what they hold."""
        found = {
            path.relative_to(self.root).as_posix(): path.read_bytes()
            for path in self.root.rglob("*")
            if path.is_file()
        }
        return {
            name: data for name, data in found.items() if not name.startswith((".", "collected-"))
        }

    def earlier(self):
        return sorted(
            path.read_bytes() for path in (self.root / EARLIER).rglob("*") if path.is_file()
        )


@pytest.fixture
def collecting(tmp_path):
    return Collecting(tmp_path)


def why(done):
    return {one.label: one.why for one in done.unmatched}


def test_canvas_by_ids_and_exact_names(collecting):
    """The number first; a name only if it is exactly and uniquely the roster's: not of two Anns, in
    another order, without its accent.
    """
    done = collecting(
        {
            "leeann_LATE_1234_10_tiny.ipynb": notebook("1"),
            "müllerzoë_99_11_tiny.ipynb": notebook("2"),
            "leeann_77_12_tiny.ipynb": notebook("3"),
            "annlee_78_13_tiny.ipynb": notebook("4"),
            "josegil_79_14_tiny.ipynb": notebook("5"),
            "王小明_80_15_tiny.ipynb": notebook("6"),
        },
        collecting.roster(),
    )
    assert collecting.there() == {
        "ann/tiny/tiny.ipynb": notebook("1"),
        "zoe/tiny/tiny.ipynb": notebook("2"),
    }
    reasons = why(done)
    assert set(reasons) == {"leeann_77", "annlee_78", "josegil_79", "王小明_80"}
    assert "2 students are called so (ann, ann2)" in reasons["leeann_77"]
    assert (
        "no student has its canvas_id or exactly this name; the roster may say canvas_id = 78"
        in reasons["annlee_78"]
    )
    assert "whose canvas_id is '1237' in the roster and not '80'" in reasons["王小明_80"]
    assert [student.id for student in done.missing] == ["ann2", "pat", "wang", "jose"]
    ann = read_record(collecting.root, "tiny").entry("ann")
    assert (ann.late, ann.members[0].canvas_id, ann.members[0].name, ann.source) == (
        True,
        "1234",
        "Lee, Ann",
        "leeann_1234",
    )
    assert incomplete(done)


def test_late_flags_reach_the_candidates(collecting):
    """And so the grade; what nothing says stays unknown."""
    collecting({"leeann_LATE_1234_10_tiny.ipynb": b"{}", "bobbob_1235_11_tiny.ipynb": b"{}"})
    assert {one.student: one.late for one in collect_submissions(collecting.root, "tiny")} == {
        "leeann_1234": True,
        "bobbob_1235": False,
    }
    make_folder(collecting.root, {"cy/tiny/tiny.ipynb": "{}"})
    assert {one.student: one.late for one in collect_submissions(collecting.root, "tiny")}[
        "cy"
    ] is None


def test_a_canvas_gradebook_serves_as_roster(collecting):
    """What an instructor has at hand."""
    done = collecting(
        {"leeann_1234_10_tiny.ipynb": b"{}", "leeann_1235_11_tiny.ipynb": b"{}"},
        collecting.roster(CANVAS_GRADEBOOK),
    )
    assert set(collecting.there()) == {"alee/tiny/tiny.ipynb", "alee2/tiny/tiny.ipynb"}
    assert not incomplete(done)


def test_anonymous_canvas_and_blind_moodle_are_collected_under_their_numbers(collecting):
    """Without a roster.

    With one, a number of Moodle's finds its student, and one of Canvas's nobody.
    """
    collecting({"LATE_anon_a1B2_10_tiny.ipynb": b"{}"})
    assert set(collecting.there()) == {"anon_a1B2/tiny/tiny.ipynb"}
    anonymous = collecting({"anon_a1B2_10_tiny.ipynb": b"{}"}, collecting.roster())
    assert "download it with names" in why(anonymous)["anon_a1B2"]
    blind = {
        "Participant_501_assignsubmission_file/tiny.ipynb": b"{1}",
        "Participant_600_assignsubmission_file/tiny.ipynb": b"{2}",
    }
    collecting(blind)
    assert "Participant_600/tiny/tiny.ipynb" in collecting.there()
    assert list(why(collecting(blind, collecting.roster()))) == ["Participant_600"]
    assert collecting.there()["ann/tiny/tiny.ipynb"] == b"{1}"


def test_moodle_numbers_of_groups_are_not_taken_for_students(collecting):
    """Where groups hand in, name and number are the group's; without a column group, the name does
    not agree and nothing is collected.
    """
    members = {
        "Team A_501_assignsubmission_file/tiny.ipynb": b"{}",
        "Pat O'Brien_503_assignsubmission_file/tiny.ipynb": b"{}",
    }
    without = "id,name,moodle_id\nann,Ann Lee,501\npat,Pat O'Brien,503\n"
    done = collecting(members, collecting.roster(without))
    assert set(collecting.there()) == {"pat/tiny/tiny.ipynb"}
    assert "the number is that of ann, but the name is not" in why(done)["Team A_501"]
    done = collecting({"Team A_501_assignsubmission_file/tiny.ipynb": b"{}"}, collecting.roster())
    assert not done.unmatched
    entry = done.record.entry("Team A")
    assert entry.group
    assert [member.id for member in entry.members] == ["zoe", "pat"]


def test_a_canvas_group_needs_one_of_its_members(collecting):
    """The number beside the group's name is a member's; another's is a contradiction."""
    assert (
        collecting({"teama_1240_10_tiny.ipynb": b"{}"}, collecting.roster())
        .record.entry("Team A")
        .group
    )
    wrong = collecting({"teama_1234_10_tiny.ipynb": b"{}"}, collecting.roster())
    assert "the name is that of the group 'Team A', and also says ann" in why(wrong)["teama_1234"]


def test_gradescope_groups_and_times(tmp_path):
    """Submitters who are a whole group have its name, others are joined; lateness is of the exact
    time.
    """
    collecting = Collecting(tmp_path, due="2026-12-06T23:59:00Z")
    members = {
        "e/submission_metadata.yml": GRADESCOPE_METADATA,
        "e/submission_9001/tiny.ipynb": b"{1}",
        "e/submission_9002/tiny.ipynb": b"{2}",
    }
    plain = GRADESCOPE_METADATA.replace(
        "!ruby/object:ActiveSupport::TimeWithZone\n    utc: 2026-12-07 00:30:00.000000000 Z\n   "
        " zone: !ruby/object:ActiveSupport::TimeZone\n      name: UTC",
        "2026-12-07 00:30:00.000000000 Z",
    )
    done = collecting(members | {"e/submission_metadata.yml": plain}, collecting.roster())
    assert (
        collecting.root / "Team A/tiny/timestamp.txt"
    ).read_text() == "2026-12-07 00:30:00.000000 UTC\n"
    assert {
        entry.folder: (entry.late, entry.group, len(entry.members)) for entry in done.record.entries
    } == {
        "ann": (False, False, 1),
        "Team A": (True, True, 2),
    }
    assert list(why(done)) == ["submission_9003"]
    fewer = "id,name,email\n002,Zoë,zoe@uni.edu\n003x,Pat,other@uni.edu\nann,A,ann@uni.edu\n"
    again = collecting(members, collecting.roster(fewer))
    assert [folder for folder, _ in again.strangers] == ["002"]
    assert incomplete(again)


@pytest.mark.parametrize(
    ("take", "left"),
    [
        (Take.NEWEST, {"ann/tiny/tiny.ipynb": b"{3}"}),
        (Take.LAST_ON_TIME, {"ann/tiny/tiny.ipynb": b"{2}"}),
    ],
)
def test_the_attempt_that_counts(tmp_path, take, left):
    """Of three, the last of them late."""
    collecting = Collecting(tmp_path, due="2026-11-25T12:00:00Z")
    members = {
        f"Tiny_alee_attempt_2026-11-25-{hour}-00-00_tiny.ipynb": b"{%d}" % n
        for n, hour in ((1, "09"), (2, "11"), (3, "13"))
    }
    done = collecting(members, collecting.roster(), take=take, zone=zoneinfo.ZoneInfo("UTC"))
    assert {
        name: data for name, data in collecting.there().items() if name.endswith("ipynb")
    } == left
    entry = done.record.entry("ann")
    assert (entry.attempts_seen, entry.late) == (3, take is Take.NEWEST)


@pytest.mark.parametrize(
    ("time", "late"), [("11-59-59", False), ("12-00-00", False), ("12-00-01", True)]
)
def test_to_the_second_of_the_due_date_it_is_on_time(tmp_path, time, late):
    """Late is what comes after."""
    collecting = Collecting(tmp_path, due="2026-11-25T12:00:00Z")
    done = collecting(
        {f"Tiny_alee_attempt_2026-11-25-{time}_tiny.ipynb": b"{}"},
        collecting.roster(),
        zone=zoneinfo.ZoneInfo("UTC"),
    )
    assert done.record.entry("ann").late is late


def test_what_is_not_on_time_or_not_known_to_be_is_listed(collecting):
    """Nobody's lateness is guessed; on Canvas, a missing mark says on time."""
    done = collecting(
        {"leeann_LATE_1_10_tiny.ipynb": b"{}", "bobbob_2_11_tiny.ipynb": b"{}"},
        take=Take.LAST_ON_TIME,
    )
    assert done.not_taken == [("leeann_1", "no attempt was on time")]
    assert set(collecting.there()) == {"bobbob_2/tiny/tiny.ipynb"}
    done = collecting({"Ann_5_assignsubmission_file/tiny.ipynb": b"{}"}, take=Take.LAST_ON_TIME)
    assert "nothing says whether" in done.not_taken[0][1]
    assert incomplete(done)


def test_all_attempts_under_numbers_that_stay(collecting):
    """For the best of them; equal ones once; a later download adds its own."""
    first = {
        "leeann_1234_10_tiny.ipynb": b"{1}",
        "leeann_1234_20_tiny-1.ipynb": b"{2}",
        "leeann_1234_30_tiny-2.ipynb": b"{1}",
    }
    collecting(first, collecting.roster(), take=Take.BEST)
    assert collecting.there() == {"ann~1/tiny/tiny.ipynb": b"{1}", "ann~2/tiny/tiny.ipynb": b"{2}"}
    done = collecting(
        {"leeann_1234_40_tiny-3.ipynb": b"{3}", "leeann_1234_20_tiny-1.ipynb": b"{2}"},
        collecting.roster(),
        take=Take.BEST,
    )
    assert set(collecting.there()) == {
        "ann~1/tiny/tiny.ipynb",
        "ann~2/tiny/tiny.ipynb",
        "ann~3/tiny/tiny.ipynb",
    }
    assert (done.new, done.unchanged) == (["ann~3"], ["ann~2"])


def test_collecting_again_loses_nothing_and_says_what_changed(collecting):
    """The same again is unchanged to the byte; another version is put beside; who is absent
    stays.
    """
    first = {"leeann_1234_10_tiny.ipynb": b"{1}", "bobbob_1235_11_tiny.ipynb": b"{2}"}
    assert collecting(first).new == ["bobbob_1235", "leeann_1234"]
    record = (collecting.root / "collected-tiny.json").read_bytes()
    assert collecting(first).unchanged == ["bobbob_1235", "leeann_1234"]
    assert (collecting.root / "collected-tiny.json").read_bytes() == record
    done = collecting({"leeann_1234_30_tiny-1.ipynb": b"{3}"})
    assert (done.changed, done.absent) == (["leeann_1234"], ["bobbob_1235"])
    assert collecting.there() == {
        "leeann_1234/tiny/tiny.ipynb": b"{3}",
        "bobbob_1235/tiny/tiny.ipynb": b"{2}",
    }
    assert collecting.earlier() == [b"{1}"]
    back = collecting(first)
    assert (back.kept_newer, back.unchanged) == (["leeann_1234"], ["bobbob_1235"])
    assert collecting.there()["leeann_1234/tiny/tiny.ipynb"] == b"{3}"
    assert incomplete(back)


def test_what_lies_in_the_way_is_kept(collecting):
    """Also what somebody put there by hand, and a submission that was collected under another name
    before there was a roster.
    """
    make_folder(collecting.root, {"ann/tiny/tiny.ipynb": "by hand", "ann/ps2/ps2.ipynb": "another"})
    collecting({"leeann_1234_10_tiny.ipynb": b"{1}"})
    done = collecting({"leeann_1234_10_tiny.ipynb": b"{1}"}, collecting.roster())
    assert (done.changed, done.replaced) == (["ann"], ["leeann_1234"])
    assert collecting.there() == {"ann/tiny/tiny.ipynb": b"{1}", "ann/ps2/ps2.ipynb": b"another"}
    assert collecting.earlier() == [b"by hand", b"{1}"]
    assert [one.student for one in collect_submissions(collecting.root, "tiny")] == ["ann"]


def test_archives_scripts_none_and_several(collecting):
    """A student's .zip is kept as it is for grading to open; a submission without a notebook is
    graded as such, several are a person's to choose from.
    """
    packed = zip_bytes({"tiny.ipynb": notebook("1")})
    members = {
        "ann_1_10_work.zip": packed,
        "bob_2_10_my.py": b"# %%\n1",
        "cy_3_10_pic.png": b"",
        "dan_4_10_a.ipynb": b"{}",
        "dan_4_11_b.ipynb": b"{}",
    }
    done = collecting(members)
    assert collecting.there() == {
        "ann_1/tiny/tiny.zip": packed,
        "bob_2/tiny/tiny.py": b"# %%\n1",
        "dan_4/tiny/1-dan_4_10_a.ipynb": b"{}",
        "dan_4/tiny/2-dan_4_11_b.ipynb": b"{}",
    }
    problems = {one.student: one.problem for one in collect_submissions(collecting.root, "tiny")}
    assert problems == {
        "ann_1": None,
        "bob_2": None,
        "cy_3": Cause.NO_NOTEBOOK,
        "dan_4": Cause.SEVERAL_NOTEBOOKS,
    }
    assert done.record.entry("cy_3").passed_over == ("cy_3_10_pic.png",)
    text = "\n".join(collection_lines(done, collecting.root))
    assert "without a notebook: cy_3" in text
    assert "with several notebooks" in text


def test_a_newest_attempt_without_a_notebook_is_pointed_out(collecting):
    """It may have been a comment only; it still counts, since the author said newest."""
    members = {
        "Tiny_alee_attempt_2026-11-25-09-00-00_tiny.ipynb": b"{}",
        "Tiny_alee_attempt_2026-11-26-09-00-00.txt": receipt("Ann", "alee"),
    }
    done = collecting(members)
    assert any(
        "alee: the attempt that counts holds no notebook, but an earlier one does" in note
        for note in done.notes
    )
    assert set(collecting.there()) == {"alee/tiny/timestamp.txt"}


def test_hostile_names_stay_inside(collecting):
    """Folders and files are of harmless names, and lists show no escapes."""
    members = {
        "..\x1b[2J/tiny.ipynb": b"{1}",
        "=cmd/x/../y.ipynb": b"{}",
        "con/tiny.ipynb": b"{2}",
        "ann/a\x1b]0;x\x07.ipynb": b"{3}",
        "ann/b.ipynb": b"{4}",
    }
    done = collecting(members)
    for name in collecting.there():
        assert name.isprintable()
        assert not name.startswith((".", "=", "con/"))
    text = "\n".join(collection_lines(done, collecting.root))
    assert "\x1b" not in text
    assert len(done.refused) == 1
    assert not (collecting.tmp / "tiny.ipynb").exists()


def test_two_submissions_of_one_student(collecting):
    """In a group and alone: both are collected and named.

    Two that claim one name: neither, unless one has the id.
    """
    folder = {
        "pat.ipynb": b"{1}",
        "Team A.ipynb": b"{2}",
        "José Gil.ipynb": b"{3}",
        "JOSÉ GIL.ipynb": b"{4}",
        "wang.ipynb": b"{5}",
        "王 小明.ipynb": b"{6}",
    }
    done = collecting(folder, collecting.roster())
    assert done.twice == [("pat", ("Team A", "pat"))]
    assert why(done) == {
        "José Gil": "another submission is that of jose too",
        "JOSÉ GIL": "another submission is that of jose too",
        "王 小明": "another submission is that of wang too",
    }
    assert set(collecting.there()) == {
        "Team A/tiny/tiny.ipynb",
        "pat/tiny/tiny.ipynb",
        "wang/tiny/tiny.ipynb",
    }
    assert collecting.there()["wang/tiny/tiny.ipynb"] == b"{5}"


def test_ids_that_can_be_no_folders_are_kept_under_others(collecting):
    """A learning system's logins are not the instructor's to choose.

    A group that is called as a student is, and refused before anything is written.
    """
    entry = collecting(
        {"ann_1_2_tiny.ipynb": b"{}"}, collecting.roster("id,name,canvas_id\n../x,Ann,1\n")
    ).record.entries[0]
    assert (entry.members[0].id, "/" in entry.folder, entry.folder[0] == ".") == (
        "../x",
        False,
        False,
    )
    assert (collecting.root / entry.folder / "tiny" / "tiny.ipynb").is_file()
    with pytest.raises(ExchangeError, match="line 3: the group 'ann'"):
        collecting(
            {"bob.ipynb": b"{}"}, collecting.roster("id,name,group\nann,Ann,\nbob,Bob,ann\n")
        )
    assert not (collecting.root / "bob").exists()


def test_a_damaged_record_stops_before_anything_is_touched(collecting):
    """It says what to do."""
    collecting({"ann.ipynb": b"{}"})
    path = collecting.root / "collected-tiny.json"
    path.write_text(json.dumps({"assignment": "tiny", "version": 99}))
    with pytest.raises(ExchangeError, match="another version"):
        collecting({"ann.ipynb": b"{1}"})
    path.write_text("{")
    with pytest.raises(ExchangeError, match="move it away and collect again"):
        collecting({"ann.ipynb": b"{1}"})
    assert collecting.there() == {"ann/tiny/tiny.ipynb": b"{}"}


def test_who_takes_a_groups_name_takes_nothing(collecting):
    """On Moodle students choose names, and a group's number says nothing: of two that are called
    Team A, neither is collected.
    """
    members = {
        "Team A_55_assignsubmission_file/tiny.ipynb": b"{1}",
        "Team A_504_assignsubmission_file/tiny.ipynb": b"{2}",
    }
    done = collecting(members, collecting.roster())
    assert why(done) == dict.fromkeys(
        ("Team A_55", "Team A_504"), "another submission is that of Team A too"
    )
    assert collecting.there() == {}


def test_a_canvas_group_that_the_roster_does_not_know_is_pointed_out(collecting):
    """The number of one member finds that member alone; another order of a name is no reason for
    doubt.
    """
    without = "id,name,canvas_id\nann,Ann Lee,1234\nzoe,Zoë Müller,1236\n"
    done = collecting(
        {"theannteam_1234_10_tiny.ipynb": b"{}", "müllerzoë_1236_11_tiny.ipynb": b"{}"},
        collecting.roster(without),
    )
    assert [note for note in done.notes if "column group" in note] == [
        "by its number, theannteam_1234 is ann (Ann Lee), but the name is another; if it is a"
        " group's, the roster needs the column group, or its other members get no grade"
    ]


def test_a_roster_that_is_mended_as_told_sets_it_right(collecting):
    """With the column, the group's submission is no longer one member's; what was collected under
    his name is kept aside.
    """
    download = {"theannteam_1234_10_tiny.ipynb": b"{}"}
    collecting(
        download, collecting.roster("id,name,canvas_id\nann,Ann Lee,1234\nzoe,Zoë Müller,1236\n")
    )
    done = collecting(
        download,
        collecting.roster(
            "id,name,canvas_id,group\nann,Ann Lee,1234,The Ann Team\nzoe,Zoë Müller,1236,The Ann"
            " Team\n"
        ),
    )
    assert (done.twice, done.absent, done.replaced) == ([], [], ["ann"])
    assert list(collecting.there()) == ["The Ann Team/tiny/tiny.ipynb"]
    assert collecting.earlier() == [b"{}"]


def test_a_folder_that_was_removed_by_hand_is_forgotten(collecting):
    """The record speaks of what is there."""
    collecting({"leeann_1234_10_tiny.ipynb": b"{1}", "wang_1237_11_tiny.ipynb": b"{2}"})
    shutil.rmtree(collecting.root / "wang_1237")
    done = collecting({"leeann_1234_10_tiny.ipynb": b"{1}"})
    assert [entry.folder for entry in done.record.entries] == ["leeann_1234"]
    assert done.absent == []


def test_a_download_is_not_collected_into_itself(collecting):
    """Neither into it nor out of it; a .zip may lie anywhere."""
    root = make_folder(collecting.root, {"ann/tiny/tiny.ipynb": "{}"})
    for path in (root, collecting.tmp, root / "ann"):
        with pytest.raises(ExchangeError, match="lie in each other"):
            collect_download(collecting.files, Source(path), root)
    done = collect_download(
        collecting.files, Source(make_zip(root / "x.zip", {"bob.ipynb": b"{}"})), root
    )
    assert done.new == ["bob"]


def test_attempts_with_and_without_their_receipts_are_one_students(collecting):
    """Nobody is in dispute with themselves."""
    members = {
        f"Tiny_alee_attempt_2026-11-2{day}-09-00-00_tiny.ipynb": b"{%d}" % day for day in (5, 6)
    }
    members["Tiny_alee_attempt_2026-11-25-09-00-00.txt"] = receipt("Ann Lee", "alee")
    assert collecting(members, collecting.roster()).record.entry("ann").attempts_seen == 2


def test_a_large_class_is_collected_in_seconds(collecting):
    """Three hundred of a hundred kilobytes each, as outputs make them; the same again reads and
    writes nothing anew.
    """
    roster = "id,name,canvas_id\n" + "".join(f"s{n},Student {n},{n}\n" for n in range(1000, 1300))
    members = {
        f"student{n}_{n}_{n}_tiny.ipynb": notebook("x" * 100_000, str(n)) for n in range(1000, 1300)
    }
    started = time.process_time()
    assert len(collecting(members, collecting.roster(roster)).new) == 300
    assert len(collecting(members, collecting.roster(roster)).unchanged) == 300
    assert time.process_time() - started < 20
