"""Before a submission's first cell: what is imported and warmed, and the surroundings that its code
finds. The same with forks and without.
"""

from __future__ import annotations

import asyncio
import gc
import importlib
import os
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import torch

from autograder.evidence.limits import Device
from autograder.evidence.protocol import TO_CHILD, CallBatch, ExecutionRequest
from autograder.sandboxed.cells.shell import COLLECTED, Shell, collect_outputs, make_shell, run_cell
from autograder.sandboxed.channel import read_frame
from autograder.sandboxed.recording.markers import mark_for_listeners_only
from autograder.sandboxed.recording.recorder import Recorder
from autograder.sandboxed.session import seed_everything
from autograder.sandboxed.threads import keep_threads, use_threads

_WARMING = """
from matplotlib import pyplot as plt
plt.figure(); plt.plot([1, 2.5], label="x"); plt.xlabel("t"); plt.legend()
"""


IMPORTED_AS = {
    "scikit-learn": "sklearn.datasets",
    "pillow": "PIL.Image",
    "opencv-python": "cv2",
    "pyyaml": "yaml",
}
"""What to import of packages whose modules have other names, or load their parts lazily."""


def warm(packages: tuple[str, ...] = ()) -> tuple[Shell, Recorder]:
    """Import and touch, before forking, what submissions would import lazily, `packages` too.

    The first optimizer alone takes 1.2 s.
    """
    use_threads(1)
    mark_for_listeners_only()
    for name in packages:
        try:
            importlib.import_module(IMPORTED_AS.get(name.lower(), name))
        except Exception:  # noqa: BLE001, S112 - a submission that imports it will say so itself
            continue
    parameter = torch.zeros(2, requires_grad=True)
    for kind in (torch.optim.SGD, torch.optim.Adam):
        optimizer = kind([parameter], lr=0.1)
        torch.autograd.backward(parameter.sum())
        optimizer.step()
    repr(parameter)
    from torch.utils.data import DataLoader, TensorDataset

    list(DataLoader(TensorDataset(torch.zeros(2)), batch_size=2, shuffle=True))
    shell, loop = make_shell(), asyncio.new_event_loop()
    real = sys.stdout, sys.stderr
    collect_outputs(1 << 20)
    for source in (_WARMING, "1 / 0", "torch = 1\ntorch"):
        COLLECTED.start()
        run_cell(shell, loop, "", source)
    sys.stdout, sys.stderr = real
    loop.close()
    shell.compile.places.clear()
    shell.reset()
    shell.execution_count = 1
    recorder = Recorder()
    recorder.install()
    COLLECTED.start()
    gc.collect()
    gc.freeze()
    return shell, recorder


class DeviceError(RuntimeError):
    """The device can't be used here."""


def initialise(device: Device) -> None:
    """Make `device` ready in this process, which must not be one that others are forked from.

    Raises:
        DeviceError: if it can't be used, in one line.
    """
    if device is Device.CPU:
        return
    try:
        torch.cuda.init()  # type: ignore[no-untyped-call]
        torch.ones(1, device="cuda").add_(1).item()
    except Exception as error:
        message = f"CUDA could not be initialised: {' '.join(str(error).split())[:300]}"
        raise DeviceError(message) from error


def settle(request: ExecutionRequest) -> None:
    """Seeds, threads, files and the working folder as Python sees it."""
    folder = Path.cwd()
    for name, content in request.files.items():
        path = folder / name
        if not path.resolve().is_relative_to(folder):
            message = f"file {name!r} does not lie beside the notebook"
            raise ValueError(message)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    sys.path.insert(0, str(folder))
    sys.argv = ["notebook"]
    tempfile.tempdir = str(folder)
    os.environ.update(HOME=str(folder), TMPDIR=str(folder), TORCHINDUCTOR_CACHE_DIR=str(folder))
    seed_everything(request.seed)
    use_threads(request.threads)
    keep_threads()


def batches_from(connection: int) -> Iterator[CallBatch]:
    """What the host asks for, until it shuts its side down."""
    while (body := read_frame(connection)) is not None:
        batch = TO_CHILD.decode(body)
        if isinstance(batch, CallBatch):
            yield batch
