"""The zip's own run_autograder in a scratch root laid out as /autograder: real processes, with the
student's code under another user.
"""

import base64
import contextlib
import dataclasses
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import jsonschema
import msgspec
import nbformat
import pytest
from gradescope_container import Autograder, described, earlier, notebook
from gradescope_schema import RESULTS
from tiny_class import LOOP, LOSS, TINY

from autograder.assignment import Gradescope, open_assignment
from autograder.checks.docket import open_docket
from autograder.commands.container.gradescope_run import (
    Container,
    close_off,
    container_files,
    find_submission,
    refuse_root,
    required_isolation,
    safely_graded,
    wall_needed_s,
)
from autograder.commands.export.gradescope_zip import export_gradescope
from autograder.course.prepare import prepare
from autograder.course.results import ResultsFolder
from autograder.errors import SandboxError
from autograder.evidence.limits import Isolation, Limits
from autograder.exchange.gradescope.results_json import encode_results
from autograder.exchange.gradescope.submission_metadata import read_metadata
from autograder.judgement.grade import Cause
from tests.surroundings import refused, with_folder_at, without_bubblewrap

pytestmark = pytest.mark.skipif(
    os.geteuid() != 0,
    reason="Gradescope's container starts as root, and so must what stands for it here",
)

TABLE = """
[gradescope]
limit = { submissions = 2, hours = 24 }

[[gradescope.leaderboard]]
name = "Steps to a loss of 0.01"
check = "test_train"
loss = 0.01
"""

ONCE_MORE = """

@points(0, visibility="after_published")
@call("training_loop", n_epochs=21, optimizer=optim.SGD(lr=0.1), params=leaf([1.0, -2.0]))
def test_once_more(run, reference):
    \"\"\"Once more\"\"\"
    assert_same_training(run, reference)
"""


@pytest.fixture(scope="module", autouse=True)
def usual_umask():
    """The harness's and setup.sh's, whatever this process was started with; run_autograder sets its
    own.
    """
    before = os.umask(0o022)
    yield
    os.umask(before)


@pytest.fixture(scope="module")
def autograder(usual_umask):
    """The tiny course, exported, unpacked and prepared once.

    Its folder can be entered by everybody, as /autograder: pytest's own can't, which would hide
    what is to be tried.
    """
    folder = Path(tempfile.mkdtemp(prefix="gradescope-", dir="/var/tmp"))
    folder.chmod(0o755)
    try:
        course = folder / "course"
        course.mkdir(mode=0o700)
        shutil.copytree(TINY, course, dirs_exist_ok=True)
        toml = course / "assignments" / "tiny" / "assignment.toml"
        toml.write_text(toml.read_text().replace("cpu_s = 8", "cpu_s = 2") + TABLE)
        with (course / "assignments" / "tiny" / "test_tiny.py").open("a") as file:
            file.write(ONCE_MORE)
        export_gradescope(open_assignment(course, "tiny"), folder / "tiny.zip")
        made = Autograder.unpack(folder / "tiny.zip", folder)
        prepared = made.prepare()
        assert prepared.returncode == 0, prepared.stderr
        assert "Reference: 10 of 10 points" in prepared.stdout
        yield made
    finally:
        shutil.rmtree(folder)


@pytest.fixture(scope="module")
def release(autograder):
    """The student notebook, from the numbers that the image keeps of the reference."""
    container = Container(autograder.root)
    files = container_files(container)
    store = ResultsFolder(container.own / "results", "tiny").evidence
    return open_docket(files, lambda docket: prepare(files, docket, store, None).release)


def read_by(user, path):
    """Whether `user` can read `path`, a file or folder."""
    command = ["/bin/ls" if path.is_dir() else "/bin/cat", str(path)]
    return (
        subprocess.run(
            command,
            user=user,
            group=user,
            extra_groups=[],
            capture_output=True,
            check=False,
            cwd="/",
        ).returncode
        == 0
    )


def checked(answer):
    content, said = answer
    jsonschema.validate(content, RESULTS)
    assert content["stdout_visibility"] == "hidden"
    return content, {test["name"]: test for test in content["tests"]}, said


