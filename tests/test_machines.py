"""The script that runs the tests on kinds of machine, and what hides bubblewrap from a command."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.machines import HEADS, MACHINES, counted, write_row
from tests.surroundings import in_namespace, refused

ROOT = Path(__file__).parents[1]
REPORT = """<testsuites><testsuite>
<testcase name="a"/><testcase name="b"><failure message="x"/></testcase><testcase name="c"><error message="y"/></testcase>
<testcase name="d"><skipped message="no GPU"/></testcase><testcase name="e"><skipped message="needs root"/></testcase>
<testcase name="f"><skipped message="no GPU"/></testcase></testsuite></testsuites>"""


def test_a_report_is_counted_with_the_reasons_of_what_was_skipped(tmp_path):
    """The most frequent first; an error of a fixture is a failure."""
    path = tmp_path / "report.xml"
    path.write_text(REPORT)
    assert counted(path) == ["1", "2", "3", "2: no GPU; 1: needs root"]


def test_a_row_takes_the_place_of_the_earlier_one(tmp_path):
    """Others stay, in the order of the configurations, below what the page says."""
    page = tmp_path / "machines.md"
    page.write_text("# Machines\n\nWords.\n\n")
    first, second = MACHINES[0].name, MACHINES[1].name
    for name, passed in ((second, "7"), (first, "1"), (second, "8")):
        write_row(page, [name, passed, *["x"] * (len(HEADS) - 2)])
    lines = page.read_text().splitlines()
    assert lines[:3] == ["# Machines", "", "Words."]
    assert [line.split(" | ")[:2] for line in lines[4:]] == [
        [f"| {HEADS[0]}", HEADS[1]],
        ["|" + "---|" * len(HEADS)],
        [f"| {first}", "1"],
        [f"| {second}", "8"],
    ]


def said_where(script, *before, hidden_twice=False):
    """What the module says where `script` has run, and a command under it whether it can run
    bubblewrap.
    """
    module = [sys.executable, "-m", "tests.surroundings"]
    words = [*in_namespace(script, str(ROOT)), *before, *module]
    command = (
        [*module, "true"]
        if hidden_twice
        else ["sh", "-c", "test -x /usr/local/bin/bwrap && echo there || echo gone"]
    )
    done = subprocess.run([*words, *command], cwd=ROOT, capture_output=True, text=True, check=False)
    if done.stderr.startswith(("mount:", "unshare:")):
        pytest.skip(f"no overlay here: {done.stderr}")
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.skipif(bool(refused()), reason=refused())
def test_bubblewrap_is_hidden_from_one_command(tmp_path):
    """Where it is installed, where it is not, and where nothing can be hidden: then nothing is
    run.
    """
    (tmp_path / "bwrap").write_text("#!/bin/sh\n")
    (tmp_path / "bwrap").chmod(0o755)
    there = (
        f"mount -t overlay none -o lowerdir={tmp_path}:/usr/local/bin /usr/local/bin && shift && "
    )
    assert said_where(there) == "gone\n"
    forbidden = ("setpriv", "--bounding-set=-sys_admin", "--inh-caps=-all")
    assert said_where(there, *forbidden).startswith(
        "bubblewrap can't be hidden, so nothing is tried without it: no mount namespaces here"
    )
    assert said_where(there, hidden_twice=True).startswith("bubblewrap is not installed")
    if not any(Path(place).exists() for place in ("/usr/bin/bwrap", "/usr/local/bin/bwrap")):
        assert (
            said_where("shift && ")
            == "bubblewrap is not installed: `make test` has been without it\n"
        )
