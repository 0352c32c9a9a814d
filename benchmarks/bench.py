"""Seconds per notebook: GradStep, nbgrader as shipped, and the bare loops, on the same notebooks in one run.

``make bench`` runs it. Every figure is a median over the notebooks, or a whole class's wall time divided by its size; ratios come from this run alone.
"""

from __future__ import annotations

import json
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import nbformat
from rich.console import Console
from rich.table import Table

from autograder.assignment import Isolation, Limits, open_assignment
from autograder.docket import Docket, open_docket
from autograder.execution.executor import Executor
from autograder.notebooks.submission import read_submission
from autograder.pipeline.collect import Candidate, collect_submissions
from autograder.pipeline.grade import grade_class
from autograder.pipeline.plan import plan_execution, rerun_batches
from autograder.pipeline.prepare import prepare
from autograder.pipeline.probing import add_findings
from autograder.pipeline.project import project_class
from autograder.pipeline.results import ResultsFolder
from autograder.protocol import CallBatch, Cell, ExecutionRequest
from autograder.trace import Evidence

COURSE = Path(__file__).parent.parent
SLUG = "optimizers"
SIZE = 10
ADDED_S = 0.15
THROUGHPUT = 4.0
WRONG = ("mei", "nadia", "omar", "paula", "quentin", "rosa", "sven", "tomas", "uma", "viktor", "wanda", "xin")


@dataclass(slots=True)
class Silent:
    """No progress bar."""

    def started(self, total: int) -> None:
        """Nothing to show."""

    def done(self, grade: object) -> None:
        """Nothing to show."""


def choose_notebooks(folder: Path, executor: Executor) -> list[Path]:
    """The first `SIZE` notebooks of the sample class that get full marks, so that all three programs do the same work."""
    results = ResultsFolder(folder, SLUG)
    files = open_assignment(COURSE, SLUG)
    candidates = [one for one in collect_submissions(COURSE / "examples" / SLUG / "submitted", SLUG) if one.path]
    correct = []
    for candidate in candidates:
        path = candidate.path
        notebook = nbformat.read(path, as_version=4) if path and _is_json(path) else None
        if path is None or notebook is None or any("while True" in cell.source or "_exit" in cell.source for cell in notebook.cells):
            continue  # what never ends would only measure the limits
        (grade,) = grade_class(files, [candidate], results, executor, Silent())
        if grade.points == files.assignment.automatic_points:  # answers wait for a person
            correct.append(path)
        if len(correct) == SIZE:
            break
    return correct


def _is_json(path: Path) -> bool:
    try:
        json.loads(path.read_text(encoding="utf-8"))
    except ValueError:
        return False
    return True


def time_bare(notebooks: list[Path]) -> list[float]:
    """Seconds of each notebook's cells in one warm process."""
    cells = [[cell.source for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == "code"] for path in notebooks]
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [sys.executable, str(Path(__file__).with_name("bare.py"))],
        input=json.dumps(cells),
        text=True,
        capture_output=True,
        check=True,
        env=environment,
    )
    return [float(seconds) for seconds in json.loads(done.stdout)]


def time_execution(notebooks: list[Path], folder: Path) -> tuple[list[float], list[float]]:
    """Seconds of execution and storing, and of judging, of each notebook: forkserver warm, one at a time."""
    results = ResultsFolder(folder, SLUG)
    files = open_assignment(COURSE, SLUG)

    def body(docket: Docket) -> tuple[list[float], list[float]]:
        with Executor(1, files.assignment.isolation) as executor:
            prepared = prepare(files, docket, results.evidence, executor)
            running, judging = [], []
            for path in [notebooks[0], *notebooks]:  # the first once more, to warm everything
                submission = read_submission(path, prepared.release, prepared.owners)
                plan = plan_execution(
                    files, prepared.judge.specs, [(cell.id, cell.source) for cell in submission.cells], submission.rebound
                )
                start = time.perf_counter()
                evidence = executor.run(plan.key, plan.request, plan.calls)
                results.evidence.put(evidence)
                middle = time.perf_counter()
                prepared.judge.results(evidence)
                running.append(middle - start)
                judging.append(time.perf_counter() - middle)
            return running[1:], judging[1:]

    return open_docket(files, body)