@pytest.mark.seconds("a container's run with a forkserver of its own")
def test_an_honest_submission_has_all_its_points(autograder, release):
    """Also from a folder of a repository, next to scripts of the student's own.

    The reference is not run again, and what others may read before it starts nobody can read after.
    """
    container = Container(autograder.root)
    evidence = sorted((container.own / "results" / "evidence").rglob("*.msgpack"))
    autograder.root.joinpath("source").chmod(0o755)
    solution = container.own / "course" / "solutions" / "tiny" / "solution.py"
    autograder.hand_in({})
    assert read_by(65534, solution)
    assert read_by(65534, container.metadata)
    files = {
        "work/tiny.ipynb": notebook(release, loss_fn=LOSS, training_loop=LOOP),
        "work/other.py": "raise SystemExit\n",
        "README.md": "mine\n",
    }
    content, tests, said = checked(autograder.grade(files))
    assert content["score"] == 10
    assert {
        name: (test["score"], test["max_score"], test["status"], test["number"])
        for name, test in tests.items()
    } == {
        "The mean of the squares": (2, 2, "passed", "1.1"),
        "Thirty epochs": (3, 3, "passed", "2.1"),
        "Any optimizer": (5, 5, "passed", "2.2"),
        "Once more": (0, 0, "passed", "2.3"),
    }
    assert [test["visibility"] for test in content["tests"]] == [
        "visible",
        "visible",
        "after_due_date",
        "after_published",
    ]
    assert isinstance(content["execution_time"], float)
    # The loss starts at 4 and shrinks by 0.64 at each step: 4 * 0.64 ** 14 is the first that is not
    # above 0.01
    assert content["leaderboard"] == [
        {"name": "Steps to a loss of 0.01", "value": 15, "order": "asc"}
    ]
    own = content["extra_data"]["gradstep"]
    assert own["provenance"]["environment"]["layer: own uid"] == "yes"
    assert "1 of 2 gradings within 24 hours are left." in content["output"]
    assert "10 of 10 points" in said
    assert (
        "submission 123456 of Student User <student@example.com>, handed in"
        " 2026-11-25T10:00:00.123456-08:00, 0 before it" in said
    )
    assert [path for path in evidence if not path.exists()] == []
    for path in (
        container.own,
        solution,
        container.metadata,
        autograder.results,
        autograder.results.parent,
        container.submission,
    ):
        assert not read_by(65534, path)


@pytest.mark.long("a container's run with a forkserver of its own")
def test_a_wrong_submission_reads_what_is_wrong(autograder, release):
    """The points of what is right, the finding, and a plot of the loss.

    A call that never ends is ended by its computing time, long before Gradescope's timeout, and the
    others go on.
    """
    wrong = LOOP.replace(
        "        optimizer.zero_grad()\n", "        while n_epochs == 20:\n            pass\n"
    )
    content, tests, said = checked(
        autograder.grade({"tiny.ipynb": notebook(release, loss_fn=LOSS, training_loop=wrong)})
    )
    assert content["score"] == 2
    lost = tests["Thirty epochs"]
    assert (lost["score"], lost["status"], lost["output_format"]) == (0, "failed", "html")
    assert "Observed:" in lost["output"]
    encoded = lost["output"].partition("data:image/png;base64,")[2].partition('"')[0]
    assert base64.b64decode(encoded, validate=True).startswith(b"\x89PNG")
    assert "never-clears" in tests["Once more"]["output"]
    assert "used all its computing time" in tests["Any optimizer"]["output"]
    assert (tests["Any optimizer"]["score"], tests["Any optimizer"]["status"]) == (0, "failed")
    assert "leaderboard" not in content
    assert "never clears gradients" in said


@pytest.mark.long("a container's run with a forkserver of its own")
def test_an_environment_under_a_closed_home_is_read(autograder, release, tmp_path):
    """By the user that submissions run as, under the umask 077 of run_autograder and without
    bubblewrap.
    """
    if why := refused():
        pytest.skip(why)
    place = tmp_path / "home" / "deep" / "environment"
    place.mkdir(parents=True)
    (tmp_path / "home").chmod(0o700)
    where = Container(autograder.root).own / "where"
    text = where.read_text()
    where.write_text(f"{place / 'bin' / 'python'}\n{autograder.package}\n")
    try:
        unlike_others = ("import wsgiref.util",)  # whose runs are stored
        files = {
            "tiny.ipynb": notebook(release, loss_fn=LOSS, training_loop=LOOP, extra=unlike_others)
        }
        content, _, _ = checked(
            autograder.grade(
                files, prefix=(*without_bubblewrap(), *with_folder_at(sys.prefix, str(place)))
            )
        )
    finally:
        where.write_text(text)
    assert content["score"] == 10
    assert (
        content["extra_data"]["gradstep"]["provenance"]["environment"]["layer: mount namespace"]
        == "yes"
    )


