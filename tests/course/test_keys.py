"""Everything that a grade is made from is in its key: each input is changed in turn, and `regrade`
and `grade` are asked what they would do.
"""

import ast
import dataclasses
import platform
import shutil
from importlib import metadata

import pytest
from places import TESTS
from selection import short
from tiny_class import TinyCourse
from typer.testing import CliRunner

from autograder.assignment import open_assignment
from autograder.cli import app
from autograder.commands.grade.ledger import projection_mark
from autograder.commands.grade.regrade import regrade_class
from autograder.commands.release.student_version import release_assignment
from autograder.course import keys
from autograder.course.keys import (
    PARTS,
    Use,
    changes,
    judging_key,
    package_files,
    run_inputs,
    use_of,
    validation_key,
)
from autograder.course.results import ResultsFolder

DRIVERS = """def tripled(student, params):
    return 3 * student.loss_fn(params)
"""
DRIVEN = '''

@points(1)
@call("loss_fn", driver="tripled", params=[1.0, 2.0])
def test_tripled(run, reference):
    """Three times the loss"""
    assert_close(run.returned, reference.returned)
'''
NOTEBOOK, CHECKS, TOML = (
    "assignments/tiny/notebook.py.j2",
    "assignments/tiny/test_tiny.py",
    "assignments/tiny/assignment.toml",
)
SOLUTION = "solutions/tiny/solution.py"


def edit(root, name, old, new):
    path = root / name
    text = path.read_text()
    assert text.count(old) == 1, (name, old, text.count(old))
    path.write_text(text.replace(old, new))


@pytest.fixture(scope="module")
def graded(released, executor, tmp_path_factory):
    """The tiny course with a driver, a data file, mistakes and two grades: one right, one that
    later parts are judged with the given loss for.
    """
    root = tmp_path_factory.mktemp("keys") / "course"
    shutil.copytree(released, root)
    folder = root / "assignments" / "tiny"
    (folder / "files").mkdir()
    (folder / "files" / "data.csv").write_text("1,2\n")
    (folder / "drivers.py").write_text(DRIVERS)
    (folder / "test_tiny.py").write_text((folder / "test_tiny.py").read_text() + DRIVEN)
    edit(
        root,
        TOML,
        "points = 10",
        'points = 11\nfiles = ["files/data.csv"]\ndue = 2099-01-01T00:00:00Z',
    )
    for name in ("mistakes", "equivalents"):
        (root / "solutions" / "tiny" / f"{name}.py").write_text('"""None yet."""\n')
    files = open_assignment(root, "tiny")
    release_assignment(
        files, root / "release", ResultsFolder(root / "results", "tiny").evidence, executor
    )
    course = as_course(root, executor)
    course.submit("ada")
    course.submit("bob", loss_fn="def loss_fn(values):\n    return values.sum()\n")
    grades, _ = course.grade()
    assert (grades["ada"].points, grades["bob"].points) == (11, 8)
    return root


def as_course(root, executor):
    import nbformat

    return TinyCourse(root, nbformat.read(root / "release" / "tiny.ipynb", as_version=4), executor)


@pytest.fixture
def course(graded, executor, tmp_path):
    root = tmp_path / "course"
    shutil.copytree(graded, root)
    return as_course(root, executor)


HELD, JUDGED, RUN = "held", "judged again", "run again"


def what_regrade_does(course):
    """Of both students the same: whose grades are left, and with what words."""
    moves, left = regrade_class(course.files, course.results, course.executor)
    if left:
        assert (list(left), moves) == (["ada", "bob"], ())
        (why,) = set(left.values())
        return why
    return (
        JUDGED
        if all(
            move.after.provenance.judging_key != move.before.provenance.judging_key
            or move.after != move.before
            for move in moves
        )
        else HELD
    )


def what_grade_does(course):
    before = {student: course.results.read_grade(student) for student in ("ada", "bob")}
    grades, progress = course.grade()
    if progress.total == 0:
        return HELD
    assert progress.total == 2
    kept = [
        grades[student].provenance.evidence_key == grade.provenance.evidence_key
        for student, grade in before.items()
    ]
    assert len(set(kept)) == 1
    return JUDGED if kept[0] else RUN


