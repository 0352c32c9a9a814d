"""Large pages: what is in memory stays, whether the kernel merges pages or not."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

PROGRAM = """
import hashlib
from pathlib import Path
from autograder.execution.forkserver.large_pages import merge_pages
kept = [bytes([k % 251]) * 300 for k in range(200_000)]  # 60 MB in Python's own arenas
def large(): return next(line.split()[1] for line in Path("/proc/self/smaps_rollup").read_text().splitlines() if line.startswith("AnonHugePages"))
digest = hashlib.sha256(b"".join(kept)).hexdigest()
before = large()
merge_pages()
print(before, large(), digest == hashlib.sha256(b"".join(kept)).hexdigest(), kept[1000] == bytes([1000 % 251]) * 300)
"""


def test_memory_is_in_large_pages_afterwards_and_as_it_was() -> None:
    """Where this kernel has MADV_COLLAPSE (Linux 6.1) and large pages at all, there are more of
    them; elsewhere nothing happens.
    """
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True
    )
    before, after, same, found = done.stdout.split()
    assert (same, found) == ("True", "True")
    release = tuple(
        int(number)
        for number in re.findall(r"\d+", Path("/proc/sys/kernel/osrelease").read_text())[:2]
    )
    able = release >= (6, 1) and Path("/sys/kernel/mm/transparent_hugepage/enabled").exists()
    assert (int(after) - int(before) >= 30 << 10) == able  # kB: half of what was made, at least
