"""Grades into gradebooks: joined on ids, only what changes, nothing undecided, nobody forgotten."""

import csv
import io
import shutil

import msgspec
import pytest
from grade_samples import make_check, make_grade
from lms_samples import CANVAS_GRADEBOOK, MOODLE_WORKSHEET
from tiny_class import TINY

from autograder.assignment import open_assignment
from autograder.commands.export.scores import Terms, export_csv, export_lines, export_scores
from autograder.commands.export.standing import standings
from autograder.course.results import ResultsFolder
from autograder.errors import ExchangeError
from autograder.exchange.lms import canvas, moodle
from autograder.exchange.lms.score_sheet import Column
from autograder.exchange.lms.sheet import read_sheet
from autograder.judgement.grade import (
    JudgedVariant,
    Outcome,
    Provenance,
)
from autograder.people.handed_in import Collected, Entry, Member, Record

ANN = Member("alee", "Lee, Ann", canvas_id="1234", moodle_id="501")
ANN2 = Member("alee2", canvas_id="1235", moodle_id="502")
ZOE = Member("zmueller", 'Müller, "Zoë"', canvas_id="1236", moodle_id="503")
WANG = Member("wang", "王 小明", canvas_id="1237", moodle_id="504")


class Class:
    """Grades and a record, written where the pipeline writes them."""

    def __init__(self, tmp_path):
        shutil.copytree(TINY, tmp_path / "course")
        self.files = open_assignment(tmp_path / "course", "tiny")
        self.results = ResultsFolder(tmp_path / "results", "tiny")
        self.entries, self.tmp = [], tmp_path

    def add(
        self,
        *members,
        points=8.0,
        pending=0.0,
        outcome=Outcome.NEEDS_REVIEW,
        graded=True,
        holder="",
        **fields,
    ):
        """A submission of `members`, with `pending` of 10 points not decided."""
        folder = fields.pop("folder", holder or members[0].id)
        entry = Entry(
            folder,
            holder or folder,
            members,
            "",
            ("x",),
            group=len(members) > 1,
            sha256="5a",
            **fields,
        )
        self.entries.append(entry)
        if graded:
            self.results.write_grade(make_grade(folder, points, pending, outcome, late=entry.late))
        return self

    def found(self, *, folders=(), **options):
        return standings(
            self.files,
            self.results,
            Collected(Record("tiny", entries=tuple(self.entries)), frozenset(folders)),
            **options,
        )

    def why_not(self, **options):
        return {one.member.id: one.why_not for one in self.found(**options) if one.grade is None}

    def canvas(self, text=CANVAS_GRADEBOOK, terms=None, **options):
        (self.tmp / "gradebook.csv").write_text(text, encoding="utf-8")
        sheet = canvas.score_sheet(read_sheet(self.tmp / "gradebook.csv"), Column(("Tiny",)))
        return export_scores(sheet, self.found(**options), terms or Terms(10))

    def moodle(self, text=MOODLE_WORKSHEET, **options):
        (self.tmp / "worksheet.csv").write_text(text, encoding="utf-8")
        sheet = moodle.score_sheet(read_sheet(self.tmp / "worksheet.csv"), Column(()))
        return export_scores(sheet, self.found(**options), Terms(10, capped=True))


@pytest.fixture
def graded(tmp_path):
    return Class(tmp_path)


def table(text):
    return list(csv.DictReader(io.StringIO(text.removeprefix("\ufeff"))))


def test_canvas_gets_what_changed(graded):
    """A new score, another one, an equal one; the row is found by Canvas's number."""
    graded.add(ANN, points=8.5).add(ANN2, points=9).add(ZOE, points=10)
    done = graded.canvas()
    rows = table(done.text)
    assert [(row["ID"], row["Tiny (7002)"]) for row in rows[1:]] == [("1234", "8.5"), ("1235", "9")]
    assert done.changes == ("alee: none -> 8.5", "alee2: 7 -> 9")
    assert (done.unchanged, done.left_out, done.without) == (1, (), 3)


def test_a_grade_on_anothers_data_is_written_and_said(graded):
    """Nothing waits in it, and a person should know."""
    graded.add(ANN)
    grade = graded.results.read_grade("alee")
    note = JudgedVariant("tag", 1, "holds the variant of dan")
    graded.results.write_grade(msgspec.structs.replace(grade, variant=note))
    for done in (export_csv(graded.found()), graded.canvas()):
        assert [line.endswith("(holds the variant of dan)") for line in done.changes] == [True]


