"""docs/reference/command-line.md says what the command line takes.

GRADSTEP_UPDATE_GOLDEN=1 writes the page anew; its diff is read in review.
"""

import enum
import os
import textwrap
import typing
from pathlib import Path

from typer.main import get_command

from autograder.cli import app
from autograder.cli.options import CORES

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "command-line.md"
HEAD = """\
# The command line

Made from the program by `tests/cli/test_command_line_docs.py`; each command's `--help` says the
same. A command works in the course that it is called in, or in a folder below; `--course` names
another.

| exit code | meaning |
| --- | --- |
| 0 | done |
| 1 | done, but a submission is ungradable, could not be collected or exported, or checks failed their test |
| 2 | wrong use, or a file of the assignment is wrong |
| 3 | this machine can't isolate student code as the assignment requires |
| 130 | stopped by Ctrl-C; the same command goes on from there |

`autograder check` is for students and has [codes of its own](../ci.md#what-students-get).
"""


def commands(group, before=""):
    for name, command in group.commands.items():
        if subcommands := getattr(command, "commands", None):
            assert subcommands
            yield from commands(command, f"{before}{name} ")
        else:
            yield f"{before}{name}", command


def section(name, command):
    """Heading, words, and a table of what it takes."""
    yield f"## autograder {name}"
    for paragraph in command.help.split("\n\n"):
        yield from ("", textwrap.fill(" ".join(paragraph.split()), 100, break_on_hyphens=False))
    if command.params:
        yield from ("", "| | | default |", "| --- | --- | --- |")
    for parameter in sorted(command.params, key=lambda one: bool(one.opts[0].startswith("-"))):
        yield row(parameter, choices(command, parameter.name))


def choices(command, name):
    """The values of an option that takes one of a few."""
    hint = typing.get_type_hints(command.callback).get(name)
    kinds = (hint, *typing.get_args(hint))
    return [str(one.value) for kind in kinds if isinstance(kind, enum.EnumMeta) for one in kind]


def row(parameter, allowed):
    option = parameter.opts[0].startswith("-")
    value = (
        ""
        if getattr(parameter, "is_flag", False)
        else f" {parameter.metavar or parameter.name.upper()}"
    )
    names = (
        [f"`{name}{value}`" for name in parameter.opts]
        if option
        else [f"`{parameter.metavar or parameter.name.upper()}`"]
    )
    words = (parameter.help or "").replace("|", "\\|").replace("<", "&lt;")
    if allowed:
        words += f" One of {', '.join(f'`{one}`' for one in allowed)}."
    if parameter.envvar:
        words += f" Also by the variable `{parameter.envvar}`."
    return f"| {', '.join(names)} | {words} | {default(parameter)} |"


def default(parameter):
    if parameter.required:
        return "required"
    if parameter.name == "jobs":
        assert parameter.default == CORES
        return "as many as there are cores"
    shown = parameter.default
    return "" if shown is None or shown == "" or isinstance(shown, bool) else f"`{shown}`"


def page():
    parts = [HEAD]
    parts += [
        "\n".join(section(name, command)) + "\n" for name, command in commands(get_command(app))
    ]
    return "\n".join(parts)


def test_the_page_says_what_the_program_takes():
    made = page()
    if os.environ.get("GRADSTEP_UPDATE_GOLDEN"):
        PAGE.write_text(made, encoding="utf-8")
    assert PAGE.read_text(encoding="utf-8") == made


def test_every_option_is_explained():
    """A word to each, and what it is when left out."""
    for name, command in commands(get_command(app)):
        assert command.help, name
        for parameter in command.params:
            assert parameter.help, (name, parameter.name)
