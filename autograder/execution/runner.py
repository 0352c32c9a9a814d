"""What runs submissions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from autograder.evidence.protocol import Call, CallBatch, ExecutionRequest
    from autograder.evidence.trace import Evidence
    from autograder.execution.devices import FoundDevice


class Runner(Protocol):
    """What runs a notebook's cells and calls: the sandbox's executor, or plain processes."""

    environment: dict[str, str]

    @property
    def device(self) -> FoundDevice:
        """Where it runs them."""

    def run(
        self,
        key: str,
        request: ExecutionRequest,
        calls: Sequence[Call],
        follow_up: Callable[[Evidence], Sequence[CallBatch]] | None = None,
    ) -> Evidence:
        """Run the cells, then the calls, then what `follow_up` asks for."""
