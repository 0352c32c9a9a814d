"""What GradStep takes, part by part: seconds of a notebook and of a class, microseconds of a step,
bytes of a process.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import nbformat

from autograder.assignment import AssignmentFiles, open_assignment
from autograder.checks.docket import Docket, open_docket
from autograder.commands.grade.pages.project import project_class
from autograder.commands.grade.rejudge import Rejudger
from autograder.commands.grade.submissions import Candidate, collect_submissions
from autograder.commands.grade.whole_class import grade_class
from autograder.course.plan import plan_execution, rerun_batches
from autograder.course.prepare import prepare
from autograder.course.results import ResultsFolder
from autograder.diagnosis.gallery import read_gallery
from autograder.diagnosis.probing import add_findings
from autograder.evidence.limits import Isolation, Limits
from autograder.evidence.protocol import CallBatch, Cell, ExecutionRequest
from autograder.evidence.trace import Evidence
from autograder.execution.executor import Executor
from autograder.notebooks.reading.submission import read_submission

COURSE = Path(__file__).parent.parent
SLUG = "optimizers"
CORES = len(os.sched_getaffinity(0))
WRONG = (
    "mei",
    "nadia",
    "omar",
    "paula",
    "quentin",
    "rosa",
    "sven",
    "tomas",
    "uma",
    "viktor",
    "wanda",
    "xin",
)


@dataclass(slots=True)
class Silent:
    """No progress bar."""

    def started(self, total: int) -> None:
        """Nothing to show."""

    def done(self, grade: object) -> None:
        """Nothing to show."""


def full_marks(folder: Path, executor: Executor, size: int) -> list[Path]:
    """Notebooks of the sample class that get full marks, `size` at most, so that all programs do
    the same work.
    """
    results = ResultsFolder(folder, SLUG)
    files = open_assignment(COURSE, SLUG)
    candidates = [
        one
        for one in collect_submissions(COURSE / "examples" / SLUG / "submitted", SLUG)
        if one.path
    ]
    correct = []
    for candidate in candidates:
        path = candidate.path
        notebook = nbformat.read(path, as_version=4) if path and _is_json(path) else None
        if (
            path is None
            or notebook is None
            or any("while True" in cell.source or "_exit" in cell.source for cell in notebook.cells)
        ):
            continue  # what never ends would only measure the limits
        (grade,) = grade_class(files, [candidate], results, executor, Silent())
        if (
            grade.points == files.assignment.automatic_points and not grade.problem
        ):  # answers wait for a person; a problem is a cell that never ends
            correct.append(path)
        if len(correct) == size:
            break
    return correct


def _is_json(path: Path) -> bool:
    try:
        json.loads(path.read_text(encoding="utf-8"))
    except ValueError:
        return False
    return True


def copies(notebooks: Sequence[Path], size: int, folder: Path) -> list[Path]:
    """`size` notebooks made of these in turn, no two alike: identical ones would run once."""
    made = []
    folder.mkdir(parents=True)
    for number in range(size):
        notebook = nbformat.read(notebooks[number % len(notebooks)], as_version=4)
        cell = nbformat.v4.new_code_cell(f"student_number = {number}")
        notebook.cells.append(cell)
        made.append(folder / f"student{number:03}.ipynb")
        nbformat.write(notebook, made[-1])
    return made


class Bare:
    """A warm process that executes cells with nothing around them."""

    def __init__(self) -> None:
        command = [sys.executable, str(Path(__file__).with_name("bare.py"))]
        environment = os.environ | {"OMP_NUM_THREADS": "1"}
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
        )
        self.seconds([])  # when it answers, it is warm

    def seconds(self, cells: Sequence[str]) -> float:
        """Of cells with these sources, in a namespace of their own."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(list(cells)) + "\n")
        self._process.stdin.flush()
        return float(self._process.stdout.readline())

    def close(self) -> None:
        """End the process."""
        self._process.communicate()


def code_of(path: Path) -> list[str]:
    """The sources of a notebook's code cells."""
    return [
        cell.source for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == "code"
    ]