def at(name, old, new):
    """An edit of a file of the course."""
    return lambda root: edit(root, name, old, new)


def written(name, text):
    """A file of the course written."""

    def write(root):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)

    return write


INPUTS = {
    # What runs depend on: regrade leaves the grades and says why, grade runs everybody
    "drivers": (at("assignments/tiny/drivers.py", "3 *", "2 *"), "drivers.py", RUN),
    "given definition": (
        at(SOLUTION, "(values**2).mean()", "values.pow(2).mean()"),
        "given definitions",
        RUN,
    ),
    "data file": (written("assignments/tiny/files/data.csv", "1,3\n"), "files/data.csv", RUN),
    "seed": (at(TOML, "points = 11", "points = 11\nseed = 1"), "seed 0 -> 1", RUN),
    "limits": (at(TOML, "cpu_s = 8", "cpu_s = 9"), "limits", RUN),
    "packages": (
        at(
            TOML,
            "points = 11",
            'points = 11\npackages = ["torch", "numpy", "matplotlib", "scikit-learn"]',
        ),
        "scikit-learn none -> ",
        RUN,
    ),
    "given cell": (
        at(NOTEBOOK, "import torch\n", "import torch\n\nshared = 1\n"),
        "cells that students are given",
        RUN,
    ),
    "visible check": (
        at(NOTEBOOK, "assert weights is not None", "assert weights.numel() == 1"),
        "cells that students are given",
        RUN,
    ),
    # Calls: only what is new is run
    "call": (
        at(CHECKS, "n_epochs=20", "n_epochs=21"),
        "made without today's calls of test_loop",
        RUN,
    ),
    # What is judged by
    "check": (
        at(
            CHECKS,
            "assert_long_run(run, reference)",
            "assert_long_run(run, reference)\n    assert run.variables",
        ),
        JUDGED,
        JUDGED,
    ),
    "a check's title": (at(CHECKS, "Thirty epochs", "30 epochs"), JUDGED, JUDGED),
    "solution, not given": (
        at(
            SOLUTION,
            "        optimizer.zero_grad()\n        loss.backward()",
            "        optimizer.zero_grad()\n\n        loss.backward()",
        ),
        JUDGED,
        JUDGED,
    ),
    "a module beside the solution": (
        written("solutions/tiny/shapes.py", "N = 1\n"),
        JUDGED,
        JUDGED,
    ),
    "a module beside the checks": (
        written("assignments/tiny/expected.py", "N = 1\n"),
        JUDGED,
        JUDGED,
    ),
    "prose": (
        at(NOTEBOOK, "# Write a loss and a loop.", "# Write a loss, then a loop."),
        JUDGED,
        JUDGED,
    ),
    "points of a check": (
        lambda root: [
            edit(root, CHECKS, "@points(2)", "@points(3)"),
            edit(root, CHECKS, "@points(3)\n@cell", "@points(2)\n@cell"),
        ],
        JUDGED,
        JUDGED,
    ),
    "title": (at(TOML, 'title = "Tiny"', 'title = "Small"'), JUDGED, JUDGED),
    "a part's title": (at(TOML, 'title = "Loop"', 'title = "The loop"'), JUDGED, JUDGED),
    "due": (at(TOML, "2099-01-01", "2098-01-01"), JUDGED, JUDGED),
    "disclosure": (at(TOML, "points = 11", 'points = 11\ndisclosure = "fix"'), JUDGED, JUDGED),
    "isolation": (at(TOML, "points = 11", 'points = 11\nisolation = "weak"'), JUDGED, JUDGED),
    "calibration": (
        written(
            "assignments/tiny/calibration.toml",
            'torch = "2"\npython = "3"\nmachine = "x"\ndate = 2026-01-01\n',
        ),
        JUDGED,
        JUDGED,
    ),
    "runs of known mistakes": (
        written("results/validated/tiny.gallery", "another"),
        JUDGED,
        JUDGED,
    ),
    # What is in no grade
    "gradescope": (
        at(TOML, "[limits]", "[gradescope]\ntimeout_minutes = 20\n\n[limits]"),
        HELD,
        HELD,
    ),
    "mistakes": (written("solutions/tiny/mistakes.py", '"""Some day."""\n'), HELD, HELD),
    "right programs": (written("solutions/tiny/equivalents.py", '"""Some day."""\n'), HELD, HELD),
    "a hidden file": (written("assignments/tiny/.notes", "x"), HELD, HELD),
    "a cache": (written("assignments/tiny/__pycache__/x.pyc", "x"), HELD, HELD),
    "another assignment": (written("assignments/other/notes.py", "x = 1\n"), HELD, HELD),
}


