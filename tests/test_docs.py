"""What the README and the docs show works, and is written as the house writes."""

import importlib.util
import inspect
import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml
from typer.main import get_command

from autograder.checks import call
from autograder.cli import app
from autograder.judgement.grade import Visibility
from autograder.mistakes.mutants import OPERATORS

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"
REFERENCE = sorted((DOCS / "reference").glob("*.md"))
PAGES = [
    ROOT / "README.md",
    *(page for page in sorted(DOCS.rglob("*.md")) if page not in REFERENCE),
    ROOT / "examples" / "README.md",
    *REFERENCE,
    *(ROOT / f"{name}.md" for name in ("ARCHITECTURE", "CONTRIBUTING", "SECURITY")),
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


def commands_of(page):
    blocks = re.findall(r"```console\n(.*?)```", page.read_text(), re.DOTALL)
    lines = [line for block in blocks for line in block.splitlines() if line.startswith("$ ")]
    return [line.partition("  #")[0].strip() for line in lines]


def test_the_readme_is_a_page():
    """With the ten commands of the tutorial, which a test runs."""
    readme = ROOT / "README.md"
    assert len(readme.read_text().splitlines()) <= 100
    assert commands_of(readme) == commands_of(DOCS / "first-course.md")


def test_the_architecture_names_what_is_there():
    """Paths in code marks, from the root or from the package."""
    text = (ROOT / "ARCHITECTURE.md").read_text()
    paths = re.findall(r"`((?:\w+/)+(?:[\w-]+\.\w+)?)`", text)
    assert len(paths) > 30
    assert [
        one for one in paths if not any((top / one).exists() for top in (ROOT, ROOT / "autograder"))
    ] == []
    picture = re.search(r"```\n(.*?)```", text, re.DOTALL)[1]
    package = ROOT / "autograder"  # an old checkout has folders with nothing but Python's caches
    rooms = {
        path.relative_to(package).parts[0].removesuffix(".py") for path in package.rglob("*.py")
    }
    private = {"__init__", "standalone"}
    assert [
        room for room in sorted(rooms - private) if not re.search(rf"\b{room}\b", picture)
    ] == []


def prose_beyond(text, columns=100):
    """Lines of prose that are too wide: no code, no table, no comment, nothing that can't be
    broken.
    """
    fenced = False
    for line in text.splitlines():
        fenced ^= line.lstrip().startswith("```")
        bare = re.sub(r"\]\([^)]*\)", "]", line)
        if (
            not fenced
            and len(bare) > columns
            and " " in bare.strip()
            and not line.startswith(("|", "<!--", "    ", "#"))
        ):
            yield line


def test_prose_is_at_most_100_columns_wide():
    """Of every page in the tree; tables, links and code may be wider."""
    if not shutil.which("git") or not (ROOT / ".git").exists():
        pytest.skip("needs git and a repository: an unpacked archive may hold other pages")
    names = subprocess.run(
        ["git", "ls-files", "*.md"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    pages = [ROOT / name for name in names.splitlines() if (ROOT / name).is_file()]
    assert {page: found for page in pages if (found := list(prose_beyond(page.read_text())))} == {}


@pytest.mark.parametrize(
    ("line", "found"),
    [("word " * 20, False), ("word " * 21, True), ("| cell " * 20, False), ("w" * 120, False)],
)
def test_wide_prose_is_found(line, found):
    assert bool(list(prose_beyond(f"# Title\n\n{line.strip()}\n"))) == found
    assert not list(prose_beyond(f"```\n{line}\n```\n"))


def test_every_decision_is_listed():
    """In the index and in the site's navigation, each under a number of its own, with its title."""
    files = sorted((DOCS / "decisions").glob("[0-9]*.md"))
    titles = {page.name: page.read_text().split("\n", 1)[0] for page in files}
    assert [
        name
        for name, title in titles.items()
        if not re.fullmatch(rf"# {name[:3]} [A-Z].*[^.:]", title)
    ] == []
    assert [int(name[:3]) for name in titles] == list(range(1, len(titles) + 1))
    rows = re.findall(
        r"^\| (\d{3}) \| \[(.+)\]\((.+)\) \|$",
        (DOCS / "decisions" / "index.md").read_text(),
        re.MULTILINE,
    )
    assert {name: f"# {number} {title}" for number, title, name in rows} == titles
    navigation = re.findall(
        r"^ +- decisions/(\d.*)$", (ROOT / "mkdocs.yml").read_text(), re.MULTILINE
    )
    assert navigation == list(titles)


def test_the_catalogue_has_every_row_that_is_cited():
    """Numbered from 1 without a gap; each names the operators that make it."""
    text = (DOCS / "mistake-catalogue.md").read_text()
    rows = re.findall(
        r"^\| (\d+) \| .+ \| .+ \| (?:yes|no|in part) \| (.*) \|$", text, re.MULTILINE
    )
    assert [int(number) for number, _ in rows] == list(range(1, len(rows) + 1))
    listed = {
        (int(number), code) for number, codes in rows for code in re.findall(r"`(.+?)`", codes)
    }
    assert listed == {(row, operator.code) for operator in OPERATORS for row in operator.rows}
    written = [path.read_text() for path in (ROOT / "solutions").glob("*/mistakes.py")]
    cited = {
        int(row)
        for text in written
        for some in re.findall(r"rows=\(([\d, ]+)\)", text)
        for row in re.findall(r"\d+", some)
    }
    assert cited
    assert cited <= set(range(1, len(rows) + 1))
    none = re.search(r"^Operators that stand for no row: (.*?)\.$", text, re.MULTILINE | re.DOTALL)[
        1
    ]
    assert set(re.findall(r"`(.+?)`", none)) == {
        operator.code for operator in OPERATORS if not operator.rows
    }


@pytest.mark.parametrize("page", REFERENCE, ids=lambda page: page.name)
def test_titled_excerpts_stand_in_their_files(page):
    """Piece by piece between lines `...`, where the file is one of this course."""
    for name, excerpt in re.findall(
        r'```python title="(\S+)"\n(.*?)```', page.read_text(), re.DOTALL
    ):
        if (ROOT / name).exists():
            text = (ROOT / name).read_text()
            assert [
                piece
                for piece in re.split(r"^\.\.\.\n", excerpt, flags=re.MULTILINE)
                if piece not in text
            ] == []


def test_the_hooks_run_what_lint_runs():
    """Line by line, in the same order."""
    hooks = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())["repos"][0]["hooks"]
    recipe = re.search(r"^lint:.*\n((?:\t.*\n)+)", (ROOT / "Makefile").read_text(), re.MULTILINE)[1]
    assert [hook["entry"] for hook in hooks] == recipe.replace("$(BIN)", ".venv/bin").replace(
        "\t", ""
    ).splitlines()


@pytest.fixture(scope="module")
def site():
    """docs/hooks.py, as MkDocs loads it."""
    spec = importlib.util.spec_from_file_location("hooks", DOCS / "hooks.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.seconds("griffe reads the whole package")
def test_what_check_authors_use_has_words_and_a_page(site):
    """As `make docs` asks."""
    names = list(site.public_names(paths=[str(ROOT)]))
    shown = {
        name
        for page in REFERENCE
        for name in re.findall(r"^::: (\S+)", page.read_text(), re.MULTILINE)
    }
    assert len(names) > 20
    assert [one.path for one in names if one.path not in shown] == []
    assert [path for one in names for path in site.undocumented(one)] == []


def test_the_options_of_a_call_are_those_of_the_program():
    """With their defaults; and so are the words for when students see a check."""
    text = (DOCS / "reference" / "checks.md").read_text()
    section = text[
        text.index("::: autograder.checks.call\n") : text.index("::: autograder.checks.cell\n")
    ]
    rows = re.findall(r"^\| `(\w+)` \| .+? \| (.+?) \| .+ \|$", section, re.MULTILINE)
    words = {inspect.Parameter.empty: "required", None: "none", "": '`""`'}
    given = [
        one
        for one in inspect.signature(call).parameters.values()
        if one.kind is not one.VAR_KEYWORD
    ]
    assert rows == [(one.name, words.get(one.default, f"`{one.default}`")) for one in given]
    assert re.findall(r'^\| `"(\w+)"` \|', text, re.MULTILINE) == list(Visibility)


def test_names_without_words_are_found(site, tmp_path):
    """Functions, values, methods, and fields that the class says nothing of."""
    (tmp_path / "told.py").write_text(
        '__all__ = ["A", "f", "g", "value"]\n\ndef f(): ...\n\ndef g():\n    """Words."""\n\nvalue = 1\n\n'
        'class A:\n    """`kept` is told."""\n\n    kept: int\n    other: int\n\n    def method(self): ...\n\n    def _own(self): ...\n'
    )
    names = site.public_names({"told": None}, paths=[str(tmp_path)])
    assert [path for one in names for path in site.undocumented(one)] == [
        "told.A.other",
        "told.A.method",
        "told.f",
        "told.value",
    ]


def test_requests_of_a_page_are_found(site):
    """Scripts, pictures and style sheets from elsewhere; links may lead anywhere."""
    quiet = '<a href="https://x.org">x</a><script src="own.js"></script><link rel="canonical" href="https://x.org">'
    loud = '<script src="https://x.org/a.js"></script><img alt="" src=https://x.org/b.png><link rel="stylesheet" href="https://x.org/c.css">'
    assert site.fetched(quiet) == []
    assert site.fetched(loud) == [
        "https://x.org/a.js",
        "https://x.org/b.png",
        "https://x.org/c.css",
    ]
