"""How many threads torch uses is the grader's to say: OpenMP's threads do not survive a fork, and a
parallel region in a fork of a process that had them hangs.
"""

from __future__ import annotations

from typing import Any

import torch

use_threads = torch.set_num_threads
"""The real one; taken before `keep_threads`."""


def _ignored(count: int) -> None:
    """In place of torch.set_num_threads."""


def keep_threads() -> None:
    """From now on the notebook's own torch.set_num_threads does nothing."""
    patched: Any = torch
    patched.set_num_threads = _ignored
