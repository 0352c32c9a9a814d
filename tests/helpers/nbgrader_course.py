"""An nbgrader course made by nbgrader itself, with one assignment that has a bit of everything and
a class that hands it in.
"""

import os
import sys
from dataclasses import dataclass
from pathlib import Path

import nbformat
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

CONFIG = 'c = get_config()\nc.CourseDirectory.course_id = "c101"\nc.Execute.timeout = 5\n'

KERNEL = {"kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"}}


def cell(source, grade_id="", *, points=None, markdown=False, **flags):
    """A cell with nbgrader's metadata as its "Create Assignment" toolbar writes them."""
    made = (new_markdown_cell if markdown else new_code_cell)(source.removesuffix("\n"))
    if grade_id:
        flags = {"grade": False, "solution": False, "locked": False, "task": False} | flags
        made.metadata["nbgrader"] = {"schema_version": 3, "grade_id": grade_id, **flags} | (
            {} if points is None else {"points": points}
        )
    return made


MEAN = """def mean(values):
    \"\"\"The mean of a list of numbers.\"\"\"
    ### BEGIN SOLUTION
    return sum(values) / len(values)
    ### END SOLUTION
"""

FIT = """def fit(points):
    \"\"\"The slope through the origin that fits `points` best.\"\"\"
    ### BEGIN SOLUTION
    return sum(x * y for x, y in points) / sum(x * x for x, _ in points)
    ### END SOLUTION
"""

TEST_MEAN = """\"\"\"The mean of short lists\"\"\"
assert mean([1, 2, 3]) == 2, "mean([1, 2, 3]) is 2"
### BEGIN HIDDEN TESTS
assert mean([-7, 7.5]) == 0.25, "the secret list"
### END HIDDEN TESTS
"""

TEST_FIT = """# How many slopes are right
found = [fit([(1, k)]) == k for k in range(4)]
sum(found) / 2
"""

TEST_QUIET = """# Nothing is printed
mean([4])
fit([(1, 1)]);
"""

CELLS = [
    cell("# Lines and means\n\nLaTeX keeps its braces: $\\frac{{a}}{b}$, {% raw %}", markdown=True),
    cell("import math\nfrom pathlib import Path\npoints = Path('data/points.csv').read_text()", "setup", locked=True),
    cell("## Means (3 points)", "means", markdown=True, locked=True),
    cell(MEAN, "mean", solution=True),
    cell(TEST_MEAN, "test_mean", points=3, grade=True, locked=True),
    cell("## Lines (2 points and 1)", markdown=True),
    cell(FIT, "fit", solution=True),
    cell("fit([(1, 2)])"),
    cell(TEST_FIT, "slopes", points=2, grade=True, locked=True),
    cell(TEST_QUIET, "quiet-tests", points=0.5, grade=True, locked=True),
    cell("best = fit([(1, 2), (2, 3)])  # any name", "best", solution=True),
    cell("assert math.isclose(best, 1.6) and points.startswith('x')", "test_best", points=1, grade=True, locked=True),
    cell("## Why", markdown=True),
    cell("Because of the squares.", "why", markdown=True, points=2, grade=True, solution=True),
    cell("def plot(points):\n    return len(points)", "plot", points=1, grade=True, solution=True),
    cell("Draw it.\n\n### BEGIN MARK SCHEME\n1 point for axes\n### END MARK SCHEME", "draw", markdown=True, points=4, task=True, locked=True),
]  # fmt: skip

GOOD = {
    "mean": "def mean(values):\n    return sum(values) / len(values)\n",
    "fit": (
        "def fit(points):\n    return sum(x * y for x, y in points) / sum(x * x for x, _ in"
        " points)\n"
    ),
    "best": "best = fit([(1, 2), (2, 3)])\n",
    "why": "I don't know.",
    "plot": "def plot(points):\n    return 3\n",
}
"""A right submission's own cells."""

