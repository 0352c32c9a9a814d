"""From a learning system's download to a file that it imports: collected, graded in the sandbox,
exported, through the command line.
"""

import csv
import io
import os
import subprocess
import sys

import nbformat
import pytest
from lms_samples import CANVAS_GRADEBOOK, MOODLE_WORKSHEET, make_zip
from places import ROOT
from tiny_class import LOOP, LOSS

from autograder.commands.grade.same_code import same_code
from autograder.people.handed_in import read_record

WRONG = LOOP.replace("optimizer.step()", "pass")


def autograder(course, *words):
    environment = os.environ | {
        "COLUMNS": "200",
        "PYTHONPATH": str(ROOT),
    }
    return subprocess.run(
        [sys.executable, "-m", "autograder.cli", *map(str, words)],
        cwd=course.root,
        text=True,
        capture_output=True,
        timeout=60,
        check=False,
        env=environment,
    )


def handed_in(course, **cells):
    """The release with these cells, as the bytes of a notebook."""
    notebook = nbformat.from_dict(course.release)
    for cell in notebook.cells:
        cell.source = cells.get(cell.metadata.get("nbgrader", {}).get("grade_id"), cell.source)
    return nbformat.writes(notebook).encode()


@pytest.fixture
def written(course):
    """Right, half right, right with a comment more, and blank."""
    return {
        "right": handed_in(course, loss_fn=LOSS, training_loop=LOOP),
        "half": handed_in(course, loss_fn=LOSS, training_loop=WRONG),
        "copied": handed_in(course, loss_fn=LOSS, training_loop=f"# all mine\n{LOOP}"),
        "blank": handed_in(course),
    }


def test_canvas(course, written):
    """A late one, a resubmission, a group, a stranger; the scores go back by Canvas's numbers, one
    stays out with its reason.
    """
    download = make_zip(
        course.root / "submissions.zip",
        {
            "leeann_LATE_1234_10_tiny.ipynb": written["blank"],
            "leeann_LATE_1234_20_tiny-1.ipynb": written["right"],
            "leeann_1235_11_tiny.ipynb": written["half"],
            "pair_1236_12_tiny.ipynb": written["copied"],
            "stranger_9_13_tiny.ipynb": written["right"],
        },
    )
    (course.root / "roster.csv").write_text(
        'id,name,canvas_id,group\nalee,"Lee, Ann",1234,\nalee2,"Lee, Ann",1235,\nzmueller,"Müller,'
        ' ""Zoë""",1236,Pair\nwang,王 小明,1237,Pair\n',
        encoding="utf-8",
    )
    done = autograder(course, "collect", "tiny", download, "--roster", "roster.csv")
    assert done.returncode == 1, done.stderr
    assert "3 submissions from canvas: 3 new, 0 changed, 0 unchanged" in done.stdout
    assert "late: alee\n" in done.stdout
    assert "groups, each graded once for all members: Pair (zmueller, wang)" in done.stdout
    assert (
        "NOT MATCHED stranger_9: no student has its canvas_id or exactly this name" in done.stdout
    )
    grades, _ = course.grade()
    assert {student: (grade.points, grade.late) for student, grade in grades.items()} == {
        "alee": (10, True),
        "alee2": (2, False),
        "Pair": (10, False),
    }
    record = read_record(course.root / "submitted", "tiny")
    assert same_code(course.results, grades.values(), record) == (("Pair", "alee"),)

    (course.root / "gradebook.csv").write_text(CANVAS_GRADEBOOK, encoding="utf-8")
    done = autograder(
        course, "export", "canvas", "tiny", "--into", "gradebook.csv", "-o", "import.csv"
    )
    assert done.returncode == 1, done.stderr
    assert "LEFT OUT wang: is excused there; 10 was not written" in done.stdout
    rows = list(csv.reader(io.StringIO((course.root / "import.csv").read_text(encoding="utf-8"))))
    assert rows[0] == ["Student", "ID", "SIS User ID", "SIS Login ID", "Section", "Tiny (7002)"]
    assert [(row[1], row[-1]) for row in rows[2:]] == [("1234", "10"), ("1235", "2")]
    again = autograder(
        course, "export", "canvas", "tiny", "--into", "gradebook.csv", "-o", "gradebook.csv"
    )
    assert again.returncode == 2
    assert "name another with -o" in again.stderr


def test_moodle_and_the_table(course, written):
    """Blind marking, with the worksheet as roster; the table for everything else has names and
    groups of whom they are known.
    """
    download = make_zip(
        course.root / "DL-Tiny-77.zip",
        {
            "Participant_501_assignsubmission_file/tiny.ipynb": written["right"],
            "Participant_502_assignsubmission_file/my work.ipynb": written["half"],
            "Participant_503_assignsubmission_onlinetext/onlinetext.html": b"<p>sorry</p>",
        },
    )
    (course.root / "worksheet.csv").write_text(MOODLE_WORKSHEET, encoding="utf-8")
    done = autograder(course, "collect", "tiny", download, "--roster", "worksheet.csv")
    assert done.returncode == 0, done.stderr
    assert "without a notebook: pat@uni.edu" in done.stdout
    course.grade()
    done = autograder(
        course, "export", "moodle", "tiny", "--into", "worksheet.csv", "-o", "upload.csv"
    )
    assert done.returncode == 0, done.stderr
    with (course.root / "upload.csv").open(encoding="utf-8-sig", newline="") as file:
        assert [(row["Identifier"], row["Grade"]) for row in csv.DictReader(file)] == [
            ("Participant 501", "10"),
            ("Participant 502", "2"),
            ("Participant 503", "0"),
        ]
    done = autograder(course, "export", "csv", "tiny", "-o", "table.csv")
    assert done.returncode == 0, done.stderr
    with (course.root / "table.csv").open(encoding="utf-8", newline="") as file:
        table = [(row["student_id"], row["name"], row["points"]) for row in csv.DictReader(file)]
    assert table == [
        ("ann@uni.edu", "Ann Lee", "10"),
        ("pat@uni.edu", "O'Brien, Pat", "0"),
        ("zoe@uni.edu", "Zoë Müller", "2"),
    ]


def test_words_that_help(course):
    """Wrong use ends with code 2 and says what to do."""
    for words, said in (
        (("collect", "tiny", "none.zip"), "none.zip: no such file or folder"),
        (("collect", "tiny", "release", "--roster", "none.csv"), "none.csv: can't be read"),
        (
            ("export", "csv", "tiny", "-o", "x.csv"),
            "no grades of tiny; run `autograder grade tiny` first",
        ),
    ):
        done = autograder(course, *words)
        assert done.returncode == 2
        assert said in done.stderr
    assert not (course.root / "submitted").exists()
