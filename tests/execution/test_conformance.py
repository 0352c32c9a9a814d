"""What any sandbox must hold, tried on every combination of layers that this machine offers, and
what is open without each layer.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

import autograder
from autograder.evidence.limits import Isolation
from autograder.execution.executor import Executor
from autograder.execution.layers.bubblewrap import tried
from autograder.execution.layers.sandbox import (
    BUBBLEWRAP,
    LANDLOCK,
    LANDLOCK_SCOPES,
    LAYERS,
    MOUNTS,
    OWN_UID,
    SECCOMP,
)
from autograder.execution.trials import TRIALS, TrialResult, level_found, run_trials

root_only = pytest.mark.skipif(
    os.geteuid() != 0, reason="as an ordinary user no process changes its uid"
)
LONG = pytest.mark.long("a forkserver of its own, and twenty trials")
GRADES = (
    pytest.param((), id="all"),
    pytest.param((BUBBLEWRAP,), id="outside-bubblewrap", marks=LONG),
    pytest.param((BUBBLEWRAP, LANDLOCK, LANDLOCK_SCOPES), id="plain-container", marks=LONG),
    pytest.param((LANDLOCK, LANDLOCK_SCOPES), id="bubblewrap-without-landlock", marks=LONG),
)
SINGLE = (
    (),
    *(
        pytest.param(kept, marks=LONG)
        for kept in ((OWN_UID, MOUNTS), (LANDLOCK, LANDLOCK_SCOPES), (SECCOMP,), (BUBBLEWRAP,))
    ),
)


def trials_without(without: tuple[str, ...]) -> tuple[dict[str, str], tuple[TrialResult, ...]]:
    """The environment, and how all trials went, with these layers left out."""
    with Executor(1, Isolation.WEAK, without=without) as executor:
        results = run_trials(executor)
        return executor.environment, results


@pytest.mark.seconds("a forkserver of its own, and twenty trials")
@root_only
@pytest.mark.parametrize("without", GRADES)
def test_levels_of_good_and_above_hold_what_they_promise(without: tuple[str, ...]) -> None:
    """Every required trial is held, and the level found is the one that the layers promise."""
    environment, results = trials_without(without)
    level = Isolation(environment["isolation"])
    assert level.rank >= Isolation.GOOD.rank
    assert [one.trial.name for one in results if one.trial.required and not one.held] == []
    assert level_found(level, results) is level


@pytest.mark.seconds("a forkserver of its own, and twenty trials")
@root_only
@pytest.mark.parametrize("kept", SINGLE, ids=lambda kept: kept[0] if kept else "none")
def test_a_layer_holds_what_it_says_and_nothing_else_does(kept: tuple[str, ...]) -> None:
    """With one layer alone, the trials that name it are held, and all others that need a layer get
    through. With none, all of them do: so the trials prove something.
    """
    environment, results = trials_without(tuple(name for name in LAYERS if name not in kept))
    offered = {name for name in kept if environment.get(f"layer: {name}") == "yes"}
    expected = {
        trial.name: not trial.held_by or bool(offered & set(trial.held_by)) for trial in TRIALS
    }
    if offered == {SECCOMP}:
        expected["connect to an abstract socket"] = (
            # without an own uid the filter refuses all sockets, not only those that are not Unix
            # ones
            True
        )
    assert {one.trial.name: one.held for one in results} == expected
    assert Isolation(environment["isolation"]) is Isolation.WEAK


@root_only
def test_a_trial_that_gets_through_lowers_the_level() -> None:
    """What the layers promise does not count where an attack succeeds."""
    held = tuple(TrialResult(trial, held=True) for trial in TRIALS)
    through = (TrialResult(TRIALS[0], held=False), *held[1:])
    assert level_found(Isolation.STRONG, held) is Isolation.STRONG
    assert level_found(Isolation.STRONG, through) is Isolation.WEAK


ORDINARY = """
import sys
from autograder.execution.executor import Executor
from autograder.execution.trials import run_trials
with Executor(1, without=sys.argv[1:]) as executor:
    results = run_trials(executor)
    print(executor.environment["isolation"], executor.environment["layer: own uid"])
print([one.trial.name for one in results if one.trial.required and not one.held])
"""


@pytest.mark.seconds("a forkserver of its own, and twenty trials")
@root_only
@pytest.mark.parametrize(
    "without", [pytest.param((), marks=LONG), (BUBBLEWRAP,)], ids=["all", "outside-bubblewrap"]
)
def test_an_ordinary_user_is_held_to_the_same(tmp_path: Path, without: tuple[str, ...]) -> None:
    """As uid 12345, which can change to no other: Landlock and seccomp make it good, and every
    required trial is held.
    """
    readable = (sys.base_prefix, sys.prefix, str(Path(autograder.__file__).parent))
    if tried(readable, str(tmp_path), 1 << 20) != "yes":
        pytest.skip("needs bubblewrap to show an ordinary user the interpreter")
    done = subprocess.run(
        [*as_ordinary_user(readable), sys.executable, "-c", ORDINARY, *without],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.stdout.splitlines() == ["good needs root", "[]"], done.stderr


def as_ordinary_user(readable: tuple[str, ...]) -> list[str]:
    """What to put before a command so that it runs as uid 12345, seeing the whole machine but for
    closed homes and /tmp, of which only `readable` is there.
    """
    course = str(Path(autograder.__file__).parents[1])
    shown = (*readable, course)
    words = ["bwrap", "--bind", "/", "/", "--dev-bind", "/dev", "/dev"]
    homes = {
        str(folder)
        for path in shown
        for folder in Path(path).parents
        if not folder.stat().st_mode & 0o001
    }
    for home in sorted({"/tmp", *homes}):
        words += ["--perms", "0777" if home == "/tmp" else "0755", "--tmpfs", home]
        for folder in sorted(
            {
                str(folder)
                for path in shown
                for folder in Path(path).parents
                if folder.is_relative_to(home)
            }
            - {home}
        ):
            words += ["--perms", "0755", "--dir", folder]
    for path in sorted(shown, key=len):  # a folder before what lies in it
        words += ["--ro-bind", path, path]
    words += ["--setenv", "HOME", "/tmp", "--setenv", "PYTHONPATH", course]
    return [*words, "setpriv", "--reuid", "12345", "--regid", "12345", "--clear-groups"]
