"""Commands in this process, where they run nobody's code: their options, exit codes and files."""

import csv
import io
import json
import shutil
import sys
from pathlib import Path

import msgspec
import pytest
from checked_samples import mixed
from grade_samples import make_grade
from lms_samples import CANVAS_GRADEBOOK, MOODLE_WORKSHEET, make_zip, notebook
from places import TESTS
from typer.testing import CliRunner

from autograder.cli import app, main
from autograder.cli.check import _write
from autograder.cli.options import course_of
from autograder.commands.grade.command import _chosen, exit_code
from autograder.commands.grade.submissions import Candidate
from autograder.course.results import ResultsFolder
from autograder.errors import AutograderError
from autograder.judgement.grade import Outcome
from autograder.people.handed_in import read_record

TINY = TESTS / "tiny_course"

ANN, BOB = "leeann_1234_98001_tiny.ipynb", "leeann_1235_98002_tiny.ipynb"


@pytest.fixture
def course(tmp_path):
    """A copy of the tiny course, with a gradebook of Canvas and a worksheet of Moodle beside it."""
    shutil.copytree(TINY, tmp_path / "course")
    (tmp_path / "gradebook.csv").write_text(CANVAS_GRADEBOOK, encoding="utf-8")
    (tmp_path / "worksheet.csv").write_text(MOODLE_WORKSHEET, encoding="utf-8")
    return tmp_path / "course"


def run(*words, course):
    done = CliRunner().invoke(
        app, [*map(str, words), "--course", str(course)], env={"COLUMNS": "400"}
    )
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    return done


def collect(course, *names, words=()):
    path = make_zip(course.parent / "submissions.zip", {name: notebook(name) for name in names})
    return run(
        "collect", "tiny", path, "--roster", course.parent / "gradebook.csv", *words, course=course
    )


def test_collect_ends_with_1_where_somebody_was_left_out(course):
    """A script that goes on after 0 has everybody's."""
    assert collect(course, ANN, BOB).exit_code == 0
    done = collect(course, ANN, "somebodyelse_7777_98003_tiny.ipynb")
    assert done.exit_code == 1
    assert "somebodyelse" in done.output


def test_a_time_zone_that_there_is_not_is_wrong_use(course):
    """Nothing is collected in another one's name."""
    done = collect(course, ANN, words=("--timezone", "Europe/Lodnon"))
    assert done.exit_code == 2
    assert "no time zone is called" in done.output
    assert not (course / "submitted").exists()


@pytest.fixture
def graded(course):
    """Ann's and the other Ann's submissions, collected; the first has 8 of 10 points, of the
    second's 3 of 10 wait for a person.
    """
    assert collect(course, ANN, BOB).exit_code == 0
    grade(course, {"alee": (8.0,), "alee2": (5.0, 3.0, Outcome.NEEDS_REVIEW)})
    return course


def grade(course, points):
    """Grades of what is collected."""
    for entry in read_record(course / "submitted", "tiny").entries:
        made = make_grade(entry.folder, *points[entry.folder])
        provenance = msgspec.structs.replace(made.provenance, submission_sha256=entry.sha256)
        ResultsFolder(course / "results", "tiny").write_grade(
            msgspec.structs.replace(made, provenance=provenance)
        )


def rows(path):
    return list(
        csv.DictReader(io.StringIO(path.read_text(encoding="utf-8").removeprefix("\ufeff")))
    )


def canvas(course, *words, into="gradebook.csv", output="scores.csv"):
    return run(
        "export",
        "canvas",
        "tiny",
        "--into",
        course.parent / into,
        "-o",
        course.parent / output,
        *words,
        course=course,
    )


def test_an_export_ends_with_1_where_somebody_was_left_out(graded):
    """Who waits for a person is listed; with --decided the decided points are written, and nobody
    is missing.
    """
    done = canvas(graded)
    assert done.exit_code == 1
    assert [row["Tiny (7002)"] for row in rows(graded.parent / "scores.csv")[1:]] == ["8"]
    done = canvas(graded, "--decided")
    assert done.exit_code == 0, done.output
    assert [row["Tiny (7002)"] for row in rows(graded.parent / "scores.csv")[1:]] == ["8", "5"]


def test_an_export_never_writes_over_what_it_read(graded):
    """Only some of the gradebook's lines would be left."""
    with pytest.raises(AutograderError, match="is the file that was read"):
        canvas(graded, output="gradebook.csv")
    assert (graded.parent / "gradebook.csv").read_text(encoding="utf-8") == CANVAS_GRADEBOOK


def test_another_total_there_is_refused_unless_scores_are_to_be_converted(graded):
    """The gradebook has 20 points for it."""
    text = CANVAS_GRADEBOOK.replace("20.00,10.00", "20.00,20.00")
    (graded.parent / "twice.csv").write_text(text, encoding="utf-8")
    with pytest.raises(AutograderError, match="--scale"):
        canvas(graded, into="twice.csv")
    canvas(graded, "--scale", into="twice.csv")
    assert [row["Tiny (7002)"] for row in rows(graded.parent / "scores.csv")[1:]] == ["16"]


