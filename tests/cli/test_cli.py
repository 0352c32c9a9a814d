"""The command line, as a user types it: real processes."""

import csv
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import nbformat
import pytest
from places import TESTS

from autograder.course.results import ResultsFolder

TINY = TESTS / "tiny_course"
SOLUTION = (TINY / "solutions" / "tiny" / "solution.py").read_text()


def autograder(*words, cwd=TINY, **options):
    return subprocess.run(
        [sys.executable, "-m", "autograder.cli", *map(str, words)],
        cwd=cwd,
        text=True,
        capture_output=True,
        timeout=120,
        check=False,
        **options,
    )


@pytest.fixture(scope="module")
def graded(tmp_path_factory):
    """The tiny assignment released and a class of three graded through the command line."""
    folder = tmp_path_factory.mktemp("graded")
    released = autograder(
        "release", "tiny", "--force", "-o", folder / "release", "--results", folder / "results"
    )
    assert released.returncode == 0, released.stderr
    fill(folder, "ada", {"loss_fn": body("loss_fn"), "training_loop": body("training_loop")})
    fill(folder, "bob", {"loss_fn": body("loss_fn")})
    fill(folder, "cy", {})
    done = autograder("grade", "tiny", folder / "submitted", "--results", folder / "results")
    assert done.returncode == 0, done.stderr
    return folder, done.stdout


def body(name):
    text = re.search(rf"def {name}\(.*?### END SOLUTION\n", SOLUTION, re.DOTALL)[0]
    return re.sub(r"    ### (BEGIN|END) SOLUTION\n", "", text)


def fill(folder, student, cells):
    notebook = nbformat.read(folder / "release" / "tiny.ipynb", as_version=4)
    for cell in notebook.cells:
        cell.source = cells.get(cell.metadata.get("nbgrader", {}).get("grade_id"), cell.source)
    path = folder / "submitted" / student / "tiny" / "tiny.ipynb"
    path.parent.mkdir(parents=True)
    nbformat.write(notebook, path)


