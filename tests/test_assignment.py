"""assignment.toml."""

import pytest

from autograder.assignment import open_assignment, read_assignment
from autograder.errors import AssignmentError

GOOD = """title = "T"
points = 10
due = 2026-12-06T23:59:00Z

[[parts]]
title = "Loop"
functions = ["training_loop"]
given = ["training_loop"]

[limits]
cpu_s = 5
"""


def write(folder, text):
    path = folder / "assignment.toml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def test_a_good_file_is_read_with_defaults(tmp_path):
    """What is not said has a sensible value."""
    assignment = read_assignment(write(tmp_path, GOOD))
    assert assignment.limits.cpu_s == 5
    assert assignment.limits.wall_s > assignment.limits.cpu_s
    assert assignment.part_of("training_loop").title == "Loop"
    assert assignment.part_of("other") is None
    assert assignment.given == ("training_loop",)


@pytest.mark.parametrize(
    ("old", "new", "line", "words"),
    [
        ("points = 10", "points = ten", None, "line 2"),
        ("points = 10", 'points = "ten"', 2, "points"),
        ("cpu_s = 5", "cpu_seconds = 5", 11, "cpu_seconds"),
        ("cpu_s = 5", "cpu_s = 0", 11, "cpu_s"),
        ("due = 2026-12-06T23:59:00Z", "due = 2026-12-06T23:59:00", 3, "time zone"),
        ('title = "T"', 'title = "T"\nfiles = ["../solution.py"]', 2, "../solution.py"),
        ('title = "T"', 'title = "T"\nisolation = "fort"', 2, "fort"),
    ],
)
def test_a_broken_file_is_named_with_line_and_key(tmp_path, old, new, line, words):
    """Syntax, type, unknown key, value out of range."""
    path = write(tmp_path, GOOD.replace(old, new, 1))
    with pytest.raises(AssignmentError) as caught:
        read_assignment(path)
    assert words in str(caught.value)
    assert f"{path}:{line}" in str(caught.value) if line else str(path) in str(caught.value)


def test_bytes_that_are_no_text_are_named(tmp_path):
    """Invalid UTF-8."""
    with pytest.raises(AssignmentError, match="UTF-8"):
        read_assignment(write(tmp_path, b"title = '\xff'"))


def test_an_unknown_assignment_names_those_there_are(tmp_path):
    """A typo is easy to see then."""
    (tmp_path / "assignments" / "optimizers").mkdir(parents=True)
    write(tmp_path / "assignments" / "optimizers", GOOD)
    with pytest.raises(AssignmentError, match="there is optimizers"):
        open_assignment(tmp_path, "optimisers")
    with pytest.raises(AssignmentError, match="is this a course folder"):
        open_assignment(tmp_path / "assignments", "optimizers")
