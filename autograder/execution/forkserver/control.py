"""What host and forkserver agree on besides the frames of `autograder.evidence.protocol`."""

from __future__ import annotations

import msgspec

from autograder.evidence.limits import Device

END, PAUSE, RESUME = b"!", b"-", b"+"
"""Bytes from the host during a run: end it now; the host is judging, so stop the wall clock; go
on.
"""


class ForkserverConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the host tells a forkserver on its command line; no secrets.

    `uid` None: no change of uid. `without` names layers to leave out.
    """

    control: int
    uid: int | None
    scratch: str
    readable: tuple[str, ...]
    package_root: str
    without: tuple[str, ...] = ()
    bounded: bool = False
    """The scratch folder is on a tmpfs of limited size already."""
    packages: tuple[str, ...] = ()
    """To import while warming, by the names they are installed under."""
    device: Device = Device.CPU
    """What submissions may use. Each initialises it itself: this process never does."""
