"""What of the disk a process needs to use NVIDIA's driver.

Only submissions of assignments that ask for a GPU reach it.
"""

from __future__ import annotations

from pathlib import Path

READABLE = ("/sys/bus/pci", "/sys/devices", "/sys/module")
"""Where the driver's libraries look up cards and processors.

Everyone may read them, and they say nothing but what hardware there is. /proc/driver/nvidia and the
libraries are in reach anyway.
"""

_LEFT_OUT = ("nvidia-modeset", "nvidia-uvm-tools")
"""For screens and for profilers."""


def device_files() -> tuple[str, ...]:
    """Device files of all cards, and those that they share."""
    found = [*Path("/dev").glob("nvidia*"), *Path("/dev/nvidia-caps").glob("*")]
    return tuple(
        sorted(str(path) for path in found if path.name not in _LEFT_OUT and not path.is_dir())
    )
