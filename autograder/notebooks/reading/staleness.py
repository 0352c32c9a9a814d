"""Stale kernel state: a notebook whose saved outputs its own clean rerun does not print again.

A hint must be right, so the rule is narrow. A line counts if it speaks of a loss or an epoch or
shows a tensor, and of no time, date, rate, or address. The counting lines of a cell's saved output
and of its rerun have to be the same text once decimal numbers are masked (whole numbers, such as
epochs, stay). Then the *first* pair of decimal numbers decides: other machines' float noise starts
at about 1e-5 and grows from step to step, in a chaotic net past any bar; a kernel in another state
is off from its first line. Randomness without a seed gives other numbers each time, so notebooks
that draw any are left alone.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from autograder.notebooks.cells import Role
from autograder.notebooks.reading.submission import Submission, SubmittedCell

RELATIVE_BAR = 1e-3
"""Float noise between machines is about 1e-5; a loop that continues from one step is off by 2.1e-3
at epoch 500 (7.843 and 7.860).
"""
ABSOLUTE_BAR = 1e-5
"""Below it, gradients and losses at the optimum are noise."""

_RELEVANT = re.compile(r"(?i)\b(?:train_?|test_?|val_?)?loss|epoch|\btensor\(")
_VOLATILE = re.compile(
    r"(?i)\d\s*(?:s|secs?|seconds?|ms|us|µs|min|minutes?)\b|it/s|s/it|\d%\||\btime\b|elapsed|\b\d{1,2}:\d\d\b|\d{4}-\d\d-\d\d|0x[0-9a-f]+",
)
_DECIMAL = re.compile(
    r"(?<![\w.])[-+]?(?:\d+\.\d*(?:e[-+]?\d+)?|\.\d+(?:e[-+]?\d+)?|\d+e[-+]?\d+|nan|inf)(?!\w)",
    re.IGNORECASE,
)
_SPACE = re.compile(r"\s+")
_EPOCH = re.compile(r"(?i)epochs?\W{0,3}(\d+)")
_RANDOM = re.compile(
    r"\brand|random|shuffle|dropout|\bnn\.(?!functional\.\w+_loss|\w+Loss\b)|multinomial|bernoulli|normal_|uniform_",
    re.IGNORECASE,
)
_SEED = re.compile(r"\b(?:manual_seed|seed|seed_everything|default_rng|RandomState)\s*\(\s*\w")


def stale_outputs(
    submission: Submission, rerun_outputs: Mapping[str, list[dict[str, Any]]]
) -> tuple[str, ...]:
    """Hint to the student if a cell's saved outputs tell of another run than the clean one.

    The hint is about the first such cell: the state of the later ones follows from it.

    rerun_outputs: nbformat 4 outputs by cell id. Cells without saved outputs, never run, or ending
    in an error on either side are passed over.
    """
    code = "\n".join(cell.source for cell in submission.cells)
    if _RANDOM.search(code) and not _SEED.search(code):
        return ()
    for cell in submission.cells:
        hint = _hint(cell, rerun_outputs.get(cell.id, []))
        if hint:
            return (hint,)
    return ()


def _hint(cell: SubmittedCell, rerun: list[dict[str, Any]]) -> str:
    if (
        cell.role is Role.CHECK
        or cell.saved_execution_count is None
        or _failed(cell.saved_outputs)
        or _failed(rerun)
    ):
        return ""
    saved_lines, rerun_lines = (
        list(_counting_lines(cell.saved_outputs)),
        list(_counting_lines(rerun)),
    )
    if not saved_lines or list(map(_masked, saved_lines)) != list(map(_masked, rerun_lines)):
        return ""
    for saved_line, rerun_line in zip(saved_lines, rerun_lines, strict=True):
        for saved, again in zip(
            _DECIMAL.findall(saved_line), _DECIMAL.findall(rerun_line), strict=True
        ):
            if not _apart(saved, again):
                return ""
            epoch = _EPOCH.search(saved_line)
            where = f" at epoch {epoch.group(1)}" if epoch else f" in cell {cell.id!r}"
            return (
                f"Your saved output shows {saved}{where}; a clean run of your notebook prints"
                f" {again}. Cells may have run twice or out of order. Restart, run all, save."
            )
    return ""


def _failed(outputs: Iterable[Mapping[str, Any]]) -> bool:
    return any(output.get("output_type") == "error" for output in outputs)


def _counting_lines(outputs: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    """Lines of printed text that are worth comparing.

    Streams are joined first: where one ends is the kernel's timing.
    """
    for line in "".join(_texts(outputs)).splitlines():
        if _RELEVANT.search(line) and not _VOLATILE.search(line) and _DECIMAL.search(line):
            yield line


def _texts(outputs: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    for output in outputs:
        if output.get("output_type") == "stream" and output.get("name") == "stdout":
            yield _joined(output.get("text"))
        elif output.get("output_type") in ("execute_result", "display_data"):
            data = output.get("data")
            yield "\n" + _joined(data.get("text/plain") if isinstance(data, Mapping) else "") + "\n"


def _joined(text: Any) -> str:
    return "".join(map(str, text)) if isinstance(text, list) else str(text or "")


def _masked(line: str) -> str:
    """Return the line without its decimal numbers, and without spaces.

    Tensors are padded to the width of their numbers.
    """
    return _SPACE.sub("", _DECIMAL.sub("#", line))


def _apart(saved: str, again: str) -> bool:
    """Tell whether two printed numbers differ by more than float noise and their own rounding."""
    first, second = float(saved), float(again)
    if not (math.isfinite(first) and math.isfinite(second)):
        return not (first == second or (math.isnan(first) and math.isnan(second)))
    rounding = 1.5 * max(_last_place(saved), _last_place(again))
    return abs(first - second) > max(
        ABSOLUTE_BAR, RELATIVE_BAR * max(abs(first), abs(second)), rounding
    )


def _last_place(text: str) -> float:
    """The worth of one in the last printed place: 0.001 for 7.843."""
    mantissa, _, exponent = text.lower().partition("e")
    return 10.0 ** (int(exponent or 0) - len(mantissa.partition(".")[2]))
