"""Kills at random moments: ``python tests/execution/faults.py 50`` kills the grader, its forkservers and submissions' processes so many times each, and compares with an undisturbed run.

Prints a line for each kind, and ends with 1 if a submission was lost or graded otherwise, or anything is left running.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import nbformat

from autograder.assignment import open_assignment
from autograder.execution.executor import Executor
from autograder.pipeline.release import release_assignment
from autograder.pipeline.results import ResultsFolder

TINY = Path(__file__).parents[1] / "tiny_course"
LOSS = "def loss_fn(values):\n    return (values**2).mean()\n"
LOOP = "def training_loop(n_epochs, optimizer, params):\n    for _ in range(n_epochs):\n        optimizer.zero_grad()\n        loss_fn(params).backward()\n        optimizer.step()\n    return params\n"
RUNS_LIMIT = 20
KINDS = ("grader", "forkserver", "submission")


@dataclass(frozen=True, slots=True)
class Class:
    """The tiny course with a class of different submissions, each of which takes a moment."""

    root: Path
    size: int

    def grade(self, results: str) -> subprocess.Popen[bytes]:
        """Start `autograder grade` in a session of its own."""
        command = [sys.executable, "-m", "autograder.cli", "grade", "tiny", str(self.root / "submitted"), "--course", str(self.root)]
        return subprocess.Popen(
            [*command, "--results", str(self.root / results), "-j", "2"],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )

    def grades(self, results: str) -> dict[str, tuple[float, tuple[str, ...]]]:
        """Points and outcomes by student, as far as they are on disk."""
        found = {}
        for path in (self.root / results / "grades" / "tiny").glob("*/grade.json"):
            grade = json.loads(path.read_bytes())
            found[grade["student"]] = (
                sum(check["points"] for check in grade["checks"]),
                tuple(check["outcome"] for check in grade["checks"]),
            )
        return found


def make_class(root: Path, size: int) -> Class:
    """Release the tiny course and hand in `size` notebooks, a third of them wrong."""
    shutil.copytree(TINY, root, dirs_exist_ok=True)
    files = open_assignment(root, "tiny")
    with Executor(1) as executor:
        release_assignment(files, root / "release", ResultsFolder(root / "results", "tiny").evidence, executor)
    release = nbformat.read(root / "release" / "tiny.ipynb", as_version=4)
    for number in range(size):
        notebook = nbformat.from_dict(release)
        sources = {
            "loss_fn": f"{LOSS}\nnumber = {number}\n",
            "training_loop": LOOP if number % 3 else LOOP.replace("optimizer.zero_grad()", "pass"),
        }
        for cell in notebook.cells:
            name = cell.metadata.get("nbgrader", {}).get("grade_id")
            cell.source = sources.get(name, cell.source)
        notebook.cells.append(nbformat.v4.new_code_cell("import time\ntime.sleep(0.05)"))
        path = root / "submitted" / f"student{number:03}" / "tiny" / "tiny.ipynb"
        path.parent.mkdir(parents=True)
        nbformat.write(notebook, path)
    return Class(root, size)


def below(pid: int) -> Iterator[tuple[int, str]]:
    """Processes that `pid` has started, directly or not, with their command lines."""
    try:
        children = [int(child) for task in Path(f"/proc/{pid}/task").iterdir() for child in (task / "children").read_text().split()]
    except OSError:
        return
    for child in children:
        try:
            yield child, Path(f"/proc/{child}/cmdline").read_text()
        except OSError:
            continue
        yield from below(child)


def aim(kind: str, grader: int) -> list[int]:
    """What may be killed now."""
    if kind == "grader":
        return [grader]
    servers = [pid for pid, words in below(grader) if "autograder.execution.forkserver" in words and "bwrap" not in words.split("\0")[0]]
    inner = {pid for server in servers for pid, _ in below(server)}
    return sorted(set(servers) - inner) if kind == "forkserver" else sorted(inner)


def disturb(kind: str, course: Class, results: str, kills: int) -> tuple[int, int]:
    """Grade the class again and again, killing at random moments, until `kills` were made; then twice in peace. Returns kills and runs."""
    made = runs = 0
    while made < kills and runs < RUNS_LIMIT * kills:
        runs += 1
        process = course.grade(results)
        deadline = time.monotonic() + random.uniform(3, 9)
        while process.poll() is None and made < kills:
            victims = aim(kind, process.pid)
            if kind == "grader":
                ready = time.monotonic() > deadline
            else:
                ready = bool(victims) and random.random() < (0.1 if kind == "forkserver" else 0.3)
            if ready and victims:
                try:
                    os.kill(random.choice(victims), signal.SIGKILL)
                    made += 1
                except ProcessLookupError:
                    pass
            time.sleep(random.uniform(0, 0.15))
        process.wait()
        if len(course.grades(results)) == course.size and made < kills:
            shutil.rmtree(course.root / results)  # all done: once more from the beginning
    for _ in range(2):
        course.grade(results).wait()
        runs += 1
    return made, runs


def left_running() -> list[str]:
    """Forkservers whose grader is gone, 5 s after it: what a forkserver runs ends before it does."""
    time.sleep(5)
    found = []
    for path in Path("/proc").glob("[0-9]*"):
        try:
            parent = (path / "stat").read_text().rpartition(")")[2].split()[1]
            if parent == "1" and b"autograder.execution.forkserver" in (path / "cmdline").read_bytes():
                found.append(path.name)
        except OSError:
            continue
    return found


def main(kills: int, size: int) -> int:
    """All kinds, one after another."""
    failed = 0
    with tempfile.TemporaryDirectory() as name:
        course = make_class(Path(name) / "course", size)
        course.grade("undisturbed").wait()
        expected = course.grades("undisturbed")
        for kind in KINDS:
            start = time.monotonic()
            made, runs = disturb(kind, course, kind, kills)
            grades = course.grades(kind)
            other = sorted(student for student in expected | grades if expected.get(student) != grades.get(student))
            reviewed = [student for student in other if kind == "submission" and "needs review" in grades[student][1]]  # killed twice
            wrong = [student for student in other if student not in reviewed]
            left = left_running()
            failed += bool(wrong or left or made < kills or len(expected) != size)
            print(
                f"{kind}: {made} kills, {runs} runs, {len(grades)} of {size} graded, {len(wrong)} otherwise than undisturbed, {len(reviewed)} killed twice and to be reviewed, {len(left)} processes left, {time.monotonic() - start:.0f} s {wrong[:5]}",
                flush=True,
            )
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 50, int(sys.argv[2]) if len(sys.argv) > 2 else 40))
