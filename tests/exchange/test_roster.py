"""Rosters, as people and spreadsheets write them."""

import pytest

from autograder.errors import ExchangeError
from autograder.exchange.roster import RosterEntry, read_roster


def written(tmp_path, text, encoding="utf-8"):
    path = tmp_path / "roster.csv"
    path.write_bytes(text.encode(encoding))
    return path


@pytest.mark.parametrize(
    "text",
    [
        'id,name\nada,"Lovelace, Ada"\nbob,\n',
        'name,section,ID\r\n"Lovelace, Ada",1, ada \r\n\r\n,2,bob\r\n',
        "\ufeffid;name;mail\nada;Lovelace, Ada;a@x\nbob;;\n",
        "id\tname\nada\tLovelace, Ada\nbob",
    ],
    ids=["plain", "windows", "semicolons with a mark", "tabs and a short line"],
)
def test_students_are_read_in_order(tmp_path, text):
    """Columns in any order, other columns beside them, lines of white space between."""
    assert read_roster(written(tmp_path, text)) == (RosterEntry("ada", "Lovelace, Ada"), RosterEntry("bob"))


def test_names_may_be_missing(tmp_path):
    """An id is all that it takes."""
    assert read_roster(written(tmp_path, "id\n7\n")) == (RosterEntry("7"),)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", r"roster\.csv:1: .*one `id`.*nothing"),
        ("student,name\nada,Ada\n", r":1: .*it says: student, name"),
        ("id,id\na,b\n", r":1: "),
        ("id,name\n", "holds no students"),
        ("id,name\nada,Ada\n ,Bob\n", r":3: no id"),
        ('id,name\nada,"A\nda"\n\nADA,x\n', r":5: the id 'ADA' stands on line 2 already"),
        ('id,name\nada,"Ada\n', r"roster\.csv:\d: "),
    ],
)
def test_what_is_wrong_is_said_with_its_line(tmp_path, text, said):
    """Nothing is guessed and nobody left out."""
    with pytest.raises(ExchangeError, match=said):
        read_roster(written(tmp_path, text))


def test_other_encodings_and_missing_files_are_said(tmp_path):
    """What to save it as; what the system says."""
    with pytest.raises(ExchangeError, match="not UTF-8"):
        read_roster(written(tmp_path, "id,name\nada,Zoë\n", "latin-1"))
    with pytest.raises(ExchangeError, match="No such file"):
        read_roster(tmp_path / "none.csv")
