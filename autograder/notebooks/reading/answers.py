"""Answers that students wrote for a person to mark: what stands in the answer cells of a restored
notebook, or in the cells below a task.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass

from autograder.notebooks.cells import Role, grade_id_of, role_of
from autograder.notebooks.libraries import NotebookNode


@dataclass(frozen=True, slots=True)
class Answer:
    """The text of one answer cell; `blank` if it is empty or as released, but for white space."""

    text: str
    blank: bool

    @property
    def digest(self) -> str:
        """Twelve hexadecimal digits that tell this answer from another.

        White space at line ends and around the whole is the editor's.
        """
        return hashlib.sha256(_words(self.text).encode("utf-8", "surrogatepass")).hexdigest()[:12]


def read_answers(notebook: NotebookNode, release: NotebookNode) -> Mapping[str, Answer]:
    """Read answers by the id of their cell.

    An answer cell of `release` that `notebook` lacks has none.
    """
    released = {
        grade_id_of(cell): str(cell["source"])
        for cell in release["cells"]
        if role_of(cell) is Role.ANSWER
    }
    texts = {
        grade_id_of(cell): str(cell["source"])
        for cell in notebook["cells"]
        if grade_id_of(cell) in released
    }
    found = {
        name: Answer(text, _words(text) in ("", _words(released[name])))
        for name, text in texts.items()
    }
    tasks = {grade_id_of(cell) for cell in release["cells"] if role_of(cell) is Role.TASK}
    return found | {
        name: Answer(text, blank=False) for name, text in _below_tasks(notebook, tasks).items()
    }


def _below_tasks(notebook: NotebookNode, tasks: set[str]) -> dict[str, str]:
    """Return what a student put below each task: all cells up to the next released one.

    nbgrader leaves it to a person to see that there is nothing.
    """
    found: dict[str, str] = {}
    task = ""
    for cell in notebook["cells"]:
        name = grade_id_of(cell)
        if name:
            task = name if name in tasks else ""
            if task:
                found[task] = ""
        elif task:
            found[task] += f"{cell['source']}\n"
    return found


def _words(text: str) -> str:
    return "\n".join(line.rstrip() for line in text.strip().splitlines())
