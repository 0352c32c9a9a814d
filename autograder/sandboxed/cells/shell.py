# ruff: noqa: T201, ARG002, S603, SLF001, SIM105
# Runs students' commands by design; signatures are IPython's, and get_ipython() reads _instance.
"""Notebook cells without a kernel: IPython's shell, made once before forking, with a display hook
and publisher of our own.

Unlike a kernel there is no `get_ipython().kernel`, widgets have no comm, and update_display reaches
only displays of the same cell.
"""

from __future__ import annotations

import ast
import asyncio
import gc
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from IPython.core.compilerop import CachingCompiler
from IPython.core.displayhook import DisplayHook
from IPython.core.displaypub import DisplayPublisher
from IPython.core.interactiveshell import InteractiveShell
from IPython.utils.text import LSString, SList
from traitlets import Type
from traitlets.config import Config

from autograder.sandboxed.cells.offline import (
    installer_notice,
    notice,
    offer_colab_modules,
    refuse_input,
)
from autograder.sandboxed.cells.outputs import Outputs, streams
from autograder.sandboxed.text import clean, message_of

_COMMAND = ("cmd", "/c") if sys.platform == "win32" else ("/bin/sh", "-c")

COLLECTED = Outputs(4 << 20)
"""Where everything of this process goes; IPython makes its display objects itself, hence one per
process.
"""


class _Publisher(DisplayPublisher):  # type: ignore[misc]
    def publish(
        self,
        data: Any,
        metadata: Any = None,
        *,
        transient: Any = None,
        update: bool = False,
        **_more: Any,
    ) -> None:
        COLLECTED.display(data, metadata, (transient or {}).get("display_id"), update=update)

    # IPython's signature
    def clear_output(self, wait: bool = False) -> None:  # noqa: FBT001, FBT002
        COLLECTED.clear(wait=wait)


class _Hook(DisplayHook):  # type: ignore[misc]
    def write_output_prompt(self) -> None:
        pass

    def write_format_data(self, format_dict: Any, md_dict: Any = None) -> None:
        COLLECTED.show("execute_result", format_dict, md_dict, execution_count=self.prompt_count)

    def log_output(self, format_dict: Any) -> None:
        pass


class CellCompiler(CachingCompiler):  # type: ignore[misc]
    """Compiler that gives each executed cell a file name of its own.

    By that an error's line can be told from the traceback.
    """

    def __init__(self) -> None:
        super().__init__()
        self.cell, self.skipped_lines = "", 0
        self.places: dict[str, tuple[str, int]] = {}

    def get_code_name(self, raw_code: str, transformed_code: str, number: int) -> str:
        """Return a new name for a cell.

        `places` then maps it to the cell's id and the number of blank lines that IPython drops at
        the top.
        """
        name = f"<cell {len(self.places) + 1}>"
        self.places[name] = (self.cell, self.skipped_lines)
        return name

    def ast_parse(self, source: str, filename: str = "<unknown>", symbol: str = "exec") -> ast.AST:
        """Parse as IPython does, whatever threads of the student's parse meanwhile."""
        with _uncollected():
            return super().ast_parse(source, filename, symbol)  # type: ignore[no-any-return]


class Shell(InteractiveShell):  # type: ignore[misc]
    """IPython's shell with our outputs, without a terminal, history file or installers."""

    display_pub_class = Type(_Publisher)
    displayhook_class = Type(_Hook)
    compiler_class = Type(CellCompiler)

    def _showtraceback(self, etype: Any, evalue: Any, stb: list[str]) -> None:
        COLLECTED.fail(clean(getattr(etype, "__name__", str(etype)), 200), message_of(evalue), stb)

    def enable_gui(self, gui: Any = None) -> None:
        """No event loops of windows."""

    def ask_exit(self) -> None:
        """Do nothing for exit and quit as bare names.

        They do not stop a cell in a notebook either.
        """

    def system(self, cmd: str) -> None:
        """Run `!command`: its output goes to the cell. An installer does nothing and says so."""
        command = self.var_expand(cmd, depth=1)
        if said := installer_notice(command):
            print(said)
            self.user_ns["_exit_code"] = 0
            return
        with subprocess.Popen(
            [*_COMMAND, command],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
        ) as process:
            assert process.stdout is not None
            for line in process.stdout:
                sys.stdout.write(line)
        self.user_ns["_exit_code"] = process.returncode

    system_piped = system_raw = system

    # IPython's signature
    def getoutput(self, cmd: str, split: bool = True, depth: int = 0) -> Any:  # noqa: FBT001, FBT002
        """Run `names = !command` and return its output as a list of lines."""
        command = self.var_expand(cmd, depth=depth + 1)
        text = installer_notice(command)
        if text is None:
            done = subprocess.run(
                [*_COMMAND, command],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                errors="replace",
                check=False,
            )
            text = done.stdout
        return SList(text.splitlines()) if split else LSString(text)


