"""The runs of all known mistakes, kept by `autograder validate` for comparison with students'
runs.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec

from autograder.atomic import write_atomic
from autograder.course.judging import find_run
from autograder.judgement.comparing.likeness import Exhibit, likenesses

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from autograder.course.prepare import Prepared
    from autograder.course.results import ResultsFolder
    from autograder.evidence.trace import Evidence
    from autograder.judgement.grade import CheckResult

_DECODER = msgspec.msgpack.Decoder(tuple[Exhibit, ...])


@dataclass(frozen=True, slots=True)
class Gallery:
    """The exhibits, with what tells this gallery from others."""

    digest: str
    exhibits: tuple[Exhibit, ...]


def write_gallery(results: ResultsFolder, exhibits: Iterable[Exhibit]) -> None:
    """Keep `exhibits` in the results folder."""
    write_atomic(results.gallery, msgspec.msgpack.encode(tuple(exhibits)))


def read_gallery(results: ResultsFolder) -> Gallery:
    """What `validate` kept last; nothing if it never ran here, or wrote for another version."""
    try:
        return Gallery(results.gallery_digest, _DECODER.decode(results.gallery.read_bytes()))
    except (FileNotFoundError, msgspec.DecodeError, UnicodeDecodeError):
        return Gallery(results.gallery_digest, ())


def resemblances(
    prepared: Prepared, results: Sequence[CheckResult], evidence: Evidence, gallery: Gallery
) -> tuple[str, ...]:
    """For each function that lost points: the known mistakes that do the same on every call that
    was made of it, as one sentence.
    """
    lost = dict.fromkeys(
        spec.function
        for spec, result in zip(prepared.judge.specs, results, strict=True)
        if result.points < result.max_points
    )
    sentences = []
    for function in lost:
        specs = [
            spec
            for spec in prepared.judge.specs
            if spec.function == function and spec.call is not None and spec.call.driver is None
        ]
        runs = {
            spec.run_id: run
            for spec in specs
            if (run := find_run(evidence, spec)) is not None and not run.given
        }
        names = likenesses(function, runs, gallery.exhibits) if len(runs) == len(specs) else ()
        if names:
            sentences.append(
                f"On every call, {function} did exactly what one does that"
                f" {' or one that '.join(names)}."
            )
    return tuple(sentences)
