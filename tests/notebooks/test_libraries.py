"""What nbformat and jupytext bring along unasked is not imported here, and stays there for
others.
"""

import subprocess
import sys

import pytest


def said_by(code: str) -> str:
    """What a process of its own prints."""
    done = subprocess.run(
        [sys.executable, "-c", code], text=True, capture_output=True, check=True, timeout=120
    )
    return done.stdout.strip()


@pytest.mark.parametrize(
    ("package", "use"),
    [
        ("rfc3987_syntax", "nbformat.v4.new_notebook()"),
        ("tornado", "import_jupytext().reads('# %%\\nx = 1', fmt='py:percent').cells[0]"),
    ],
)
def test_what_is_not_needed_is_not_imported_and_can_be_afterwards(package: str, use: str) -> None:
    """The library works; whoever wants the package gets it.

    Where it was there before, it is the same one.
    """
    pytest.importorskip(package)
    imported = (
        f"from autograder.notebooks.libraries import import_jupytext, nbformat; {use}; import sys"
    )
    assert said_by(
        f"{imported}; print({package!r} in sys.modules); import {package};"
        f" print({package}.__name__)"
    ).split() == [
        "False",
        package,
    ]
    assert (
        said_by(
            f"import {package} as before; {imported}; print(sys.modules[{package!r}] is before)"
        )
        == "True"
    )
