"""Values of a student's variant in a check's call: they are known only once it is known whose
submission is judged.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, NoReturn, TypeVar, cast

from autograder.draw import Values
from autograder.errors import AssignmentError

F = TypeVar("F", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True, eq=False)
class Later:
    """Something that `make` makes of a variant's values.

    Its items can be taken (``variant("data")[:5]``); anything else is for `draw` to compute.
    """

    make: Callable[[Values], Any]
    __iter__: ClassVar[None] = None

    def __getitem__(self, key: Any) -> Later:
        return Later(lambda values: self.make(values)[key])

    def __bool__(self) -> NoReturn:
        message = (
            "a value of the variant is not known before somebody's submission is judged: let draw()"
            " decide, and return what it decided"
        )
        raise TypeError(message)


def variant(name: str) -> Any:
    """The value called `name` that `draw` in variant.py returns for the student whose submission is
    judged: an argument of `call`, or of `leaf`, `tensor`, `as_list` and ``optim.<Name>`` in it.
    """

    def make(values: Values) -> Any:
        if name not in values:
            message = (
                f"variant({name!r}): draw() in variant.py returns no such value; it returns"
                f" {', '.join(values)}"
            )
            raise AssignmentError(message)
        return values[name]

    return Later(make)


def is_later(value: Any) -> bool:
    """Whether there is a value of the variant in `value`, or in lists and dicts in it."""
    match value:
        case Later():
            return True
        case list() | tuple():
            return any(map(is_later, value))
        case Mapping():
            return any(map(is_later, value.values()))
        case _:
            return False


def resolve(value: Any, values: Values) -> Any:
    """`value` with the variant's values filled in."""
    match value:
        case Later():
            return resolve(value.make(values), values)
        case list() | tuple():
            return type(value)(resolve(item, values) for item in value)
        case Mapping():
            return {name: resolve(item, values) for name, item in value.items()}
        case _:
            return value


def waits(make: F) -> F:
    """Decorator: with a value of the variant among its arguments, `make` is called when that is
    known.
    """

    @functools.wraps(make)
    def maker(*args: Any, **kwargs: Any) -> Any:
        if is_later(args) or is_later(kwargs):
            return Later(lambda values: make(*resolve(args, values), **resolve(kwargs, values)))
        return make(*args, **kwargs)

    return cast("F", maker)