@dataclass(frozen=True, slots=True)
class CellResult:
    """Execution count of one cell, and the exception that ended it, if one did."""

    execution_count: int | None
    error: BaseException | None


def make_shell() -> Shell:
    """The process's one shell. Slow (0.3 s): to be made before forking."""
    config = Config()
    config.HistoryManager.enabled = False
    config.HistoryManager.hist_file = ":memory:"
    config.InteractiveShell.colors = "nocolor"
    config.InteractiveShell.autoindent = False
    shell = Shell(config=config)
    Shell._instance = InteractiveShell._instance = shell  # get_ipython() looks here
    shell.display_formatter.active = True
    for tool in ("pip", "conda", "mamba", "uv"):
        shell.register_magic_function(
            lambda line, tool=tool: print(
                notice(f"{tool} {line.split()[0]}" if line.split() else tool)
            ),
            "line",
            tool,
        )
    try:
        shell.enable_matplotlib("inline")
    except ImportError:
        pass  # a course may do without plots
    refuse_input()
    offer_colab_modules()
    return shell


def collect_outputs(limit_bytes: int) -> None:
    """Send stdout and stderr to `COLLECTED` from now on, up to `limit_bytes` in all."""
    COLLECTED.limit(limit_bytes)
    sys.stdout, sys.stderr = streams(COLLECTED)


def run_cell(shell: Shell, loop: asyncio.AbstractEventLoop, cell: str, source: str) -> CellResult:
    """Run `source`, the code of the cell with id `cell`.

    One `loop` for the whole notebook, so that tasks live on between cells.
    """
    is_python = _is_python(source)
    before = None if is_python else re.match(r"(?:[ \t]*\n)*", source)
    shell.compile.cell, shell.compile.skipped_lines = (
        cell,
        before.group().count("\n") if before else 0,
    )
    count = shell.execution_count if source.strip() else None
    try:
        result = loop.run_until_complete(_run(shell, source, is_python=is_python))
    # SystemExit of a background task, or whatever student code lets out of the loop
    except BaseException as error:  # noqa: BLE001
        shell.showtraceback((type(error), error, error.__traceback__))
        return CellResult(count, error)
    return CellResult(result.execution_count, result.error_before_exec or result.error_in_exec)


@contextmanager
def _uncollected() -> Iterator[None]:
    """Hold the garbage collector off while a syntax tree is made.

    `autograder.syntax`, which this side does not import, says why.
    """
    collecting = gc.isenabled()
    try:
        gc.disable()
        yield
    finally:
        if collecting:
            gc.enable()


def _is_python(source: str) -> bool:
    """Tell whether the cell is Python as it stands.

    IPython's transformations, which take longer than a short cell, would leave it as it is.
    """
    try:
        with _uncollected():
            compile(
                source,
                "<cell>",
                "exec",
                ast.PyCF_ONLY_AST | ast.PyCF_ALLOW_TOP_LEVEL_AWAIT,  # noqa: TID251 - await
                dont_inherit=True,
            )
    except (SyntaxError, ValueError, MemoryError, RecursionError):
        return False
    return True


async def _run(shell: Shell, source: str, *, is_python: bool) -> Any:
    failure, transformed = None, source
    if not is_python:
        try:
            transformed = shell.transform_cell(source)
        except Exception:  # noqa: BLE001 - shown as the cell's error
            failure = sys.exc_info()
    result = await shell.run_cell_async(
        source, store_history=True, transformed_cell=transformed, preprocessing_exc_tuple=failure
    )
    for event, arguments in (
        ("post_execute", ()),
        ("post_run_cell", (result,)),
    ):  # run_cell_async leaves these to its caller; figures need them
        shell.events.trigger(event, *arguments)
    return result