def time_bare_on_all_cores(notebooks: Sequence[Path]) -> float:
    """Wall seconds of all notebooks' cells, shared among as many bare processes as there are
    cores.
    """
    waiting = [code_of(path) for path in notebooks]
    bares = [Bare() for _ in range(CORES)]

    def work(bare: Bare) -> None:
        while waiting:
            try:
                cells = waiting.pop()
            except IndexError:
                return
            bare.seconds(cells)

    threads = [threading.Thread(target=work, args=(bare,)) for bare in bares]
    start = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    seconds = time.perf_counter() - start
    for bare in bares:
        bare.close()
    return seconds


@dataclass(frozen=True, slots=True)
class Execution:
    """Seconds of one passing submission's parts, and the number of its calls."""

    bare: float
    running: float
    judging: float
    calls: int

    @property
    def added(self) -> float:
        """What execution and storing add to the bare cells."""
        return self.running - self.bare


def time_execution(notebooks: Sequence[Path], folder: Path, rounds: int = 2) -> list[Execution]:
    """Each notebook bare, and then executed, stored and judged, one at a time, all warm.

    In turn, so that the machine's moods meet both.
    """
    results, files, bare = ResultsFolder(folder, SLUG), open_assignment(COURSE, SLUG), Bare()

    def body(docket: Docket) -> list[Execution]:
        with Executor(1, files.assignment.isolation) as executor:
            prepared, found = prepare(files, docket, results.evidence, executor), []
            for path in [
                notebooks[0],
                *notebooks * rounds,
            ]:  # the first once more, to warm everything
                submission = read_submission(path, prepared.release, prepared.owners)
                plan = plan_execution(
                    files,
                    prepared.judge.specs,
                    [(cell.id, cell.source) for cell in submission.cells],
                    submission.rebound,
                )
                alone = bare.seconds(code_of(path))
                start = time.perf_counter()
                evidence = executor.run(plan.key, plan.request, plan.calls)
                results.evidence.put(evidence)
                middle = time.perf_counter()
                prepared.judge.results(evidence)
                found.append(
                    Execution(alone, middle - start, time.perf_counter() - middle, len(plan.calls))
                )
            return found[1:]

    found = open_docket(files, body)
    bare.close()
    return found


def time_diagnosis(folder: Path) -> list[float]:
    """Seconds that the failing samples cost on top of their run: failed calls made again alone, the
    reference probed, the contracts judged.
    """
    results = ResultsFolder(folder, SLUG)
    files = open_assignment(COURSE, SLUG)

    def body(docket: Docket) -> list[float]:
        with Executor(1, files.assignment.isolation) as executor:
            prepared = prepare(files, docket, results.evidence, executor)
            judge, seconds = prepared.judge, []
            for student in WRONG:
                path = COURSE / "examples" / SLUG / "submitted" / student / SLUG / f"{SLUG}.ipynb"
                submission = read_submission(path, prepared.release, prepared.owners)
                plan = plan_execution(
                    files,
                    judge.specs,
                    [(cell.id, cell.source) for cell in submission.cells],
                    submission.rebound,
                )
                started: list[float] = []

                def follow_up(
                    evidence: Evidence,
                    rebound: Mapping[str, str] = submission.rebound,
                    started: list[float] = started,
                ) -> Sequence[CallBatch]:
                    started.append(time.perf_counter())
                    again, given = judge.to_repeat(judge.results(evidence))
                    return rerun_batches(files, again, given, rebound)

                evidence = executor.run(plan.key, plan.request, plan.calls, follow_up)
                add_findings(
                    prepared, judge.results(evidence), evidence, results.evidence, executor
                )
                seconds.append(time.perf_counter() - started[0])
            return seconds

    return open_docket(files, body)


