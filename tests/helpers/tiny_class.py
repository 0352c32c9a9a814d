"""The tiny course with a folder of submissions, to spoil at will."""

from dataclasses import dataclass
from pathlib import Path

import nbformat
from places import TESTS

from autograder.assignment import open_assignment
from autograder.commands.grade.submissions import collect_submissions
from autograder.commands.grade.whole_class import grade_class
from autograder.course.results import ResultsFolder
from autograder.execution.executor import Executor

TINY = TESTS / "tiny_course"

LOSS = "def loss_fn(values):\n    return (values**2).mean()\n"
LOOP = """def training_loop(n_epochs, optimizer, params):
    for _ in range(n_epochs):
        optimizer.zero_grad()
        loss_fn(params).backward()
        optimizer.step()
    return params
"""


@dataclass
class Recorded:
    """A progress that remembers."""

    total: int = 0
    students: tuple = ()

    def started(self, total):
        self.total = total

    def done(self, grade):
        self.students += (grade.student,)


def handed_in(release, **cells):
    """The release with `cells` (by id) in place of the stubs; right where nothing is said."""
    notebook = nbformat.from_dict(release)
    sources = {"loss_fn": LOSS, "training_loop": LOOP} | cells
    for cell in notebook.cells:
        name = cell.metadata.get("nbgrader", {}).get("grade_id")
        cell.source = sources.get(name, cell.source)
    return notebook


@dataclass
class TinyCourse:
    """A copy of the tiny course with a folder of submissions."""

    root: Path
    release: nbformat.NotebookNode
    executor: Executor

    @property
    def files(self):
        return open_assignment(self.root, "tiny")

    @property
    def results(self):
        return ResultsFolder(self.root / "results", "tiny")

    def submit(self, student, *, extra=(), **cells):
        """Hand in the release with `cells` (by id) in place of the stubs, and `extra` code cells at
        the end.
        """
        notebook = handed_in(self.release, **cells)
        notebook.cells += [nbformat.v4.new_code_cell(source) for source in extra]
        path = self.root / "submitted" / student / "tiny" / "tiny.ipynb"
        path.parent.mkdir(parents=True, exist_ok=True)
        nbformat.write(notebook, path)
        return path

    def grade(self, *, force=False):
        """Grade what is submitted; returns grades by student and what the progress was told."""
        progress = Recorded()
        candidates = collect_submissions(self.root / "submitted", "tiny")
        grades = grade_class(
            self.files, candidates, self.results, self.executor, progress, force=force
        )
        return {grade.student: grade for grade in grades}, progress
