"""Finding the rows that a model saw in the data that were passed in."""

from __future__ import annotations

import numpy as np

from autograder.evidence.trace import NdArray

NEAR = 1e-5
"""Greatest difference, relative to the data's greatest number, at which a row is one of the data's:
float64 made of float32 is exact, a scaling there and back rounds by 1e-7.
"""

NONE = -1


def match_rows(seen: NdArray, data: NdArray) -> NdArray:
    """For each row of `seen`, shape (b, ...), the first row of `data`, shape (n, ...), that has the
    same numbers, int64 of shape (b,); `NONE` where there is none.

    Shapes beyond the first axis may differ, as (64,) and (1, 8, 8) do.
    """
    if not seen.size or seen.ndim == 0:
        return np.full(len(seen) if seen.ndim else 1, NONE, np.int64)
    rows, wanted = _flat(seen), _flat(data)
    if rows.shape[1] != wanted.shape[1]:
        return np.full(len(rows), NONE, np.int64)
    size = float(np.abs(wanted).max(initial=0.0)) or 1.0
    gaps = np.array([np.abs(wanted - row).max(axis=1) for row in rows])  # (b, n)
    gaps = np.where(np.isfinite(gaps), gaps, np.inf)
    return np.asarray(
        np.where(gaps.min(axis=1) <= NEAR * size, gaps.argmin(axis=1), NONE), np.int64
    )


def copies(data: NdArray) -> NdArray:
    """How many rows of `data` are equal to each one that is the first of its kind, int64 of shape
    (n,); 0 for the others.
    """
    _, first, counts = np.unique(_flat(data), axis=0, return_index=True, return_counts=True)
    found = np.zeros(len(data), np.int64)
    found[first] = counts
    return found


def _flat(values: NdArray) -> NdArray:
    kind = values.dtype if values.dtype.kind == "f" and values.dtype.itemsize > 4 else np.float32
    return np.asarray(values.reshape(len(values), -1), kind).astype(np.float64)
