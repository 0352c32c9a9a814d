"""Docstrings open with a sentence, and lines are short enough to be read."""

import ast
import re
from pathlib import Path, PurePosixPath

import pytest

ROOT = Path(__file__).parents[1]
CLAUSE = re.compile(r"(?:That|What|Whether|Where|How|Why|Of|As|Who|Whose|Which|When|If)\b|\.\.\.|…")
"""The start of what is no sentence, but part of one that the reader has to think of."""

COLUMNS = 100
PRAGMA = re.compile(r"\s+# (?:type: ignore|noqa|fmt: skip)\b.*")
"""Words for tools at the end of a line, which nobody reads across."""

STUDENTS = "written as students write"
TABLE = "a table, a row a line (fmt: skip)"
PATTERN = "a regular expression"
PROGRAM = "the text of a program, as it is run"
EXEMPT = {
    "solutions/*/solution.py": "releases are cut from it: another line would be another release",
    "templates/ci/*.py": "written into repositories of others, with one command a line",
    "examples/*/scripts/*.py": STUDENTS,
    "examples/*/students/*.py": STUDENTS,
    "autograder/exchange/lms/canvas.py": PATTERN,
    "autograder/exchange/lms/moodle.py": TABLE,
    "autograder/judgement/test_cell.py": PATTERN,
    "autograder/notebooks/reading/staleness.py": PATTERN,
    "autograder/reports/inert_outputs.py": TABLE,
    "autograder/reports/plain.py": PATTERN,
    "autograder/reports/reference_values.py": TABLE,
    "autograder/sandboxed/cells/offline.py": PATTERN,
    "benchmarks/peers.py": PROGRAM,
    "fuzz/fuzz_assignments.py": TABLE,
    "fuzz/fuzz_frames.py": TABLE,
    "fuzz/fuzz_notebooks.py": TABLE,
    "fuzz/fuzz_scripts.py": TABLE,
    "fuzz/mutating.py": TABLE,
    "tests/exchange/test_nbgrader.py": TABLE,
    "tests/execution/test_mounts.py": PROGRAM,
    "tests/execution/test_pages.py": PROGRAM,
    "tests/execution/test_unforked.py": PROGRAM,
    "tests/judgement/test_updates.py": PROGRAM,
    "tests/notebooks/test_archive.py": TABLE,
    "tests/helpers/nbgrader_course.py": TABLE,
    "tests/course/test_executed.py": PROGRAM,
    "tests/diagnosis/test_findings.py": PROGRAM,
    "tests/course/test_judging.py": TABLE,
    "tests/commands/grade/test_no_secrets.py": PROGRAM,
    "tests/people/test_students.py": TABLE,
    "tests/programs/correct_programs.py": PROGRAM,
    "tests/helpers/report_samples.py": TABLE,
    "tests/courses/test_every_optimizer_docs.py": TABLE,
    "tests/cli/test_command_line_docs.py": TABLE,
    "tests/test_docs.py": PROGRAM,
    "docs/hooks.py": PATTERN,
}
"""Files that may have longer lines, and why."""


def fragments(text):
    """Yield line and docstring of the definitions whose docstring opens with a clause."""
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            told = ast.get_docstring(node) or ""
            if CLAUSE.match(told):
                yield node.lineno, told


def long_lines(text):
    """Return the numbers of the lines that are longer than `COLUMNS` characters."""
    lines = enumerate(text.splitlines(), 1)
    return [number for number, line in lines if len(PRAGMA.sub("", line)) > COLUMNS]


def exempted_by(path):
    return next((one for one in EXEMPT if PurePosixPath(path).match(one)), None)


@pytest.fixture(scope="module")
def texts(tracked):
    """Programs by path; one of a student's is no UTF-8."""
    return {
        path: (ROOT / path).read_text(encoding="utf-8", errors="replace")
        for path in tracked
        if path.endswith(".py")
    }


def test_docstrings_open_with_a_sentence(texts):
    assert [
        f"{path}:{line}: {told.splitlines()[0]}"
        for path in texts
        if path.startswith("autograder/")
        for line, told in fragments(texts[path])
    ] == []


def test_no_line_is_too_long(texts):
    assert [
        f"{path}:{line}"
        for path in texts
        if not exempted_by(path)
        for line in long_lines(texts[path])
    ] == []


def test_every_exemption_is_needed(texts):
    needed = {exempted_by(path) for path in texts if exempted_by(path) and long_lines(texts[path])}
    assert EXEMPT.keys() - needed == set()


@pytest.mark.parametrize(
    "opening",
    [
        "That it holds.",
        "What it is.",
        "Whether it is.",
        "Where it is.",
        "How it is.",
        "Why it is.",
        "Of this process.",
        "As `get`.",
        "Who did it.",
        "Whose it is.",
        "Which one it is.",
        "When it was.",
        "If it is.",
        "... and so on.",
    ],
)
@pytest.mark.parametrize(
    "definition",
    [
        "def f():\n    {}",
        "async def f():\n    {}",
        "class A:\n    {}",
        "class A:\n    def f(self):\n        {}",
    ],
)
def test_a_clause_is_found(definition, opening):
    assert [told for _, told in fragments(definition.format(f'"""{opening}"""'))] == [opening]


@pytest.mark.parametrize(
    "opening", ["Return what it is.", "Tell whether it is.", "Assert that it is.", "Offset of it."]
)
def test_a_sentence_is_no_clause(opening):
    assert list(fragments(f'def f():\n    """{opening}"""')) == []


def test_characters_are_counted_not_bytes():
    assert long_lines(f"{'é' * COLUMNS}\n{'é' * (COLUMNS + 1)}") == [2]


def test_words_for_tools_are_not_counted():
    assert long_lines(f"{'x' * COLUMNS}  # type: ignore[arg-type]") == []
    assert long_lines(f"{'x' * COLUMNS}  # a comment") == [1]
