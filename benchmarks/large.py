"""A class of ten thousand: is time linear and memory flat, and is nothing left over?

``make large`` runs it: generated submissions of the tiny course of the tests, all different, of at
most 50 epochs, graded by the command itself. Prints what each tenth took, the grader's memory and
descriptors while it ran, and what was there afterwards.
"""

from __future__ import annotations

import itertools
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from regrading import make_class

GRADER_BYTES = 600e6


def memory_of(pid: int) -> int:
    """Bytes of a process's own memory (RSS)."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def main(size: int) -> int:
    """Grade, watch, and look at what is left. Returns the exit code."""
    with tempfile.TemporaryDirectory() as name:
        root = Path(name) / "course"
        make_class(root, size, wrong=50)
        command = [sys.executable, "-m", "autograder.cli", "grade", "tiny", "submitted"]
        start = time.perf_counter()
        # a pipe that nobody reads would stop the command at its ten thousand rows
        table = Path(name) / "table.txt"
        with table.open("w") as file:
            process = subprocess.Popen(command, cwd=root, stdout=file, stderr=subprocess.STDOUT)
        seen: list[tuple[float, int, int, int]] = []
        while process.poll() is None:
            time.sleep(1)
            try:
                files = len(os.listdir(f"/proc/{process.pid}/fd"))  # noqa: PTH208
                seen.append(
                    (time.perf_counter() - start, memory_of(process.pid), files, _graded(root))
                )
            except OSError:
                break
        process.wait()
        whole = time.perf_counter() - start
        print("\n".join(table.read_text().splitlines()[-6:]))
        if process.returncode != 0:
            return 1
        marks = [
            next((at for at, _, _, graded in seen if graded >= size * part // 10), whole)
            for part in range(11)
        ]
        print(
            "seconds for each tenth:",
            ", ".join(f"{b - a:.0f}" for a, b in itertools.pairwise(marks)),
        )
        print(
            f"graded after {marks[-1]:.0f} s, {marks[-1] / size * 1e3:.1f} ms each; pages and"
            f" gradebook {whole - marks[-1]:.0f} s"
        )
        peak, files = max(one[1] for one in seen), max(one[2] for one in seen)
        half = max(one[1] for one in seen if one[3] <= size // 2)
        print(
            f"grader's memory at most {peak / 1e6:.0f} MB, {half / 1e6:.0f} MB in the first half;"
            f" at most {files} descriptors"
        )
        left = [pid for pid in Path("/proc").glob("[0-9]*") if _is_forkserver(pid)]
        print(f"forkservers left over: {len(left)}")
        start = time.perf_counter()
        again = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)
        print(
            f"the same command again: {time.perf_counter() - start:.1f} s:"
            f" {again.stdout.strip().splitlines()[-1]}"
        )
        return int(peak > GRADER_BYTES or bool(left) or _graded(root) != size)


def _graded(root: Path) -> int:
    folder = root / "results" / "grades" / "tiny"
    return sum(1 for entry in os.scandir(folder) if entry.is_dir()) if folder.is_dir() else 0


def _is_forkserver(pid: Path) -> bool:
    try:
        return b"autograder.execution.forkserver.server" in (pid / "cmdline").read_bytes()
    except OSError:
        return False


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 10_000))