THIEF = """
import os, time
holes = []
for path in {secrets}:
    try:
        holes.append([path, os.listdir(path) if os.path.isdir(path) else open(path).read(100)])
    except OSError:
        pass
def overwrite():
    for path in {targets}:
        try:
            with open(path, "w") as file:
                file.write('{{"score": 100}}')
            holes.append(path)
        except OSError:
            pass
overwrite()
print("HOLE", holes) if holes else print("CLOSED as", os.getuid())
children = 0
for _ in range(300):
    try:
        pid = os.fork()
    except OSError:
        break
    if pid == 0:
        os.setsid()
        while True:
            overwrite()
            time.sleep(0.05)
    children += 1
print("FORKED", children)
"""


@pytest.mark.long("a container's run with a forkserver of its own")
def test_a_thief_gets_nothing_and_writes_nothing(autograder, release):
    """It tries the solution, the metadata, the results and the sources, leaves as many processes as
    it can that go on trying, and ends Python.
    """
    container = Container(autograder.root)
    secrets = [
        container.own,
        container.own / "course/solutions/tiny/solution.py",
        container.metadata,
        autograder.results,
        autograder.results.parent,
    ]
    targets = [
        autograder.results,
        autograder.root / "run_autograder",
        container.own / "where",
        autograder.root / "results" / "stdout",
    ]
    code = THIEF.format(
        secrets=[str(path) for path in secrets], targets=[str(path) for path in targets]
    )
    before = (autograder.root / "run_autograder").read_bytes()
    files = {
        "tiny.ipynb": notebook(
            release, loss_fn=LOSS, training_loop=LOOP, extra=(code, "import os\nos._exit(0)\n")
        )
    }
    content, tests, _ = checked(autograder.grade(files))
    executed = nbformat.read(
        ResultsFolder(container.own / "results", "tiny").executed_path("submission-123456"),
        as_version=4,
    )
    printed = "".join(
        output.get("text", "") for cell in executed.cells for output in cell.get("outputs", ())
    )
    assert "CLOSED as 6" in printed
    forked = int(printed.partition("FORKED ")[2].split()[0])
    assert forked <= Limits().processes
    assert content["score"] <= 5  # what the notebook itself did before it ended
    assert "ended Python itself" in tests["Any optimizer"]["output"]
    assert "did not run cleanly" in content["output"]
    assert (autograder.root / "run_autograder").read_bytes() == before
    time.sleep(0.3)
    assert json.loads(autograder.results.read_text()) == content


def test_a_submission_without_a_notebook_is_told_what_arrived(autograder):
    """All checks not reached, with their 0 explained."""
    content, tests, _ = checked(autograder.grade({"notes.txt": "hello", "<b>x.pdf": "x"}))
    assert content["score"] == 0
    assert "Hand in tiny.ipynb. What arrived: &lt;b&gt;x.pdf, notes.txt." in content["output"]
    assert "There is no notebook in your submission" in tests["Thirty epochs"]["output"]


def here(autograder, capsys, files, metadata=None):
    """The same in this process, for what starts none of its own."""
    autograder.hand_in(files, metadata)
    content = json.loads(
        encode_results(safely_graded(Container(autograder.root), time.monotonic()))
    )
    return checked((content, capsys.readouterr().out))


def test_over_the_limit_nothing_runs_and_nothing_is_lost(autograder, release, capsys):
    """The result of the submission before it, with a note; by the times in the metadata, whatever
    the clock says.
    """
    results = {
        "score": 7.0,
        "output": "<p>as before</p>",
        "tests": [{"name": "a", "status": "passed", "visibility": "visible", "score": 7.0}],
    }
    previous = [
        earlier("2026-11-25T01:00:00-08:00", 3.0),
        earlier("2026-11-25T09:00:00-08:00", 7.0, results=results),
    ]
    content, tests, said = here(
        autograder, capsys, {"tiny.ipynb": notebook(release)}, described(previous=previous)
    )
    assert content["score"] == 7
    assert list(tests) == ["a"]
    assert "your 2 gradings within 24 hours are used up" in content["output"]
    assert "as before" in content["output"]
    assert "over the limit" in said


def test_a_fault_of_ours_is_no_zero_without_words(autograder, release, capsys):
    """The staff reads the traceback, the student a sentence without a path.

    Here a file lies where the grader's own folder should be.
    """
    store = Container(autograder.root).own / "results"
    store.rename(store.with_name("aside"))
    store.write_text("in the way")
    try:
        content, tests, said = here(autograder, capsys, {"tiny.ipynb": notebook(release)})
    finally:
        store.unlink()
        store.with_name("aside").rename(store)
    assert "by no fault of yours" in content["output"]
    assert "not your mark" in content["output"]
    assert not any("score" in test for test in tests.values())
    assert "Traceback" in said
    assert "FileExistsError" in said
    assert str(autograder.root) not in json.dumps(content)


