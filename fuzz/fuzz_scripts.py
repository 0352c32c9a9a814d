"""Any bytes named .py: read as a percent script and restored, or refused."""

from __future__ import annotations

import atheris

with atheris.instrument_imports(include=["autograder", "jupytext"]):
    import jupytext
    import jupytext.cell_reader
    import nbformat

    from autograder.errors import SubmissionError
    from autograder.notebooks.reading.submission import read_submission

from fuzz_notebooks import EXAMPLES, RELEASE
from mutating import WORDS, mutated_text
from running import SCRATCH, run

HEADERS = (
    "# %%", "# %% [markdown]", '# %% id="data"', "# %% [raw]", "# %% {}", '# %% {"id": 3}', "# %% tags=[", "# %% title [markdown] key=1", "#%%",
    "# In[3]:", "# +", "# -", "# ---\n# jupyter:\n#   jupytext:\n#     a: [\n# ---", "# ---\n# jupyter: 3\n# ---", "# ---", '"""', "# %% [md]\n'''\nx",
    "# <codecell>", '# %% nbgrader={"grade_id": "a"}', "# %%time", "# !ls", "# %matplotlib inline", "&a *a", "!!python/object:os.system x",
)  # fmt: skip


def target(data: bytes) -> None:
    path = SCRATCH / "a.py"
    path.write_bytes(data)
    try:
        read_submission(path, RELEASE)
    except SubmissionError:
        return


def mutate(data: bytes, random: object) -> bytes:
    return mutated_text(data.decode(), random, WORDS + HEADERS * 3).encode("utf-8", "replace")


def seeds() -> list[bytes]:
    paths = sorted(EXAMPLES.glob("*/*/*.ipynb"))[::4]
    whole = [jupytext.writes(nbformat.read(path, 4), fmt="py:percent").encode() for path in paths]
    return whole + [f"{header}\nx = 1\n# y\n".encode() for header in HEADERS]


if __name__ == "__main__":
    run(target, mutate, seeds())
