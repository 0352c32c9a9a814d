"""What `autograder doctor` has found, as tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from rich.table import Table

_LAYERS = {
    "own uid": (
        "files, memory, processes and signals of the grader",
        "run the grader as root, in a container of its own for instance",
    ),
    "landlock": (
        "files outside of the scratch folder, TCP, tracing",
        (
            "Linux 5.13 or newer with Landlock switched on (lsm=landlock,...); containers need a"
            " seccomp profile that allows it"
        ),
    ),
    "landlock scopes": ("signals and abstract sockets to outside", "Linux 6.12 or newer"),
    "seccomp": (
        "sockets, namespaces, tracing, io_uring, administration of the kernel",
        "install libseccomp (Debian: libseccomp2)",
    ),
    "bubblewrap": (
        "a view of the disk, of processes and of the network in which nothing else exists",
        "install bubblewrap (Debian: bubblewrap), and allow user namespaces to ordinary users",
    ),
    "mount namespace": (
        "an interpreter under a closed home can be read without opening the home",
        "needed only there, and only as root without bubblewrap",
    ),
    "bounded scratch": (
        "disk and shared memory never take more than the limit",
        "run the grader as root, or install bubblewrap",
    ),
}
"""Of each layer: what it keeps, and how to get it."""


def versions_line(program: str, environment: Mapping[str, str], kernel: str) -> str:
    """Name all that a report of a fault needs: `program`, with its version, and its platform."""
    return (
        f"{program} on Python {environment['python']}, torch {environment['torch']}, Linux {kernel}"
    )


def layers_table(environment: Mapping[str, str]) -> Table:
    """Tell of each layer whether it holds here, what it keeps, and how to get it."""
    table = Table(title="Layers", title_justify="left")
    for heading in ("layer", "here", "what it keeps", "how to get it"):
        table.add_column(heading, overflow="fold")
    states = _states(environment)
    for name, (keeps, how) in _LAYERS.items():
        state = states.get(name, "unknown")
        table.add_row(name, state, keeps, "" if state in ("yes", "not needed") else how)
    return table


def trials_table(rows: Sequence[tuple[str, bool | None, bool, str, str]]) -> Table:
    """List each attack that was tried.

    Rows are its name, whether it was held (None: can't be told), whether `good` requires that, what
    is open without, and what it was answered.
    """
    table = Table(title="Attacks tried", title_justify="left")
    for heading in ("attack", "", "answer, or what is open"):
        table.add_column(heading, overflow="fold")
    for name, held, required, opens, said in rows:
        state = "held" if held else "unknown" if held is None else "OPEN" if required else "open"
        table.add_row(
            name,
            state,
            said if held else f"{opens}{'' if required else ' (not required for good)'}",
        )
    return table


def gpu_line(name: str, count: int, missing: str) -> str:
    """Say what assignments with device = "cuda" would run on.

    `count` GPUs called `name`, or why it is `missing`.
    """
    if missing:
        return (
            f'{missing[:1].upper()}{missing[1:]}. Only assignments with device = "cuda" need one.'
        )
    return (
        f"GPU: {name}{f', {count} of them' if count > 1 else ''}. One submission at a time runs on"
        " each; docs/gpu.md says what that opens."
    )


def _states(environment: Mapping[str, str]) -> dict[str, str]:
    return {
        name.removeprefix("layer: "): held
        for name, held in environment.items()
        if name.startswith("layer: ")
    }