def test_a_broken_assignment_is_no_zero_without_words(autograder, release, capsys):
    """Our own errors become one line for the staff.

    Metadata that can't be read stop nothing by themselves.
    """
    solution = Container(autograder.root).own / "course" / "solutions" / "tiny" / "solution.py"
    solution.rename(solution.with_name("aside"))
    try:
        content, _, said = here(autograder, capsys, {"tiny.ipynb": notebook(release)}, "{not json")
    finally:
        solution.with_name("aside").rename(solution)
    assert "by no fault of yours" in content["output"]
    assert "error: assignment 'tiny' lacks" in said
    assert "Traceback" not in said


def of_session(session):
    """Pids and command names of a session's processes that have not ended."""
    found = subprocess.run(
        ["ps", "-o", "pid=,stat=,comm=", "-s", str(session)],
        text=True,
        capture_output=True,
        check=False,
    ).stdout
    return {
        int(line.split()[0]): line.split()[2]
        for line in found.splitlines()
        if line.split()[1][0] != "Z"
    }


def kill_all_of(session):
    """Also what is being started meanwhile: of a container nothing is left."""
    while found := of_session(session):
        for pid in found:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


def soon(condition):
    """What `condition` finds within 20 s."""
    for _ in range(2000):
        if found := condition():
            return found
        time.sleep(0.01)
    raise AssertionError(condition)


def test_a_kill_leaves_a_valid_result(autograder, release):
    """From the first moment on: that of Gradescope's own timeout, which ends everything at once;
    and that of the grader alone, which is noticed.
    """
    autograder.hand_in({"tiny.ipynb": notebook(release, loss_fn=LOSS, training_loop=LOOP)})
    process = autograder.start()
    soon(autograder.results.exists)
    kill_all_of(process.pid)
    process.communicate()
    unfinished = json.loads(autograder.results.read_text())
    jsonschema.validate(unfinished, RESULTS)
    assert "cut off" in unfinished["output"]
    assert "not your mark" in unfinished["output"]

    autograder.hand_in({"tiny.ipynb": notebook(release, loss_fn=LOSS, training_loop=LOOP)})
    process = autograder.start()
    grader = soon(
        lambda: [pid for pid, name in of_session(process.pid).items() if name.startswith("python")]
    )
    os.kill(grader[0], signal.SIGKILL)
    said, _ = process.communicate(timeout=30)
    crashed = json.loads(autograder.results.read_text())
    jsonschema.validate(crashed, RESULTS)
    assert "The grader itself was ended" in crashed["output"]
    assert "left no result" in said


def test_our_own_timeout_comes_before_gradescopes(autograder, release):
    """Said as what it was: grading took too long."""
    script = autograder.root / "run_autograder"
    text = script.read_text()
    assert text.count("560") == 2  # ten minutes without forty seconds
    script.write_text(text.replace("560", "1"))
    try:
        content, _, said = checked(
            autograder.grade({"tiny.ipynb": notebook(release, loss_fn=LOSS, training_loop=LOOP)})
        )
    finally:
        script.write_text(text)
    assert "longer than the 10 minutes" in content["output"]
    assert "exit code 124" in said


def test_without_an_environment_the_prepared_result_stays(autograder, release):
    """setup.sh failed, or the image lost it: bash alone leaves a valid result."""
    where = Container(autograder.root).own / "where"
    text = where.read_text()
    where.write_text("/nonexistent/python\n/nonexistent\n")
    try:
        content, _, _ = checked(autograder.grade({"tiny.ipynb": notebook(release)}))
    finally:
        where.write_text(text)
    assert "not your mark" in content["output"]


@pytest.mark.long("a container's run with a forkserver of its own")
def test_where_nothing_can_run_as_another_user_nothing_runs(autograder, release):
    """A container without the right to change users, and an author who accepts weak isolation: the
    student reads that no code was run, the staff why.
    """
    toml = Container(autograder.root).own / "course" / "assignments" / "tiny" / "assignment.toml"
    text = toml.read_text()
    toml.write_text(text.replace("[gradescope]\n", '[gradescope]\nisolation = "weak"\n'))
    thief = notebook(release, extra=(f"open({str(toml)!r}, 'a').write('# touched')",))
    try:
        content, _, said = checked(
            autograder.grade(
                {"tiny.ipynb": thief},
                prefix=("setpriv", "--bounding-set=-setuid,-setgid", "--inh-caps=-all"),
            )
        )
        assert "touched" not in toml.read_text()
    finally:
        toml.write_text(text)
    assert "could not isolate your code, so it did not run it" in content["output"]
    assert "submissions would run as root" in said


