"""Every bar of speed and size, measured in one run against pinned peers: a table and a plot in
docs/performance.md.

``make bench`` runs it. Figures of a notebook are medians; those of a class are its wall time
divided by its size. Ratios come from this run alone.
"""

from __future__ import annotations

import os
import platform
import statistics
import subprocess
import sys
import tempfile
import textwrap
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import measures
import peers
import regrading
from matplotlib.figure import Figure
from yardstick import SECONDS, Bar, Yardstick

import autograder
from autograder.assignment import open_assignment
from autograder.commands.release.student_version import release_assignment
from autograder.course.results import ResultsFolder
from autograder.execution.executor import Executor

ROOT = Path(__file__).parent.parent
PAGE, PLOT = ROOT / "docs" / "performance.md", ROOT / "docs" / "performance.svg"
LECTURE, LIGHT, PEERS = 40, 100, 4
"""Notebooks of a class: the lecture's, light ones, and those that the peers get, which take some
ten seconds each.
"""

STUDENTS = 1000


@dataclass(frozen=True, slots=True)
class Speeds:
    """Seconds per notebook of a class, all cores used by those who can."""

    kind: str
    bare: float
    ours: float
    warm: float
    nbgrader: float
    otter: float


def light_release(folder: Path) -> Path:
    """The light assignment's notebook with the solution in it: what a right student hands in, and
    what is released.
    """
    files = open_assignment(ROOT / "benchmarks" / "light", "light")
    with Executor(1) as executor:
        return release_assignment(
            files, folder / "release", ResultsFolder(folder / "results", "light").evidence, executor
        )


def compare(
    kind: str, course: Path, slug: str, notebooks: Sequence[Path], release: Path, folder: Path
) -> tuple[Speeds, measures.ClassTimes]:
    """One kind of notebook in all programs."""
    files, size = open_assignment(course, slug), len(notebooks)
    bare_s = measures.time_bare_on_all_cores(notebooks)
    ours = measures.time_class(files, notebooks, folder / "ours")
    few = notebooks[:PEERS]
    nbgrader_s = peers.time_nbgrader(slug, release, few, folder / "nbgrader") / len(few)
    otter_s = peers.time_otter(release, few, folder / "otter") / len(few)
    return (
        Speeds(kind, bare_s / size, ours.cold / size, ours.warm / size, nbgrader_s, otter_s),
        ours,
    )


def solved(release: Path, folder: Path, size: int) -> list[Path]:
    """`size` copies of the light notebook with the reference's definitions in its stubs."""
    import nbformat

    from autograder.notebooks.writing.stub import definitions

    solution = ROOT / "benchmarks" / "light" / "solutions" / "light" / "solution.py"
    notebook = nbformat.read(release, as_version=4)
    for cell in notebook.cells:
        if cell.metadata.get("nbgrader", {}).get("solution"):
            cell.source = definitions(solution.read_text(encoding="utf-8"), (cell.id,), solution)
    folder.mkdir(parents=True)
    right = folder / "right.ipynb"
    nbformat.write(notebook, right)
    return measures.copies([right], size, folder / "class")


def run(folder: Path) -> tuple[list[Bar], list[Speeds], list[tuple[str, str]]]:
    """Measure everything. Returns the bars, what classes take, and further figures."""
    with Executor(measures.CORES) as executor:
        right = measures.full_marks(folder / "choose", executor, 10)
        lecture_release = release_assignment(
            open_assignment(ROOT, measures.SLUG),
            folder / "release",
            ResultsFolder(folder / "choose", measures.SLUG).evidence,
            executor,
        )
    one = measures.time_execution(right, folder / "one")
    diagnosing = measures.time_diagnosis(folder / "one")
    judging_again = measures.time_judging_again(folder / "one")
    memory = measures.memory_of_a_submission(right[0], folder / "one")
    notebooks = measures.copies(right, LECTURE, folder / "lecture")
    lecture, lecture_times = compare(
        "the lecture", ROOT, measures.SLUG, notebooks, lecture_release, folder / "lecture-class"
    )
    release = light_release(folder / "light")
    ten_cells = solved(release, folder / "light" / "students", LIGHT)
    light, _ = compare(
        "light", ROOT / "benchmarks" / "light", "light", ten_cells, release, folder / "light-class"
    )
    bare_us, recorded_us = measures.time_recording()
    isolated_s, open_s = measures.time_isolation()
    again = regrading.measure(STUDENTS)
    calls = one[0].calls
    added = statistics.median(each.added for each in one)
    judging = statistics.median(each.judging for each in one)
    share = lecture.bare / lecture.warm
    bare_s = statistics.median(each.bare for each in one)
    yardstick = Yardstick(bare_s)
    bars = [
        yardstick.bar(
            f"execution and storing add, with {calls} calls (50 ms and 5 ms per call),",
            0.05 + 0.005 * calls,
            [added],
        ),
        Bar(
            "class throughput at least 90 % of the bare loops' on all cores",
            share >= 0.9,
            f"{share:.0%}",
        ),
        *_ratio("the lecture's notebook", lecture, nbgrader=5, otter=6),
        *_ratio("a light notebook", light, nbgrader=40),
        yardstick.bar("judging", 0.03, [judging]),
        Bar(
            "a submission takes at most 80 MB beyond the shared forkserver",
            memory <= 80e6,
            f"{memory / 1e6:.0f} MB",
        ),
        yardstick.bar("light recording of a step", 30e-6, [(recorded_us - bare_us) * 1e-6]),
        yardstick.bar("isolation over none", 0.01, [isolated_s - open_s]),
        yardstick.bar("diagnosis", 2, diagnosing),
        yardstick.bar(
            f"grading {STUDENTS} again with nothing changed",
            2,
            [again["grade, nothing changed, s"]],
        ),
        yardstick.bar(
            "regrading an unchanged submission",
            2e-3,
            [again["regrade, per unchanged submission, ms"] * 1e-3],
        ),
        yardstick.bar(
            "regrading a submission that is judged again, failing ones of the lecture,",
            0.1,
            judging_again,
        ),
        yardstick.bar(
            "the same on an assignment of three checks",
            0.1,
            [again["regrade, per submission judged again, ms"] * 1e-3],
        ),
    ]
    figures = [
        (
            (
                "the yardstick: bare cells of the lecture's notebook, warm process; bars of time"
                f" are as written at {SECONDS:g} s"
            ),
            f"{bare_s:.3f} s",
        ),
        (
            "the same in the sandbox, with its calls, and stored",
            f"{statistics.median(each.running for each in one):.3f} s",
        ),
        (
            "pages and gradebook, for a student of the lecture",
            f"{lecture_times.pages / LECTURE:.3f} s",
        ),
        (
            (
                f"grading {STUDENTS} again, of which one has changed, and regrading them, whole"
                " commands"
            ),
            f"{again['grade, one changed, s']:.1f} s, {again['regrade, nothing changed, s']:.1f} s",
        ),
        (
            "a step of the lecture's loop, bare and recorded",
            f"{bare_us:.1f} us, {recorded_us:.1f} us",
        ),
    ]
    return bars, [lecture, light], figures


