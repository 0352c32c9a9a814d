"""Any bytes named .ipynb: read and restored against a released notebook, or refused."""

from __future__ import annotations

import json

import atheris

with atheris.instrument_imports(include=["autograder", "nbformat"]):
    import nbformat

    from autograder.errors import SubmissionError
    from autograder.notebooks.reading.submission import read_submission

from mutating import mutated_text, mutated_tree
from running import ROOT, SCRATCH, run

EXAMPLES = ROOT / "examples" / "quadratic" / "submitted"
RELEASE = nbformat.read(EXAMPLES / "aziz" / "quadratic" / "quadratic.ipynb", 4)
OLD = {"nbformat": 3, "nbformat_minor": 0, "metadata": {"name": ""}, "worksheets": [{"metadata": {}, "cells": [
    {"cell_type": "code", "input": ["x = 3\n", "x"], "prompt_number": 2, "language": "python", "metadata": {}, "collapsed": False,
     "outputs": [{"output_type": "pyout", "text": ["3"], "prompt_number": 2, "metadata": {}}]},
    {"cell_type": "heading", "level": 2, "source": "Hi", "metadata": {}}]}]}  # fmt: skip

CONFLICT = '\n<<<<<<< HEAD\n "x": 1,\n||||||| base\n "x": 0,\n=======\n "x": 2,\n>>>>>>> theirs\n'


def target(data: bytes) -> None:
    path = SCRATCH / "a.ipynb"
    path.write_bytes(data)
    try:
        submission = read_submission(path, RELEASE)
    except SubmissionError:
        return
    if data[-1] % 4 == 0:  # slower than all the rest
        nbformat.validate(submission.notebook)
    locked = {
        cell["metadata"]["nbgrader"]["grade_id"]: cell
        for cell in RELEASE["cells"]
        if cell["metadata"].get("nbgrader", {}).get("locked")
    }
    kept = [
        cell
        for cell in submission.notebook["cells"]
        if cell["metadata"].get("nbgrader", {}).get("grade_id") in locked
    ]
    assert [cell["source"] for cell in kept] == [cell["source"] for cell in locked.values()], (
        "locked cells are not as released"
    )


def mutate(data: bytes, random: object) -> bytes:
    text = data.decode()
    if "<<<<<<<" in text or random.random() < 0.1:
        text = mutated_text(text, random)
    else:
        text = json.dumps(
            mutated_tree(json.loads(text), random), indent=random.choice([None, None, 1])
        )
    if random.random() < 0.05:
        return (text[:200] + CONFLICT + text[200:]).encode("utf-16", "replace")
    return text.encode("utf-8", "replace")


def seeds() -> list[bytes]:
    real = [json.loads(path.read_bytes()) for path in sorted(EXAMPLES.glob("*/*/*.ipynb"))[::3]]
    for notebook in real:
        for cell in notebook["cells"]:
            if "outputs" in cell:
                cell["outputs"] = [one for one in cell["outputs"] if len(json.dumps(one)) < 2000]
    return [
        json.dumps(one).encode()
        for one in [
            *real,
            OLD,
            {"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": real[0]["cells"][:3]},
        ]
    ]


if __name__ == "__main__":
    run(target, mutate, seeds())
