"""What a submission may use, what it runs on, and how far it is isolated: what both sides of the
sandbox know of an assignment.
"""

from __future__ import annotations

from enum import StrEnum

import msgspec

MB = 1 << 20


class Isolation(StrEnum):
    """How much of the sandbox holds, weakest first."""

    NONE = "none"
    WEAK = "weak"
    GOOD = "good"
    STRONG = "strong"

    @property
    def rank(self) -> int:
        """Position in the order none < weak < good < strong."""
        return list(Isolation).index(self)


class Device(StrEnum):
    """Where an assignment's cells and calls run."""

    CPU = "cpu"
    CUDA = "cuda"


class Limits(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What one submission may use.

    CPU time is the limit that students meet; the wall limit only catches what waits. `cell_s`, if
    set, interrupts each cell after that many seconds, and the next one runs, as in nbgrader.
    """

    cpu_s: int = 60
    wall_s: int = 180
    memory_bytes: int = 2048 * MB
    processes: int = 32
    open_files: int = 256
    file_bytes: int = 64 * MB
    scratch_bytes: int = 256 * MB
    output_bytes: int = 4 * MB
    evidence_bytes: int = 64 * MB
    cell_s: int | None = None

    def __post_init__(self) -> None:
        for name in self.__struct_fields__:
            limit = getattr(self, name)
            if limit is not None and limit <= 0:
                message = f"Expected a number above 0 for {name}"
                raise ValueError(message)
