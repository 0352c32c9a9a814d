"""GradStep under a closed home, started with any umask: submissions run as another user and must
read it all the same.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from autograder.execution.layers.mounts import closed_folder
from tests.surroundings import refused, with_folder_at, without_bubblewrap

pytestmark = pytest.mark.skipif(bool(refused()), reason=refused())

RUN = """
import os, sys
from autograder.evidence.limits import Limits
from autograder.execution.executor import Executor
from autograder.evidence.protocol import Cell, ExecutionRequest
source = f"import os, wsgiref.util\\nprint(os.getuid() >= 60000, os.path.exists({sys.argv[1]!r}))"
with Executor(1) as executor:
    evidence = executor.run("key", ExecutionRequest((Cell("c", source),), 0, Limits()), ())
print(executor.environment["layer: mount namespace"], evidence.cells[0].run.output.strip() or evidence, sys.prefix)
"""


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A closed home with a letter in it."""
    home = tmp_path / "home"
    home.mkdir(mode=0o700)
    (home / "letter").write_text("mine")
    return home


def output_of(home: Path, interpreter: Path, umask: int, *, wrapped: bool = False) -> str:
    """What `RUN` prints where this environment appears below `home`."""
    place = home / "deep" / "down"
    place.mkdir(parents=True, exist_ok=True)
    before = [*([] if wrapped else without_bubblewrap()), *with_folder_at(sys.prefix, str(place))]
    done = subprocess.run(
        [*before, str(interpreter), "-c", RUN, str(home / "letter")],
        capture_output=True,
        text=True,
        umask=umask,
        check=False,
        env=os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])},
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.mark.seconds("a forkserver of its own")
@pytest.mark.parametrize(
    "umask",
    [
        *(
            pytest.param(umask, marks=pytest.mark.long("a forkserver of its own"))
            for umask in (0o022, 0o027)
        ),
        0o077,
    ],
    ids=oct,
)
def test_an_interpreter_under_a_closed_home_is_read_whatever_the_umask(
    home: Path, umask: int
) -> None:
    """It imports what nothing has imported before, and the rest of the home does not exist for
    it.
    """
    place = home / "deep" / "down"
    assert output_of(home, place / "bin" / "python", umask) == f"yes True False {place}"


@pytest.mark.seconds("a forkserver of its own")
def test_bubblewrap_shows_it_under_a_closed_umask_too(home: Path) -> None:
    """Then no mount namespace is needed."""
    if not without_bubblewrap():
        pytest.skip("bubblewrap is not installed")
    place = home / "deep" / "down"
    assert (
        output_of(home, place / "bin" / "python", 0o077, wrapped=True)
        == f"not needed True False {place}"
    )


SETTINGS = """
import os
from autograder.evidence.limits import Limits
from autograder.execution.executor import Executor
from autograder.evidence.protocol import Cell, ExecutionRequest
source = "import os\\nprint(len(open('/etc/passwd').read()) > 0, os.path.exists('/sys/devices/system/cpu/online'))"
with Executor(1) as executor:
    evidence = executor.run("key", ExecutionRequest((Cell("c", source),), 0, Limits()), ())
print(executor.environment["layer: bubblewrap"], evidence.cells[0].run.output.strip() or evidence)
"""


@pytest.mark.seconds("a forkserver of its own")
def test_bubblewrap_shows_what_libraries_read_of_the_system() -> None:
    """To the users of submissions, too."""
    if not without_bubblewrap():
        pytest.skip("bubblewrap is not installed")
    assert (
        subprocess.run(
            [sys.executable, "-c", SETTINGS], capture_output=True, text=True, check=True
        ).stdout.strip()
        == "yes True True"
    )


@pytest.mark.long("a forkserver of its own")
def test_a_link_to_the_interpreter_within_the_home_leads_there(home: Path) -> None:
    """As uv makes them for the newest of a version."""
    (home / "newest").symlink_to("deep/down")
    assert (
        output_of(home, home / "newest" / "bin" / "python", 0o077)
        == f"yes True False {home / 'newest'}"
    )


LAYERS = """
import sys
from autograder.errors import SandboxError
from autograder.execution.layers.sandbox import OWN_UID, make_layers
folder = sys.argv[1]
sys.path.append(folder)
try:
    print(make_layers(60499, [folder], [])[1][OWN_UID])
except SandboxError as error:
    print(error)
"""


@pytest.fixture
def packages() -> Iterator[Path]:
    """A folder that everybody can read, with what could be imported and what could not."""
    with tempfile.TemporaryDirectory(dir="/var/tmp") as made:
        folder = Path(made)
        folder.chmod(0o755)
        for name in ("package", "__pycache__", "some-notes"):
            (folder / name).mkdir()
            (folder / name).chmod(0o755)
        for name in ("module.py", "native.so", "notes.txt"):
            (folder / name).touch()
            (folder / name).chmod(0o644)
        (folder / "gone.py").symlink_to(folder / "nowhere")
        yield folder


def said_of(packages: Path) -> str:
    """What `LAYERS` prints."""
    return subprocess.run(
        [sys.executable, "-c", LAYERS, str(packages)], capture_output=True, text=True, check=True
    ).stdout.strip()


@pytest.mark.parametrize(
    ("mode", "closed"), [(0o711, False), (0o755, False), (0o744, True), (0o700, True)]
)
def test_a_folder_is_closed_to_who_may_not_enter_it(mode: int, closed: bool) -> None:
    """To enter is another right than to list. (pytest's own temporary folders are closed.)"""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name).resolve()
        (folder / "bin").mkdir()
        folder.chmod(mode)
        assert closed_folder(str(folder / "bin")) == (str(folder) if closed else None)


@pytest.mark.parametrize("closed", ["package", "module.py", "native.so", ""])
def test_what_submissions_could_not_import_is_named_before_one_runs(
    packages: Path, closed: str
) -> None:
    """As where somebody installed it under umask 077; the folder itself comes first."""
    (packages / closed).chmod(0o700 if (packages / closed).is_dir() else 0o600)
    assert (
        f"can't read {packages / closed}; make it readable by everyone (chmod -R go+rX)"
        in said_of(packages)
    )


def test_nothing_is_said_of_what_nobody_imports(packages: Path) -> None:
    """Python does without a cache that it can't read."""
    for name in ("__pycache__", "some-notes", "notes.txt"):
        (packages / name).chmod(0o700)
    assert said_of(packages) == "yes"