SHORT = (
    "drivers",
    "given definition",
    "data file",
    "limits",
    "given cell",
    "call",
    "check",
    "points of a check",
    "calibration",
    "runs of known mistakes",
    "mistakes",
)


@pytest.mark.parametrize("name", short(INPUTS, SHORT, "thirty changes, each judged twice"))
def test_each_input_of_a_course(course, name):
    """`regrade` (and its dry run, which is the same but for writing) says what it would do and
    writes nothing; then `grade` does what has to be done.
    """
    change, by_regrade, by_grade = INPUTS[name]
    change(course.root)
    before = {
        student: course.results.grade_path(student).read_bytes() for student in ("ada", "bob")
    }
    said = what_regrade_does(course)
    assert said == by_regrade or (by_regrade not in (HELD, JUDGED) and by_regrade in said)
    assert {
        student: course.results.grade_path(student).read_bytes() for student in before
    } == before
    assert what_grade_does(course) == by_grade
    assert what_grade_does(course) == HELD


def test_another_submission_is_run_and_regrade_knows_nothing_of_it(course):
    course.submit("ada", extra=["1 + 1"])
    course.submit("bob", extra=["1 + 1"])
    assert what_regrade_does(course) == HELD
    assert what_grade_does(course) == RUN


def other_version(monkeypatch, tmp_path, package):
    """Another version of `package` is what Python finds first."""
    info = tmp_path / "site" / f"{package}-99.1.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: 99.1\n")
    monkeypatch.syspath_prepend(info.parent)


@pytest.fixture
def fresh_caches():
    """What is read once a process is read again, in the test and after it."""
    for cached in (keys._version, keys.package_digest, keys.pages_digest):
        cached.cache_clear()
    yield
    for cached in (keys._version, keys.package_digest, keys.pages_digest):
        cached.cache_clear()


@pytest.mark.parametrize("package", ["torch", "numpy", "ipython"])
def test_what_always_runs_need_not_be_among_the_packages(graded, tmp_path, package):
    """An assignment may name no package at all."""
    root = tmp_path / "course"
    shutil.copytree(graded, root, ignore=shutil.ignore_patterns("results", "submitted", "release"))
    edit(root, TOML, "points = 11", "points = 11\npackages = []")
    assert run_inputs(open_assignment(root, "tiny"))[package] == metadata.version(package)


@pytest.mark.parametrize("package", ["torch", "numpy", "ipython", "matplotlib"])
def test_versions_of_what_runs(course, package, monkeypatch, tmp_path, fresh_caches):
    """Of torch, numpy, IPython and the assignment's own packages: what ran before ran otherwise."""
    other_version(monkeypatch, tmp_path, package)
    assert what_regrade_does(course).endswith("-> 99.1")
    assert what_grade_does(course) == RUN


@pytest.mark.parametrize("package", ["nbformat", "jupytext", "jinja2", "pytest"])
def test_versions_of_what_judges(graded, package, monkeypatch, tmp_path, fresh_caches):
    files = open_assignment(graded, "tiny")
    before = judging_key(files), run_inputs(files), validation_key(files)
    other_version(monkeypatch, tmp_path, package)
    keys._version.cache_clear()
    assert judging_key(files) != before[0]
    assert run_inputs(files) == before[1]
    assert validation_key(files) != before[2]


def test_the_version_of_python(course, monkeypatch):
    now = platform.python_version()
    monkeypatch.setattr(platform, "python_version", lambda: "3.99.0")
    assert what_regrade_does(course) == f"made before a change: Python {now} -> 3.99.0"


def test_the_device(graded):
    files = open_assignment(graded, "tiny")
    other = dataclasses.replace(files, hardware="NVIDIA T4")
    assert changes(run_inputs(files), run_inputs(other)) == "device cpu -> NVIDIA T4"
    assert judging_key(files) != judging_key(other)


