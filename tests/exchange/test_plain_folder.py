"""Folders that no system made."""

import datetime

import pytest
from lms_samples import make_folder, make_zip

from autograder.errors import ExchangeError
from autograder.exchange.lms import plain_folder
from autograder.exchange.lms.delivery import Asked, SystemName, pick_notebooks
from autograder.exchange.lms.download import open_download
from autograder.exchange.lms.systems import system_of


def owners(path, slug="tiny"):
    with open_download(path) as whole:
        system, download = system_of(whole, None)
        assert system.name is SystemName.FOLDER
        return {
            one.label: [entry.name for entry in one.files]
            for one in plain_folder.deliveries(download, Asked(slug)).deliveries
        }


def test_flat_folders_and_nbgraders_layout(tmp_path):
    """A file each; a folder each, however deep; {student}/{assignment}/, of which other assignments
    are passed over.
    """
    names = {
        "ann.ipynb": "",
        "bob/work/tiny.ipynb": "",
        "bob/data.csv": "",
        "cy/tiny/tiny.ipynb": "",
        "cy/ps2/ps2.ipynb": "",
        "notes.txt": "",
    }
    assert owners(make_folder(tmp_path / "f", names)) == {
        "ann": ["ann.ipynb"],
        "bob": ["bob/data.csv", "bob/work/tiny.ipynb"],
        "cy": ["cy/tiny/tiny.ipynb"],
    }


def test_the_folder_of_an_archives_own_name_is_no_student(tmp_path):
    """As every packer makes it; another folder that holds all may be a student's."""
    members = {"class/ann.ipynb": "", "class/bob.ipynb": ""}
    assert set(owners(make_zip(tmp_path / "class.zip", members))) == {"ann", "bob"}
    assert set(owners(make_zip(tmp_path / "other.zip", members))) == {"class"}


def test_nbgraders_timestamp_is_read(tmp_path):
    """And is no file of the student's."""
    make_folder(
        tmp_path / "f",
        {
            "ann/tiny/tiny.ipynb": "",
            "ann/tiny/timestamp.txt": "2026-11-25 09:00:00.000000 UTC",
            "bob/tiny/tiny.ipynb": "",
        },
    )
    with open_download(tmp_path / "f") as download:
        ann, bob = plain_folder.deliveries(download, Asked("tiny")).deliveries
    assert ann.submitted_at == datetime.datetime(2026, 11, 25, 9, tzinfo=datetime.UTC)
    assert [entry.name for entry in ann.files] == ["ann/tiny/tiny.ipynb"]
    assert bob.submitted_at is None


def test_nothing_to_grade_says_so(tmp_path):
    """Also where the author names another system than the one that made it."""
    path = make_folder(tmp_path / "f", {"readme.txt": ""})
    with (
        open_download(path) as download,
        pytest.raises(ExchangeError, match="nor notebooks in folders"),
    ):
        system_of(download, None)
    make_folder(path, {"ann.ipynb": ""})
    with (
        open_download(path) as download,
        pytest.raises(ExchangeError, match="as moodle names them"),
    ):
        system_of(download, SystemName.MOODLE)


@pytest.mark.parametrize(
    ("files", "picked"),
    [
        (["a.ipynb", "tiny.ipynb"], ["tiny.ipynb"]),
        (["a.ipynb", "tiny (1).ipynb"], ["tiny (1).ipynb"]),
        (["tiny.ipynb", "tiny (1).ipynb"], ["tiny.ipynb"]),
        (["a.ipynb", "b.ipynb"], ["a.ipynb", "b.ipynb"]),
        (["a.ipynb", "tiny.py"], ["tiny.py"]),
        (["a.ipynb", "tiny.zip"], ["a.ipynb"]),
        (["a.zip", "b.png"], ["a.zip"]),
        (["b.png"], []),
    ],
)
def test_which_notebook_counts(tmp_path, files, picked):
    """The assignment's name first, also with what a browser adds; an archive last; several are left
    to a person.
    """
    with open_download(make_folder(tmp_path / "f", dict.fromkeys(files, ""))) as download:
        assert [entry.name for entry in pick_notebooks(download.entries, "tiny")] == picked
