"""The bare loops: a warm process that executes a notebook's code cells with nothing around them.

Reads a JSON list of cell sources from each line of standard input, and prints the seconds that they
took.
"""

import contextlib
import io
import json
import sys
import time

import torch

torch.set_num_threads(1)
warm = torch.zeros(1, requires_grad=True)
# the first optimizer imports torch._dynamo: over a second
optimizer = torch.optim.SGD([warm], lr=0.1)
warm.sum().backward()
optimizer.step()
torch.optim.Adam([warm], lr=0.1)


def plain(source: str) -> str:
    """The cell without IPython's own lines, which only IPython understands."""
    return "\n".join(
        line for line in source.splitlines() if not line.lstrip().startswith(("%", "!"))
    )


for line in sys.stdin:
    cells = json.loads(line)
    namespace: dict[str, object] = {"__name__": "__main__"}
    start = time.perf_counter()
    with contextlib.redirect_stdout(io.StringIO()):
        for source in cells:
            with contextlib.suppress(Exception):
                exec(compile(plain(source), "<cell>", "exec"), namespace)
    print(time.perf_counter() - start, flush=True)