def test_help_answers_without_torch_pytest_or_nbformat():
    """--help is typed often; it loads none of what grading needs."""
    code = (
        "import sys; from typer.testing import CliRunner; from autograder.cli import app; r ="
        " CliRunner().invoke(app, ['--help']); assert 'grade' in r.output; print([m for m in"
        " ('torch', 'numpy', 'pytest', 'nbformat', 'IPython') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], text=True, capture_output=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.seconds("a class is graded before the first, by the command itself")
def test_a_class_is_graded_from_one_command(graded):
    """The table, and the places of what was made."""
    folder, shown = graded
    for words in ("ada", "10/10", "bob", "2/10", "cy", "0/10", "3 graded anew", "Isolation"):
        assert words in shown
    for student in ("ada", "bob", "cy"):
        assert (
            (folder / "results" / "grades" / "tiny" / student / "feedback.html")
            .read_text()
            .startswith("<!")
        )


def test_the_stub_scores_nothing_and_the_reference_everything(graded):
    """cy handed in the release as it was; ada the reference."""
    folder, _ = graded
    with (folder / "results" / "grades-tiny.csv").open(newline="") as file:
        points = {row["student_id"]: float(row["points"]) for row in csv.DictReader(file)}
    assert points == {"ada": 10, "bob": 2, "cy": 0}


@pytest.mark.long("commands with forkservers of their own")
def test_nbgrader_exports_the_same_totals(graded):
    """`nbgrader export` in the results folder prints what the CSV says."""
    folder, _ = graded
    subprocess.run(
        [sys.executable, "-m", "nbgrader", "export", "--to", "exported.csv"],
        cwd=folder / "results",
        check=True,
        capture_output=True,
    )
    with (folder / "results" / "exported.csv").open(newline="") as file:
        exported = {
            row["student_id"]: (float(row["score"]), float(row["max_score"]))
            for row in csv.DictReader(file)
        }
    assert exported == {"ada": (10, 10), "bob": (2, 10), "cy": (0, 10)}


def test_a_second_run_grades_nothing_and_imports_no_torch(graded):
    """Nothing changed: nothing is run, and the heavy imports stay away."""
    folder, _ = graded
    words = ["grade", "tiny", str(folder / "submitted"), "--results", str(folder / "results")]
    code = (
        f"import sys; sys.argv = ['autograder', *{words!r}]\nfrom autograder.cli import main\ntry:"
        " main()\nfinally: print('torch' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=TINY, text=True, capture_output=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "0 graded anew, 3 unchanged" in done.stdout
    assert done.stdout.rstrip().endswith("False")


@pytest.mark.long("commands with forkservers of their own")
def test_one_student_can_be_graded_alone(graded, tmp_path):
    """--only leaves the others out; a name that is not there is an error."""
    folder, _ = graded
    words = ["grade", "tiny", folder / "submitted", "--results", tmp_path]
    done = autograder(*words, "--only", "bob")
    assert "1 graded anew" in done.stdout
    assert [path.name for path in (tmp_path / "grades" / "tiny").iterdir() if path.is_dir()] == [
        "bob"
    ]
    assert "no submission of bop" in autograder(*words, "--only", "bop").stderr


def test_pages_and_gradebook_can_be_rebuilt(graded):
    """They are projections of the grades: deleted, the next run makes them again, without running
    anything.
    """
    folder, _ = graded
    page = folder / "results" / "grades" / "tiny" / "ada" / "feedback.html"
    before = page.read_bytes()
    page.unlink()
    done = autograder("grade", "tiny", folder / "submitted", "--results", folder / "results")
    assert "0 graded anew" in done.stdout
    assert page.read_bytes() == before


def test_regrade_lists_before_it_writes(graded, tmp_path):
    """--dry-run only lists; nothing moves while nothing changed."""
    folder, _ = graded
    done = autograder("regrade", "tiny", "--dry-run", "--results", folder / "results")
    assert done.returncode == 0, done.stderr
    assert "0 of 3 grades change" in done.stdout


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("grade", "tyni", "."), 2, "there is tiny"),
        (("grade", "tiny", "nowhere"), 2, "no such file"),
        (("grade", "tiny", "solutions/tiny/solution.txt"), 2, "no such file"),
        (("grade", "tiny", ".", "--isolation", "some"), 2, "only 'none'"),
        (("grade", "tiny"), 2, "Missing argument"),
        (("regrade", "tiny", "--results", "/nonexistent"), 2, "no grades of tiny"),
    ],
)
def test_wrong_use_gets_one_clear_message_and_exit_code_2(words, code, said):
    """No traceback, and what to do instead."""
    done = autograder(*words)
    assert done.returncode == code
    assert said in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.long("commands with forkservers of their own")
