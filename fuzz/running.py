"""One fuzz target's loop under atheris: limits, and findings kept by where they come from while the run goes on."""

from __future__ import annotations

import hashlib
import os
import resource
import sys
import tempfile
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from random import Random

import atheris

MAX_MB = 500
"""Above what the imports take."""
MAX_S = 10
SLOW_S = 2
ROOT = Path(__file__).resolve().parents[1]
SCRATCH = Path(tempfile.gettempdir()) / f"gradstep-fuzz-{os.getpid()}"
"""Not in /dev/shm, which tests of the sandbox clear."""


def run(
    target: Callable[[bytes], None],
    mutate: Callable[[bytes, Random], bytes],
    seeds: list[bytes],
    max_len: int = 60_000,
) -> None:
    """Fuzz `target`: anything that it raises is a finding, written to findings/<harness>/ once per place; so is what takes long.

    `mutate` may raise anything for what it can't parse; the bytes are mutated then. Options on the command line are libFuzzer's.
    """
    name = Path(sys.argv[0]).stem
    base = Path(os.environ.get("FUZZ_OUT", "fuzz-out"))
    findings, corpus = base / "findings" / name, base / "corpus" / name
    for folder in (findings, corpus):
        folder.mkdir(parents=True, exist_ok=True)
    for seed in seeds:
        (corpus / hashlib.sha256(seed).hexdigest()[:16]).write_bytes(seed)
    SCRATCH.mkdir()
    os.chdir(SCRATCH)
    findings = findings if findings.is_absolute() else Path(__file__).parents[1] / findings

    def one(data: bytes) -> None:
        began = time.process_time()
        try:
            target(data)
        except Exception as error:
            frames = [
                f"{frame.filename}:{frame.lineno}"
                for frame in traceback.extract_tb(error.__traceback__)
            ]
            _keep(
                findings,
                f"{type(error).__name__}-{hashlib.sha256(repr(frames[-4:]).encode()).hexdigest()[:8]}",
                data,
            )
        if (took := time.process_time() - began) > SLOW_S:
            _keep(findings, f"slow-{int(took)}s", data)

    def custom(data: bytes, max_size: int, seed: int) -> bytes:
        random = Random(seed)
        if random.random() < 0.75:
            try:
                return mutate(data, random)[:max_size]
            except Exception:
                pass
        return atheris.Mutate(data, max_size)

    used_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    options = [
        f"-rss_limit_mb={used_mb + MAX_MB}",
        f"-timeout={MAX_S}",
        f"-max_len={max_len}",
        "-print_final_stats=1",
        "-len_control=0",
    ]
    options.append(f"-artifact_prefix={findings}/")
    folder = corpus if corpus.is_absolute() else ROOT / corpus
    atheris.Setup([sys.argv[0], *options, *sys.argv[1:], str(folder)], one, custom_mutator=custom)
    atheris.Fuzz()


def _keep(findings: Path, name: str, data: bytes) -> None:
    path = findings / name
    if not path.exists():
        path.write_bytes(data)
        path.with_suffix(".txt").write_text(
            traceback.format_exc(), encoding="utf-8", errors="replace"
        )
