"""A submission with everything a page can show: small factories that the tests here share."""

from __future__ import annotations

import datetime
from typing import Any

import numpy as np

from autograder.assignment import Assignment, Part
from autograder.evidence.trace import (
    CellRun,
    Ended,
    Ending,
    ErrorReport,
    Evidence,
    Run,
    RunStatus,
    Trace,
    array_of,
)
from autograder.judgement.grade import Cause, CheckResult, Grade, Outcome, Provenance, Visibility
from autograder.reports.feedback.page import FeedbackPage

LOSSES = 77.4 * np.exp(-np.arange(60) / 9.0) + 2.93


def trace(losses: Any, recorded: Any = None) -> Trace:
    """A trace with these losses, at steps 1, 2, ... unless said otherwise."""
    losses = np.asarray(losses)
    recorded = np.arange(1, losses.size + 1) if recorded is None else recorded
    return Trace(
        "SGD", True, losses.size, (), (), (), array_of(recorded), array_of(losses), (), (), ()
    )


def check(
    check_id: str, outcome: Outcome = Outcome.PASSED, points: float = 10, **fields: Any
) -> CheckResult:
    """A check worth 10 points."""
    values: dict[str, Any] = dict(
        title=check_id.replace("_", " "), part="3. The loop", cause=Cause.AGREES if outcome is Outcome.PASSED else Cause.DISAGREES,
        max_points=10, visibility=Visibility.VISIBLE,
    )  # fmt: skip
    return CheckResult(id=check_id, outcome=outcome, points=points, **(values | fields))


def grade(*checks: CheckResult, **fields: Any) -> Grade:
    """A grade of these checks."""
    values: dict[str, Any] = dict(
        student="Ada Lovelace", assignment="optimizers", notices=(), problem="",
        provenance=Provenance("0.1.0", "5a" * 32, "ev" * 32, "ju" * 32, {"torch": "2.13.0", "python": "3.12.3", "isolation": "strong"}),
        submitted_at="2026-11-20T10:00:00+00:00",
    )  # fmt: skip
    return Grade(checks=checks, **(values | fields))


ASSIGNMENT = Assignment(
    title="Lecture 8: Optimizers",
    points=60,
    parts=(
        Part("1. Recall", ("model", "loss_fn"), ("loss_fn",)),
        Part("2. Build and step", ("one_step",)),
        Part("3. The loop", ("training_loop",)),
    ),
    due=datetime.datetime(2026, 12, 6, 23, 59, tzinfo=datetime.UTC),
)
CELLS = {
    "c1": "import torch\n",
    "c2": "def loss_fn(t_p, t_c):\n    squared = (t_p - t_c) ** 2\n    return squared.sum()\n",
    "c3": (
        "def training_loop(n_epochs, optimizer, params, t_u, t_c):\n    for epoch in range(1,"
        " n_epochs + 1):\n        loss = loss_fn(model(t_u, *params), t_c)\n       "
        " optimizer.zero_grad()\n        loss.backward()\n        optimizer.step()\n    return"
        " params\n"
    ),
    "c4": "params = training_loop(5000, optimizer, params, t_un, t_c)\nprint(parms)\n",
}
ERROR = ErrorReport(
    "NameError",
    "name 'parms' is not defined",
    "Traceback (most recent call last):\n  Cell 4, line 2\n    print(parms)\nNameError: name"
    " 'parms' is not defined",
    "c4",
    2,
)


def evidence(*losses: Any, error: ErrorReport | None = ERROR) -> Evidence:
    """Four cells, the last of which raised `error`, and one call per curve."""
    cells = [CellRun(Run(cell, RunStatus.FINISHED)) for cell in ("c1", "c2", "c3")]
    cells.append(
        CellRun(
            Run(
                "c4",
                RunStatus.RAISED if error else RunStatus.FINISHED,
                error=error,
                traces=(trace(losses[0]),) if losses else (),
            )
        )
    )
    calls = [
        Run(f"call-{index}", RunStatus.FINISHED, traces=(trace(values),))
        for index, values in enumerate(losses)
    ]
    return Evidence("key", tuple(cells), tuple(calls), Ending(Ended.FINISHED))


def sample_checks() -> tuple[CheckResult, ...]:
    """One of each outcome, visible and hidden."""
    return (
        check("model", part="1. Recall", title="The model is w * t_u + b"),
        check(
            "loss_fn", Outcome.FAILED, 0, part="1. Recall", title="The loss is the mean squared error: 80.364 at [1, 0]",
            message="Observed   884.0 for params [1, 0] on the lecture's data\nExpected   80.364, ratio 11\nAllowed    a relative difference of 2e-06\n\n"
            "Check how the squared errors become one number. What is 11 here?",
        ),
        check("one_step", part="2. Build and step", title="One step of gradient descent moves the parameters to tensor([1.7761, 0.1064])", given=("loss_fn",)),
        check("dirty", Outcome.UNGRADABLE, 0, part="2. Build and step", title="The same step when .grad held something before",
              message="The grading machine waited too long, with little computing done. This costs no points; it is run again, or marked by a person."),
        check("first", Outcome.FAILED, 5, title="The first losses are 80.364, 37.575, 30.871", run="call-0", given=("loss_fn",),
              message="Losses 1 and 2 match (80.36, 37.57); loss 3 is 39.87, expected 30.87. Before epoch 2's backward, .grad held [-77.6, -10.6], expected None or zeros. "
              "Something survived an epoch. Print .grad around backward(); compare figure 1 (C)."),
        check("long", Outcome.NOT_REACHED, 0, title="5000 epochs end at tensor([5.3671, -17.3012])", run="c4", on_cell=True,
              message="The cell raised an error before its training ended."),
        check("unseen", Outcome.FAILED, 0, title="Any optimizer, on data you have not seen", visibility=Visibility.AFTER_DUE_DATE, run="call-1",
              message="HIDDEN-DETAIL 12 of 47 losses differ."),
        check("secret", title="SECRET-TITLE", visibility=Visibility.HIDDEN, message="SECRET-MESSAGE"),
    )  # fmt: skip


def sample_page(**fields: Any) -> FeedbackPage:
    """A page that shows a bit of everything."""
    values: dict[str, Any] = dict(
        grade=grade(
            *sample_checks(),
            notices=("The test cell after “2. Build and step” had been edited; it was run as released.",
                     "Your saved output shows 7.843 at epoch 500; a clean run of your notebook prints 7.860. Cells may have run twice or out of order. "
                     "Restart, run all, save. What was `params` before training?"),
            problem="NameError in cell 4",
        ),
        assignment=ASSIGNMENT,
        evidence=evidence(LOSSES * np.linspace(1, 1.6, 60), LOSSES * 1.5),
        reference=evidence(LOSSES, LOSSES, error=None),
        show_hidden=False,
        cells=CELLS,
    )  # fmt: skip
    return FeedbackPage(**(values | fields))
