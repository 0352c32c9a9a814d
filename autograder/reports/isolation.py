"""How submissions were isolated, and a plain warning where their grades prove little."""

from __future__ import annotations

from typing import TYPE_CHECKING

from autograder.evidence.limits import Isolation
from autograder.reports.plain import plain_line

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from autograder.judgement.grade import Grade

NO_SANDBOX = "isolation: none — this code could read the reference and change this grade"
WEAK_SANDBOX = "isolation: weak — this code could read files that everybody on the machine can read"
NAMES_SHOWN = 10


def level_of(environment: Mapping[str, str]) -> Isolation:
    """Return the level that a run's environment records.

    NONE where it says nothing that is known: what is not known to have held did not.
    """
    level = environment.get("isolation", "")
    return Isolation(level) if level in set(Isolation) else Isolation.NONE


def isolation_warning(grade: Grade) -> str:
    """Warn that the sandbox did not hold; "" where it did, or where no code was run."""
    if not grade.provenance.evidence_key:
        return ""
    level = level_of(grade.provenance.environment)
    return {Isolation.NONE: NO_SANDBOX, Isolation.WEAK: WEAK_SANDBOX}.get(level, "")


def isolation_warnings(grades: Iterable[Grade]) -> list[str]:
    """A line for each warning, with the students whom it concerns."""
    found: dict[str, list[str]] = {}
    for grade in grades:
        if warning := isolation_warning(grade):
            found.setdefault(warning, []).append(plain_line(grade.student, 64))
    return [f"WARNING {warning} ({_named(students)})" for warning, students in found.items()]


def isolation_line(environment: Mapping[str, str]) -> str:
    """Say how submissions were isolated.

    The level, and each layer that did not hold with the reason.
    """
    layers = {
        name.removeprefix("layer: "): held
        for name, held in environment.items()
        if name.startswith("layer: ")
    }
    held = ", ".join(name for name, state in layers.items() if state == "yes") or "no layer"
    missing = "".join(f"; not {name}: {state}" for name, state in layers.items() if state != "yes")
    return f"Isolation  {environment.get('isolation', 'unknown')} ({held}{missing})"


def _named(students: list[str]) -> str:
    more = len(students) - NAMES_SHOWN
    return ", ".join(sorted(students)[:NAMES_SHOWN]) + (f" and {more} more" if more > 0 else "")
