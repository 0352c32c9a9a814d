"""docs/authoring.md stays true: its code stands in the files that it names, its commands print what
it says. The commands are run once, in its order, in a folder of their own.
"""

import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from places import ROOT

PAGE = (ROOT / "docs" / "authoring.md").read_text()
EXCERPTS = re.findall(r'```\w+ title="(\S+)"\n(.*?)```', PAGE, re.DOTALL)
STEPS = re.findall(r"<!-- test: (?P<step>.*?) -->|```console\n(?P<block>.*?)```", PAGE, re.DOTALL)


def pieces(text):
    """What stands between lines `...`."""
    return [piece.strip("\n") for piece in re.split(r"^\.\.\.\n", text, flags=re.MULTILINE)]


@pytest.mark.parametrize(
    ("file", "excerpt"),
    EXCERPTS,
    ids=[f"{number}-{Path(file).name}" for number, (file, _) in enumerate(EXCERPTS)],
)
def test_excerpts_stand_in_their_files(file, excerpt):
    """Line by line, in that order."""
    text, place = (ROOT / file).read_text(), 0
    for piece in pieces(excerpt):
        assert piece in text[place:], piece
        place = text.index(piece, place) + len(piece)


def test_all_kinds_of_files_are_shown():
    assert {Path(file).name for file, _ in EXCERPTS} == {
        "solution.py",
        "notebook.py.j2",
        "test_quadratic.py",
        "drivers.py",
        "assignment.toml",
        "mistakes.py",
    }


def plain(line):
    """Without what another machine or another minute changes: measured numbers, seconds, paths,
    spaces.
    """
    line = re.sub(r"\b\d+(\.\d+)?(e[-+]\d+)?x|\b\d+(\.\d+)?e[-+]\d+|\b0\.0\d+", "#", line)
    line = re.sub(r"in \d+ s$", "in # s", line.strip())
    return re.sub(r"\s+", " ", re.sub(r"Released .*release/", "Released ...release/", line))


def take_the_place_of_the_example(course):
    for folder in ("assignments", "solutions"):
        assert (course / folder / "quadratic").is_dir()
        shutil.rmtree(course / folder / "quadratic")
        shutil.copytree(ROOT / folder / "quadratic", course / folder / "quadratic")
    (course / "assignments" / "quadratic" / "calibration.toml").unlink()


def hand_in(course):
    for student in ("boris", "odile", "quinn"):
        shutil.copytree(
            ROOT / "examples" / "quadratic" / "submitted" / student, course / "submitted" / student
        )


def move_points(course):
    path = course / "assignments" / "quadratic" / "test_quadratic.py"
    text = path.read_text()
    for check, old, new in (
        ("test_first_epochs", "@points(8", "@points(12"),
        ("test_loop_diverges", "@points(8", "@points(4"),
    ):
        head, tail = text.split(f"def {check}(", 1)
        before, after = head.rsplit(old, 1)
        text = f"{before}{new}{after}def {check}({tail}"
    path.write_text(text)


DOINGS = {
    "the files of assignments/quadratic and solutions/quadratic take the place of the example's": (
        take_the_place_of_the_example
    ),
    "submitted/ holds boris, odile and quinn of examples/quadratic": hand_in,
    (
        "in assignments/quadratic/test_quadratic.py, test_first_epochs gets 12 points and"
        " test_loop_diverges 4"
    ): move_points,
}


def commands(block):
    """Each command of a block with the lines that it is said to print."""
    return [
        (lines[0], "\n".join(lines[1:]) + "\n")
        for part in block.split("$ ")[1:]
        if (lines := part.splitlines())
    ]


def shell(command, folder):
    """Run one command; returns the folder to go on in, and what was printed."""
    words = shlex.split(command)
    if words[0] == "cd":
        return folder / words[1], ""
    assert words[0] == "autograder", command
    environment = os.environ | {"COLUMNS": "160"}
    done = subprocess.run(
        [sys.executable, "-m", "autograder.cli", *words[1:]],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, (command, done.stdout[-2000:], done.stderr)
    return folder, done.stdout


@pytest.mark.long("a dozen commands, validate and calibrate among them")
def test_the_walk_prints_what_the_page_says(tmp_path):
    """From `init` to `regrade`, with the page's own steps between."""
    folder, seen = tmp_path, []
    for step, block in STEPS:
        if step:
            DOINGS[step](folder)
        for command, expected in commands(block):
            seen.append(command.split()[1])
            folder, output = shell(command, folder)
            printed = [plain(line) for line in output.splitlines()]
            for piece in pieces(expected):
                wanted = [plain(line) for line in piece.splitlines()]
                places = [
                    at
                    for at in range(len(printed) - len(wanted) + 1)
                    if printed[at : at + len(wanted)] == wanted
                ]
                assert places, (command, piece, output)
                printed = printed[places[0] + len(wanted) :]
    assert seen == [
        "init",
        "thermometer",
        "new",
        "calibrate",
        "validate",
        "release",
        "grade",
        "regrade",
    ]
