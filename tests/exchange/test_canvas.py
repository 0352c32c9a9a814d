"""Canvas: file names in, the gradebook in and out."""

import csv
import io

import pytest
from lms_samples import CANVAS_GRADEBOOK, make_zip, notebook

from autograder.errors import ExchangeError
from autograder.exchange.lms import canvas
from autograder.exchange.lms.delivery import Asked, IdKind
from autograder.exchange.lms.download import open_download
from autograder.exchange.lms.score_sheet import Column, Held, read_number
from autograder.exchange.lms.sheet import read_sheet

TITLE = Column(("Tiny",))


def delivered(tmp_path, *names, slug="tiny"):
    with open_download(
        make_zip(tmp_path / "submissions.zip", dict.fromkeys(names, notebook("1")))
    ) as download:
        assert canvas.recognise(download.names)
        return canvas.deliveries(download, Asked(slug))


def gradebook(tmp_path, text=CANVAS_GRADEBOOK):
    (tmp_path / "gradebook.csv").write_text(text, encoding="utf-8")
    return read_sheet(tmp_path / "gradebook.csv")


@pytest.mark.parametrize(
    ("name", "key", "kind", "number", "late"),
    [
        ("leeann_1234_98001_tiny.ipynb", "leeann", IdKind.CANVAS, "1234", False),
        ("leeann_LATE_1234_98001_tiny.ipynb", "leeann", IdKind.CANVAS, "1234", True),
        ("anon_a1B2c_98001_tiny.ipynb", "", IdKind.ANONYMOUS, "a1B2c", False),
        ("LATE_anon_a1B2c_98001_tiny.ipynb", "", IdKind.ANONYMOUS, "a1B2c", True),
        ("latelyle_1234_98001_tiny.ipynb", "latelyle", IdKind.CANVAS, "1234", False),
        ("müllerzoë_1236_98001_3_4_tiny.ipynb", "müllerzoë", IdKind.CANVAS, "1236", False),
        ("王小明_LATE_1237_98001_tiny.ipynb", "王小明", IdKind.CANVAS, "1237", True),
        ("1234_98001_tiny.ipynb", "", IdKind.CANVAS, "1234", False),
        ("teama_1234_98001_tiny.ipynb", "teama", IdKind.CANVAS, "1234", False),
    ],
)
def test_names(tmp_path, name, key, kind, number, late):
    """Late, anonymous, both, digits and underscores in the student's file, other alphabets, a
    group.
    """
    (one,) = delivered(tmp_path, name).deliveries
    assert (one.people[0].name, one.people[0].ids, one.late) == (key, ((kind, number),), late)


def test_names_are_compared_as_canvas_writes_them():
    """Small letters without anything else; accents stay, in whichever form they are typed."""
    assert canvas.name_key("O'Brien-Müller, Zoë") == "obrienmüllerzoë"
    assert canvas.name_key("Zoe\u0308") == canvas.name_key("Zoë") != canvas.name_key("Zoe")


def test_files_of_one_submission_stay_together(tmp_path):
    """A notebook and its data are one delivery; text entries and links are deliveries without a
    notebook.
    """
    found = delivered(
        tmp_path,
        "leeann_1_10_tiny.ipynb",
        "leeann_1_11_data.csv",
        "bobbob_2_text.html",
        "coco_LATE_3_link.html",
    ).deliveries
    assert [(one.label, len(one.files), one.late) for one in found] == [
        ("leeann_1", 2, False),
        ("bobbob_2", 0, False),
        ("coco_3", 0, True),
    ]


def test_one_late_file_makes_the_submission_late(tmp_path):
    """A file that was added after the due date to one in time: the student is not on time, in
    whichever order the files come.
    """
    names = (
        "leeann_1_10_tiny.ipynb",
        "leeann_LATE_1_11_data.csv",
        "bobbob_LATE_2_12_tiny.ipynb",
        "bobbob_2_13_data.csv",
    )
    assert [(one.label, one.late) for one in delivered(tmp_path, *names).deliveries] == [
        ("leeann_1", True),
        ("bobbob_2", True),
    ]


@pytest.mark.parametrize(
    ("slug", "files", "times"),
    [
        (
            "tiny",
            ("10_tiny.ipynb", "20_tiny-1.ipynb", "15_data.csv"),
            [["tiny"], ["tiny-1", "data"]],
        ),
        ("tiny", ("20_tiny-2.ipynb", "10_tiny-1.ipynb"), [["tiny-1"], ["tiny-2"]]),
        ("tiny", ("10_work.ipynb", "20_work-1.ipynb"), [["work"], ["work-1"]]),
        ("tiny", ("10_work-1.ipynb", "20_work-2.ipynb"), [["work-1", "work-2"]]),
        ("hw-1", ("10_hw-1.ipynb", "20_hw-2.ipynb"), [["hw-1", "hw-2"]]),
        ("hw-1", ("10_hw-1.ipynb", "20_hw-1-1.ipynb"), [["hw-1"], ["hw-1-1"]]),
        ("tiny", ("9_tiny-1.ipynb", "10_tiny.ipynb"), [["tiny-1"], ["tiny"]]),
    ],
)
def test_resubmissions(tmp_path, slug, files, times):
    """-1 is a later time of a file that is there, or that is named as the assignment; else two
    files. The attachment's number is the order.
    """
    found = sorted(
        delivered(tmp_path, *(f"leeann_1_{file}" for file in files), slug=slug).deliveries,
        key=lambda one: one.order,
    )
    assert [
        [entry.name.rsplit("_", 1)[1].split(".")[0] for entry in one.files] for one in found
    ] == times


