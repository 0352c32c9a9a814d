"""Per-student variants: what ``assignments/<slug>/variant.py`` draws for whom.

    def draw(rng):
        return {"t_c": [round(rng.uniform(-5, 30), 1) for _ in range(11)], "lr": rng.choice([0.01, 0.02])}

`rng` is a `random.Random`, seeded with an HMAC of the course's secret, the assignment, the student
and the number of the attempt. Samples, for calibration and for looking at, are seeded with their
number alone: whoever has variant.py can draw them.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import math
import random
import traceback
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any, TypeAlias

from autograder.errors import AssignmentError

SAMPLES = 30
"""Variants on which an assignment is calibrated."""

Plain: TypeAlias = "bool | int | float | str | list[Any]"
Values: TypeAlias = Mapping[str, Plain]


@dataclass(frozen=True, slots=True)
class Draw:
    """What was drawn for one student, or as a sample.

    `tag` tells whose it is to who has the secret, and nothing to others; `fingerprint` tells one
    secret from another. Both are empty for a sample.
    """

    values: Values
    tag: str = ""
    fingerprint: str = ""

    @property
    def digest(self) -> str:
        """Sixteen hexadecimal digits that tell these values from others."""
        return hashlib.sha256(json.dumps(dict(self.values), sort_keys=True).encode()).hexdigest()[
            :16
        ]


@dataclass(frozen=True, slots=True)
class Drawer:
    """The `draw` of a variant.py."""

    path: Path
    function: Callable[[random.Random], object]

    def values(self, seed: bytes) -> Values:
        """What `draw` returns for `seed`, as plain data.

        Raises:
            AssignmentError: if it raises, returns anything but names and plain data, or two results
                for one seed.
        """
        first, second = (self._drawn(seed) for _ in range(2))
        if first != second:
            problem = (
                "draw returned two results for one seed: take all chance from the `rng` that it is"
                " given, none from `random` or numpy"
            )
            raise AssignmentError(f"{self.path}: {problem}")
        return MappingProxyType(first)

    def sample(self, number: int) -> Draw:
        """A variant that is nobody's, the same everywhere."""
        return Draw(self.values(f"gradstep sample variant {number}".encode()))

    def _drawn(self, seed: bytes) -> dict[str, Plain]:
        try:
            # the seed is the secret part; the same data each time is the point
            found = self.function(random.Random(seed))  # noqa: S311
        except Exception as error:
            lines = [
                frame.lineno
                for frame in traceback.extract_tb(error.__traceback__)
                if frame.filename == str(self.path)
            ]
            where = f":{lines[-1]}" if lines else ""
            message = f"{self.path}{where}: draw raises {type(error).__name__}: {error}"
            raise AssignmentError(message) from error
        if not isinstance(found, Mapping) or not found:
            message = (
                f"{self.path}: draw returned a {type(found).__name__}: it must return a dict, names"
                " with plain data, and at least one"
            )
            raise AssignmentError(message)
        return {self._name(name): self._plain(str(name), value) for name, value in found.items()}

    def _name(self, name: object) -> str:
        if not isinstance(name, str) or not name.isidentifier() or name.startswith("_"):
            message = (
                f"{self.path}: draw names a value {name!r}: use a Python name that does not begin"
                " with _"
            )
            raise AssignmentError(message)
        return name

    def _plain(self, name: str, value: object) -> Plain:
        if hasattr(value, "tolist"):  # numpy's arrays and numbers
            value = value.tolist()
        match value:
            case bool() | int() | str():
                return value
            case float() if math.isfinite(value):
                return value
            case list() | tuple():
                return [self._plain(name, item) for item in value]
            case _:
                shown = value if isinstance(value, float) else f"a {type(value).__name__}"
                message = (
                    f"{self.path}: draw returned {shown} in {name!r}: numbers, texts and lists of"
                    " them can be sent, nothing else"
                )
                raise AssignmentError(message)


def load_drawer(path: Path) -> Drawer:
    """Read variant.py.

    Raises:
        AssignmentError: if it can't be read, raises, or has no `draw`.
    """
    names: dict[str, Any] = {"__name__": "variant", "__file__": str(path)}
    try:
        # the instructor's own code, as the checks are
        exec(compile(path.read_bytes(), str(path), "exec"), names)  # noqa: S102
    except Exception as error:
        message = f"{path}: can't be run: {type(error).__name__}: {error}"
        raise AssignmentError(message) from error
    if not callable(names.get("draw")):
        message = (
            f"{path}: has no function `draw`; it takes a random.Random and returns a dict of plain"
            " data"
        )
        raise AssignmentError(message)
    return Drawer(path, names["draw"])


@dataclass(frozen=True, slots=True)
class Secret:
    """The course's secret, 32 bytes. Nothing that is made from it here leads back to it."""

    value: bytes = field(repr=False)

    @property
    def fingerprint(self) -> str:
        """Tells this secret from another."""
        return self._mac("fingerprint").hex()[:16]

    def draw(self, drawer: Drawer, slug: str, student: str, attempt: int) -> Draw:
        """The variant of `student`, who is known by the id alone.

        `attempt` counts draws that were not accepted.

        Raises:
            AssignmentError: as `Drawer.values`.
        """
        who = unicodedata.normalize("NFC", student).casefold()  # as file systems and login names do
        drawn = Draw(drawer.values(self._mac("draw", slug, who, attempt)))
        return Draw(
            drawn.values,
            self._mac("tag", slug, who, attempt, drawn.digest).hex()[:16],
            self.fingerprint,
        )

    def _mac(self, *words: str | int) -> bytes:
        return hmac.digest(self.value, json.dumps(words).encode(), hashlib.sha256)
