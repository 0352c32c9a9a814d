"""`pytest assignments/...` by itself."""

import re
import subprocess
import sys
from xml.etree import ElementTree

import nbformat
import pytest
from places import TESTS

TINY = TESTS / "tiny_course"


def run_pytest(*words):
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-q", *map(str, words)]
    return subprocess.run(
        command, cwd=TINY, text=True, capture_output=True, check=False, timeout=120
    )


@pytest.mark.seconds("pytest in a process of its own, with a forkserver")
def test_without_a_submission_the_reference_is_judged_and_passes():
    """What an author sees in the editor: all green."""
    done = run_pytest("assignments/tiny")
    assert done.returncode == 0, done.stdout
    assert "3 passed" in done.stdout


@pytest.mark.long("pytest on the lecture, in a process of its own")
def test_a_submission_is_judged_check_by_check(tmp_path):
    """--submission names one notebook; -k and ids work as for any test; the failure shows what the
    student would read.
    """
    release = [
        sys.executable,
        "-m",
        "autograder.cli",
        "release",
        "tiny",
        "--force",
        "-o",
        str(tmp_path / "release"),
        "--results",
        str(tmp_path / "results"),
    ]
    subprocess.run(release, cwd=TINY, check=True, capture_output=True)
    notebook = nbformat.read(tmp_path / "release" / "tiny.ipynb", as_version=4)
    for cell in notebook.cells:
        if cell.metadata.get("nbgrader", {}).get("grade_id") == "loss_fn":
            cell.source = "def loss_fn(values):\n    return (values**2).sum()\n"
    path = tmp_path / "alice.ipynb"
    nbformat.write(notebook, path)
    done = run_pytest("assignments/tiny", "--submission", path)
    assert done.returncode == 1
    assert "1 failed, 2 errors" in done.stdout  # the loop is a stub, so it has no run to judge
    assert "Observed: 10" in done.stdout
    assert "NotImplementedError" in done.stdout
    only = run_pytest("assignments/tiny", "--submission", path, "-k", "loss_fn")
    assert "1 failed, 2 deselected" in only.stdout
    assert "WARNING isolation" not in only.stdout


HOSTILE_LOSS = (
    "def loss_fn(values):\n    raise ValueError('bad\\x1b[2J\\x1b]0;owned\\x07"
    " \\x00\\u202e]]><x>')\n"
)


@pytest.mark.long("pytest on the lecture, in a process of its own")
def test_what_a_submission_says_does_nothing_in_a_terminal_or_in_xml(tmp_path):
    """Escapes, control characters and overrides are gone from both; without a sandbox both say
    so.
    """
    script = tmp_path / "eve.py"
    script.write_text(f'# %% nbgrader={{"grade_id": "loss_fn"}}\n{HOSTILE_LOSS}')
    written = tmp_path / "report.xml"
    done = run_pytest(
        "assignments/tiny",
        "--submission",
        script,
        "--isolation",
        "none",
        "--junitxml",
        written,
        "-k",
        "loss_fn",
        "-o",
        "junit_logging=all",
    )
    assert "ValueError: bad" in done.stdout
    assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f\u202e]", done.stdout + done.stderr)
    assert "owned" not in done.stdout
    assert "WARNING isolation: none" in done.stdout
    case = ElementTree.parse(written).find(".//testcase")
    assert "ValueError: bad" in "".join(case.itertext())
    assert {item.get("name"): item.get("value")[:15] for item in case.iter("property")} == {
        "isolation": "isolation: none"
    }
