"""Moodle: folders, flat names and blind marking in, the grading worksheet in and out."""

import csv
import io

import pytest
from lms_samples import MOODLE_WORKSHEET, make_zip, notebook

from autograder.errors import ExchangeError
from autograder.exchange.lms import moodle
from autograder.exchange.lms.delivery import Asked, IdKind
from autograder.exchange.lms.download import open_download
from autograder.exchange.lms.score_sheet import Column, Held
from autograder.exchange.lms.sheet import read_sheet


def delivered(tmp_path, *names):
    with open_download(
        make_zip(tmp_path / "DL-Tiny-77.zip", dict.fromkeys(names, notebook("1")))
    ) as download:
        assert moodle.recognise(download.names)
        return moodle.deliveries(download, Asked("tiny"))


def worksheet(tmp_path, text=MOODLE_WORKSHEET):
    (tmp_path / "worksheet.csv").write_text(text, encoding="utf-8")
    return moodle.score_sheet(read_sheet(tmp_path / "worksheet.csv"), Column(()))


@pytest.mark.parametrize(
    ("name", "who", "number"),
    [
        ("Ann Lee_501_assignsubmission_file/tiny.ipynb", "ann lee", "501"),
        ("Ann Lee_501_assignsubmission_file_/tiny.ipynb", "ann lee", "501"),
        ("Ann Lee_501_assignsubmission_file/work/deep/tiny.ipynb", "ann lee", "501"),
        ("Ann Lee_501_assignsubmission_file_tiny.ipynb", "ann lee", "501"),
        ("Zoë Müller_502_assignsubmission_onlinetext/onlinetext.html", "zoë müller", "502"),
        ("Participant_503_assignsubmission_file/tiny.ipynb", "", "503"),
        ("Participant_503_assignsubmission_file_tiny.ipynb", "", "503"),
        ("Ann Lee_501_assignsubmission_file_Bob_9_assignsubmission_file_x.ipynb", "ann lee", "501"),
        ("Default group_assignsubmission_file/tiny.ipynb", "default group", ""),
    ],
)
def test_names(tmp_path, name, who, number):
    """Folders of new and old versions, with folders in them; flat; blind; a file that a student
    named as another's; the group of those in none.
    """
    (one,) = delivered(tmp_path, name).deliveries
    assert one.people[0].name == who
    assert one.people[0].ids == (((IdKind.MOODLE, number),) if number else ())


def test_text_and_files_of_one_student_are_one_delivery(tmp_path):
    """Two Anns with two numbers are two."""
    found = delivered(
        tmp_path,
        "Ann Lee_501_assignsubmission_file/tiny.ipynb",
        "Ann Lee_501_assignsubmission_file/data/a.csv",
        "Ann Lee_501_assignsubmission_onlinetext/onlinetext.html",
        "Ann Lee_777_assignsubmission_file/tiny.ipynb",
    ).deliveries
    assert [(one.label, len(one.files)) for one in found] == [
        ("Ann Lee_501", 3),
        ("Ann Lee_777", 1),
    ]


def test_one_file_named_as_moodle_does_makes_no_moodle_download():
    """A student chooses names in a flat folder, and could spoil the class's."""
    assert not moodle.recognise(("ann.ipynb", "bob.ipynb", "Eve_1_assignsubmission_file_x.ipynb"))


def test_the_worksheet_is_read(tmp_path):
    """Scores, the locked, the maximum, ids of all kinds."""
    sheet = worksheet(tmp_path)
    assert (sheet.possible, sheet.comma) == (10, False)
    assert [(dict(row.ids)[IdKind.MOODLE], row.score, row.held) for row in sheet.rows] == [
        ("501", None, None),
        ("502", 7, None),
        ("503", None, None),
        ("504", None, Held.LOCKED),
    ]
    assert dict(sheet.rows[0].ids)[IdKind.EMAIL] == "ann@uni.edu"


def test_only_the_changed_are_written_and_feedback_is_left_in_moodle(tmp_path):
    """Moodle would take a feedback cell with our apostrophe for new feedback, and texts of students
    may be formulas; both columns are left out. A lone dash is no formula.
    """
    sheet = worksheet(tmp_path)
    text = sheet.text(
        {sheet.rows[0].row.line: 8.5, sheet.rows[2].row.line: 3, sheet.rows[3].row.line: 1}
    )
    assert text.startswith("\ufeffIdentifier,")
    rows = list(csv.DictReader(io.StringIO(text.removeprefix("\ufeff"))))
    assert [(row["Identifier"], row["Grade"], row["Last modified (grade)"]) for row in rows] == [
        ("Participant 501", "8.5", "-"),
        ("Participant 503", "3", "-"),
        ("Participant 504", "1", "-"),
    ]
    assert [row["Full name"] for row in rows] == ["Ann Lee", "O'Brien, Pat", "'+cmd"]
    assert "Feedback comments" not in rows[0]
    assert "=1+1" not in text


def test_lines_are_counted_past_line_feeds_in_cells(tmp_path):
    """Feedback may have several lines."""
    assert [row.row.line for row in worksheet(tmp_path).rows] == [2, 3, 5, 6]


def test_decimal_commas_are_kept(tmp_path):
    """Moodle reads numbers as the reader's language writes them."""
    sheet = worksheet(
        tmp_path, MOODLE_WORKSHEET.replace("10.00", '"10,00"').replace("7.00", '"7,00"')
    )
    assert (sheet.possible, sheet.rows[1].score) == (10, 7)
    assert ',"8,5","10,00",' in sheet.text({sheet.rows[0].row.line: 8.5})


def test_other_tables_are_refused(tmp_path):
    """Saying where the worksheet is."""
    with pytest.raises(ExchangeError, match=r"no column 'Identifier'.*Download grading worksheet"):
        worksheet(tmp_path, "Student,ID,Section\nAnn,1,A\n")
