"""A class of attackers and their honest twins, to grade with any executor."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

import nbformat

from autograder.assignment import open_assignment
from autograder.commands.release.student_version import release_assignment
from autograder.course.results import ResultsFolder
from autograder.execution.executor import Executor
from autograder.judgement.grade import Grade

from .attack import Attack
from .breaking import BREAKING
from .gaining import GAINING
from .reaching import REACHING
from .targets import TINY, Targets, TinyCourse

ATTACKS = (*REACHING, *GAINING, *BREAKING)
_LIMITS = "\n[limits]\ncpu_s = 3\nwall_s = 6\nscratch_bytes = 20000000\nmemory_bytes = 2000000000\n"


def make_course(root: Path, executor: Executor) -> TinyCourse:
    """The tiny course with short limits, released, with a marker in its solution."""
    shutil.copytree(TINY, root, dirs_exist_ok=True)
    toml = root / "assignments/tiny/assignment.toml"
    toml.write_text(toml.read_text().partition("\n[limits]")[0] + _LIMITS)
    solution = root / "solutions/tiny/solution.py"
    solution.write_text(solution.read_text() + "\nMARK = 'Marker-of-the-solution'\n")
    files = open_assignment(root, "tiny")
    release_assignment(
        files, root / "release", ResultsFolder(root / "results", "tiny").evidence, executor
    )
    return TinyCourse(root, nbformat.read(root / "release" / "tiny.ipynb", as_version=4), executor)


def grade_attacks(
    course: TinyCourse, aims: Targets, attacks: Sequence[Attack] = ATTACKS, *, twins: bool
) -> dict[str, Grade]:
    """`attacks` handed in, and with `twins` the honest code nearby, and graded; by name."""
    for attack in attacks:
        course.submit(
            attack.name, first=attack.code.format(**aims.names), training_loop=attack.loop
        )
        if twins:
            course.submit(f"{attack.name}-twin", first=attack.twin.format(**aims.names))
    return course.grade()[0]


def said(course: TinyCourse, student: str) -> str:
    """All that a submission put out, as its executed notebook keeps it."""
    notebook = nbformat.read(course.results.executed_path(student), as_version=4)
    return "".join(
        str(output.get("text", ""))
        for cell in notebook.cells
        if cell.cell_type == "code"
        for output in cell.outputs
    )
