"""docs/every-optimizer.md: what the reference computes, how well each check can tell, and what
torch lists beyond the lecture.

GRADSTEP_UPDATE_GOLDEN=1 writes the page anew; its diff is read in review.
"""

from __future__ import annotations

import inspect
import math
import os
import re

import pytest
import torch
from places import ROOT

from autograder.assignment import open_assignment
from autograder.checks.docket import open_docket
from autograder.course.judging import find_run
from autograder.course.prepare import reference_evidence
from autograder.evidence.store import EvidenceStore
from autograder.judgement.calibration import calibration_path, call_digest, read_calibration
from autograder.judgement.comparing.tolerance import LEAST_MARGIN
from autograder.judgement.observation import Observation
from autograder.reports.reference_values import reference_table, reference_values

COURSE = ROOT
PAGE = COURSE / "docs" / "every-optimizer.md"
TEMPLATE = COURSE / "assignments" / "every-optimizer" / "notebook.py.j2"
NUMBER = re.compile(r"-?\d+\.?\d*(?:e[-+]?\d+)?")
TAUGHT = {
    "NAdam": "`make_nadam`",
    "RAdam": "`make_radam`",
    "Adafactor": "`make_adafactor`",
    "Muon": "`make_muon`",
}


def lecture_list():
    """The names that the notebook's own cell compares with."""
    text = re.search(r"^LECTURE = (\[.*\])$", TEMPLATE.read_text(), re.MULTILINE)[1]
    return set(re.findall(r'"(\w+)"', text))


def beyond():
    """Lines of a table of the public names of today's dir(torch.optim) that the lecture's has
    not.
    """
    yield "| name | what it is | here |"
    yield "|---|---|---|"
    for name in dir(torch.optim):
        if name.startswith("_") or name in lecture_list():
            continue
        thing = getattr(torch.optim, name)
        is_optimizer = inspect.isclass(thing) and issubclass(thing, torch.optim.Optimizer)
        kind = (
            "an optimizer"
            if is_optimizer
            else "a module"
            if inspect.ismodule(thing)
            else "a flag, no optimizer"
        )
        yield (
            f"| `{name}` | {kind} |"
            f" {TAUGHT[name] + ', extra credit' if is_optimizer else 'not needed'} |"
        )


def defaults():
    """Default settings of torch's optimizers, and of the two that students write."""
    kinds = [
        thing for name in dir(torch.optim) if inspect.isclass(thing := getattr(torch.optim, name))
    ]
    found = {
        kind.__name__: {
            name: one.default for name, one in inspect.signature(kind).parameters.items()
        }
        for kind in kinds
    }
    return found | {"MySGD": {"momentum": 0.0}, "MyAdam": {"betas": (0.9, 0.999), "eps": 1e-8}}


def page(values, calibration):
    return "\n".join([
        "# Every optimizer: reference values",
        "",
        "What the reference of the assignment *Every optimizer* computes in each check that trains, and",
        "how well that can be told from mistakes. Made from a run of the reference and from",
        "`assignments/every-optimizer/calibration.toml`; a test holds the three together, and",
        "`GRADSTEP_UPDATE_GOLDEN=1 python -m pytest tests/courses/test_every_optimizer_docs.py` writes",
        "the page anew.",
        "",
        f"Measured with torch {calibration.torch}, Python {calibration.python}, {calibration.machine}.",
        "",
        "*Settings* are those that differ from torch's defaults. *Loss* is that of the last backward pass,",
        "so before the last step (in LBFGS, of its last evaluation); *parameters* are those after it.",
        "*Spread* is how far right programs lie apart, *nearest mistake* how far out the nearest of the",
        "mistakes that `autograder validate` tries, *bar* what a check allows, all relative to the path's",
        "size; *margin* is nearest mistake over spread, and has to be 10 at least. Adadelta, RMSprop and",
        "Adafactor never settle: nothing here makes more than 50 steps.",
        "",
        *reference_table(values),
        "",
        "## What torch lists beyond the lecture",
        "",
        f"The public names of `dir(torch.optim)` in torch {torch.__version__.split('+')[0]} that the lecture's list",
        "has not. The notebook prints the same for the student's own torch.",
        "",
        *beyond(),
        "",
    ])  # fmt: skip


@pytest.fixture(scope="module")
def files():
    return open_assignment(COURSE, "every-optimizer")


@pytest.fixture(scope="module")
def calibration(files):
    return read_calibration(calibration_path(files.folder))


@pytest.fixture(scope="module")
def specs(files):
    return open_docket(files, lambda docket: docket.specs)


@pytest.fixture(scope="module")
def values(executor, files, calibration, specs, tmp_path_factory):
    evidence = reference_evidence(
        files, specs, EvidenceStore(tmp_path_factory.mktemp("evidence")), executor
    )
    runs = {spec.id: Observation(find_run(evidence, spec)) for spec in specs}
    return reference_values(runs, calibration, defaults())


def test_the_calibration_is_of_todays_calls_and_leaves_room(calibration, specs):
    """Every check that trains is measured as it is now, on 50 steps at most, with a margin of 10 at
    least.
    """
    calls = {spec.id: spec.call for spec in specs}
    for name, one in calibration.checks.items():
        assert one.call == call_digest(calls[name]), name
        assert one.steps <= 50, name
        assert one.margin >= LEAST_MARGIN, name
    unmeasured = set(calls) - set(calibration.checks)
    # these train nothing
    assert unmeasured == {
        "test_make_lbfgs",
        "test_make_embedding",
        "test_make_sparse_adam",
    }


def test_every_optimizer_of_the_lecture_has_reference_values(values):
    """SGD with and without momentum, the student's own, and whatever torch has."""
    assert {value.optimizer for value in values} >= lecture_list() - {
        "Optimizer",
        "lr_scheduler",
    } | {"MySGD", "MyAdam"}
    assert {"momentum" in value.settings for value in values if value.optimizer == "SGD"} == {
        True,
        False,
    }


def test_the_page_says_what_the_reference_computes(values, calibration):
    """Text and places are the same; numbers agree to three digits, as another machine computes
    them.
    """
    made = page(values, calibration)
    if os.environ.get("GRADSTEP_UPDATE_GOLDEN"):
        PAGE.write_text(made)
    kept = PAGE.read_text()
    if calibration.torch.split("+")[0] != torch.__version__.split("+")[0]:
        # another torch lists other names
        kept, made = (text.partition("## What torch lists")[0] for text in (kept, made))
    assert NUMBER.sub("#", kept) == NUMBER.sub("#", made)
    for was, now in zip(NUMBER.findall(kept), NUMBER.findall(made), strict=True):
        assert math.isclose(float(was), float(now), rel_tol=1e-3, abs_tol=1e-6)


def test_settings_go_without_saying_only_where_they_are_torchs_own(values):
    """The table's text for RMSprop, from the docstring of its task."""
    said = {value.settings for value in values if value.optimizer == "RMSprop"}
    assert said == {
        "lr 0.1, momentum 0.5, alpha 0.9, centered True",
        "lr 0.01, momentum 0.5, alpha 0.9, centered True",
    }
