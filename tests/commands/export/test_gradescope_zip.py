"""`autograder export gradescope`: what the zip holds, and what the author is told."""

import hashlib
import io
import os
import re
import shutil
import subprocess
import sys
import zipfile
from importlib import metadata
from pathlib import Path

import jsonschema
import msgspec
import pytest
from gradescope_schema import RESULTS
from places import ROOT

from autograder.assignment import open_assignment
from autograder.commands.export.gradescope_zip import export_gradescope
from autograder.commands.export.packaging import needed
from autograder.errors import AssignmentError

TINY = ROOT / "tests" / "tiny_course"
TOML = Path("assignments", "tiny", "assignment.toml")


def course(folder, table=""):
    """The tiny course with files that must stay behind, and `table` in its assignment.toml."""
    root = folder / "course"
    shutil.copytree(TINY, root, ignore=shutil.ignore_patterns("__pycache__"))
    (root / "solutions" / "tiny" / "mistakes.py").write_text("SECRET = 1\n")
    (root / "assignments" / "tiny" / ".env").write_text("TOKEN\n")
    (root / "assignments" / "tiny" / "link").symlink_to("/etc/passwd")
    cache = root / "assignments" / "tiny" / "__pycache__"
    cache.mkdir()
    (cache / "x.pyc").write_bytes(b"x")
    with (root / TOML).open("a") as file:
        file.write(table)
    return open_assignment(root, "tiny")


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    """The tiny course's zip."""
    folder = tmp_path_factory.mktemp("exported")
    return export_gradescope(course(folder), folder / "new" / "tiny.zip")


@pytest.fixture(scope="module")
def archive(exported):
    with zipfile.ZipFile(exported.path) as file:
        yield file


def test_what_gradescope_calls_lies_at_the_root_and_is_executable(archive):
    """Both with a #! line and Unix line ends; the rest is in a folder, and not executable."""
    modes = {entry.filename: entry.external_attr >> 16 for entry in archive.infolist()}
    at_root = {name for name in modes if "/" not in name}
    assert at_root == {"setup.sh", "run_autograder"}
    for name, mode in modes.items():
        assert mode == (0o100755 if name in at_root else 0o100644)
    for name in at_root:
        text = archive.read(name)
        assert text.startswith(b"#!/usr/bin/env bash\n")
        assert b"\r" not in text


def test_both_scripts_are_valid_bash_with_nothing_left_to_fill_in(archive):
    """bash -n, which also has to find the mistake in a broken one."""
    for name in ("setup.sh", "run_autograder"):
        text = archive.read(name).decode()
        assert not re.search(r"@\w+@", text)
        assert subprocess.run(["bash", "-n"], input=text, text=True, check=False).returncode == 0
        broken = subprocess.run(
            ["bash", "-n"],
            input=text + "if true; then\n",
            text=True,
            capture_output=True,
            check=False,
        )
        assert broken.returncode != 0


def test_the_environment_is_pinned_as_installed_here(archive):
    """torch from PyTorch's own index for the CPU, everything else as it is here; what torch brings
    along on the grader's machine is no requirement.
    """
    setup = archive.read("setup.sh").decode()
    version = metadata.version("torch").partition("+")[0]
    assert re.search(rf'--index-url https://\S+/whl/cpu "torch=={re.escape(version)}"', setup)
    assert f'"{sys.version_info[0]}.{sys.version_info[1]}"' in setup
    pins = dict(
        line.split("==") for line in archive.read("gradstep/constraints.txt").decode().splitlines()
    )
    for name in ("msgspec", "numpy", "pytest", "jinja2", "markupsafe", "matplotlib", "pillow"):
        assert pins[name] == metadata.version(name).partition("+")[0]
    wanted = archive.read("gradstep/requirements.txt").decode().splitlines()
    names = [re.match(r"[\w.-]+", line)[0] for line in wanted]
    assert {"torch", "msgspec", "landlockpy", "matplotlib"} <= set(names)
    assert len(names) == len(set(names))
    assert not {"nbgrader", "hypothesis", "ruff"} & (set(names) | set(pins))


def test_the_systems_python_gets_no_package(archive):
    """Each installation names the environment's own python; `python3 -m pip` or sudo-like ways are
    nowhere.
    """
    setup = archive.read("setup.sh").decode()
    installing = [line for line in setup.splitlines() if re.search(r"\b(pip|uv) .*install\b", line)]
    assert len(installing) == 4
    for line in installing:
        assert (
            "$home/tools/bin/python" in line
            or '--python "$python"' in line
            or "uv python install" in line
        )


def test_the_assignment_is_there_and_nothing_else_of_the_course(archive, exported):
    """Template, checks, metadata, solution; no mistakes, hidden files, links or caches."""
    names = {
        name.removeprefix("gradstep/course/")
        for name in archive.namelist()
        if name.startswith("gradstep/course/")
    }
    assert names == {
        "assignments/tiny/assignment.toml",
        "assignments/tiny/notebook.py.j2",
        "assignments/tiny/test_tiny.py",
        "solutions/tiny/solution.py",
    }
    assert exported.path.stat().st_mode & 0o077 == 0
    assert not [
        name for name in archive.namelist() if "__pycache__" in name or name.endswith(".pyc")
    ]


def test_prepared_results_are_valid(archive):
    """What run_autograder puts in place when nothing else can."""
    prepared = [name for name in archive.namelist() if re.fullmatch(r"gradstep/\w+\.json", name)]
    assert len(prepared) == 3
    for name in prepared:
        content = msgspec.json.decode(archive.read(name))
        jsonschema.validate(content, RESULTS)
        assert "not your mark" in content["output"]


