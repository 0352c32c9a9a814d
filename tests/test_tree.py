"""The checkout holds nothing but what is listed here, and nothing that nobody needs."""

import re
import shutil
import subprocess
from pathlib import Path, PurePosixPath

import pytest

ROOT = Path(__file__).parent.parent
TOP = {
    ".ci",
    ".github",
    ".gitignore",
    ".editorconfig",
    ".pre-commit-config.yaml",
    "assignments",
    "autograder",
    "solutions",
    "templates",
    "tests",
    "benchmarks",
    "docs",
    "examples",
    "fuzz",
    "pyproject.toml",
    "constraints.txt",
    "Makefile",
    "mkdocs.yml",
    "README.md",
    "CHANGELOG.md",
    "CONTRIBUTING.md",
    "ARCHITECTURE.md",
    "SECURITY.md",
    "LICENSE",
}
LEFTOVER = re.compile(
    r"\.(?:db|sqlite3?|py[co]|orig|rej|bak|tmp|log|sw[op]|prof|whl|egg-info)$|~$|^#.*#$|^\.DS_Store$|^\.ipynb_checkpoints$|^__pycache__$"
)
EMPTY = {"__init__.py", "examples/every-optimizer/students/ada.py"}
"""Markers of packages of tests, by name; and a student who wrote everything in the usual way."""

NAMED_BY_OTHERS = ("autograder/", "benchmarks/", "docs/", "fuzz/", "templates/", "tests/")
FOUND_BY_FOLDER = ("docs/decisions/", "tests/corpus/", "tests/reports/golden/")
FOUND_BY_PYTHON = {"__init__.py", "__main__.py", "conftest.py", "sitecustomize.py"}


def strays(files):
    """Of `files`, a dict from path to text ("" of what is no text): what does not belong there, and
    why.
    """
    found = {path: "not listed" for path in files if PurePosixPath(path).parts[0] not in TOP}
    found |= {
        path: "left over"
        for path in files
        if any(LEFTOVER.search(part) for part in PurePosixPath(path).parts)
    }
    return found


def unnamed(files):
    """Files of the package, of docs and the like that no other file names: modules by their stem,
    others by their name.
    """
    words = {
        path: set(re.findall(r"[\w-]+(?:\.[\w-]+)*", text)) | set(re.findall(r"[\w-]+", text))
        for path, text in files.items()
    }
    for path in files:
        name = PurePosixPath(path)
        if (
            not path.startswith(NAMED_BY_OTHERS)
            or path.startswith(FOUND_BY_FOLDER)
            or name.name in FOUND_BY_PYTHON
            or name.stem.startswith("test_")
        ):
            continue
        wanted = name.stem if name.suffix == ".py" else name.name
        if not any(wanted in those for other, those in words.items() if other != path):
            yield path


@pytest.fixture(scope="module")
def tracked():
    if not shutil.which("git") or not (ROOT / ".git").exists():
        pytest.skip(
            "needs git and a repository: an unpacked archive may hold what its owner put there"
        )
    listed = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.split("\0")[:-1]
    return [path for path in listed if (ROOT / path).is_file()]


@pytest.fixture(scope="module")
def texts(tracked):
    return {path: _text(ROOT / path) for path in tracked}


def _text(path):
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        return ""


def test_the_tree_holds_no_strays(texts):
    assert strays(texts) == {}


def test_no_file_is_empty(tracked):
    assert [
        path
        for path in tracked
        if not (ROOT / path).stat().st_size and not {path, PurePosixPath(path).name} & EMPTY
    ] == []


def test_every_file_is_named_by_another(texts):
    assert list(unnamed(texts)) == []


@pytest.mark.parametrize(
    ("path", "why"),
    [
        ("gradebook.db", "left over"),
        ("notes.txt", "not listed"),
        ("scratch/try.py", "not listed"),
        ("docs/guide.md~", "left over"),
        ("autograder/__pycache__/store.cpython-311.pyc", "left over"),
        ("tests/.ipynb_checkpoints/a.ipynb", "left over"),
        ("autograder/evidence/store.py.orig", "left over"),
    ],
)
def test_strays_are_found(path, why):
    assert strays({path: "", "README.md": ""}) == {path: why}


@pytest.mark.parametrize(
    "path",
    [
        "autograder/evidence/store.py",
        "docs/a.md",
        ".ci/run",
        "examples/optimizers/submitted/a/optimizers/timestamp.txt",
    ],
)
def test_what_belongs_there_is_left(path):
    assert strays({path: ""}) == {}


def test_files_that_nobody_names_are_found():
    files = {
        "autograder/used.py": "",
        "autograder/forgotten.py": "import autograder.used",
        "docs/linked.md": "[see](linked.md)",
        "docs/picture.png": "",
        "README.md": "docs/picture.png, docs/unlinked.md.old",
        "tests/test_used.py": "",
    }
    assert list(unnamed(files)) == ["autograder/forgotten.py", "docs/linked.md"]
