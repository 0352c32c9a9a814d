# ruff: noqa: S603
# The command is our own interpreter.
"""Which GPUs there are, asked in a process of its own: this one never initialises CUDA, and neither
does one that others are forked from.
"""

from __future__ import annotations

import functools
import os
import subprocess
import sys
from dataclasses import dataclass

import msgspec

from autograder.evidence.limits import Device

_PROBE = """
import json
import torch
found = {"torch": str(torch.__version__), "cuda": torch.version.cuda, "names": [], "error": ""}
try:
    if found["cuda"]:
        torch.cuda.init()
    for number in range(torch.cuda.device_count() if found["cuda"] else 0):
        torch.ones(1, device=f"cuda:{number}").add_(1).item()
        found["names"].append(torch.cuda.get_device_name(number))
except Exception as error:
    found["error"] = " ".join(str(error).split())[:300]
print("\\n" + json.dumps(found))
"""
_PROBE_S = 300
"""Importing torch from a cold disk takes a minute, initialising CUDA on a busy machine another."""

PASSED_ON = ("CUDA_DEVICE_ORDER", "LD_LIBRARY_PATH")
"""Variables of the grader's by which CUDA finds its libraries and numbers GPUs."""


@dataclass(frozen=True, slots=True)
class FoundDevice:
    """What an assignment that asks for `kind` runs on.

    `name` is the GPU's, or "cpu"; `gpus` are all GPUs of that name, each as CUDA_VISIBLE_DEVICES
    names it.

    Where there is none, `missing` says why and what to do, and `name` is empty.
    """

    kind: Device
    name: str
    gpus: tuple[str, ...] = ()
    missing: str = ""

    def variables(self, slot: int) -> dict[str, str]:
        """What is set for processes of slot `slot`: it sees one GPU, or none."""
        if self.kind is Device.CPU:
            return {"CUDA_VISIBLE_DEVICES": ""}
        kept = {name: os.environ[name] for name in PASSED_ON if name in os.environ}
        # CUBLAS_WORKSPACE_CONFIG: docs.nvidia.com/cuda/cublas, "Results Reproducibility". NVML:
        # torch.cuda.is_available() would initialise CUDA otherwise
        settings = {"CUBLAS_WORKSPACE_CONFIG": ":4096:8", "PYTORCH_NVML_BASED_CUDA_CHECK": "1"}
        return {
            **kept,
            **settings,
            "CUDA_VISIBLE_DEVICES": self.gpus[slot % len(self.gpus)] if self.gpus else "",
        }


CPU = FoundDevice(Device.CPU, "cpu")


class _Answer(msgspec.Struct):
    torch: str
    cuda: str | None
    names: list[str]
    error: str


@functools.cache
def find_device(kind: Device) -> FoundDevice:
    """Look for `kind`, once."""
    if kind is Device.CPU:
        return CPU
    try:
        done = subprocess.run(
            [sys.executable, "-s", "-P", "-c", _PROBE],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_PROBE_S,
            check=False,
            cwd="/",
        )
        answer = msgspec.json.decode(
            done.stdout.splitlines()[-1] if done.stdout else b"", type=_Answer
        )
    except (OSError, subprocess.TimeoutExpired, msgspec.DecodeError) as error:
        return _missing(
            f"PyTorch could not be asked for one ({type(error).__name__}); try `python -c 'import"
            " torch; torch.cuda.init()'`"
        )
    return found_by(answer.torch, answer.cuda, answer.names, answer.error)


def found_by(torch: str, cuda: str | None, names: list[str], error: str) -> FoundDevice:
    """What the probe's answer means.

    `cuda` is the version that PyTorch `torch` was built for, `names` those of the GPUs that worked,
    in CUDA's order.
    """
    if cuda is None:
        return _missing(
            f"PyTorch {torch} is a build without CUDA; install one with it"
            " (pytorch.org/get-started)"
        )
    if not names:
        why = f": {error}" if error else ""
        return _missing(
            f"PyTorch {torch} finds no GPU that works{why}; `nvidia-smi` should list one, and"
            " CUDA_VISIBLE_DEVICES must not hide it"
        )
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    numbers = visible.split(",") if visible else [str(number) for number in range(len(names))]
    same = tuple(
        number.strip() for number, name in zip(numbers, names, strict=False) if name == names[0]
    )
    return FoundDevice(Device.CUDA, names[0], same)


def _missing(why: str) -> FoundDevice:
    return FoundDevice(Device.CUDA, "", missing=f"there is no GPU: {why}")
