"""Any bytes in the store: evidence that can be written again and gives its arrays, or none."""

from __future__ import annotations

import atheris
import msgspec

with atheris.instrument_imports(include=["autograder"]):
    from autograder.evidence.store import EvidenceStore
    from autograder.evidence.trace import Array, decode_evidence, encode_evidence

from fuzz_frames import evidence
from mutating import mutated_tree
from running import SCRATCH, run


def target(data: bytes) -> None:
    store = EvidenceStore(SCRATCH)
    path = store.path("kk")
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(data)
    store.get("kk")
    try:
        read = decode_evidence(data)
    except msgspec.DecodeError:
        return
    assert encode_evidence(decode_evidence(encode_evidence(read))) == encode_evidence(read)
    for run_ in (*read.calls, *(cell.run for cell in read.cells)):
        for value in (run_.returned, *run_.arguments.values(), *run_.variables.values()):
            if isinstance(value, Array):
                value.numpy()


def mutate(data: bytes, random: object) -> bytes:
    return msgspec.msgpack.encode(mutated_tree(msgspec.msgpack.decode(data), random))


if __name__ == "__main__":
    run(target, mutate, [evidence()])