def time_diagnosis(folder: Path) -> list[float]:
    """Seconds that the failing samples cost on top of their run: failed calls made again alone, the reference probed, the contracts judged."""
    results = ResultsFolder(folder, SLUG)
    files = open_assignment(COURSE, SLUG)

    def body(docket: Docket) -> list[float]:
        with Executor(1, files.assignment.isolation) as executor:
            prepared = prepare(files, docket, results.evidence, executor)
            judge, seconds = prepared.judge, []
            for student in WRONG:
                path = COURSE / "examples" / SLUG / "submitted" / student / SLUG / f"{SLUG}.ipynb"
                submission = read_submission(path, prepared.release, prepared.owners)
                plan = plan_execution(files, judge.specs, [(cell.id, cell.source) for cell in submission.cells], submission.rebound)
                started: list[float] = []

                def follow_up(
                    evidence: Evidence, rebound: Mapping[str, str] = submission.rebound, started: list[float] = started
                ) -> Sequence[CallBatch]:
                    started.append(time.perf_counter())
                    again, given = judge.to_repeat(judge.results(evidence))
                    return rerun_batches(files, again, given, rebound)

                evidence = executor.run(plan.key, plan.request, plan.calls, follow_up)
                add_findings(prepared, judge.results(evidence), evidence, results.evidence, executor)
                seconds.append(time.perf_counter() - started[0])
            return seconds

    return open_docket(files, body)


def time_recording() -> tuple[float, float]:
    """Microseconds of a step of the lecture's loop, bare and recorded."""
    done = subprocess.run([sys.executable, str(Path(__file__).with_name("recording.py"))], text=True, capture_output=True, check=True)
    bare, recorded = done.stdout.split()
    return float(bare), float(recorded)


def time_isolation(rounds: int = 60) -> tuple[float, float]:
    """Seconds of a submission with next to nothing in it, with all layers and with none, in turn."""
    request = ExecutionRequest((Cell("cell", "x = 1"),), 0, Limits())
    times: dict[Isolation | None, list[float]] = {None: [], Isolation.NONE: []}
    with Executor(1) as full, Executor(1, Isolation.NONE) as none:
        for number in range(rounds + 5):
            for level, executor in ((None, full), (Isolation.NONE, none)):
                start = time.perf_counter()
                executor.run("key", request, ())
                if number >= 5:  # the first ones start and warm
                    times[level].append(time.perf_counter() - start)
    return statistics.median(times[None]), statistics.median(times[Isolation.NONE])


def time_class(notebooks: list[Path], folder: Path) -> tuple[float, float]:
    """Wall seconds of grading the class on all cores from a cold start, and of writing its pages and gradebook."""
    files, results = open_assignment(COURSE, SLUG), ResultsFolder(folder, SLUG)
    candidates = [Candidate(f"student{number:02}", path) for number, path in enumerate(notebooks)]
    start = time.perf_counter()
    with Executor(len(os.sched_getaffinity(0)), files.assignment.isolation) as executor:
        grades = grade_class(files, candidates, results, executor, Silent())
    middle = time.perf_counter()
    project_class(files, results, grades, Silent())
    return middle - start, time.perf_counter() - middle


