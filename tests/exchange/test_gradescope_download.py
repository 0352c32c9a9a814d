"""Gradescope: the export with Ruby's YAML in."""

import datetime

import pytest
from lms_samples import GRADESCOPE_METADATA, make_folder, notebook

from autograder.errors import ExchangeError
from autograder.exchange.lms import gradescope_download
from autograder.exchange.lms.delivery import Asked, IdKind
from autograder.exchange.lms.download import open_download
from autograder.exchange.lms.systems import SystemName, system_of


def delivered(tmp_path, metadata=GRADESCOPE_METADATA):
    root = make_folder(
        tmp_path / "export",
        {
            "assignment_42_export/submission_metadata.yml": metadata,
            "assignment_42_export/submission_9001/tiny.ipynb": notebook("1"),
            "assignment_42_export/submission_9002/src/tiny.ipynb": notebook("2"),
            "assignment_42_export/stray.txt": "",
        },
    )
    with open_download(root) as whole:
        system, download = system_of(whole, None)
        assert system.name is SystemName.GRADESCOPE
        return gradescope_download.deliveries(download, Asked("tiny"))


def test_submitters_times_and_files(tmp_path):
    """Symbols as keys, a group, a number as id, a submission of nobody; the output of a run that
    quotes metadata is text.
    """
    found = delivered(tmp_path)
    assert [[person.shown for person in one.people] for one in found.deliveries] == [
        ["Ann Lee"],
        ["Zoë Müller", "Pat O'Brien"],
        [],
    ]
    assert found.deliveries[0].people[0].ids == (
        (IdKind.STUDENT, "001"),
        (IdKind.EMAIL, "ann@uni.edu"),
    )
    assert found.deliveries[0].submitted_at == datetime.datetime(
        2026, 11, 25, 9, 0, 0, 861687, tzinfo=datetime.UTC
    )
    assert [[entry.name for entry in one.files] for one in found.deliveries] == [
        ["submission_9001/tiny.ipynb"],
        ["submission_9002/src/tiny.ipynb"],
        [],
    ]
    assert found.strange == ("stray.txt",)


def test_ruby_objects_are_read_as_plain_values_and_python_ones_are_refused(tmp_path):
    """Nothing is made but text, numbers, lists and tables."""
    content = gradescope_download.read_metadata(
        b"a: !ruby/object:Open3\n  :x: !ruby/sym y\nb: !ruby/array:Set [1]\nc: {}\n".replace(
            b"b: !ruby/array:Set [1]\n", b""
        ),
        "f",
    )
    assert content == {"a": {":x": "y"}, "c": {}}
    marker = tmp_path / "made"
    for tag in ("!!python/object/apply:os.system", "!!python/name:os.system"):
        with pytest.raises(ExchangeError, match=r"is not the YAML that Gradescope exports"):
            gradescope_download.read_metadata(f"a: {tag} ['touch {marker}']".encode(), "f")
    assert not marker.exists()


@pytest.mark.parametrize(
    "data", [b"[", b"- a\n- b", b"a: 1", b"", b"\xff\xfe\xfa", b"a: &x [*x, *x]"]
)
def test_other_files_are_refused(data):
    """Broken, lists, plain values, nothing, no text."""
    with pytest.raises(ExchangeError, match=r"metadata\.yml"):
        gradescope_download.read_metadata(data, "export: submission_metadata.yml")


def test_aliases_cost_no_memory():
    """Nine levels of nine: a billion, were they copied."""
    lines = ["a0: &a0 {x: 1}"] + [
        f"a{n}: &a{n} {{x: [{', '.join([f'*a{n - 1}'] * 9)}]}}" for n in range(1, 10)
    ]
    assert len(gradescope_download.read_metadata("\n".join(lines).encode(), "f")) == 10
