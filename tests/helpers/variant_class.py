"""The small course with variants, with a folder of submissions."""

import shutil
from dataclasses import dataclass
from pathlib import Path

import nbformat
from places import TESTS
from tiny_class import Recorded

from autograder.assignment import open_assignment
from autograder.commands.grade.submissions import collect_submissions
from autograder.commands.grade.whole_class import grade_class
from autograder.commands.release.per_student import release_variants
from autograder.course.results import ResultsFolder
from autograder.execution.executor import Executor
from autograder.notebooks.writing.stub import definition
from autograder.people.roster import Student

COURSE = TESTS / "variant_course"
SOLUTION = COURSE / "solutions" / "fit" / "solution.py"
RIGHT = {
    name: definition(SOLUTION.read_text(), name, SOLUTION) for name in ("loss_fn", "training_loop")
}
ROSTER = tuple(Student(name, "") for name in ("ada", "bob", "cleo", "eve", "fay"))


class Told:
    """A progress that remembers what it was told."""

    def __init__(self):
        self.total, self.seen = 0, []

    def started(self, total):
        self.total = total

    def done(self, what):
        self.seen.append(what)


@dataclass
class VariantCourse:
    """A copy of the course."""

    root: Path
    executor: Executor

    @classmethod
    def made(cls, root, executor):
        shutil.copytree(COURSE, root, dirs_exist_ok=True)
        return cls(root, executor)

    @property
    def files(self):
        return open_assignment(self.root, "fit")

    @property
    def results(self):
        return ResultsFolder(self.root / "results", "fit")

    @property
    def released(self):
        return self.root / "release" / "fit"

    def release(self, roster=ROSTER, *, measure=False):
        return release_variants(
            self.files,
            roster,
            self.released,
            self.results.evidence,
            self.executor,
            Told(),
            measure=measure,
        )

    def notebook(self, student):
        """As released."""
        return nbformat.read(self.released / student / "fit.ipynb", as_version=4)

    def solved(self, student, **cells):
        """The notebook of `student` with right solutions, or `cells` by id."""
        notebook = self.notebook(student)
        for cell in notebook.cells:
            cell.source = (RIGHT | cells).get(
                cell.metadata.get("nbgrader", {}).get("grade_id") or cell.id, cell.source
            )
        return notebook

    def submit(self, student, notebook):
        path = self.root / "submitted" / student / "fit" / "fit.ipynb"
        path.parent.mkdir(parents=True, exist_ok=True)
        nbformat.write(notebook, path)
        return path

    def grade(self, *, force=False):
        progress = Recorded()
        candidates = collect_submissions(self.root / "submitted", "fit")
        grades = grade_class(
            self.files, candidates, self.results, self.executor, progress, force=force
        )
        return {grade.student: grade for grade in grades}, progress


def cell_of(notebook, name):
    """The source of the cell with this id."""
    return next(cell.source for cell in notebook.cells if cell.id == name)


def check_of(grade, name):
    return next(check for check in grade.checks if check.id == name)
