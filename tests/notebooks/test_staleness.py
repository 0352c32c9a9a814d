"""Saved outputs that a clean run does not print again are a hint; noise is none."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import nbformat
import pytest

from autograder.notebooks.cells import Role
from autograder.notebooks.reading.staleness import stale_outputs
from autograder.notebooks.reading.submission import Submission, SubmittedCell

LOOP = "for epoch in range(n): ..."


def stream(text: str | list[str], name: str = "stdout") -> dict[str, Any]:
    return {"output_type": "stream", "name": name, "text": text}


def result(text: str) -> dict[str, Any]:
    return {
        "output_type": "execute_result",
        "data": {"text/plain": text},
        "metadata": {},
        "execution_count": 1,
    }


ERROR = {"output_type": "error", "ename": "ValueError", "evalue": "", "traceback": []}


def submission(
    *saved: dict[str, Any], source: str = LOOP, role: Role = Role.SOLUTION, count: int | None = 7
) -> Submission:
    cell = SubmittedCell("train_sgd", source, role, 5, saved, count)
    return Submission(Path("optimizers.ipynb"), "", (cell,), nbformat.v4.new_notebook())


def test_a_kernel_that_went_on_from_an_earlier_step_is_told() -> None:
    """The lecture's own printout, from a loop that starts afresh: 7.843 where a clean run prints
    7.860.
    """
    saved = submission(stream("Epoch 500, Loss 7.843371\nEpoch 1000, Loss 3.825483\n"))
    assert stale_outputs(
        saved, {"train_sgd": [stream("Epoch 500, Loss 7.860120\nEpoch 1000, Loss 3.828538\n")]}
    ) == (
        (
            "Your saved output shows 7.843371 at epoch 500; a clean run of your notebook prints"
            " 7.860120. Cells may have run twice or out of order. Restart, run all, save."
        ),
    )


@pytest.mark.parametrize(
    ("saved", "again"),
    [
        ([stream("loss: 7.843")], [stream("loss: 7.860")]),
        ([stream(["loss: 7.", "843"])], [stream("loss: 7.860")]),
        ([stream("train_loss=1.5e-2")], [stream("train_loss=1.9e-2")]),
        ([stream("Loss nan")], [stream("Loss 2.93")]),
        (
            [result("tensor([  5.3701, -17.3012], requires_grad=True)")],
            [result("tensor([5.0001, -17.3012], requires_grad=True)")],
        ),
        (
            [stream("start\n"), result("tensor(2.9276)")],
            [stream("start\ntook 3 s\n"), result("tensor(3.1000)")],
        ),
    ],
)
def test_other_numbers_are_told(saved: list[dict[str, Any]], again: list[dict[str, Any]]) -> None:
    """Printed losses and shown tensors both count, however the output is cut up."""
    (hint,) = stale_outputs(submission(*saved), {"train_sgd": again})
    assert hint.startswith("Your saved output shows ")
    assert "in cell 'train_sgd'" in hint


@pytest.mark.parametrize(
    ("saved", "again"),
    [
        ("Epoch 500, Loss 7.860115", "Epoch 500, Loss 7.860120"),  # two machines
        ("loss 0.0021", "loss 0.0022"),  # the rounding of what is printed
        ("loss 0.02", "loss 0.0204"),  # the same, printed with another number of places
        ("loss 0.0204", "loss 0.02"),
        ("loss 1.2e-09", "loss 7.7e-09"),  # noise at the optimum
        (
            "Epoch 1, loss 2.3026\nEpoch 2, loss 1.1043",
            "Epoch 1, loss 2.3027\nEpoch 2, loss 1.1513",
        ),  # chaos that grows
        (
            "Epoch 1, loss 2.30 (3.21 s)",
            "Epoch 1, loss 2.40 (2.95 s)",
        ),  # a line with a time is not compared
        (
            "loss 7.84:  40%|####  | 40/100 [00:03<00:05, 11.52it/s]",
            "loss 7.96:  40%|####  | 40/100 [00:01<00:02, 31.10it/s]",
        ),
        ("2026-11-20 epoch 1.5", "2026-11-22 epoch 9.5"),
        ("<Loss object at 0x7f81a2b3c4d0> 1.25", "<Loss object at 0x7f11a2b3c4d0> 3.25"),
        ("accuracy 0.91", "accuracy 0.95"),  # no loss, no tensor
        ("Epoch 100, Loss 22.148", "Epoch 500, Loss 7.860"),  # edited since, so not comparable
        ("Loss 7.843\nLoss 3.8", "Loss 7.860"),
        ("Loss nan", "Loss nan"),
        ("", "Loss 7.860"),
        ("Loss 7.843", ""),
    ],
)
def test_noise_is_not_told(saved: str, again: str) -> None:
    """Float noise, rounding, times, rates, dates, addresses, and text that has changed are no sign
    of a stale kernel.
    """
    assert stale_outputs(submission(stream(saved)), {"train_sgd": [stream(again)]}) == ()


STALE, CLEAN = stream("Loss 7.843"), stream("Loss 7.860")


@pytest.mark.parametrize(
    ("saved", "again"),
    [
        (submission(STALE, count=None), [CLEAN]),
        (submission(), [CLEAN]),
        (submission(STALE, ERROR), [CLEAN]),
        (submission(STALE), [CLEAN, ERROR]),
        (submission(STALE), []),
        (submission(STALE, role=Role.CHECK), [CLEAN]),
        (submission(stream("Loss 7.843", "stderr")), [stream("Loss 7.860", "stderr")]),
        (submission(STALE, source="net = nn.Linear(1, 1)"), [CLEAN]),
        (submission(STALE, source="params = torch.randn(2)"), [CLEAN]),
    ],
)
def test_what_can_not_be_compared_is_not_told(
    saved: Submission, again: list[dict[str, Any]]
) -> None:
    """Never run, nothing saved, an error on either side, a check cell, a warning, or randomness
    without a seed: silence.
    """
    assert stale_outputs(saved, {"train_sgd": again}) == ()


def test_seeded_randomness_is_compared() -> None:
    """With a seed the clean run is the one to print again."""
    assert stale_outputs(
        submission(STALE, source="torch.manual_seed(0)\nnet = nn.Linear(1, 1)"),
        {"train_sgd": [CLEAN]},
    )


def test_only_the_first_stale_cell_is_told() -> None:
    """The state of the later ones follows from it."""
    cells = tuple(SubmittedCell(name, LOOP, Role.FREE, None, (STALE,), 1) for name in ("a", "b"))
    both = Submission(Path("x.ipynb"), "", cells, nbformat.v4.new_notebook())
    (hint,) = stale_outputs(both, {"a": [CLEAN], "b": [CLEAN]})
    assert "'a'" in hint
