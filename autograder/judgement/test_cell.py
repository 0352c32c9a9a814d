"""What a test cell that gives points by its own run says, by nbgrader's rules, but where they fail
open.

nbgrader takes a cell's error, or a word on stderr, for no points, the value of its last line for
points, and everything else for full marks: NaN, a number below 0, `tensor(0.)`, `np.float64(0.)`,
False. Here a number is read where one is meant; what can't be points is for a person to look at.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from autograder.evidence.trace import ErrorReport

_WRAPPED = re.compile(
    r"(?:torch\.|np\.|numpy\.)?(?:tensor|array|float\d*|int\d*|uint\d+)\(\s*([-+\w.]+?)\s*(?:,[^()]*(?:\([^()]*\)[^()]*)?)?\)"
)
"""A single number of torch or numpy as it is shown: `tensor(0.5000, grad_fn=<MeanBackward0>)`,
`np.float64(0.5)`.
"""
_TEXT_CHARS = 500
_STDERR_CHARS = 100_000
"""Searched for what is to be passed over."""


@dataclass(frozen=True, slots=True)
class CellVerdict:
    """Traces of a test cell's run.

    The value of its last line as shown (None: it showed none), what it wrote to stderr before that,
    and its error. `hidden`: it failed in a hidden test.
    """

    shown: str | None = None
    stderr: str = ""
    error: ErrorReport | None = None
    hidden: bool = False

    @property
    def number(self) -> float | None:
        """The value as a number, if it is one; it may be NaN, infinite or below 0."""
        return None if self.shown is None else _number(self.shown)


def verdict_of(
    outputs: Sequence[Mapping[str, Any]],
    error: ErrorReport | None,
    *,
    hidden: bool = False,
    ignore_stderr: str = "",
) -> CellVerdict:
    """Read a cell's outputs (nbformat 4) in order, as nbgrader does.

    Of stderr and the last line's value, what comes first counts.
    """
    for output in outputs:
        if output.get("output_type") == "stream" and output.get("name") == "stderr":
            text = _joined(output.get("text"))[-_STDERR_CHARS:]
            if ignore_stderr and re.search(ignore_stderr, text):
                continue
            return CellVerdict(stderr=text[-_TEXT_CHARS:], error=error, hidden=hidden)
        if output.get("output_type") == "error":
            break
        if output.get("output_type") == "execute_result":
            data = output.get("data")
            shown = _joined(data.get("text/plain")) if isinstance(data, Mapping) else ""
            return CellVerdict(shown=shown.strip()[:_TEXT_CHARS], error=error, hidden=hidden)
    return CellVerdict(error=error, hidden=hidden)


def _number(text: str) -> float | None:
    match = _WRAPPED.fullmatch(text)
    try:
        return float(match[1] if match else text)
    except ValueError:
        return None


def _joined(text: Any) -> str:
    return "".join(map(str, text)) if isinstance(text, list) else str(text or "")


@dataclass(frozen=True, slots=True)
class Award:
    """Points of a test cell for one student, and why, in words to the student.

    `points` is None where a person has to say.
    """

    points: float | None
    reason: str = ""


def award(run: CellVerdict, reference: CellVerdict, worth: float) -> Award:
    """Points of `run`, of `worth`.

    What the reference's own run shows tells whether the cell's last line is meant to be points.
    """
    if run.error is not None:
        return Award(0.0, _failed(run))
    if run.stderr:
        return Award(
            0.0,
            "Something was written to stderr, which counts as a failure here:"
            f" {run.stderr.strip()}",
        )
    number = run.number
    if number is None:
        return _without_number(run.shown, reference, worth)
    if math.isfinite(number) and 0 <= number <= worth:
        return Award(number, f"These tests give {number:g} of {worth:g} points.")
    return Award(
        None, f"These tests end with the value {run.shown}, which is no number from 0 to {worth:g}."
    )


def _without_number(shown: str | None, reference: CellVerdict, worth: float) -> Award:
    """Give full marks to a run that shows no number, if it is like the reference's.

    It is not where the reference's run shows a number, or one of the two is True or False and the
    other is not the same.
    """
    differs = shown != reference.shown and bool({"True", "False"} & {shown, reference.shown})
    missing = shown is None and reference.shown is not None
    if reference.number is None and not differs and not missing:
        return Award(worth)
    value = "no value" if shown is None else f"the value {shown}"
    return Award(
        None,
        f"These tests end with {value}; the reference's run shows {reference.shown or 'none'}.",
    )


def _failed(run: CellVerdict) -> str:
    """The error in words; of a hidden test only that it failed."""
    assert run.error is not None
    if run.hidden:
        return f"A hidden test failed ({run.error.type})."
    place = (
        f" (cell {run.error.cell}, line {run.error.line})"
        if run.error.cell and run.error.line
        else ""
    )
    said = f": {run.error.message}" if run.error.message else ""
    return f"{run.error.type}{said}{place}"