def test_moodle_gets_what_changed(graded):
    """Found by the participant's number; above the maximum and locked are left out, since Moodle
    would drop them without a word.
    """
    graded.add(ANN, points=8.5).add(ANN2, points=7).add(ZOE, points=11).add(WANG)
    done = graded.moodle()
    assert [(row["Identifier"], row["Grade"]) for row in table(done.text)] == [
        ("Participant 501", "8.5")
    ]
    assert done.unchanged == 1
    assert dict(done.left_out) == {
        "wang": "has a grade there that can't be changed; 8 was not written",
        "zmueller": (
            "11 is above the file's maximum of 10, which the system would pass over without a word"
        ),
    }


def test_rows_are_found_by_logins_and_addresses_too(graded):
    """A submission that was graded from a plain folder has no number of Canvas's or Moodle's."""
    graded.results.write_grade(make_grade("alee", 8))
    assert graded.canvas().changes == ("alee: none -> 8",)
    graded.results.write_grade(make_grade("ann@uni.edu", 8))
    assert graded.moodle().changes == ("ann@uni.edu: none -> 8",)


def test_who_has_no_row_or_a_disputed_one_is_listed(graded):
    """Two students whose ids lead to one line; one whose ids lead to two; one of whom the file
    knows nothing.
    """
    graded.add(Member("alee")).add(Member("x", canvas_id="1234")).add(
        Member("wang", canvas_id="1236")
    ).add(Member("nobody"))
    done = graded.canvas()
    reasons = dict(done.left_out)
    assert set(reasons) == {"alee", "x", "wang", "nobody"}
    assert "ids of several students (alee, x)" in reasons["x"]
    assert "several lines of the file (6, 7)" in reasons["wang"]
    assert "no line of the file has one of the ids" in reasons["nobody"]
    assert done.changes == ()


def test_the_excused_and_the_not_assigned_stay_so(graded):
    """A person decided that."""
    graded.add(WANG).add(Member("cmd", canvas_id="1238"))
    assert dict(graded.canvas().left_out) == {
        "wang": "is excused there; 8 was not written",
        "cmd": "is not assigned this there; 8 was not written",
    }


@pytest.mark.parametrize("outcome", [Outcome.NEEDS_REVIEW, Outcome.UNGRADABLE])
def test_the_undecided_is_never_a_zero(graded, outcome):
    """Left out and listed; --decided counts what is decided, and still leaves out those of whom
    nothing is.
    """
    graded.add(ANN, points=5, pending=5, outcome=outcome).add(
        ANN2, points=0, pending=10, outcome=outcome
    ).add(ZOE, points=0)
    done = graded.canvas()
    assert [(row["ID"], row["Tiny (7002)"]) for row in table(done.text)[1:]] == [("1236", "0")]
    assert dict(done.left_out) == {
        "alee": f"{outcome} (5 of 10 points wait)",
        "alee2": f"{outcome} (10 of 10 points wait)",
    }
    decided = graded.canvas(decided=True)
    assert decided.changes == ("alee: none -> 5", "zmueller: 10 -> 0")
    assert list(dict(decided.left_out)) == ["alee2"]


def test_a_groups_grade_is_that_of_each_member(graded):
    """With the mark that it was late."""
    graded.add(ANN, ZOE, holder="Team A", points=9, late=True)
    assert graded.canvas().changes == ("alee: none -> 9 (late)", "zmueller: 10 -> 9 (late)")
    rows = table(export_csv(graded.found()).text)
    assert [
        (row["student_id"], row["name"], row["group"], row["points"], row["late"]) for row in rows
    ] == [
        ("alee", "Lee, Ann", "Team A", "9", "late"),
        ("zmueller", 'Müller, "Zoë"', "Team A", "9", "late"),
    ]


def test_a_part_in_two_submissions_is_for_a_person(graded):
    """In a group and alone, whose points count?"""
    graded.add(ANN, ZOE, holder="Team A").add(ANN)
    assert graded.why_not() == {"alee": "has a part in several submissions (Team A, alee)"}


