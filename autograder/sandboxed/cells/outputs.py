"""The outputs of a cell, in nbformat 4 form, collected under a limit for the whole submission."""

from __future__ import annotations

import io
import json
from base64 import b64encode
from collections.abc import Mapping
from typing import Any, TextIO, cast

from autograder.sandboxed.text import clean

LEFT_OUT = "[output over the limit was left out]"
_TEXT_LIMIT = 100_000
"""Characters of stdout and stderr text that go into a run's `output`."""


class Outputs:
    """Collects text and rich outputs in order.

    Text of neighbouring writes to one stream becomes one output.
    """

    def __init__(self, limit_bytes: int) -> None:
        self._left = limit_bytes
        self._text_limit = _TEXT_LIMIT
        self.start()

    def start(self, text_limit: int = _TEXT_LIMIT) -> None:
        """Begin a new cell or call; what the submission has used of its limit stays used."""
        self._items: list[dict[str, Any]] = []
        self._parts: list[str] = []
        self._stream = ""
        self._text: list[str] = []
        self._text_left = self._text_limit = text_limit
        self._clear_at_next = False
        self._said = False
        self._displayed: dict[str, dict[str, Any]] = {}

    def limit(self, limit_bytes: int) -> None:
        """Set what is left of the limit."""
        self._left = limit_bytes

    def write(self, stream: str, text: str) -> None:
        """Add `text` to "stdout" or "stderr"."""
        if self._clear_at_next:
            self.clear()
        taken = text[: max(0, self._left)]
        self._left -= len(taken)
        if self._text_left > 0 and taken:
            self._text.append(taken[: self._text_left])
            self._text_left -= len(taken)
        if stream != self._stream:
            self._flush()
            self._stream = stream
        if taken:
            self._parts.append(taken)
        if len(taken) < len(text) and not self._said:
            self._said = True
            self._parts.append(f"\n{LEFT_OUT}\n")
            self._text.append(f"\n{LEFT_OUT}\n")

    def show(
        self, output_type: str, data: Mapping[str, Any], metadata: Any, **more: Any
    ) -> dict[str, Any]:
        """Add a display_data or execute_result; return it, so that an update can change it."""
        self._before()
        output = {
            "output_type": output_type,
            "data": self._bundle(data),
            "metadata": _jsonable(metadata) or {},
            **more,
        }
        self._items.append(output)
        return output

    def display(
        self, data: Mapping[str, Any], metadata: Any, display_id: str | None, *, update: bool
    ) -> None:
        """Add a display_data, or change the one of this cell with the same id."""
        if update and display_id in self._displayed:
            self._displayed[display_id].update(
                data=self._bundle(data), metadata=_jsonable(metadata) or {}
            )
            return
        output = self.show("display_data", data, metadata)
        if display_id:
            self._displayed[display_id] = output

    def fail(self, name: str, value: str, traceback: list[str]) -> None:
        """Add an error output."""
        self._before()
        lines = [clean(line, 10_000) for line in traceback[:200]]
        self._left -= sum(map(len, lines))
        self._items.append(
            {"output_type": "error", "ename": name, "evalue": value, "traceback": lines}
        )

    def clear(self, *, wait: bool = False) -> None:
        """Forget this cell's outputs, now or (wait) when the next one comes."""
        if wait:
            self._clear_at_next = True
            return
        self._clear_at_next = False
        self._items, self._parts, self._stream = [], [], ""
        self._displayed.clear()

    @property
    def text(self) -> str:
        """Text that went to stdout and stderr, capped."""
        return clean("".join(self._text), self._text_limit + 100)

    def json(self) -> str:
        """The outputs so far as JSON text of a list."""
        self._flush()
        return clean(json.dumps(self._items, ensure_ascii=False), 1 << 31)

    def _before(self) -> None:
        if self._clear_at_next:
            self.clear()
        self._flush()

    def _flush(self) -> None:
        if self._parts:
            self._items.append(
                {"output_type": "stream", "name": self._stream, "text": "".join(self._parts)}
            )
        self._parts, self._stream = [], ""

    def _bundle(self, data: Mapping[str, Any]) -> dict[str, Any]:
        bundle = {}
        for mime, value in data.items():
            content = b64encode(value).decode() if isinstance(value, bytes) else _jsonable(value)
            if isinstance(mime, str) and content is not None:
                bundle[mime] = content
        size = sum(len(str(content)) for content in bundle.values())
        if size > self._left:
            return {"text/plain": LEFT_OUT}
        self._left -= size
        return bundle


class Stream(io.TextIOBase):
    """Stand-in for sys.stdout or sys.stderr while a notebook runs."""

    def __init__(self, outputs: Outputs, name: str) -> None:
        self._outputs, self._name = outputs, name

    @property
    def encoding(self) -> str:  # type: ignore[override]
        """Always UTF-8."""
        return "utf-8"

    def write(self, text: str) -> int:
        """Add to the outputs; returns the number of characters."""
        if str not in type(text).__mro__:  # a student may pass anything
            message = f"write() argument must be str, not {type(text).__name__}"
            raise TypeError(message)
        self._outputs.write(self._name, text)
        return len(text)

    def isatty(self) -> bool:
        """No terminal, hence no colours."""
        return False

    def fileno(self) -> int:
        """The process's own descriptor, for subprocesses."""
        return 1 if self._name == "stdout" else 2

    def writable(self) -> bool:
        """Yes."""
        return True


def streams(outputs: Outputs) -> tuple[TextIO, TextIO]:
    """New stdout and stderr that write to `outputs`."""
    return cast("TextIO", Stream(outputs, "stdout")), cast("TextIO", Stream(outputs, "stderr"))


def _jsonable(value: object) -> Any:
    """Return `value` if it is plain JSON, else None."""
    try:
        json.dumps(value)
    except (TypeError, ValueError, RecursionError):
        return None
    return value
