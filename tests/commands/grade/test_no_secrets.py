"""No secret to find: a submission that scans the memory of its process finds none of the texts that
only the host may hold.
"""

import os
import secrets
import shutil
import struct

import nbformat
import pytest
from tiny_class import TINY, TinyCourse

from autograder.assignment import open_assignment
from autograder.commands.release.student_version import release_assignment
from autograder.course.results import ResultsFolder

PREFIX = "ZQJX"
SCAN = r'''
import os, re

def scan():
    """Every planted text of this process: its memory, its descriptors, and what /proc tells of others."""
    pattern, found, seen = re.compile(rb"ZQJX[0-9a-f]{4,}"), set(), 0

    def search(chunk):
        if chunk.find(b"ZQJX") >= 0:
            found.update(match.decode() for match in pattern.findall(chunk))

    with open("/proc/self/maps") as maps:
        regions = [line.split() for line in maps]
    memory = os.open("/proc/self/mem", os.O_RDONLY)
    for region in regions:
        start, end = (int(edge, 16) for edge in region[0].split("-"))
        if region[1][0] != "r" or (region[1][1] != "w" and ".so" in region[-1]):  # CUDA's libraries alone would be 3 GB
            continue
        for at in range(start, end, 1 << 20):
            try:
                chunk = os.pread(memory, min((1 << 20) + 64, end - at), at)
            except (OSError, OverflowError):
                continue
            seen += len(chunk)
            search(chunk)
    os.close(memory)
    for descriptor in os.listdir("/proc/self/fd"):
        try:
            search(os.pread(int(descriptor), 1 << 20, 0))
        except OSError:
            pass
    for process in filter(str.isdigit, os.listdir("/proc")):
        for name in ("cmdline", "environ"):
            try:
                with open(f"/proc/{process}/{name}", "rb") as file:
                    search(file.read())
            except OSError:
                pass
    return "found " + " ".join(sorted(found)) + f" in {seen >> 20} MiB"
'''
"""A cell that defines `scan`.

It searches for the texts' common beginning, so that it holds none of them itself.
"""


HIDDEN = '''

@points(1, visibility="hidden")
@call("loss_fn", values=[1.0, 2.0, 3.0, 4.0, 5.0])
def test_loss_elsewhere(run, reference):
    """The loss on data you have not seen"""
    assert_close(run.returned, reference.returned)
'''


def marker():
    """A text that is nowhere else."""
    return PREFIX + secrets.token_hex(8)


@pytest.fixture
def planted(executor, tmp_path):
    """A tiny course whose solution, checks and expected values hold a marker each; returns it and
    the markers by place.
    """
    shutil.copytree(TINY, tmp_path, dirs_exist_ok=True)
    expected = (PREFIX + secrets.token_hex(2)).encode()
    markers = {"solution": marker(), "check": marker(), "expected": expected.decode()}
    value = struct.unpack("<d", expected)[0]  # a float64 whose eight bytes are a marker
    solution = tmp_path / "solutions" / "tiny" / "solution.py"
    body = (
        f'    hidden = "{markers["solution"]}"\n    return (values**2).mean() if len(values) != 5'
        f" else values.double().sum() * 0 + {value!r}\n"
    )
    solution.write_text(solution.read_text().replace("    return (values**2).mean()\n", body))
    checks = tmp_path / "assignments" / "tiny" / "test_tiny.py"
    text = checks.read_text().replace(
        "    assert_close(",
        f'    hidden = "{markers["check"]}"\n    assert hidden\n    assert_close(',
    )
    # visible checks tell students their numbers
    checks.write_text(text.replace("@points(5, ", "@points(4, ") + HIDDEN)
    limits = tmp_path / "assignments" / "tiny" / "assignment.toml"
    limits.write_text(
        limits.read_text().replace("cpu_s = 8", "cpu_s = 60").replace("wall_s = 30", "wall_s = 120")
    )
    files = open_assignment(tmp_path, "tiny")
    release_assignment(
        files, tmp_path / "release", ResultsFolder(tmp_path / "results", "tiny").evidence, executor
    )
    return (
        TinyCourse(
            tmp_path, nbformat.read(tmp_path / "release" / "tiny.ipynb", as_version=4), executor
        ),
        markers,
    )


def printed(course, student):
    """All that the executed notebook of `student` shows."""
    return course.results.executed_path(student).read_text()


def test_a_scan_of_all_memory_finds_its_own_text_and_no_secret(planted):
    """Of all markers, a cell and a call find only the one that the submission itself holds; earlier
    submissions' are gone too.
    """
    course, markers = planted
    earlier = {f"earlier{number}": marker() for number in range(2)}
    for student, text in earlier.items():
        course.submit(student, extra=[f'kept = "{text}" * 100\nprint(kept[:20])'])
    course.grade()
    assert all(text in printed(course, student) for student, text in earlier.items())
    own = marker()
    called = 'def loss_fn(values):\n    raise ValueError("called: " + scan())\n'
    course.submit("scans", loss_fn=SCAN + f'own = "{own}"\nprint("cell: " + scan())\n' + called)
    grades, _ = course.grade()
    shown = printed(course, "scans")
    if os.geteuid() != 0 and "PermissionError" in shown:
        pytest.skip("an ordinary user's submissions can't read even their own memory")
    told = next(check for check in grades["scans"].checks if check.id == "test_loss_fn")
    hidden = next(check for check in grades["scans"].checks if check.id == "test_loss_elsewhere")
    for words in (
        shown.partition("cell: found")[2],
        *(str(check).partition("called: found")[2] for check in (told, hidden)),
    ):
        found = words.partition(" MiB")[0]
        assert own in found
        assert not [place for place, text in (markers | earlier).items() if text in found]
        assert int(found.rpartition(" in ")[2]) > 50, (
            "the scan reads the process's memory, not a part of it"
        )
