"""What a template may quote of the reference's runs, and how it is written down in a cell."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from autograder.errors import AssignmentError


@dataclass(frozen=True, slots=True)
class Facts:
    """Points and runs of each visible check, from the instructor's own files, by its name.

    `points` is the most that a check gives. `reference(name)` is the reference's run for that
    check, an object with `returned`, `arguments`, `variables` and `losses`; None while that run
    does not exist yet, as when rendering the reference itself.
    """

    points: Mapping[str, float] = field(default_factory=dict)
    reference: Callable[[str], Any] | None = None

    def points_of(self, check: str) -> float:
        """Points of `check`.

        Raises:
            AssignmentError: if no check has that name.
        """
        if check not in self.points:
            known = ", ".join(self.points) or "none"
            message = f"no check is called {check!r}; there are: {known}"
            raise AssignmentError(message)
        return self.points[check]


class Unquoted:
    """Placeholder for a number of the reference before the reference has run.

    Whatever is asked of it is another such, and its text gives it away.
    """

    def __init__(self, check: str) -> None:
        self.check = check

    def _itself(self, *_: object, **__: object) -> Unquoted:
        return self

    __getattr__ = __getitem__ = __call__ = __round__ = __neg__ = __abs__ = _itself
    __add__ = __radd__ = __sub__ = __rsub__ = __mul__ = __rmul__ = __truediv__ = __rtruediv__ = (
        __pow__
    ) = _itself

    def __str__(self) -> str:
        return f"<{UNQUOTED}{self.check}>"

    def __format__(self, _: str) -> str:
        return str(self)

    def __iter__(self) -> Iterator[Unquoted]:
        return iter(())

    def __len__(self) -> int:
        return 0


UNQUOTED = "number of the reference for "


def tensor_text(value: Any, decimals: int = 4) -> str:
    """Jinja filter: source text of a tensor, as in `torch.tensor([1.7761, 0.1064])`.

    value: an array, a number, or nested lists of numbers.
    """
    return (
        str(value)
        if isinstance(value, Unquoted)
        else f"torch.tensor({_numbers(_plain(value), decimals)})"
    )


def number_text(value: Any, decimals: int = 4) -> str:
    """Jinja filter: source text of one number, as in `80.364`.

    Raises:
        TypeError, ValueError: if `value` is no single number.
    """
    return str(value) if isinstance(value, Unquoted) else _number(float(value), decimals)


def _plain(value: Any) -> Any:
    """Lists and numbers in place of arrays."""
    return value.tolist() if hasattr(value, "tolist") else value


def _numbers(value: Any, decimals: int) -> str:
    if isinstance(value, list | tuple):
        return "[" + ", ".join(_numbers(_plain(item), decimals) for item in value) + "]"
    if isinstance(value, bool | int):
        return repr(value)
    if not isinstance(value, float):
        message = f"expected numbers to write as a tensor, not {type(value).__name__}"
        raise TypeError(message)
    return _number(value, decimals)


def _number(value: float, decimals: int) -> str:
    if not math.isfinite(value):
        return f'float("{value}")'
    text = f"{value:.{decimals}f}"
    return text.removeprefix("-") if float(text) == 0 else text
