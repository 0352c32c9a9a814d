"""The walk of one failing submission, from the command to grade.json: how many modules it takes,
and how often it changes rooms.

    python benchmarks/walk.py [student] [--calls]

A module counts once one of its functions is called in the host; imports aside. Each function counts
where it is called first, so that a loop is one step; rooms are the folders of `autograder/`, and the
modules beside them are rooms of their own. The reference's runs are there already, as they are for
all but the first submission.
"""

import contextlib
import io
import sys
import tempfile
import threading
from itertools import pairwise
from pathlib import Path
from types import FrameType

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "autograder"
STUDENT = "mei"  # never clears gradients
FIRST = "bruno"
MODULES, CHANGES = 60, 60
"""Bars."""


class Steps:
    """Functions of the package in the order in which they are first called."""

    def __init__(self) -> None:
        self.found: list[tuple[str, str]] = []
        self._seen: set[object] = set()
        self._lock = threading.Lock()
        self.over = False

    def notice(self, frame: FrameType, event: str, _arg: object) -> None:
        """A profile function, for `sys.setprofile`."""
        code = frame.f_code
        if event != "call" or self.over or code in self._seen or code.co_name.startswith("<"):
            return
        path = Path(code.co_filename)
        if not path.is_relative_to(PACKAGE) or self._importing(frame):
            return
        with self._lock:
            self._seen.add(code)
            name = ".".join(path.relative_to(PACKAGE).with_suffix("").parts)
            self.found.append((name.removesuffix(".__init__"), code.co_qualname))
            self.over = code.co_name == "write_grade"

    @staticmethod
    def _importing(frame: FrameType | None) -> bool:
        while frame is not None:
            if frame.f_code.co_name == "<module>" and "importlib" in str(frame.f_back):
                return True
            frame = frame.f_back
        return False


def command(student: str, results: Path) -> None:
    """Grade one student of the lecture's class as the command does."""
    from autograder.cli import app

    words = ["grade", "optimizers", str(ROOT / "examples/optimizers/submitted"), "--only", student]
    app(
        [*words, "--results", str(results), "--jobs", "1", "--course", str(ROOT)],
        standalone_mode=False,
    )


def main() -> None:
    """Print the walk's figures, and with --calls the walk."""
    student = next((word for word in sys.argv[1:] if not word.startswith("-")), STUDENT)
    steps = Steps()
    with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stdout(io.StringIO()):
        command(FIRST, Path(folder))
        threading.setprofile(steps.notice)
        sys.setprofile(steps.notice)
        command(student, Path(folder))
        sys.setprofile(None)
        threading.setprofile(None)
    modules = [module for module, _ in steps.found]
    rooms = [module.partition(".")[0] for module in modules]
    changes = sum(one != other for one, other in pairwise(rooms))
    if "--calls" in sys.argv:
        for module, name in steps.found:
            print(f"{module:<45} {name}")
    print(
        f"{len(steps.found)} functions in {len(set(modules))} modules (at most {MODULES}),"
        f" {changes} changes of room (at most {CHANGES})"
    )


if __name__ == "__main__":
    main()
