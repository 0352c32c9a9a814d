"""Labels for torch's profiler, made only while it listens.

torch opens one for every optimizer step and every `zero_grad`, listened to or not: 27 of the 158 us
that a step of the lecture's loop takes with SGD, 54 of 229 with Adam.
"""

from __future__ import annotations

from typing import Any

from torch.autograd import profiler

_OF_TORCH = profiler.record_function


class Marker(_OF_TORCH):
    """torch's `record_function`, which costs next to nothing while no profiler is on."""

    def __enter__(self) -> Any:
        # torch asks this itself, and has no public name for it
        if profiler._is_profiler_enabled:  # noqa: SLF001
            return super().__enter__()  # type: ignore[no-untyped-call]
        self.record = None
        return self

    def __exit__(self, *error: object) -> None:
        if self.record is not None:
            super().__exit__(*error)


def mark_for_listeners_only() -> None:
    """From now on in this process.

    A torch that does not say whether its profiler is on is left as it is.
    """
    if hasattr(profiler, "_is_profiler_enabled"):
        profiler.record_function = Marker  # type: ignore[misc]
