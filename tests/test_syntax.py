import ast
import gc
import subprocess
import sys
import threading
import time
import warnings
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from autograder.notebooks.reading.notebook_file import read_notebook_file
from autograder.syntax import syntax_tree, undisturbed

ONE_COUNT_FOR_ALL = sys.version_info < (3, 11, 8)
LONG = "x = f(1, [2, 3])\n" * 500
"""Some 5,000 nodes: a collection that is due after 1,000 of them comes in their midst."""


class Garbage:
    """Runs `finalizer` when the collector finds it, and only then: it refers to itself."""

    def __init__(self, finalizer):
        self.finalizer, self.itself = finalizer, self

    def __del__(self):
        self.finalizer()


@pytest.fixture
def due_in_the_midst():
    """Make garbage whose finalizer runs in the midst of the next long tree that is not
    undisturbed.
    """
    threshold = gc.get_threshold()

    def make(finalizer):
        gc.collect()
        gc.set_threshold(1000)
        Garbage(finalizer)

    yield make
    gc.collect()  # pytest parses, too
    gc.set_threshold(*threshold)


def parse_in_a_finalizer(parse):
    """A finalizer that parses: deeper in the stack than the tree that it comes between, so the
    counts differ.
    """
    return lambda: parse("y = (1, 2)")


def in_another_thread(parse):
    """A finalizer that lets another thread parse, and waits until that is done, or can't be for
    now.
    """

    def finalizer():
        thread = threading.Thread(target=parse, args=("y = (1, 2)",), daemon=True)
        thread.start()
        thread.join(0.2)

    return finalizer


FINALIZERS = pytest.mark.parametrize("finalizer_of", [parse_in_a_finalizer, in_another_thread])


@FINALIZERS
@pytest.mark.skipif(
    not ONE_COUNT_FOR_ALL,
    reason="this Python counts the depth of each tree for itself: nothing to provoke",
)
def test_a_bare_parse_fails_if_a_collection_lets_another_parse_in(finalizer_of, due_in_the_midst):
    """What the tests below survive is real, and provoked by the same means."""
    due_in_the_midst(finalizer_of(ast.parse))
    with pytest.raises(SystemError, match="AST constructor recursion depth mismatch"):
        ast.parse(LONG)


@FINALIZERS
@pytest.mark.parametrize("others", [ast.parse, syntax_tree])
def test_nothing_comes_between_a_trees_nodes(finalizer_of, others, due_in_the_midst):
    ran = []

    def finalizer():
        finalizer_of(others)()
        ran.append(1)

    due_in_the_midst(finalizer)
    assert len(syntax_tree(LONG).body) == 500
    gc.collect()
    assert ran  # late, but not lost


@pytest.mark.parametrize("others", [ast.parse, syntax_tree])
def test_libraries_that_parse_are_undisturbed(others, due_in_the_midst):
    due_in_the_midst(parse_in_a_finalizer(others))
    with undisturbed():
        assert len(ast.parse(LONG).body) == 500


def test_threads_that_parse_while_garbage_sleeps(due_in_the_midst):
    """As `grade` meets it. Of as many bare trees 1 to 5 failed each time."""
    due_in_the_midst(lambda: None)

    def statements(_):
        Garbage(lambda: time.sleep(0.001))
        return len(syntax_tree("x = f(1, [2, 3])\n" * 150).body)

    with ThreadPoolExecutor(2) as pool:
        assert list(pool.map(statements, range(60))) == [150] * 60


def test_a_thread_that_is_done_does_not_turn_the_collector_on_for_another():
    left, collecting = threading.Event(), []

    def enter():
        with undisturbed():
            assert left.wait(10)
            collecting.append(gc.isenabled())

    other = threading.Thread(target=enter)
    with undisturbed():
        other.start()
        other.join(0.05)  # it would be inside by now
    left.set()
    other.join(10)
    assert (collecting, gc.isenabled()) == ([False], True)


def test_finalizers_that_parse_just_before_and_after_do_no_harm():
    """The lock is reentrant: a finalizer may run between taking it and turning the collector
    off.
    """
    with undisturbed():
        assert len(syntax_tree("x\ny").body) == 2
        assert not gc.isenabled()
    assert gc.isenabled()


@pytest.mark.parametrize("enabled", [True, False])
@pytest.mark.parametrize("source", ["x = 1", "x ="])
def test_the_collector_is_left_as_it_was(source, enabled):
    if not enabled:
        gc.disable()
    try:
        try:
            syntax_tree(source)
        except SyntaxError:
            assert source == "x ="
        assert gc.isenabled() is enabled
    finally:
        gc.enable()


@pytest.mark.parametrize(
    "source",
    [
        "x = 1\n",
        "def f(:\n",
        "x = 1\0",
        "-" * 100_000 + "1",
        "(" * 150 + ")" * 150,
        "x" + ".y" * 5000,
        "\ud800",
    ],
)
def test_trees_and_errors_are_those_of_a_bare_parse(source):
    def outcome(parse):
        try:
            return ast.dump(parse(source), include_attributes=True)
        except Exception as error:  # the error is what is compared
            return type(error), str(error)

    assert outcome(syntax_tree) == outcome(ast.parse)


def test_warnings_about_a_students_source_are_silent(recwarn):
    warnings.simplefilter("always")
    ast.parse('"\\d"')
    assert len(recwarn) == 1
    syntax_tree('"\\d"')
    assert len(recwarn) == 1


def test_a_script_is_read_while_others_parse(tmp_path, due_in_the_midst):
    """jupytext parses values in cells' headers; an error there would be the student's."""
    path = tmp_path / "work.py"
    path.write_text(f"# %% id='part1' values=[{'(1, 2), ' * 2000}]\nx = 1\n")
    reading = True

    def again_and_again():
        ast.parse("y = (1, 2)")
        if reading:
            Garbage(again_and_again)

    due_in_the_midst(again_and_again)
    try:
        (cell,) = read_notebook_file(path).cells
    finally:
        reading = False
        gc.collect()
    assert cell.source == "x = 1"


@pytest.mark.parametrize(
    ("place", "code", "banned"),
    [
        ("autograder/notebooks/new.py", "ast.parse(source)", True),
        ("autograder/sandboxed/new.py", 'compile(source, "", "exec", ast.PyCF_ONLY_AST)', True),
        ("autograder/notebooks/new.py", "ast.literal_eval(node)", False),
        ("tests/test_new.py", "ast.parse(source)", False),
    ],
)
def test_the_linter_refuses_a_bare_parse_in_the_package(place, code, banned):
    root = Path(__file__).parent.parent
    command = [
        sys.executable,
        "-m",
        "ruff",
        "check",
        "--select",
        "TID251",
        "--no-cache",
        "--stdin-filename",
        place,
        "-",
    ]
    done = subprocess.run(
        command,
        check=False,
        input=f"import ast\n{code}\n",
        cwd=root,
        text=True,
        capture_output=True,
    )
    assert ("TID251" in done.stdout, done.returncode) == (banned, int(banned)), (
        done.stdout + done.stderr
    )