def test_killed_at_any_time_the_same_command_goes_on(graded, tmp_path):
    """kill -9 of the grader in the middle of a class: what was graded is kept, the rest is graded
    by the same command, no process is left.
    """
    folder, _ = graded
    for number in range(6):
        fill_slow(folder, tmp_path, f"s{number}")
    words = [
        sys.executable,
        "-m",
        "autograder.cli",
        "grade",
        "tiny",
        str(tmp_path / "submitted"),
        "--results",
        str(tmp_path / "results"),
        "-j",
        "2",
    ]
    process = subprocess.Popen(
        words,
        cwd=TINY,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    grades = tmp_path / "results" / "grades" / "tiny"
    wait_for(lambda: len(list(grades.glob("*/grade.json"))) >= 2 or process.poll() is not None)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    kept = {path: path.read_bytes() for path in grades.glob("*/grade.json")}
    assert 2 <= len(kept) < 6
    wait_for(lambda: not processes_with(str(tmp_path)))
    done = subprocess.run(words, cwd=TINY, text=True, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr
    assert f"{6 - len(kept)} graded anew, {len(kept)} unchanged" in done.stdout
    assert {path: path.read_bytes() for path in kept} == kept


def test_a_second_grader_is_refused_while_one_writes(graded, tmp_path):
    """It says who does; when that one has gone, the folder is free."""
    results = ResultsFolder(tmp_path / "results", "tiny")
    words = [
        "grade",
        "tiny",
        graded[0] / "submitted",
        "--results",
        tmp_path / "results",
        "--only",
        "ada",
    ]
    with results.claimed():
        done = autograder(*words, cwd=TINY)
    assert done.returncode == 2
    assert (
        f"another autograder is writing to {tmp_path / 'results'} (process {os.getpid()} on "
        in done.stderr
    )
    with results.claimed():
        pass


@pytest.mark.long("commands with forkservers of their own")
def test_ctrl_c_stops_keeps_and_says_so(graded, tmp_path):
    """Interrupted, the command says that it can go on, and exits with 130."""
    folder, _ = graded
    for number in range(4):
        fill_slow(folder, tmp_path, f"s{number}")
    words = [
        sys.executable,
        "-m",
        "autograder.cli",
        "grade",
        "tiny",
        str(tmp_path / "submitted"),
        "--results",
        str(tmp_path / "results"),
        "-j",
        "1",
    ]
    process = subprocess.Popen(
        words,
        cwd=TINY,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
        # a shell that runs the tests in the background has it ignored; nothing else forks meanwhile
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # noqa: PLW1509
    )
    grades = tmp_path / "results" / "grades" / "tiny"
    wait_for(lambda: len(list(grades.glob("*/grade.json"))) >= 1)
    os.kill(process.pid, signal.SIGINT)
    shown, _ = process.communicate(timeout=60)
    assert process.returncode == 130, shown
    assert "the same command goes on from there" in shown
    assert "Traceback" not in shown


def fill_slow(folder, target, student):
    notebook = nbformat.read(folder / "submitted" / "ada" / "tiny" / "tiny.ipynb", as_version=4)
    notebook.cells.append(nbformat.v4.new_code_cell(f"import time; time.sleep(1.5)  # {student}"))
    path = target / "submitted" / student / "tiny" / "tiny.ipynb"
    path.parent.mkdir(parents=True)
    nbformat.write(notebook, path)


def wait_for(condition, timeout_s=60):
    end = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < end, "waited too long"
        time.sleep(0.05)


def processes_with(text):
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if text in path.read_text():
                found.append(path)
        except OSError:
            continue
    return found


@pytest.mark.long("commands with forkservers of their own")
def test_without_a_sandbox_every_report_says_so_and_a_later_grading_runs_again(graded, tmp_path):
    """It has to be spelled out; the table, the page, the CSV and the regrading warn; the next
    grading with a sandbox makes the run anew and no longer warns.
    """
    folder, _ = graded
    results, submitted = tmp_path / "results", tmp_path / "submitted"
    shutil.copytree(folder / "submitted" / "ada", submitted / "ada")
    page, warning = (
        results / "grades" / "tiny" / "ada" / "feedback.html",
        "isolation: none — this code could read the reference and change this grade",
    )
    done = autograder("grade", "tiny", submitted, "--results", results, "--isolation", "none")
    assert f"WARNING {warning}" in " ".join(done.stdout.split())
    assert warning in page.read_text()
    assert warning.removeprefix("isolation: ") in (results / "grades-tiny.csv").read_text()
    assert (
        "WARNING isolation: none"
        in (results / "autograded" / "ada" / "tiny" / "tiny.ipynb").read_text()
    )
    regraded = " ".join(
        autograder("regrade", "tiny", "--results", results, "--dry-run").stdout.split()
    )
    assert (
        "isolated less than the good that assignment.toml requires; `autograder grade` makes them"
        " again: ada" in regraded
    )
    done = autograder("grade", "tiny", submitted, "--results", results)
    assert "run again, since their stored runs were isolated less than good: ada" in done.stderr
    assert "1 graded anew" in done.stdout
    assert "WARNING" not in done.stdout
    assert warning not in page.read_text()
    assert warning.removeprefix("isolation: ") not in (results / "grades-tiny.csv").read_text()
