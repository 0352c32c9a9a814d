"""`autograder import`, as a user types it: real processes."""

import subprocess
import sys

import pytest
from nbgrader_course import CELLS, write_source

from autograder.assignment import open_assignment
from autograder.cli import main


def autograder(*words, cwd):
    return subprocess.run(
        [sys.executable, "-m", "autograder.cli", *map(str, words)],
        cwd=cwd,
        text=True,
        capture_output=True,
        timeout=120,
        check=False,
    )


@pytest.mark.seconds("a command in a process of its own")
def test_import_says_what_it_made(tmp_path):
    """From the folder above, with a name; and what to do next.

    A folder without notebooks is told, with exit code 2.
    """
    write_source(tmp_path / "theirs", CELLS)
    (tmp_path / "ours" / "assignments").mkdir(parents=True)
    done = autograder(
        "import", "nbgrader", tmp_path / "theirs", "ps1", "--slug", "lines", cwd=tmp_path / "ours"
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines() == [
        "Imported lines, from lines.ipynb",
        "  assignments/lines/assignment.toml",
        "  assignments/lines/notebook.py.j2",
        "  assignments/lines/test_lines.py",
        "  solutions/lines/solution.py",
        "  solutions/lines/answers.md",
        "  assignments/lines/files/data/points.csv",
        (
            "  6.5 points by 4 test cells, 1 of them with hidden tests: they run beside student"
            " code, which can read them"
        ),
        "  7 points by 3 cells that a person marks",
        "Next:",
        "  autograder validate lines",
        "  autograder grade lines PATH_TO/submitted",
    ]
    assert open_assignment(tmp_path / "ours", "lines").assignment.submitted_as == "ps1/lines"
    wrong = autograder("import", "nbgrader", tmp_path / "theirs", cwd=tmp_path / "ours")
    assert wrong.returncode == 2
    assert wrong.stderr.endswith("theirs: no notebook (*.ipynb) in there; add a NAME: ps1\n")


def test_a_name_is_also_found_in_source_itself(tmp_path, monkeypatch, capsys):
    """Who names nbgrader's source/ as the folder is not told that source/source is missing."""
    write_source(tmp_path / "theirs", CELLS)
    (tmp_path / "ours" / "assignments").mkdir(parents=True)
    words = [
        "import",
        "nbgrader",
        str(tmp_path / "theirs" / "source"),
        "ps1",
        "--course",
        str(tmp_path / "ours"),
    ]
    monkeypatch.setattr(sys, "argv", ["autograder", *words])
    with pytest.raises(SystemExit) as ended:
        main()
    assert not ended.value.code
    assert capsys.readouterr().out.startswith("Imported ps1, from lines.ipynb\n")