def test_a_students_own_data(tmp_path):
    course = TESTS / "variant_course"
    files = open_assignment(course, "fit")
    assert files.drawer is not None
    other = dataclasses.replace(files, draw=files.drawer.sample(1))
    assert judging_key(files) != judging_key(other)
    shutil.copytree(course, tmp_path / "course")
    with (tmp_path / "course" / "assignments" / "fit" / "variant.py").open("a") as variant:
        variant.write("\n# the same draws\n")
    assert judging_key(open_assignment(tmp_path / "course", "fit")) != judging_key(files)


# --- Our own code ---------------------------------------------------------------------------------


@pytest.fixture
def package(tmp_path, monkeypatch, fresh_caches):
    """A package with our modules' names, each with its name for content, and templates likewise."""
    for name in package_files():
        (tmp_path / "autograder" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "autograder" / name).write_text(name)
    shutil.copytree(keys.templates_folder(), tmp_path / "templates")
    monkeypatch.setattr(keys, "PACKAGE", tmp_path / "autograder")
    monkeypatch.setattr(keys, "templates_folder", lambda: tmp_path / "templates")
    return tmp_path / "autograder"


def digests():
    keys.package_digest.cache_clear()
    keys.pages_digest.cache_clear()
    return {
        Use.RUNS: keys.package_digest(Use.RUNS),
        Use.GRADES: keys.package_digest(Use.GRADES),
        Use.PAGES: keys.pages_digest(),
    }


def touched(before):
    return {use for use, digest in digests().items() if digest != before[use]}


@pytest.mark.long("every module changed in turn")
def test_every_module_of_ours(package):
    """A change of any makes stale what it has a hand in, and all that follows from that."""
    before, names = digests(), list(package_files())
    assert len(names) > 200
    for name in names:
        (package / name).write_text("changed")
        assert touched(before) == {use for use in before if use_of(name) >= use}, name
        (package / name).write_text(name)
    assert digests() == before


def test_a_module_that_is_new_or_moves_deeper_or_is_renamed(package):
    before = digests()
    for folder in (
        "sandboxed",
        "judgement/contracts",
        "course",
        "reports/deep/er",
        "somewhere/new",
    ):
        (package / folder).mkdir(parents=True, exist_ok=True)
        (package / folder / "new_one.py").write_text("")
        assert touched(before) == {
            use for use in before if use_of(f"{folder}/new_one.py") >= use
        }, folder
        (package / folder / "new_one.py").unlink()
    (package / "judgement" / "grade.py").rename(package / "judgement" / "mark.py")
    assert touched(before) == {Use.GRADES, Use.PAGES}


def test_our_own_code_is_in_the_keys(package, graded):
    """Code that runs in evidence and grades, code that judges in grades and validations, code that
    tells in what a page was made from.
    """
    files, results = open_assignment(graded, "tiny"), ResultsFolder(graded / "results", "tiny")

    def made():
        digests()
        grade = results.read_grade("ada")
        return (
            run_inputs(files),
            judging_key(files),
            validation_key(files),
            projection_mark(results, grade, show_hidden=False),
        )

    before = made()
    for name, stale in (
        ("sandboxed/worker.py", (1, 1, 1, 1)),
        ("judgement/grade.py", (0, 1, 1, 1)),
        ("reports/feedback/page.py", (0, 0, 0, 1)),
        ("cli/grade.py", (0, 0, 0, 0)),
    ):
        (package / name).write_text("changed")
        assert tuple(old != new for old, new in zip(before, made(), strict=True)) == tuple(
            map(bool, stale)
        ), name
        (package / name).write_text(name)


def test_an_installed_package_has_the_keys_of_its_checkout(package):
    """There templates lie in the package, and some of them are Python."""
    before = digests()
    shutil.move(package.parent / "templates", package / "_templates")
    keys.templates_folder = lambda: package / "_templates"  # the fixture puts it back
    assert list((package / "_templates").rglob("*.py"))
    assert digests() == before


def test_templates_of_pages(package):
    before = digests()
    (package.parent / "templates" / "feedback.css").write_text("")
    assert touched(before) == {Use.PAGES}


