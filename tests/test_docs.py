"""What the README and the docs show works."""

import re
from pathlib import Path

import pytest
from typer.main import get_command

from autograder.cli import app

ROOT = Path(__file__).parent.parent
PAGES = [
    ROOT / "README.md",
    *sorted((ROOT / "docs").rglob("*.md")),
    ROOT / "examples" / "README.md",
]


def blocks(language):
    found = [
        (page, text)
        for page in PAGES
        for text in re.findall(rf"```{language}\n(.*?)```", page.read_text(), re.DOTALL)
    ]
    assert found or language != "python"
    return [
        pytest.param(text, id=f"{page.name}-{number}") for number, (page, text) in enumerate(found)
    ]


@pytest.mark.parametrize("text", blocks("python"))
def test_python_examples_run(text):
    """Each in a namespace of its own."""
    exec(compile(text, "<example>", "exec"), {"__name__": "example"})


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_commands_and_options_exist(page):
    """Every `autograder ...` that a page names is a command, with those options."""
    commands = get_command(app).commands
    for line in re.findall(r"`(autograder [^`]+)`", page.read_text()):
        _, name, *words = line.split()
        assert name in commands, line
        command = commands[name]
        if words and not words[0].startswith("-") and words[0] in getattr(command, "commands", {}):
            command = command.commands[words.pop(0)]
        options = {option for parameter in command.params for option in parameter.opts}
        assert {word.split("=")[0] for word in words if word.startswith("-")} <= options, line


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_and_paths_exist(page):
    """Relative links, and paths into the repository in code marks."""
    text = page.read_text()
    links = re.findall(r"\]\(([^)#:]+)\)", text)
    paths = re.findall(
        r"`((?:assignments|autograder|solutions|templates|tests|docs|benchmarks)/[\w./-]+\.\w+)`",
        text,
    )
    assert [link for link in links if not (page.parent / link).exists()] == []
    assert [path for path in paths if not (ROOT / path).exists()] == []


def test_make_targets_exist():
    """The README's two commands, and those that it does not name."""
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert (
        set(re.findall(r"^make (\w+)", (ROOT / "README.md").read_text(), re.MULTILINE)) <= targets
    )