def test_submissions_never_run_as_root():
    """Whatever isolation the author accepts; with a uid of their own they may."""
    with pytest.raises(SandboxError, match="as root"):
        refuse_root({"layer: own uid": "OSError: refused", "isolation": "weak"})
    with pytest.raises(SandboxError, match="as root"):
        refuse_root({})
    refuse_root({"layer: own uid": "yes", "isolation": "weak"})


def test_less_isolation_is_the_authors_word(autograder):
    """Good unless [gradescope] says otherwise."""
    files = container_files(Container(autograder.root))
    assert required_isolation(files) is Isolation.GOOD
    weak = msgspec.structs.replace(
        files.assignment, gradescope=Gradescope(isolation=Isolation.WEAK)
    )
    assert required_isolation(dataclasses.replace(files, assignment=weak)) is Isolation.WEAK


def test_the_waiting_time_fits_half_a_cpu(autograder):
    """Twice 2 s of computing on half a CPU: the assignment's own 30 s are enough; for twice 8 s
    they are not.
    """
    assert container_files(Container(autograder.root)).assignment.limits.wall_s == 30
    assert wall_needed_s(Limits(cpu_s=8)) - 60 >= 32


def test_what_can_not_be_closed_is_told(tmp_path):
    """A folder is closed to others, a missing one is no matter; one on a read-only disk stops
    grading.
    """
    folder = tmp_path / "open"
    folder.mkdir(mode=0o755)
    close_off([folder, tmp_path / "missing"])
    assert folder.stat().st_mode & 0o077 == 0
    folder.chmod(0o755)
    code = (
        "import sys; from pathlib import Path; from autograder.commands.container.gradescope_run"
        " import close_off; close_off([Path(sys.argv[1])])"
    )
    mounted = 'mount --bind "$1" "$1" && mount -o remount,bind,ro "$1" && exec "$2" -c "$3" "$1"'
    words = ["unshare", "--mount", "sh", "-c", mounted, "sh", str(folder), sys.executable, code]
    said = subprocess.run(words, text=True, capture_output=True, env=os.environ, check=False).stderr
    if said.startswith(("unshare:", "mount:")):
        pytest.skip(f"no mounts here: {said}")
    assert "can't be closed to other users: Read-only file system" in said


METADATA = read_metadata(json.dumps(described()).encode())


def found(folder, *names):
    """Which of these files is graded, or why none is, and what the student is told."""
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("x")
    candidate, remarks = find_submission(folder, "tiny", METADATA)
    assert candidate.student == "submission-123456"
    assert candidate.submitted_at == "2026-11-25T10:00:00.123456-08:00"
    return (
        candidate.path.relative_to(folder).as_posix() if candidate.path else candidate.problem
    ), "".join(remarks)


@pytest.mark.parametrize(
    ("names", "wanted"),
    [
        (["mine.ipynb"], "mine.ipynb"),
        (["a.ipynb", "src/tiny.ipynb"], "src/tiny.ipynb"),
        (["utils.py", "deep/er/mine.ipynb"], "deep/er/mine.ipynb"),
        (["tiny.py", "utils.py"], "tiny.py"),
        (["x.zip"], "x.zip"),
        ([".ipynb_checkpoints/tiny.ipynb", "__MACOSX/tiny.ipynb", "b.ipynb"], "b.ipynb"),
        (["a.ipynb", "b.ipynb"], Cause.SEVERAL_NOTEBOOKS),
        (["a/tiny.ipynb", "b/tiny.ipynb"], Cause.SEVERAL_NOTEBOOKS),
        ([".tiny.ipynb", "notes.txt"], Cause.NO_NOTEBOOK),
        ([], Cause.NO_NOTEBOOK),
    ],
)
def test_the_notebook_is_found_wherever_it_lies(tmp_path, names, wanted):
    """The assignment's name first, then the only one; else the student is told what to do."""
    choice, remark = found(tmp_path, *names)
    assert choice == wanted
    assert ("Hand in" in remark) == isinstance(wanted, Cause)


def test_links_are_not_followed(tmp_path):
    """Neither to a file nor to a folder: they would bring what the grader can read."""
    secret = tmp_path / "secret"
    secret.mkdir()
    (secret / "tiny.ipynb").write_text("x")
    folder = tmp_path / "submission"
    folder.mkdir()
    (folder / "tiny.ipynb").symlink_to(secret / "tiny.ipynb")
    (folder / "folder").symlink_to(secret)
    assert found(folder)[0] is Cause.NO_NOTEBOOK
    assert found(folder, "own.ipynb")[0] == "own.ipynb"