def test_each_part_of_the_package_has_been_put_somewhere():
    """What is not in the table counts in everything; the table is to be complete all the same, and
    each exemption to have its reason.
    """
    listed = set(PARTS)
    assert {name.partition("/")[0] for name in package_files()} == {
        name.partition("/")[0] for name in listed
    }
    assert [name for name in listed if not (keys.PACKAGE / name).exists()] == []
    assert [
        name for name, (use, why) in PARTS.items() if use is not Use.RUNS and len(why) < 10
    ] == []


def test_what_runs_code_imports_only_what_counts_as_running():
    """But for words that no result depends on, and an assignment's device and isolation, which are
    inputs by themselves.
    """
    outside = {
        (name, other)
        for name in package_files()
        if use_of(name) is Use.RUNS
        for other in _imported(keys.PACKAGE / name)
        if use_of(other) is not Use.RUNS
        and other not in {"errors.py", "atomic.py", "__init__.py", "evidence/store.py"}
    }
    assert outside == {("execution/choosing.py", "assignment.py")}


def _imported(path):
    """The modules of the package that a module imports from, anywhere in it, as paths."""
    for node in ast.walk(ast.parse(path.read_text())):
        if (
            isinstance(node, ast.ImportFrom)
            and node.module
            and node.module.split(".")[0] == "autograder"
        ):
            below = keys.PACKAGE.joinpath(*node.module.split(".")[1:])
            for place in (
                {below / alias.name for alias in node.names} if below.is_dir() else {below}
            ):
                found = (
                    place.with_suffix(".py")
                    if place.with_suffix(".py").is_file()
                    else below / "__init__.py"
                )
                yield found.relative_to(keys.PACKAGE).as_posix()


# --- The validation -------------------------------------------------------------------------------

TEXT = {
    "due": at(TOML, "2099-01-01", "2098-01-01"),
    "no due date": at(TOML, "due = 2099-01-01T00:00:00Z", ""),
    "title": at(TOML, 'title = "Tiny"', 'title = "Small"'),
    "a part's title": at(TOML, 'title = "Loop"', 'title = "The loop"'),
    "disclosure": at(TOML, "points = 11", 'points = 11\ndisclosure = "fix"'),
    "isolation": at(TOML, "points = 11", 'points = 11\nisolation = "weak"'),
    "gradescope": at(TOML, "[limits]", "[gradescope]\ntimeout_minutes = 20\n\n[limits]"),
    "submitted as": at(TOML, "points = 11", 'points = 11\nsubmitted_as = "ps1/problem1"'),
    "a check's title": at(CHECKS, "Thirty epochs", "30 epochs"),
    "a comment in the checks": at(CHECKS, "@points(2)", "# easy\n@points(2)"),
    "prose": at(NOTEBOOK, "# Write a loss and a loop.", "# Write a loss, then a loop."),
    "a number in the prose": at(
        NOTEBOOK,
        "# Write a loss and a loop.",
        '# It is {{ reference("test_loss_fn").returned | number(4) }}.',
    ),
    "a docstring of the solution": at(SOLUTION, "Mean of the squares", "The mean of all squares"),
    "layout of the solution": at(
        SOLUTION, "    for _ in range(n_epochs):", "\n    for _ in range(n_epochs):"
    ),
    "a comment in the drivers": at(
        "assignments/tiny/drivers.py", "    return 3", "    # of three\n    return 3"
    ),
    "a note": written("assignments/tiny/NOTES.md", "To do."),
}
CODE = {
    "check": at(
        CHECKS,
        "assert_long_run(run, reference)",
        "assert_long_run(run, reference)\n    assert run.variables",
    ),
    "call": at(CHECKS, "n_epochs=20", "n_epochs=21"),
    "points": at(CHECKS, "@points(2)", "@points(3)"),
    "solution": at(SOLUTION, "(values**2).mean()", "values.pow(2).mean()"),
    "a marker that moves": at(
        SOLUTION,
        "    ### BEGIN SOLUTION\n    for _ in range(n_epochs):",
        "    for _ in range(n_epochs):\n        ### BEGIN SOLUTION",
    ),
    "a marker that goes": at(
        SOLUTION,
        "    ### BEGIN SOLUTION\n    return (values**2).mean()\n    ### END SOLUTION",
        "    return (values**2).mean()",
    ),
    "mistakes": written("solutions/tiny/mistakes.py", "x = 1\n"),
    "right programs": written("solutions/tiny/equivalents.py", "x = 1\n"),
    "drivers": at("assignments/tiny/drivers.py", "3 *", "2 *"),
    "a given cell": at(NOTEBOOK, "import torch\n", "import torch\n\nshared = 1\n"),
    "a statement in prose": at(NOTEBOOK, "# Write a loss and a loop.", "# {% set n = 3 %}"),
    "data": written("assignments/tiny/files/data.csv", "1,3\n"),
    "other data": written("assignments/tiny/expected.csv", "1,3\n"),
    "a program in another encoding": (
        lambda root: (root / "assignments/tiny/files/old.py").write_bytes(b"name = 'Zo\xeb'\n")
    ),
    "limits": at(TOML, "cpu_s = 8", "cpu_s = 9"),
    "seed": at(TOML, "points = 11", "points = 11\nseed = 1"),
    "parts": at(TOML, 'given = ["loss_fn"]', ""),
    "questions": at(
        TOML,
        "[limits]",
        '[[questions]]\nid = "why"\ntitle = "Why"\npart = "Why"\npoints = 1\n\n[limits]',
    ),
    "packages": at(TOML, "points = 11", 'points = 11\npackages = ["torch"]'),
    "calibration": written(
        "assignments/tiny/calibration.toml",
        'torch = "2"\npython = "3"\nmachine = "x"\ndate = 2026-01-01\n',
    ),
}