def test_what_is_no_canvas_download_is_not_taken_for_one():
    """A folder of notebooks; one file of another kind among Canvas's is passed over."""
    assert not canvas.recognise(("ann.ipynb", "leeann_1_2_tiny.ipynb"))
    assert not canvas.recognise(("ann/leeann_1_2_tiny.ipynb",))
    assert not canvas.recognise(("readme.txt",))
    assert canvas.recognise(("readme.txt", "leeann_1_2_tiny.ipynb"))


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("7", 7),
        (" 7.50 ", 7.5),
        ("7,50", 7.5),
        ("-1", -1),
        ("1,234.5", 1234.5),
        ("1,234,567.5", 1234567.5),
    ]
    + [(text, None) for text in ("", "-", "EX", "1.2.3", "7 points", "nan", "12,34.5")],
)
def test_scores_are_read_with_a_point_or_a_comma(text, number):
    """What is no number is no score, and never 0."""
    assert read_number(text) == number


def test_the_gradebook_is_read(tmp_path):
    """Scores, the excused and the not assigned, the total; neither the row of totals nor that of
    manual posting is a student.
    """
    sheet = canvas.score_sheet(gradebook(tmp_path), TITLE)
    assert sheet.possible == 10
    assert [(dict(row.ids)[IdKind.CANVAS], row.score, row.held) for row in sheet.rows] == [
        ("1234", None, None),
        ("1235", 7, None),
        ("1236", 10, None),
        ("1237", None, Held.EXCUSED),
        ("1238", None, Held.NOT_ASSIGNED),
        ("1299", None, None),
    ]


def test_only_the_changed_and_only_this_assignment_are_written(tmp_path):
    """Other assignments, custom columns and totals would be imported too; ids, quotes, commas and
    letters stay.
    """
    sheet = canvas.score_sheet(gradebook(tmp_path), TITLE)
    lines = {dict(row.ids)[IdKind.CANVAS]: row.row.line for row in sheet.rows}
    text = sheet.text({lines["1234"]: 8.5, lines["1236"]: 9})
    assert list(csv.reader(io.StringIO(text))) == [
        ["Student", "ID", "SIS User ID", "SIS Login ID", "Section", "Tiny (7002)"],
        ["    Points Possible", "", "", "", "", "10.00"],
        ["Lee, Ann", "1234", "S-001", "alee", "Deep Learning, A", "8.5"],
        ['Müller, "Zoë"', "1236", "S-003", "zmueller", "Deep Learning, B", "9"],
    ]


def test_the_row_of_manual_posting_stays_where_it_is_of_this_assignment(tmp_path):
    """Canvas knows it by its words, and passes over empty lines."""
    sheet = canvas.score_sheet(gradebook(tmp_path), Column((), "Essay"))
    assert list(csv.reader(io.StringIO(sheet.text({}))))[1] == [
        "",
        "",
        "",
        "",
        "",
        "Manual Posting",
    ]


def test_formulas_are_neutralised_and_the_id_stays(tmp_path):
    """Canvas finds the student by ID, so that the other cells may change."""
    sheet = canvas.score_sheet(gradebook(tmp_path), TITLE)
    text = sheet.text({sheet.rows[4].row.line: 1})
    row = list(csv.reader(io.StringIO(text)))[-1]
    assert row == ['\'=HYPERLINK("http://x")', "1238", "S-005", "'=cmd", "Deep Learning, B", "1"]


@pytest.mark.parametrize(("named", "found"), [("Essay", 20), ("7001", 20), ("Tiny (7002)", 10)])
def test_the_column_may_be_named(tmp_path, named, found):
    """By title, number or both."""
    assert canvas.score_sheet(gradebook(tmp_path), Column(("Other",), named)).possible == found


def test_which_column_is_never_guessed(tmp_path):
    """Unknown titles and two of one title are told, with what there is."""
    with pytest.raises(
        ExchangeError, match=r"no assignment titled 'Tin'; name one .*'Tiny \(7002\)'"
    ):
        canvas.score_sheet(gradebook(tmp_path), Column(("Tin",)))
    twice = CANVAS_GRADEBOOK.replace("Essay (7001)", "tiny (7001)")
    with pytest.raises(ExchangeError, match="several assignments"):
        canvas.score_sheet(gradebook(tmp_path, twice), TITLE)
    with pytest.raises(ExchangeError, match="no gradebook of Canvas"):
        canvas.score_sheet(gradebook(tmp_path, "a,b,c\n1,2,3\n"), TITLE)


def test_semicolons_and_a_mark_of_utf8_are_kept(tmp_path):
    """European settings: decimal commas are read, and the importer takes points."""
    text = (
        "\ufeffStudent;ID;SIS Login ID;Section;Tiny (7002)\n    Points Possible;;;;10,00\nLee,"
        " Ann;1234;alee;A;7,50\n"
    )
    sheet = canvas.score_sheet(gradebook(tmp_path, text), TITLE)
    assert (sheet.possible, sheet.rows[0].score) == (10, 7.5)
    assert (
        sheet.text({sheet.rows[0].row.line: 8.25})
        == "\ufeffStudent;ID;SIS Login ID;Section;Tiny (7002)\n    Points Possible;;;;10,00\nLee,"
        " Ann;1234;alee;A;8.25\n"
    )