def test_the_table_has_everybody(graded):
    """With what is decided of each."""
    done = run(
        "export", "csv", "tiny", "-o", graded.parent / "table.csv", "--decided", course=graded
    )
    assert done.exit_code == 0, done.output
    assert [row["points"] for row in rows(graded.parent / "table.csv")] == ["8", "5"]


def test_more_than_moodles_maximum_is_listed_and_not_written(course):
    """It would pass over a bonus without a word, and the student would have no grade."""
    (course.parent / "roster.csv").write_text(
        "id,name,moodle_id\nann,Ann Lee,501\n", encoding="utf-8"
    )
    path = make_zip(
        course.parent / "moodle.zip",
        {"Ann Lee_501_assignsubmission_file/tiny.ipynb": notebook("1")},
    )
    assert (
        run(
            "collect", "tiny", path, "--roster", course.parent / "roster.csv", course=course
        ).exit_code
        == 0
    )
    words = (
        "export",
        "moodle",
        "tiny",
        "--into",
        course.parent / "worksheet.csv",
        "-o",
        course.parent / "scores.csv",
    )
    for points, code, written in ((12.0, 1, []), (10.0, 0, ["10"])):
        grade(course, {"ann": (points,)})
        assert run(*words, course=course).exit_code == code
        assert [row["Grade"] for row in rows(course.parent / "scores.csv")] == written


@pytest.mark.parametrize(
    "words",
    [
        ("csv", "tiny", "-o", "out.csv"),
        ("canvas", "tiny", "--into", "gradebook.csv", "-o", "out.csv"),
    ],
)
def test_without_grades_there_is_nothing_to_export(course, monkeypatch, words):
    """Said, and no empty file is left that somebody might upload."""
    monkeypatch.chdir(course.parent)
    with pytest.raises(AutograderError, match="run `autograder grade tiny` first"):
        run("export", *words, course=course)
    assert not Path("out.csv").exists()


def test_only_those_who_are_named_are_graded(tmp_path):
    """All where nobody is named; a name that has no submission stops before anything is done."""
    candidates = [Candidate(name, tmp_path) for name in ("ada", "bob", "cy")]
    assert [one.student for one in _chosen(candidates, ["cy", "ada"], tmp_path)] == ["ada", "cy"]
    assert len(_chosen(candidates, (), tmp_path)) == 3
    with pytest.raises(AutograderError, match="no submission of bop in"):
        _chosen(candidates, ["ada", "bop"], tmp_path)


def test_grade_ends_with_1_where_the_machine_failed_somebody():
    """One of a class is enough; lost points and what waits for a person are no failure."""
    done = [
        make_grade("ada", 10.0),
        make_grade("bob", 0.0),
        make_grade("cy", 5.0, 3.0, Outcome.NEEDS_REVIEW),
    ]
    assert exit_code(done) == 0
    assert exit_code([*done, make_grade("dora", 5.0, 3.0, Outcome.UNGRADABLE)]) == 1


def test_the_course_is_the_nearest_folder_above(course, monkeypatch):
    """From within, however deep, also where a folder further up is one too; the one that is named
    comes first; without any it is this folder.
    """
    (course.parent / "assignments").mkdir()
    below = course / "assignments" / "tiny"
    monkeypatch.chdir(below)
    assert course_of(None) == course.resolve()
    assert course_of(course.parent) == course.parent.resolve()
    monkeypatch.chdir(course.parent)
    assert course_of(None) == course.parent.resolve()


# --- check ----------------------------------------------------------------------------------------


def test_a_summary_is_appended_and_the_other_files_are_written_anew(tmp_path):
    """What other steps of the job put into the summary stays."""
    junit, summary, result = (
        tmp_path / "junit.xml",
        tmp_path / "summary.md",
        tmp_path / "result.json",
    )
    summary.write_text("before\n")
    junit.write_text("old")
    _write(mixed(), Path("tiny.ipynb"), junit, summary, result)
    assert summary.read_text().startswith("before\n## Tiny\n")
    assert junit.read_text().startswith("<?xml")
    assert json.loads(result.read_text())["max-score"] == 10
    _write(mixed(), Path("tiny.ipynb"), None, None, None)


def test_a_summary_that_is_full_gets_no_more(tmp_path):
    """More than GitHub's limit would make the whole upload fail."""
    summary = tmp_path / "summary.md"
    summary.write_text("x" * ((1 << 20) - 10))
    _write(mixed(), Path("tiny.ipynb"), None, summary, None)
    assert summary.stat().st_size <= 1 << 20


def test_a_file_that_can_not_be_written_is_said(tmp_path):
    """As wrong use, no fault of the notebook's."""
    with pytest.raises(AutograderError, match="can't write"):
        _write(mixed(), Path("tiny.ipynb"), None, tmp_path, None)


def test_of_several_files_of_checks_the_one_with_the_notebooks_name_counts(
    tmp_path, monkeypatch, capsys
):
    """A folder of several assignments."""
    for name in ("tiny.ipynb", "tiny.checks", "other.checks"):
        (tmp_path / name).write_text("{}")
    monkeypatch.setattr(sys, "argv", ["autograder", "check", str(tmp_path / "tiny.ipynb")])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 2
    assert "tiny.checks: can't be read as a file of checks" in capsys.readouterr().err