def time_judging_again(folder: Path) -> list[float]:
    """Seconds of judging the evidence of each failing sample again, from its file to its grade."""
    results, files = ResultsFolder(folder, SLUG), open_assignment(COURSE, SLUG)
    submitted = COURSE / "examples" / SLUG / "submitted"
    with Executor(CORES, files.assignment.isolation) as executor:
        grades = grade_class(
            files,
            [one for one in collect_submissions(submitted, SLUG) if one.student in WRONG],
            results,
            executor,
            Silent(),
        )

    def body(docket: Docket) -> list[float]:
        prepared, seconds = prepare(files, docket, results.evidence, None), []
        rejudger = Rejudger(prepared, "", None, read_gallery(results), results, None)
        for grade in [*grades, *grades]:
            start = time.perf_counter()
            assert rejudger.judge_again(grade) is not None
            seconds.append(time.perf_counter() - start)
        return seconds[len(grades) :]  # the first round warms

    return open_docket(files, body)


def time_recording() -> tuple[float, float]:
    """Microseconds of a step of the lecture's loop, bare and recorded."""
    done = subprocess.run(
        [sys.executable, str(Path(__file__).with_name("recording.py"))],
        text=True,
        capture_output=True,
        check=True,
    )
    bare, recorded = done.stdout.split()
    return float(bare), float(recorded)


def time_isolation(rounds: int = 60) -> tuple[float, float]:
    """Seconds of a submission with next to nothing in it, with all layers and with none, in
    turn.
    """
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


@dataclass(frozen=True, slots=True)
class ClassTimes:
    """Wall seconds of grading a class on all cores: from nothing, of which `warm` with forkservers
    and reference there already; and of pages and gradebook.
    """

    cold: float
    warm: float
    pages: float


def time_class(files: AssignmentFiles, notebooks: Sequence[Path], folder: Path) -> ClassTimes:
    """Grade `notebooks` as a class of as many students."""
    results = ResultsFolder(folder, files.slug)
    candidates = [Candidate(path.stem, path) for path in notebooks]
    start = time.perf_counter()
    with Executor(CORES, files.assignment.isolation) as executor:
        first = grade_class(files, candidates[:CORES], results, executor, Silent())
        middle = time.perf_counter()
        grades = first + grade_class(files, candidates[CORES:], results, executor, Silent())
        end = time.perf_counter()
    assert all(grade.decided_points == files.assignment.automatic_points for grade in grades)
    project_class(files, results, grades, Silent())
    return ClassTimes(
        end - start,
        (end - middle) * len(candidates) / (len(candidates) - CORES),
        time.perf_counter() - end,
    )


def memory_of_a_submission(notebook: Path, folder: Path) -> int:
    """Bytes that a submission takes at its end beyond the forkserver that it shares its pages with:
    the growth of the proportional set size (PSS) of all processes below this one.
    """
    results, files = ResultsFolder(folder, SLUG), open_assignment(COURSE, SLUG)
    held: list[int] = []

    def body(docket: Docket) -> None:
        with Executor(1, files.assignment.isolation) as executor:
            prepared = prepare(files, docket, results.evidence, executor)
            submission = read_submission(notebook, prepared.release, prepared.owners)
            plan = plan_execution(
                files,
                prepared.judge.specs,
                [(cell.id, cell.source) for cell in submission.cells],
                submission.rebound,
            )
            # started, and done with what it does when it starts
            executor.run("first", ExecutionRequest((Cell("cell", "x = 1"),), 0, Limits()), ())
            alone = _pss_below(os.getpid())

            def look(_: Evidence) -> Sequence[CallBatch]:
                held.append(_pss_below(os.getpid()) - alone)
                return ()

            executor.run(plan.key, plan.request, plan.calls, look)

    open_docket(files, body)
    return held[0]


def _pss_below(pid: int) -> int:
    """Bytes of the processes that `pid` has started, directly or not; each shared page counts once,
    split among those that share it.
    """
    total = 0
    for child in Path(f"/proc/{pid}/task").glob("*/children"):
        for number in child.read_text().split():
            try:
                lines = Path(f"/proc/{number}/smaps_rollup").read_text().splitlines()
            except OSError:
                continue
            total += sum(
                int(line.split()[1]) << 10 for line in lines if line.startswith("Pss:")
            ) + _pss_below(int(number))
    return total
