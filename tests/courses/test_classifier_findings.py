"""Mistakes of training by minibatches that nobody in the sample class makes, graded as the class
is.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

import nbformat
import pytest
from places import ROOT

from autograder.assignment import open_assignment
from autograder.commands.grade.submissions import collect_submissions
from autograder.commands.grade.whole_class import grade_class
from autograder.course.results import ResultsFolder

COURSE = ROOT
RIGHT = (
    COURSE / "examples" / "classifier" / "submitted" / "aino" / "classifier" / "classifier.ipynb"
)

LOOP = """
def train_epoch(model, optimizer, images, labels, batch_size, generator):
    model.train()
    total = 0.0
    {before}
    for batch in torch.randperm(len(images), generator=generator).split(batch_size):
        optimizer.zero_grad()
        loss = {loss}
        {backward}
        optimizer.step()
        total += loss.item() * len(batch)
    return total / len(images)
"""
USUAL = {
    "before": "pass",
    "loss": "functional.cross_entropy(model(images[batch]), labels[batch])",
    "backward": "loss.backward()",
}
PROGRAMS = {
    "right": ({}, set()),
    "nll": (
        {"loss": "functional.nll_loss(model(images[batch]), labels[batch])"},
        {"likelihood-of-logits"},
    ),
    "smooth": (
        {
            "loss": (
                "functional.cross_entropy(model(images[batch]), labels[batch], label_smoothing=0.1)"
            )
        },
        {"label-smoothing"},
    ),
    "dark": ({"before": "torch.set_grad_enabled(False)", "backward": "pass"}, {"no-graph"}),
    "guest": (
        {"before": "optimizer.add_param_group({'params': [torch.zeros(3, requires_grad=True)]})"},
        {"other-parameters"},
    ),
}
"""What stands elsewhere in the loop, and the findings: each must be there and no other."""


@pytest.fixture(scope="module")
def found(executor):
    """Codes of all findings, by program."""
    files = open_assignment(COURSE, "classifier")
    with tempfile.TemporaryDirectory() as name:
        for program, (changes, _) in PROGRAMS.items():
            notebook = nbformat.read(RIGHT, as_version=4)
            (cell,) = (
                cell
                for cell in notebook.cells
                if cell.cell_type == "code" and cell.source.startswith("def train_epoch(")
            )
            cell.source = LOOP.format(**USUAL | changes)
            nbformat.write(notebook, Path(name) / f"{program}.ipynb")
        grades = grade_class(
            files,
            collect_submissions(Path(name), files.slug),
            ResultsFolder(Path(name) / "r", files.slug),
            executor,
            _Silent(),
        )
        yield {
            grade.student: {finding.code for check in grade.checks for finding in check.findings}
            for grade in grades
        }


class _Silent:
    def started(self, total):
        pass

    def done(self, grade):
        pass


@pytest.mark.seconds("programs that train are judged before the first")
@pytest.mark.parametrize("program", PROGRAMS)
def test_each_mistake_is_named_and_nothing_else_is(found, program):
    assert found[program] == PROGRAMS[program][1]