@pytest.mark.parametrize("name", [*TEXT, *CODE])
def test_a_validation_holds_for_other_words_and_not_for_other_code(graded, tmp_path, name):
    root = tmp_path / "course"
    shutil.copytree(graded, root, ignore=shutil.ignore_patterns("results", "submitted", "release"))
    before = validation_key(open_assignment(root, "tiny"))
    (TEXT | CODE)[name](root)
    assert (validation_key(open_assignment(root, "tiny")) == before) == (name in TEXT)


def test_mistakes_that_we_make_are_part_of_a_validation(package, graded):
    files = open_assignment(graded, "tiny")
    before = validation_key(files)
    (package / "mistakes" / "operators" / "stepping.py").write_text("changed")
    keys.package_digest.cache_clear()
    assert validation_key(files) != before


# --- By the real commands -------------------------------------------------------------------------


def autograder(root, *words, code=0):
    result = CliRunner().invoke(app, [*words, "--course", str(root)], env={"COLUMNS": "200"})
    assert result.exit_code == code, result.output
    return result.output


@pytest.mark.seconds("five commands, each with a forkserver")
@pytest.mark.parametrize(
    ("change", "named"),
    [
        (at("assignments/tiny/drivers.py", "3 *", "2.5 *"), "drivers.py"),
        pytest.param(
            at(SOLUTION, "(values**2)", "1.0 * (values**2)"),
            "given definitions",
            marks=pytest.mark.long("as the one before"),
        ),
    ],
    ids=["driver", "given"],
)
def test_a_changed_question_is_never_judged_on_the_answers_to_the_old_one(course, change, named):
    """It was: right students lost points without a word, and `grade` then said that nothing had
    changed. The commands start forkservers, which takes seconds.
    """
    autograder(course.root, "grade", "tiny", str(course.root / "submitted"))
    before = {student: course.results.read_grade(student) for student in ("ada", "bob")}
    change(course.root)
    for words in (("--dry-run",), ()):
        said = autograder(course.root, "regrade", "tiny", *words)
        assert f"Left as they are, with runs made before a change: {named}: ada, bob" in said
        assert "`autograder grade tiny` runs what was left." in said
        assert {student: course.results.read_grade(student) for student in before} == before
    said = autograder(course.root, "grade", "tiny", str(course.root / "submitted"))
    assert "2 graded anew, 0 unchanged" in said
    assert {student: course.results.read_grade(student).points for student in before} == {
        "ada": 11,
        "bob": 8,
    }
    assert "0 of 2 grades change" in autograder(course.root, "regrade", "tiny")