def time_nbgrader(notebooks: list[Path], folder: Path) -> float:
    """Wall seconds of `nbgrader autograde`, as shipped, over the same notebooks."""
    release = folder / "source" / SLUG / f"{SLUG}.ipynb"
    release.parent.mkdir(parents=True)
    command = [
        str(Path(sys.executable).with_name("autograder")),
        "release",
        SLUG,
        "--force",
        "--course",
        str(COURSE),
        "--results",
        str(folder / "results"),
        "-o",
        str(release.parent),
    ]
    subprocess.run(command, check=True, capture_output=True)
    for number, path in enumerate(notebooks):
        target = folder / "submitted" / f"student{number:02}" / SLUG / f"{SLUG}.ipynb"
        target.parent.mkdir(parents=True)
        shutil.copyfile(path, target)
    (folder / "nbgrader_config.py").write_text("c = get_config()\nc.ClearSolutions.enabled = False\n")
    nbgrader = [sys.executable, "-m", "nbgrader"]
    environment = os.environ | {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}  # nbgrader starts alembic by name
    subprocess.run([*nbgrader, "generate_assignment", SLUG], cwd=folder, check=True, capture_output=True, env=environment)
    start = time.perf_counter()
    subprocess.run([*nbgrader, "autograde", SLUG], cwd=folder, check=True, capture_output=True, env=environment)
    return time.perf_counter() - start


def main() -> None:
    """Measure, print, and exit with 1 if a bar is missed."""
    console = Console()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with Executor(2) as executor:
            notebooks = choose_notebooks(folder / "choose", executor)
        size = len(notebooks)
        bare = time_bare(notebooks)
        running, judging = time_execution(notebooks, folder / "one")
        grading_s, pages_s = time_class(notebooks, folder / "class")
        nbgrader_s = time_nbgrader(notebooks, folder / "nbgrader")
        diagnosing = time_diagnosis(folder / "one")
    bare_us, recorded_us = time_recording()
    isolated_s, open_s = time_isolation()
    added = statistics.median(mine - alone for mine, alone in zip(running, bare, strict=True))
    table = Table(
        title=f"{size} notebooks, {len(os.sched_getaffinity(0))} cores, Python {platform.python_version()}, {platform.machine()}, Linux {platform.release()}"
    )
    table.add_column("seconds per notebook")
    table.add_column("", justify="right")
    for row, value in (
        ("bare loops, warm process (median)", statistics.median(bare)),
        ("GradStep: execution and storing, one at a time (median)", statistics.median(running)),
        ("GradStep: judging 28 checks (median)", statistics.median(judging)),
        (f"GradStep: diagnosis of a failing one, runs included (median of {len(diagnosing)})", statistics.median(diagnosing)),
        ("GradStep: the class on all cores, cold start", grading_s / size),
        ("GradStep: pages and gradebook", pages_s / size),
        ("nbgrader autograde, as shipped", nbgrader_s / size),
    ):
        table.add_row(row, f"{value:.3f}")
    console.print(table)
    console.print(f"a step of the lecture's loop: bare {bare_us:.1f} us, recorded {recorded_us:.1f} us")
    console.print(f"a submission of one empty cell: isolated {isolated_s * 1e3:.1f} ms, without isolation {open_s * 1e3:.1f} ms")
    ratio, judging_s, diagnosing_s = nbgrader_s / grading_s, statistics.median(judging), statistics.median(diagnosing)
    bars = (
        (f"execution and storing add at most {ADDED_S} s", added <= ADDED_S, f"{added:.3f} s"),
        (f"class throughput at least {THROUGHPUT:g}x nbgrader's", ratio >= THROUGHPUT, f"{ratio:.1f}x"),
        ("light recording at most 30 us a step", recorded_us - bare_us <= 30, f"{recorded_us - bare_us:.1f} us"),
        (
            "full isolation costs at most 10 ms per submission over none",
            isolated_s - open_s <= 0.01,
            f"{(isolated_s - open_s) * 1e3:.1f} ms",
        ),
        ("judging a passing submission at most 60 ms", judging_s <= 0.06, f"{judging_s * 1e3:.0f} ms"),
        ("diagnosis of a failing one at most 2 s", max(diagnosing) <= 2, f"{diagnosing_s:.2f} s, at most {max(diagnosing):.2f} s"),
    )
    for title, met, shown in bars:
        console.print(f"{'pass       ' if met else 'falls short'}  {title}: {shown}")
    sys.exit(0 if all(met for _, met, _ in bars) else 1)


if __name__ == "__main__":
    main()
