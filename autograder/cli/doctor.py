"""`autograder doctor`."""

from __future__ import annotations

import platform

import typer

from autograder.cli.terminal import VERSION, terminal
from autograder.evidence.limits import Isolation


def doctor() -> None:
    """Find how well this machine isolates student code, by trying attacks: the level, the layers,
    and what each missing one opens. And whether it has a GPU for assignments that ask for one.

    Exit code 0 for good or strong, 3 for less: grading then refuses.
    """
    from autograder.evidence.limits import Device
    from autograder.execution.choosing import open_executor
    from autograder.execution.devices import find_device
    from autograder.execution.trials import level_found, run_trials
    from autograder.reports.terminal.doctor import (
        gpu_line,
        layers_table,
        trials_table,
        versions_line,
    )

    console = terminal()
    with open_executor(1, Isolation.WEAK, ()) as executor:
        results = run_trials(executor)
        environment = executor.environment
    console.print(
        versions_line(VERSION, environment, platform.release()), markup=False, highlight=False
    )
    console.print(layers_table(environment))
    console.print(
        trials_table(
            [
                (one.trial.name, one.held, one.trial.required, one.trial.opens, one.said)
                for one in results
            ]
        )
    )
    level = level_found(Isolation(environment["isolation"]), results)
    console.print(
        f"Level: {level}. Assignments ask for `isolation` in assignment.toml, good unless it says"
        " otherwise.",
        markup=False,
    )
    found = find_device(Device.CUDA)
    console.print(
        gpu_line(found.name, len(found.gpus), found.missing), markup=False, highlight=False
    )
    raise typer.Exit(0 if level.rank >= Isolation.GOOD.rank else 3)