def test_the_best_attempt_counts_once_it_is_known(graded):
    """Not before all are graded, nor while one that waits may be better; one that can't be is not
    waited for.
    """
    graded.add(ANN, points=6, holder="alee", folder="alee~1").add(
        ANN, points=9, holder="alee", folder="alee~2", late=True
    )
    (one,) = graded.found()
    assert (one.grade.student, one.grade.late) == ("alee~2", True)
    graded.add(ANN, points=3, pending=5, holder="alee", folder="alee~3")
    assert graded.why_not() == {}
    graded.add(ANN, points=5, pending=5, holder="alee", folder="alee~4")
    assert graded.why_not() == {"alee": "needs review (5 of 10 points wait)"}
    (best,) = graded.found(decided=True)
    assert best.grade.decided_points == 9
    graded.add(ANN, holder="alee", folder="alee~5", graded=False)
    assert graded.why_not(decided=True) == {"alee": "not graded yet (alee~5)"}


def test_a_bonus_that_waits_may_make_an_attempt_the_best(graded):
    """9 points are not exported while another attempt has 5, and 3 and a bonus of 2 wait in it;
    once those are decided, the best counts.
    """
    graded.add(ANN, points=9, holder="alee", folder="alee~1").add(
        ANN, points=5, pending=3, holder="alee", folder="alee~2"
    )
    assert graded.why_not() == {}
    two = graded.results.read_grade("alee~2")
    waiting = make_check("extra", 0.0, 0.0, Outcome.NEEDS_REVIEW, bonus=2.0)
    graded.results.write_grade(msgspec.structs.replace(two, checks=(*two.checks, waiting)))
    assert graded.why_not() == {"alee": "needs review (3 of 10 points wait)"}


def test_grades_of_other_submissions_than_the_collected_are_not_exported(graded):
    """Collected anew and not graded yet; nor of a folder that was replaced by numbered attempts."""
    graded.add(ANN)
    graded.results.write_grade(
        msgspec.structs.replace(
            make_grade("alee", 8), provenance=Provenance("0.1.0", "other", "", "")
        )
    )
    assert graded.why_not() == {"alee": "collected anew since it was graded (alee)"}
    graded.entries.clear()
    graded.add(ANN, points=2, holder="alee", folder="alee~1")
    (one,) = graded.found()
    assert one.grade.student == "alee~1"
    # as it was called before there was a roster
    graded.results.write_grade(make_grade("leeann_1234", 8))
    assert [one.member.id for one in graded.found()] == ["alee"]
    assert [one.member.id for one in graded.found(folders=["leeann_1234"])] == [
        "alee",
        "leeann_1234",
    ]


def test_other_totals_are_refused_or_converted(graded):
    """10 of 10 is not 10 of 100."""
    graded.add(ANN, points=8.5)
    of_twenty = CANVAS_GRADEBOOK.replace(",20.00,10.00,", ",20.00,20.00,")
    with pytest.raises(
        ExchangeError, match=r"out of 20 points, and the assignment out of 10: .*--scale"
    ):
        graded.canvas(of_twenty)
    assert graded.canvas(of_twenty, Terms(10, scale=True)).changes == ("alee: none -> 17",)


def test_the_csv_has_a_row_a_student_and_no_formula(graded):
    """Names and ids of any alphabet; what is not decided is left out here too."""
    graded.add(Member("=1+1", "@SUM(A1)")).add(WANG).add(ZOE, points=1, pending=9)
    done = export_csv(graded.found())
    assert [(row["student_id"], row["name"], row["group"]) for row in table(done.text)] == [
        ("'=1+1", "'@SUM(A1)", ""),
        ("wang", "王 小明", ""),
    ]
    assert dict(done.left_out) == {"zmueller": "needs review (9 of 10 points wait)"}


def test_the_lines_say_all(graded):
    """Each change up to a limit, everybody who is left out, and no escapes of a student's."""
    graded.add(ANN).add(ANN2, points=5, pending=5).add(Member("a\x1b[2Jb"))
    lines = export_lines(graded.canvas())
    assert lines[0] == "alee: none -> 8"
    assert "LEFT OUT alee2: needs review (5 of 10 points wait)" in lines
    assert any(line.startswith("LEFT OUT ab: no line of the file") for line in lines)
    assert (
        lines[-1]
        == "1 scores written, 0 unchanged, 2 left out; 4 students of the file without a submission"
        " here, not in it"
    )
