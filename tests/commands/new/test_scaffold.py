"""`autograder init` and `autograder new`, as an instructor types them: real processes in an empty
folder.
"""

import os
import shutil
import subprocess
import sys
import tomllib

import pytest
from places import ROOT
from released_secrets import told


def autograder(*words, cwd, columns=80):
    command = [sys.executable, "-m", "autograder.cli", *map(str, words)]
    environment = os.environ | {"COLUMNS": str(columns)}
    return subprocess.run(
        command, cwd=cwd, env=environment, text=True, capture_output=True, timeout=180, check=False
    )


@pytest.fixture(scope="module")
def course(tmp_path_factory):
    """An empty course with one new assignment."""
    folder = tmp_path_factory.mktemp("scaffold")
    made = autograder("init", "my-course", cwd=folder)
    assert made.returncode == 0, made.stderr
    done = autograder("new", "line-fit", "--title", "Fit a line", cwd=folder / "my-course")
    assert done.returncode == 0, done.stderr
    return folder / "my-course", done.stdout


def contents(folder):
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def test_the_example_is_complete_and_says_what_comes_next(course):
    """Five files, each named, and the next commands; no mark of the templates is left."""
    folder, shown = course
    files = (
        "assignments/line-fit/assignment.toml",
        "assignments/line-fit/notebook.py.j2",
        "assignments/line-fit/test_line_fit.py",
        "solutions/line-fit/solution.py",
        "solutions/line-fit/mistakes.py",
    )
    for file in files:
        assert file in shown
        assert "@slug@" not in (folder / file).read_text()
        assert "@title@" not in (folder / file).read_text()
    assert 'title = "Fit a line"' in (folder / files[0]).read_text()
    for command in ("validate", "calibrate", "release"):
        assert f"autograder {command} line-fit" in shown


@pytest.mark.long("a validation")
def test_the_example_passes_validation_as_it_stands(course):
    """Reference all points, stub none, no mistake survives; so it may be released without
    --force.
    """
    folder, _ = course
    validated = autograder("validate", "line-fit", cwd=folder, columns=40)
    assert validated.returncode == 0, validated.stdout + validated.stderr
    assert "Reference  10 of 10 points" in validated.stdout
    assert "Stub       0 points" in validated.stdout
    (row,) = [
        line for line in validated.stdout.splitlines() if line.startswith("divides-by-n-minus-1")
    ]
    assert row.split()[-5:] == list("xxxxx")  # a column for each check, however narrow the terminal
    released = autograder("release", "line-fit", cwd=folder)
    assert released.returncode == 0, released.stderr
    assert (folder / "release" / "line-fit" / "line-fit.ipynb").is_file()
    assert "Released" in released.stdout
    assert "line-fit.checks" in released.stdout
    assert told(folder, "line-fit", folder / "release" / "line-fit") == []


def test_nothing_is_overwritten(course):
    """A second `new` of that name, and `init` of a course, change no byte."""
    folder, _ = course
    before = contents(folder)
    again, course_again = (
        autograder("new", "line-fit", cwd=folder),
        autograder("init", ".", cwd=folder),
    )
    assert (again.returncode, course_again.returncode) == (2, 2)
    assert "never overwritten" in again.stderr
    assert "is a course already" in course_again.stderr
    assert contents(folder) == before


def test_one_file_in_the_way_stops_all_of_them(course):
    """A solution that is there already: neither it nor the rest is written."""
    folder, _ = course
    kept = folder / "solutions" / "other" / "solution.py"
    kept.parent.mkdir()
    kept.write_text("mine")
    done = autograder("new", "other", cwd=folder)
    assert done.returncode == 2
    assert str(kept) in done.stderr
    assert kept.read_text() == "mine"
    assert not (folder / "assignments" / "other").exists()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["new", "Line"], "small letters"),
        (["new", "../up"], "small letters"),
        (["new", "1st"], "small letters"),
        (["new", "quotes", "--title", 'The "best"'], "quotation marks"),
    ],
)
def test_names_that_would_not_work_are_refused(course, words, said):
    """A slug names a folder, a notebook and a Python module; a title stands in TOML and in a
    docstring.
    """
    folder, _ = course
    before = contents(folder)
    done = autograder(*words, cwd=folder)
    assert done.returncode == 2
    assert said in done.stderr
    assert contents(folder) == before


def test_outside_of_a_course_the_error_says_how_to_make_one(tmp_path):
    """No assignments/ here or above."""
    done = autograder("new", "first", cwd=tmp_path)
    assert done.returncode == 2
    assert "autograder init" in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_an_installed_wheel_finds_its_templates(tmp_path):
    """Package and templates laid out as pyproject.toml lays out the wheel, without the checkout
    around them.
    """
    wheel = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["hatch"]["build"][
        "targets"
    ]["wheel"]
    site = tmp_path / "site"
    for source, target in {
        **{name: name for name in wheel["packages"]},
        **wheel["force-include"],
    }.items():
        shutil.copytree(
            ROOT / source,
            site / target,
            ignore=shutil.ignore_patterns("__pycache__"),
            dirs_exist_ok=True,
        )
    # no solution, no hidden check of the sample course
    assert sorted(path.name for path in site.iterdir()) == ["autograder"]
    (tmp_path / "assignments").mkdir()
    code = (
        "import sys, autograder.cli as cli; print(cli.__file__); sys.argv = ['autograder', 'new',"
        " 'first']; cli.main()"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(site)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout.startswith(str(site)), done.stderr
    assert (tmp_path / "solutions" / "first" / "solution.py").is_file(), done.stderr
