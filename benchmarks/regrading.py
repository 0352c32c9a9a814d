"""What grading again costs where nothing has changed, and regrading where every check must be
judged again: ``python benchmarks/regrading.py 1000``.

The class is generated, all different; a third of it is wrong. The whole commands are timed, start
of Python included.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import nbformat

from autograder.assignment import open_assignment
from autograder.commands.grade.regrade import regrade_class
from autograder.commands.release.student_version import release_assignment
from autograder.course.results import ResultsFolder
from autograder.execution.executor import Executor

ROOT = Path(__file__).parent.parent
TINY = ROOT / "tests" / "tiny_course"
LOSS = "def loss_fn(values):\n    return (values**2).mean()\n"
LOOP = (
    "def training_loop(n_epochs, optimizer, params):\n    for _ in range(n_epochs):\n       "
    " optimizer.zero_grad()\n        loss_fn(params).backward()\n        optimizer.step()\n   "
    " return params\n"
)
REPEATS = 3


def make_class(root: Path, students: int, wrong: int = 3) -> None:
    """Release the tiny course at `root` and hand in so many notebooks; in one of `wrong` the loop
    never clears gradients.
    """
    shutil.copytree(TINY, root, dirs_exist_ok=True)
    with Executor(1) as executor:
        release_assignment(
            open_assignment(root, "tiny"),
            root / "release",
            ResultsFolder(root / "results", "tiny").evidence,
            executor,
        )
    release = nbformat.read(root / "release" / "tiny.ipynb", as_version=4)
    for number in range(students):
        sources = {
            "loss_fn": f"{LOSS}\nnumber = {number}\n",
            "training_loop": (
                LOOP if number % wrong else LOOP.replace("optimizer.zero_grad()", "pass")
            ),
        }
        for cell in release.cells:
            cell.source = sources.get(
                cell.metadata.get("nbgrader", {}).get("grade_id"), cell.source
            )
        path = root / "submitted" / f"student{number:05}" / "tiny" / "tiny.ipynb"
        path.parent.mkdir(parents=True)
        path.write_text(json.dumps(release), encoding="utf-8")


def time_command(root: Path, *words: str) -> tuple[float, str]:
    """Wall seconds of an `autograder` command in the course, and what it printed.

    Python may keep its compiled files, as where it is installed.
    """
    environment = {
        name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"
    }
    environment |= {"PYTHONPATH": str(ROOT), "PYTHONPYCACHEPREFIX": str(root / "compiled")}
    start = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-m", "autograder.cli", *words],
        cwd=root,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise RuntimeError(done.stdout + done.stderr)
    return time.perf_counter() - start, done.stdout


def measure(students: int) -> dict[str, float]:
    """Seconds of `grade` with nothing changed and with one submission changed, and of `regrade`
    with nothing changed, whole commands; and per submission, pages excluded, of regrading what has
    not changed and what must be judged again.
    """
    with tempfile.TemporaryDirectory() as name:
        root = Path(name) / "course"
        make_class(root, students)
        _, said = time_command(root, "grade", "tiny", "submitted")
        _expect(said, f"{students} graded anew")
        time_command(root, "grade", "tiny", "submitted")  # Python compiles
        unchanged = [time_command(root, "grade", "tiny", "submitted") for _ in range(REPEATS)]
        for _, said in unchanged:
            _expect(said, f"0 graded anew, {students} unchanged")
        time_command(root, "regrade", "tiny")
        regraded = [time_command(root, "regrade", "tiny")[0] for _ in range(REPEATS)]
        again = root / "submitted" / "student00001" / "tiny" / "tiny.ipynb"
        again.write_text(
            again.read_text(encoding="utf-8").replace("number = 1", "number = -1"), encoding="utf-8"
        )
        changed, said = time_command(root, "grade", "tiny", "submitted")
        _expect(said, f"1 graded anew, {students - 1} unchanged")
        kept_s = min(_time_regrade(root) for _ in range(REPEATS))
        checks = root / "assignments" / "tiny" / "test_tiny.py"
        checks.write_text(
            checks.read_text(encoding="utf-8") + "\n# judged again\n", encoding="utf-8"
        )
        judged_s = _time_regrade(root)
    return {
        "grade, nothing changed, s": min(seconds for seconds, _ in unchanged),
        "grade, one changed, s": changed,
        "regrade, nothing changed, s": min(regraded),
        "regrade, per unchanged submission, ms": kept_s / students * 1e3,
        "regrade, per submission judged again, ms": judged_s / students * 1e3,
    }


def _time_regrade(root: Path) -> float:
    with Executor(1) as executor:
        start = time.perf_counter()
        moves, lost = regrade_class(
            open_assignment(root, "tiny"), ResultsFolder(root / "results", "tiny"), executor
        )
        seconds = time.perf_counter() - start
    if lost or any(move.changed for move in moves):
        message = f"{len(lost)} lost, {sum(bool(move.changed) for move in moves)} changed"
        raise RuntimeError(message)
    return seconds


def _expect(said: str, words: str) -> None:
    if words not in said:
        message = f"{words!r} is not in what was printed:\n{said}"
        raise RuntimeError(message)


if __name__ == "__main__":
    for title, value in measure(int(sys.argv[1]) if len(sys.argv) > 1 else 1000).items():
        sys.stdout.write(f"{title:<45} {value:.2f}\n")
