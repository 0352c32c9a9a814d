"""Kills at random moments: ``python -m tests.execution.faults 50`` kills the grader, its
forkservers, submissions' processes and the workers of a Dask cluster so many times each, and
compares with an undisturbed run.

Prints a line for each kind, and ends with 1 if a submission was lost or graded otherwise, or
anything is left running.
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
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import nbformat

from autograder.assignment import open_assignment
from autograder.commands.grade.submissions import collect_submissions
from autograder.commands.grade.whole_class import grade_class
from autograder.commands.release.student_version import release_assignment
from autograder.course.progress import Silent
from autograder.course.results import ResultsFolder
from autograder.execution.executor import Executor

from .descendants import below

if TYPE_CHECKING:
    from .dask_processes import Cluster

TINY = Path(__file__).parents[1] / "tiny_course"
LOSS = "def loss_fn(values):\n    return (values**2).mean()\n"
LOOP = (
    "def training_loop(n_epochs, optimizer, params):\n    for _ in range(n_epochs):\n       "
    " optimizer.zero_grad()\n        loss_fn(params).backward()\n        optimizer.step()\n   "
    " return params\n"
)
RUNS_LIMIT = 20
KINDS = ("grader", "forkserver", "submission", "worker")
TWICE = ("submission", "worker")
"""What is killed twice while the same submission runs is for a person to look at."""

Outcomes = dict[str, tuple[float, tuple[str, ...]]]
"""Points and outcomes by student."""


@dataclass(frozen=True, slots=True)
class Class:
    """The tiny course with a class of different submissions, each of which takes a moment."""

    root: Path
    size: int

    def grade(self, results: str, cluster: Cluster | None = None) -> subprocess.Popen[bytes]:
        """Start `autograder grade` in a session of its own, its submissions on `cluster` if there
        is one.
        """
        command = [
            sys.executable,
            "-m",
            "autograder.cli",
            "grade",
            "tiny",
            str(self.root / "submitted"),
            "--course",
            str(self.root),
        ]
        command += ["--results", str(self.root / results), "-j", "2"]
        return subprocess.Popen(
            [*command, *(("--scheduler", cluster.address) if cluster else ())],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )

    def undisturbed(self, executor: Executor) -> Outcomes:
        """As they are graded in peace."""
        results = ResultsFolder(self.root / "undisturbed", "tiny")
        grade_class(
            open_assignment(self.root, "tiny"),
            collect_submissions(self.root / "submitted", "tiny"),
            results,
            executor,
            Silent(),
        )
        return self.grades("undisturbed")

    def grades(self, results: str) -> Outcomes:
        """As far as they are on disk."""
        found = {}
        for path in (self.root / results / "grades" / "tiny").glob("*/grade.json"):
            grade = json.loads(path.read_bytes())
            found[grade["student"]] = (
                sum(check["points"] for check in grade["checks"]),
                tuple(check["outcome"] for check in grade["checks"]),
            )
        return found


def make_class(root: Path, size: int, executor: Executor) -> Class:
    """Release the tiny course and hand in `size` notebooks, a third of them wrong."""
    shutil.copytree(TINY, root, dirs_exist_ok=True)
    files = open_assignment(root, "tiny")
    release_assignment(
        files, root / "release", ResultsFolder(root / "results", "tiny").evidence, executor
    )
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


def aim(kind: str, grader: int, cluster: Cluster | None) -> list[int]:
    """What may be killed now."""
    if kind == "grader":
        return [grader]
    if kind == "worker":
        assert cluster is not None
        return sorted(cluster.busy())
    servers = [
        pid
        for pid, words in below(grader)
        if "autograder.execution.forkserver.server" in words and "bwrap" not in words.split("\0")[0]
    ]
    inner = {pid for server in servers for pid, _ in below(server)}
    return sorted(set(servers) - inner) if kind == "forkserver" else sorted(inner)


CHANCES = {"grader": 0.02, "forkserver": 0.1, "submission": 0.3, "worker": 0.1}
"""That what may be killed is, at each look; a worker takes seconds to come back."""


def disturb(
    course: Class, results: str, targets: Sequence[str], cluster: Cluster | None
) -> tuple[int, int]:
    """Grade the class again and again, killing each of `targets` in turn at random moments; then
    twice in peace. Returns kills and runs.
    """
    made = runs = 0
    while made < len(targets) and runs < RUNS_LIMIT * len(targets):
        runs += 1
        process = course.grade(results, cluster)
        earliest = time.monotonic() + 1  # before that, it only reads its own modules
        while process.poll() is None and made < len(targets):
            victims = (
                aim(targets[made], process.pid, cluster) if time.monotonic() > earliest else []
            )
            if victims and random.random() < CHANCES[targets[made]]:
                try:
                    os.kill(random.choice(victims), signal.SIGKILL)
                    made += 1
                except ProcessLookupError:
                    pass
            time.sleep(random.uniform(0, 0.15))
        process.wait()
        if len(course.grades(results)) == course.size and made < len(targets):
            shutil.rmtree(course.root / results)  # all done: once more from the beginning
    for _ in range(2):
        course.grade(results, cluster).wait()
        runs += 1
    return made, runs


def left_running() -> list[str]:
    """Forkservers whose grader or worker is gone, up to 5 s after it: what a forkserver runs ends
    before it does.
    """
    deadline = time.monotonic() + 5
    while (found := _orphans()) and time.monotonic() < deadline:
        time.sleep(0.1)
    return found


def _orphans() -> list[str]:
    found = []
    for path in Path("/proc").glob("[0-9]*"):
        try:
            parent = (path / "stat").read_text().rpartition(")")[2].split()[1]
            if (
                parent == "1"
                and b"autograder.execution.forkserver.server" in (path / "cmdline").read_bytes()
            ):
                found.append(path.name)
        except OSError:
            continue
    return found


def trial(
    course: Class,
    name: str,
    targets: Sequence[str],
    expected: Outcomes,
    cluster: Cluster | None = None,
) -> bool:
    """Whether the class is graded as in peace, on `cluster` if there is one, though all of
    `targets` are killed; prints how it went.
    """
    start = time.monotonic()
    made, runs = disturb(course, name, targets, cluster)
    grades = course.grades(name)
    other = sorted(
        student for student in expected | grades if expected.get(student) != grades.get(student)
    )
    reviewed = [
        student
        for student in other
        if set(TWICE) & set(targets) and "needs review" in grades[student][1]
    ]
    wrong = [student for student in other if student not in reviewed]
    left = left_running()
    print(
        f"{name}: {made} kills, {runs} runs, {len(grades)} of {course.size} graded, {len(wrong)}"
        f" otherwise than undisturbed, {len(reviewed)} killed twice and to be reviewed, {len(left)}"
        f" processes left, {time.monotonic() - start:.0f} s {wrong[:5]}",
        flush=True,
    )
    return (
        made == len(targets)
        and len(expected) == course.size
        and not wrong
        and not left
        and 2 * len(reviewed) <= made
    )


def main(kills: int, size: int) -> int:
    """All kinds, one after another."""
    from .dask_processes import Cluster  # needs Dask; the short form of the other kinds does not

    with tempfile.TemporaryDirectory() as name:
        with Executor(2) as executor:
            course = make_class(Path(name) / "course", size, executor)
            expected = course.undisturbed(executor)
        passed = [
            trial(course, kind, [kind] * kills, expected) for kind in KINDS if kind != "worker"
        ]
        with closing(Cluster(course.root)) as cluster:
            passed.append(trial(course, "worker", ["worker"] * kills, expected, cluster))
    return 0 if all(passed) else 1


if __name__ == "__main__":
    sys.exit(
        main(
            int(sys.argv[1]) if len(sys.argv) > 1 else 50,
            int(sys.argv[2]) if len(sys.argv) > 2 else 40,
        )
    )
