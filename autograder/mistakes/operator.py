"""What a mutation operator is."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable
from dataclasses import dataclass

Function = ast.FunctionDef


@dataclass(frozen=True, slots=True)
class Operator:
    """One mistake.

    `mutate` yields changed copies of a function's tree, one for each place where the mistake can be
    made.

    `code` is its stable name, `rows` are those of the catalogue of mistakes that it stands for
    (none: not catalogued), and `name` goes on where "identical to a function that" ends.
    """

    code: str
    rows: tuple[int, ...]
    name: str
    mutate: Callable[[Function], Iterable[Function]]