def _ratio(kind: str, speeds: Speeds, **wanted: float) -> list[Bar]:
    ours = speeds.ours
    return [
        Bar(
            f"{kind}: at least {least:g}x {name}'s throughput",
            getattr(speeds, name) / ours >= least,
            f"{getattr(speeds, name) / ours:.1f}x",
        )
        for name, least in wanted.items()
    ]


def machine() -> str:
    """What it was measured on."""
    model = next(
        (
            line.partition(": ")[2]
            for line in Path("/proc/cpuinfo").read_text().splitlines()
            if line.startswith("model name")
        ),
        platform.machine(),
    )
    gigabytes = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return (
        f"{measures.CORES} cores of {model}, {gigabytes:.0f} GiB, Linux"
        f" {platform.release().split('-')[0]}, Python {platform.python_version()}"
    )


def draw(speeds: Sequence[Speeds]) -> None:
    """The plot: seconds per notebook, on a logarithmic scale."""
    figure = Figure(figsize=(7, 2.6), layout="constrained")
    names = {
        "bare": "bare loops",
        "ours": "GradStep",
        "nbgrader": "nbgrader",
        "otter": "otter-grader",
    }
    for axes, one in zip(figure.subplots(1, len(speeds)), speeds, strict=True):
        values = [getattr(one, name) for name in names]
        marks = axes.barh(
            list(names.values()), values, color=["#b8c4ce", "#1f6f78", "#c98b5a", "#c98b5a"]
        )
        axes.bar_label(marks, [f"{value:.2g} s" for value in values], padding=3)
        axes.set_xscale("log")
        axes.set_xlim(min(values) / 2, max(values) * 4)
        axes.invert_yaxis()
        axes.set_title(f"{one.kind} notebook" if one.kind == "light" else f"notebook of {one.kind}")
        axes.set_xlabel("seconds per notebook of a class")
        axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(PLOT, metadata={"Date": None})


def write_page(
    bars: Sequence[Bar],
    speeds: Sequence[Speeds],
    figures: Sequence[tuple[str, str]],
    minutes: float,
) -> None:
    """docs/performance.md up to the line that says where it ends; what stands below is written by
    hand.
    """
    revision = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    ).stdout.strip()
    written = (
        f"Written by `make bench` on {datetime.now(UTC):%Y-%m-%d}, version"
        f" {autograder.__version__} ("
        f"{revision or 'no repository'}), in {minutes:.0f} minutes on {machine()}."
    )
    lines = [
        "# Performance",
        "",
        textwrap.fill(written, 100, break_on_hyphens=False),
        "",
        "![Seconds per notebook: bare loops, GradStep, nbgrader, otter-grader](performance.svg)",
        "",
        (
            "| seconds per notebook of a class | bare loops, all cores | GradStep, cold start |"
            " GradStep, warm | nbgrader | otter-grader |"
        ),
        "| --- | ---: | ---: | ---: | ---: | ---: |",
        *(
            f"| {one.kind} | {one.bare:.3f} | {one.ours:.3f} | {one.warm:.3f} | {one.nbgrader:.2f}"
            f" | {one.otter:.2f} |"
            for one in speeds
        ),
        "",
        "| bar | scaled by the yardstick | | measured |",
        "| --- | --- | --- | ---: |",
        *(bar.row for bar in bars),
        "",
        "| further figures | |",
        "| --- | ---: |",
        *(f"| {title} | {shown} |" for title, shown in figures),
        "",
        END,
    ]
    below = PAGE.read_text(encoding="utf-8").partition(END)[2] if PAGE.is_file() else "\n"
    PAGE.write_text("\n".join(lines) + below, encoding="utf-8")


END = "<!-- up to here written by make bench -->"


def main() -> None:
    """Measure, print, write the page, and exit with 1 if a bar is missed."""
    start = time.perf_counter()
    with tempfile.TemporaryDirectory() as name:
        bars, speeds, figures = run(Path(name))
    draw(speeds)
    write_page(bars, speeds, figures, (time.perf_counter() - start) / 60)
    for line in (*figures, *speeds, *bars):
        print(line if not isinstance(line, tuple) else ": ".join(line))
    sys.exit(0 if all(bar.met for bar in bars) else 1)


if __name__ == "__main__":
    main()