def test_the_shipped_package_is_whole(archive, exported, tmp_path):
    """It exports the same zip, byte for byte, with nothing of this checkout: as if it had been
    installed from a wheel, whose templates lie inside of the package too.
    """
    archive.extractall(
        tmp_path, [name for name in archive.namelist() if name.startswith("gradstep/package/")]
    )
    again = course(tmp_path)
    code = (
        "import sys; sys.path.insert(0, sys.argv[1]); import autograder; from pathlib import Path;"
        " from autograder.assignment import open_assignment; from"
        " autograder.commands.export.gradescope_zip import export_gradescope as e; assert"
        " autograder.__file__.startswith(sys.argv[1]); e(open_assignment(Path(sys.argv[2]),"
        " 'tiny'), Path(sys.argv[3]))"
    )
    package, made = tmp_path / "gradstep" / "package", tmp_path / "again.zip"
    subprocess.run(
        [sys.executable, "-I", "-B", "-c", code, str(package), str(again.course), str(made)],
        check=True,
        timeout=120,
    )
    assert _contents(made) == _contents(exported.path)
    assert made.read_bytes() == exported.path.read_bytes()


def _contents(path):
    """For an understandable message: pytest would look for the shortest way from one zip's bytes to
    the other's.
    """
    with zipfile.ZipFile(path) as file:
        return {
            name: (
                file.read(name)
                if name.endswith(".txt")
                else hashlib.sha256(file.read(name)).hexdigest()
            )
            for name in file.namelist()
        }


def test_copies_that_setuptools_brings_along_are_not_what_is_installed(monkeypatch, tmp_path):
    """They are on the path as soon as something has imported setuptools; elsewhere on the path they
    count.
    """
    for folder, name in (("_vendor", "carried-along"), ("site", "installed-too")):
        info = tmp_path / folder / f"{name.replace('-', '_')}-1.0.dist-info"
        info.mkdir(parents=True)
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
        monkeypatch.syspath_prepend(tmp_path / folder)
    _, constraints = needed(["carried-along", "installed-too"])
    assert b"carried-along" not in constraints
    assert b"installed-too==1.0\n" in constraints


def test_the_author_is_told_what_students_will_see(exported):
    """And is warned of nothing where there is nothing to warn of."""
    seen = "\n".join(exported.seen)
    assert "At once: 2 checks, 5 points" in seen
    assert "5  Any optimizer" in seen
    assert "No total score" in seen
    assert exported.warnings == ()


def test_limits_that_do_not_fit_are_told(tmp_path):
    """Half a CPU and ten minutes are not enough for 200 s of computing twice; 25 minutes are.

    Less isolation than elsewhere is named.
    """
    files = course(tmp_path)
    text = (files.course / TOML).read_text().replace("cpu_s = 8", "cpu_s = 200")
    (files.course / TOML).write_text(text)
    (warning,) = export_gradescope(
        open_assignment(files.course, "tiny"), tmp_path / "a.zip"
    ).warnings
    assert "choose a longer timeout" in warning
    (files.course / TOML).write_text(
        text + '\n[gradescope]\ntimeout_minutes = 25\nisolation = "weak"\n'
    )
    (warning,) = export_gradescope(
        open_assignment(files.course, "tiny"), tmp_path / "b.zip"
    ).warnings
    assert "accepts isolation weak" in warning
    with zipfile.ZipFile(tmp_path / "b.zip") as file:
        assert f"timeout --kill-after=10 {25 * 60 - 40} " in file.read("run_autograder").decode()


@pytest.mark.parametrize(
    ("check", "words"),
    [("test_gone", "no check has that name"), ("test_loop", "don't see at once")],
)
def test_a_leaderboard_that_can_not_be_is_refused(tmp_path, check, words):
    """Of a check that there is not, and of one that is hidden: everybody would read who passed it.

    Of a visible one it is made.
    """
    table = '\n[[gradescope.leaderboard]]\nname = "Steps"\ncheck = "{}"\nloss = 1.0\n'
    with pytest.raises(AssignmentError, match=words):
        export_gradescope(course(tmp_path, table.format(check)), tmp_path / "a.zip")
    shutil.rmtree(tmp_path / "course")
    export_gradescope(course(tmp_path, table.format("test_train")), tmp_path / "a.zip")
    assert zipfile.is_zipfile(io.BytesIO((tmp_path / "a.zip").read_bytes()))


def test_the_command_refuses_checks_that_were_not_tested(tmp_path):
    """Exit code 2 and what to do; by force it writes the zip, says so, and names the place."""
    files = course(tmp_path)

    def run(*words):
        command = [sys.executable, "-m", "autograder.cli", "export", "gradescope", "tiny", *words]
        return subprocess.run(
            command,
            cwd=files.course,
            env=os.environ,
            text=True,
            capture_output=True,
            timeout=120,
            check=False,
        )

    refused = run()
    assert refused.returncode == 2
    assert "autograder validate tiny" in refused.stderr
    forced = run("--force")
    assert forced.returncode == 0, forced.stderr
    assert "What students will see in Gradescope" in forced.stdout
    assert "by force" in forced.stdout
    made = files.course / "results" / "export" / "tiny-gradescope.zip"
    assert str(made) in forced.stdout
    assert zipfile.is_zipfile(made)