CLASS = {
    "right": GOOD,
    "wrong": (
        GOOD
        | {
            "mean": "def mean(values):\n    return max(values)\n",
            "fit": "def fit(points):\n    return -1.0\n",
        }
    ),
    "half": (
        GOOD
        | {
            "mean": "def mean(values):\n    return 2\n",
            "fit": "def fit(points):\n    return min(points[0][1], 2)\n",
        }
    ),
    "error": (
        GOOD
        | {
            "mean": "def mean(values:\n    return 1\n",
            "fit": "def fit(points):\n    return undefined_name\n",
        }
    ),
    "blank": {},
    "slow": (
        GOOD
        | {
            "mean": (
                "import warnings\n\ndef mean(values):\n    warnings.warn('slow')\n    return"
                " sum(values) / len(values)\n"
            ),
            "best": "import time\nbest = 1.6\ntime.sleep(600)\n",
        }
    ),
    "cheats": (
        GOOD | {"mean": "def mean(values):\n    return 0\n", "test_mean": "pass", "slopes": "2.0"}
    ),
}
"""Submissions on which both tools must agree, cell by cell.

Half's mean passes the visible tests, and no hidden one; slow's warns, and one of his cells never
ends.
"""

SLOPE = (
    "import numpy\n\nclass Slope:\n    def __eq__(self, other):\n        return {}\n\ndef"
    " fit(points):\n    return Slope()\n"
)
OPEN = {
    "nan": GOOD | {"fit": SLOPE.format("float('nan')")},
    "object": GOOD | {"fit": SLOPE.format("numpy.float64(0.125)")},
}
"""Submissions that make `slopes` end with `nan` and with `np.float64(0.25)`: nbgrader gives full
marks for them.
"""


@dataclass(frozen=True)
class NbgraderCourse:
    """Its folder, and what nbgrader gave, by student and cell; None where a person has to mark."""

    root: Path
    scores: dict


def write_source(root, cells=CELLS, *, name="ps1", notebook="lines", config=CONFIG):
    """source/<name> with one notebook and a data file; returns its folder."""
    folder = root / "source" / name
    (folder / "data").mkdir(parents=True, exist_ok=True)
    (folder / "data" / "points.csv").write_text("x,y\n1,2\n")
    nbformat.write(new_notebook(cells=cells, metadata=KERNEL), folder / f"{notebook}.ipynb")
    (root / "nbgrader_config.py").write_text(config)
    return folder


def submit(root, student, sources, *, name="ps1", notebook="lines"):
    """Hand in nbgrader's own release with `sources` in place of its cells."""
    released = nbformat.read(root / "release" / name / f"{notebook}.ipynb", as_version=4)
    for one in released.cells:
        one.source = sources.get(one.metadata.get("nbgrader", {}).get("grade_id"), one.source)
    folder = root / "submitted" / student / name
    folder.mkdir(parents=True)
    nbformat.write(released, folder / f"{notebook}.ipynb")
    (folder / "timestamp.txt").write_text("2026-11-20 10:00:00 UTC")


def nbgrader_class(root, students):
    """The course in `root`, released, handed in and autograded by nbgrader: what `nbgrader
    generate_assignment` and `nbgrader autograde` do, without importing it twice.
    """
    from nbgrader.apps import NbGraderAPI
    from traitlets.config import Config

    write_source(root)
    config = Config()
    config.CourseDirectory.root, config.CourseDirectory.course_id, config.Execute.timeout = (
        str(root),
        "c101",
        5,
    )
    # it starts `alembic` by name
    path, os.environ["PATH"] = (
        os.environ["PATH"],
        f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
    )
    try:
        api = NbGraderAPI(config=config)
        released = api.generate_assignment("ps1")
        assert released["success"], released["log"]
        for student, sources in students.items():
            submit(root, student, sources)
            done = api.autograde("ps1", student)
            assert done["success"], done["log"]
    finally:
        os.environ["PATH"] = path
    scores = {}
    with api.gradebook as gradebook:
        for student in students:
            submission = gradebook.find_submission_notebook("lines", "ps1", student)
            scores[student] = {grade.name: grade.auto_score for grade in submission.grades}
    return NbgraderCourse(root, scores)
