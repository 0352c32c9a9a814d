"""What an assignment runs on, found out before anything is run: without a GPU that it asks for, no
code of anybody's is started.
"""

from __future__ import annotations

import dataclasses
from collections import Counter
from typing import TYPE_CHECKING

from autograder.errors import AssignmentError, SandboxError
from autograder.evidence.limits import Device
from autograder.execution.devices import find_device

if TYPE_CHECKING:
    from collections.abc import Iterable

    from autograder.assignment import AssignmentFiles
    from autograder.checks.docket import CheckSpec
    from autograder.judgement.grade import Grade

DEVICE = "device"
"""Under which a run's environment names what it ran on."""


def on_device(files: AssignmentFiles) -> AssignmentFiles:
    """`files` with the name of the GPU at hand, if the assignment asks for one and there is one."""
    if files.assignment.device is Device.CPU:
        return files
    return dataclasses.replace(files, hardware=find_device(files.assignment.device).name)


def require_device(files: AssignmentFiles) -> AssignmentFiles:
    """As `on_device`.

    Raises:
        SandboxError: if there is no GPU although the assignment asks for one, with what to do.
    """
    if missing := find_device(files.assignment.device).missing:
        message = (
            f'{files.slug!r} asks for a GPU (device = "cuda" in assignment.toml), and {missing}'
        )
        raise SandboxError(message)
    return on_device(files)


def as_graded(files: AssignmentFiles, grades: Iterable[Grade]) -> AssignmentFiles:
    """`files` on the GPU on which most of `grades` were made, which need not be at hand: stored
    runs are judged against the reference's runs on the same one.
    """
    if files.assignment.device is Device.CPU:
        return files
    names = Counter(name for grade in grades if (name := device_of(grade)))
    return dataclasses.replace(files, hardware=names.most_common(1)[0][0] if names else "")


def device_of(grade: Grade) -> str:
    """What the grade was made on; empty where that made no difference."""
    return grade.provenance.environment.get(DEVICE, "")


def doubted_device(files: AssignmentFiles) -> str:
    """What bars have to be measured on; empty where that is not known."""
    return files.hardware if files.assignment.device is Device.CUDA else str(Device.CPU)


def refuse_gpu(files: AssignmentFiles, system: str) -> None:
    """That an assignment which another `system` is to run needs no GPU.

    Raises:
        AssignmentError: if it does.
    """
    if files.assignment.device is not Device.CPU:
        message = (
            f'{files.slug!r} has device = "cuda", and {system} has no GPU for it: grade it with'
            " `autograder grade`, students use `autograder check` on a machine that has one"
        )
        raise AssignmentError(message)


def refuse_batches(files: AssignmentFiles, specs: Iterable[CheckSpec]) -> None:
    """That nothing is to be replayed batch by batch on a GPU.

    Raises:
        AssignmentError: naming the check whose call records batches.
    """
    for spec in specs:
        if (
            spec.call is not None
            and spec.call.batches
            and files.assignment.device is not Device.CPU
        ):
            message = (
                f"{files.checks}: {spec.id} has record_batches=True, which needs the state of the"
                ' CPU\'s random numbers before each batch; with device = "cuda" they are the'
                " GPU's. Leave one of the two out"
            )
            raise AssignmentError(message)
