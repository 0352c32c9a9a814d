"""Rosters: the class's own, and those that learning systems export."""

import pytest
from lms_samples import CANVAS_GRADEBOOK, MOODLE_WORKSHEET

from autograder.errors import ExchangeError
from autograder.people.roster import read_roster


def roster(tmp_path, text, encoding="utf-8"):
    path = tmp_path / "roster.csv"
    path.write_bytes(text if isinstance(text, bytes) else text.encode(encoding))
    return read_roster(path)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_a_roster_is_read(tmp_path, encoding, delimiter):
    """As spreadsheets of several countries write it; case of column names aside; names with commas,
    quotes, line feeds; short rows.
    """
    text = (
        'ID,Name,Moodle_ID,email,shoe size\nalee,"Lee, ""Ann""\nJr",Participant'
        " 501,ann@uni.edu,38\nwang,王 小明\n".replace(",", delimiter).replace(
            f"Lee{delimiter}", "Lee,"
        )
    )
    found = roster(tmp_path, text, encoding)
    assert [
        (student.id, student.name, student.moodle_id, student.email, student.line)
        for student in found.students
    ] == [
        ("alee", 'Lee, "Ann"\nJr', "501", "ann@uni.edu", 2),
        ("wang", "王 小明", "", "", 4),
    ]
    assert found.ignored == ("shoe size",)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("name\nAnn\n", r"roster.csv:1: a roster needs a column 'id'"),
        ("id\nann\n", r"roster.csv:1: a roster needs a column 'name'"),
        ("id,name,id\na,b,c\n", r"roster.csv:1: two columns are called 'id'"),
        ("id,name\nann,Ann\n,Bob\n", r"roster.csv:3: no id"),
        ("id,name\nann,Ann\nANN,Bob\n", r"roster.csv:3: id 'ANN' is that of line 2 too"),
        (
            "id,name,canvas_id\na,A,12\nb,B,\nc,C,12\n",
            r"roster.csv:4: canvas_id '12' is that of line 2 too",
        ),
        (
            "id,name,moodle_id\na,A,Participant 7\nb,B,007\n",
            r"roster.csv:3: moodle_id '7' is that of line 2 too",
        ),
        ("id,name,moodle_id\na,A,Ann\n", r"roster.csv:2: moodle_id is the number"),
        ("id,name\nann,Lee, Ann\n", r"roster.csv:2: 3 cells, but the header names 2"),
        ('id,name\nann,"Ann\n', r"roster.csv:2: no valid CSV"),
        (b"id,name\nann,Ann\nzoe,Zo\xeb\n", r"roster.csv:3: is not UTF-8"),
        (b"PK\x03\x04\0\0", r"save it as CSV, not as a workbook"),
        ("\n\n", r"is empty"),
    ],
)
def test_errors_name_the_line(tmp_path, text, message):
    """What is wrong, and where."""
    with pytest.raises(ExchangeError, match=message):
        roster(tmp_path, text)


def test_a_missing_file_says_so(tmp_path):
    """With its name."""
    with pytest.raises(ExchangeError, match=r"none.csv: can't be read: No such file"):
        read_roster(tmp_path / "none.csv")


def test_a_canvas_gradebook_is_a_roster(tmp_path):
    """Logins are ids; without one for everybody, Canvas's numbers are.

    Canvas's test student is nobody.
    """
    found = roster(tmp_path, CANVAS_GRADEBOOK).students
    assert [(student.id, student.canvas_id, student.name) for student in found][:3] == [
        ("alee", "1234", "Lee, Ann"),
        ("alee2", "1235", "Lee, Ann"),
        ("zmueller", "1236", 'Müller, "Zoë"'),
    ]
    assert len(found) == 5
    assert {
        student.id
        for student in roster(tmp_path, CANVAS_GRADEBOOK.replace(",wang,", ",,")).students
    } >= {"1234", "1237"}


def test_a_moodle_worksheet_is_a_roster(tmp_path):
    """Addresses are ids where there is nothing better; with blind marking, numbers, and nobody has
    a name.
    """
    found = roster(tmp_path, MOODLE_WORKSHEET).students
    assert [(student.id, student.moodle_id, student.name) for student in found][:2] == [
        ("ann@uni.edu", "501", "Ann Lee"),
        ("zoe@uni.edu", "502", "Zoë Müller"),
    ]
    blind = "Identifier,Full name,Grade,Last modified (grade)\nParticipant 501,Participant 501,,-\n"
    (one,) = roster(tmp_path, blind).students
    assert (one.id, one.moodle_id, one.name) == ("participant-501", "501", "")


def test_empty_cells_behind_the_last_column_are_no_fault(tmp_path):
    """Spreadsheets leave commas there; a name that is cut in two by one is still told."""
    path = tmp_path / "class.csv"
    path.write_text("id,name\nann,Ann Lee,,\n")
    assert [(student.id, student.name) for student in read_roster(path).students] == [
        ("ann", "Ann Lee")
    ]
    path.write_text("id,name\nann,Lee, Ann\n")
    with pytest.raises(ExchangeError, match="not in quotes"):
        read_roster(path)
