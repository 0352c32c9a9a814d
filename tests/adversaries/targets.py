"""What attacks aim at: all of it ours, and of no value."""

from __future__ import annotations

import os
import select
import socket
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from tiny_class import LOSS, TINY
from tiny_class import TinyCourse as _TinyCourse

__all__ = ["TINY", "Targets", "TinyCourse", "targets"]


class TinyCourse(_TinyCourse):
    """The tiny course, whose submissions may have code of their own behind the loss, in its
    cell.
    """

    def submit(self, student, *, first="", extra=(), **cells):
        """Hand in the release, solved, with `first` and what else is given."""
        return super().submit(student, extra=extra, loss_fn=f"{LOSS}\n{first}\n", **cells)


@dataclass
class Targets:
    """`names` fill the placeholders in the attacks; `shared` is a folder that everybody may write
    to.
    """

    names: dict
    shared: Path
    sockets: tuple

    def received(self) -> bool:
        """Whether anything has reached one of the sockets."""
        return bool(select.select(self.sockets, [], [], 0)[0])

    def clear(self) -> None:
        """Take in what has come, and remove what was left."""
        for path in self.shared.iterdir():
            path.unlink()
        while ready := select.select(self.sockets, [], [], 0)[0]:
            for one in ready:
                if one.type == socket.SOCK_DGRAM:
                    one.recv(100)
                else:
                    one.accept()[0].close()


@contextmanager
def targets(course: Path) -> Iterator[Targets]:
    """Listening sockets, a folder open to all, this process, and the course's own files."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(dir="/var/tmp")))
        shared = folder / "shared"
        shared.mkdir()
        folder.chmod(0o755)
        shared.chmod(0o777)
        tcp = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
        udp = stack.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
        udp.bind(("127.0.0.1", 0))
        abstract, unix = (stack.enter_context(socket.socket(socket.AF_UNIX)) for _ in range(2))
        abstract.bind(f"\0adversary-{os.getpid()}")
        unix.bind(str(folder / "socket"))
        for one in (abstract, unix):
            one.listen()
        evidence = next((course / "results").rglob("*.msgpack"))
        names = {
            "course": str(course),
            "evidence": str(evidence),
            "pid": os.getpid(),
            "tcp": tcp.getsockname()[1],
            "udp": udp.getsockname()[1],
            "abstract": f"\0adversary-{os.getpid()}",
            "unix": str(folder / "socket"),
            "shared": str(shared),
        }
        yield Targets(names, shared, (tcp, udp, abstract, unix))
