"""`pytest assignments/...` by itself."""

import subprocess
import sys
from pathlib import Path

import nbformat

TINY = Path(__file__).parent / "tiny_course"


def run_pytest(*words):
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-q", *map(str, words)]
    return subprocess.run(command, cwd=TINY, text=True, capture_output=True, check=False, timeout=120)


def test_without_a_submission_the_reference_is_judged_and_passes():
    """What an author sees in the editor: all green."""
    done = run_pytest("assignments/tiny")
    assert done.returncode == 0, done.stdout
    assert "3 passed" in done.stdout


def test_a_submission_is_judged_check_by_check(tmp_path):
    """--submission names one notebook; -k and ids work as for any test; the failure shows what the student would read."""
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
