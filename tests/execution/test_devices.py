"""Which GPUs there are, and what the answer means."""

from __future__ import annotations

import subprocess
import sys

import pytest

from autograder.evidence.limits import Device
from autograder.execution.devices import CPU, find_device, found_by


def test_the_cpu_is_always_there_and_hides_all_gpus() -> None:
    found = find_device(Device.CPU)
    assert found is CPU
    assert (found.name, found.missing) == ("cpu", "")
    assert found.variables(0) == {"CUDA_VISIBLE_DEVICES": ""}


@pytest.mark.parametrize(
    ("cuda", "error", "words"),
    [
        (None, "", ["build without CUDA", "install"]),
        ("12.8", "", ["finds no GPU that works;", "nvidia-smi"]),
        (
            "12.8",
            "Found no NVIDIA driver on your system.",
            ["works: Found no NVIDIA driver", "nvidia-smi"],
        ),
    ],
)
def test_what_is_missing_is_said_with_what_to_do(cuda, error, words) -> None:
    found = found_by("2.13.0", cuda, [], error)
    assert found.name == ""
    assert found.gpus == ()
    for word in ("there is no GPU", "2.13.0", *words):
        assert word in found.missing


def test_only_gpus_of_one_name_are_used_and_each_slot_sees_one(monkeypatch) -> None:
    """Tolerances are measured for one kind; numbers are those by which the grader itself sees
    them.
    """
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    names = ["NVIDIA A100", "NVIDIA T4", "NVIDIA A100"]
    found = found_by("2.13.0", "12.8", names, "")
    assert (found.name, found.gpus, found.missing) == ("NVIDIA A100", ("0", "2"), "")
    assert [found.variables(slot)["CUDA_VISIBLE_DEVICES"] for slot in range(3)] == ["0", "2", "0"]
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "5, GPU-1f,7")
    assert found_by("2.13.0", "12.8", names, "").gpus == ("5", "7")


def test_this_machine_is_asked_without_importing_torch_here() -> None:
    """The answer is a GPU's name or a reason, and this process stays free of CUDA."""
    code = (
        "import sys; from autograder.assignment import Device; from autograder.execution.devices"
        " import find_device\nfound = find_device(Device.CUDA); assert bool(found.name) !="
        " bool(found.missing), found\nprint('torch' in sys.modules)"
    )
    assert (
        subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=True
        ).stdout
        == "False\n"
    )
