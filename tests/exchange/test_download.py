"""A download is read without being unpacked, and nothing in it leads anywhere."""

import os
import stat
import struct
import zipfile

import pytest
from lms_samples import make_folder, make_zip, zip_bytes

from autograder.errors import ExchangeError
from autograder.exchange.lms.download import MAX_FILES, open_download


def names_and_refused(path):
    with open_download(path) as download:
        return set(download.names), download.refused


def test_a_folder_and_its_zip_hold_the_same(tmp_path):
    """By name and content; hidden files and what a Mac adds are no part of either."""
    members = {
        "a/x.ipynb": b"1",
        "Zoë 王.ipynb": b"2",
        ".DS_Store": b"",
        "__MACOSX/._x": b"",
        "a/.hidden/y": b"",
    }
    found = []
    for path in (make_folder(tmp_path / "folder", members), make_zip(tmp_path / "d.zip", members)):
        with open_download(path) as download:
            found.append({entry.name: entry.read(100) for entry in download.entries})
    assert found == [{"a/x.ipynb": b"1", "Zoë 王.ipynb": b"2"}] * 2


def test_members_that_lead_out_are_refused_one_by_one(tmp_path):
    """Paths upwards, from the root, of Windows, links, and names of no sensible length; the others
    of the class stay.
    """
    link = zipfile.ZipInfo("link.ipynb")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    path = tmp_path / "d.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for name in (
            "../../evil.ipynb",
            "/etc/evil.ipynb",
            "C:\\evil.ipynb",
            "..\\evil.ipynb",
            "(1)" * 20_000,
            "good.ipynb",
        ):
            archive.writestr(name, "{}")
        archive.writestr(link, "/etc/passwd")
    names, refused = names_and_refused(path)
    assert names == {"good.ipynb"}
    assert len(refused) == 6
    assert "which is a link" in "".join(refused)


def test_a_bomb_and_a_name_that_is_there_twice_are_refused(tmp_path):
    """Neither is unpacked; of two with one name nobody can tell which is meant."""
    path = tmp_path / "d.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("bomb.ipynb", b"\0" * 20_000_000)
        archive.writestr("ann_1_2_tiny.ipynb", b"{}")
        with pytest.warns(UserWarning, match="Duplicate"):
            archive.writestr("ann_1_2_tiny.ipynb", b"[]")
        archive.writestr("good.ipynb", b"{}")
    names, refused = names_and_refused(path)
    assert names == {"good.ipynb"}
    assert {line.split(", ", 1)[1][:25] for line in refused} == {
        "which unpacks to more tha",
        "which is there twice",
    }


def test_a_member_that_claims_less_than_it_holds_is_read_no_further(tmp_path):
    """The size in the table of contents is the student's word."""
    data = bytearray(zip_bytes({"x.ipynb": b"a" * 1000}))
    for signature, place in ((b"PK\x01\x02", 24), (b"PK\x03\x04", 22)):
        struct.pack_into("<I", data, data.index(signature) + place, 10)
    path = tmp_path / "d.zip"
    path.write_bytes(data)
    with open_download(path) as download:
        (entry,) = download.entries
        with pytest.raises(ExchangeError, match=r"'x\.ipynb' in it is damaged"):
            entry.read(1_000_000)


def test_large_files_are_read_whole(tmp_path):
    """Whether packed or stored; the limit on single reads is for the table of contents."""
    data = os.urandom(21_000_000)
    for method in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        with zipfile.ZipFile(tmp_path / "d.zip", "w", method) as archive:
            archive.writestr("x.ipynb", data)
        with open_download(tmp_path / "d.zip") as download:
            assert download.entries[0].read(100_000_000) == data


def test_links_in_a_folder_are_not_followed(tmp_path):
    """One would bring any file that the grader can read into the submissions."""
    (tmp_path / "secret").write_text("the solution")
    root = make_folder(tmp_path / "folder", {"ann.ipynb": b"{}"})
    (root / "eve.ipynb").symlink_to(tmp_path / "secret")
    (root / "all").symlink_to(tmp_path)
    names, refused = names_and_refused(root)
    assert names == {"ann.ipynb"}
    assert refused == ("eve.ipynb, which is a link or no file",)


def test_what_is_no_download_says_so(tmp_path):
    """Nothing there; no archive; a damaged one; one with too many files."""
    (tmp_path / "x.zip").write_bytes(b"PK\x03\x04 nothing")
    os.mkfifo(tmp_path / "pipe")
    for name, words in (
        ("none.zip", "no such file"),
        ("x.zip", "damaged"),
        ("pipe", "no such file or folder"),
    ):
        with pytest.raises(ExchangeError, match=words), open_download(tmp_path / name):
            pass
    with zipfile.ZipFile(tmp_path / "many.zip", "w") as archive:
        for number in range(MAX_FILES + 1):
            archive.writestr(f"{number}", b"")
    with (
        pytest.raises(ExchangeError, match="more than 20000 files"),
        open_download(tmp_path / "many.zip"),
    ):
        pass


def test_names_in_utf8_that_do_not_say_so_are_read(tmp_path):
    """Zipfile takes them for the DOS code page otherwise; names that are in it stay."""
    for raw, name in (("müller".encode(), "müller"), ("müller".encode("cp437"), "müller")):
        data = zip_bytes({"x" * len(raw): b"{}"}).replace(b"x" * len(raw), raw)
        (tmp_path / "d.zip").write_bytes(data)
        assert names_and_refused(tmp_path / "d.zip")[0] == {name}
