"""What light recording costs: microseconds a step on the lecture's loop: medians of seven runs
without and seven with it.
"""

import statistics
import time

import torch

from autograder.sandboxed.recording.recorder import Recorder

STEPS, ROUNDS = 5000, 7
torch.set_num_threads(1)
t_c = torch.tensor([0.5, 14.0, 15.0, 28.0, 11.0, 8.0, 3.0, -4.0, 6.0, 13.0, 21.0])
t_un = 0.1 * torch.tensor([35.7, 55.9, 58.2, 81.9, 56.3, 48.9, 33.9, 21.8, 48.4, 60.4, 68.4])


def seconds_per_step() -> float:
    """One run of the lecture's loop."""
    params = torch.tensor([1.0, 0.0], requires_grad=True)
    optimizer = torch.optim.SGD([params], lr=1e-2)
    start = time.perf_counter()
    for _ in range(STEPS):
        loss = ((params[0] * t_un + params[1] - t_c) ** 2).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return (time.perf_counter() - start) / STEPS


def main() -> None:
    """Bare runs first, since the hooks stay in once they are installed."""
    seconds_per_step()
    bare = [seconds_per_step() for _ in range(ROUNDS)]
    recorder = Recorder()
    recorder.install()
    recorded = []
    for _ in range(ROUNDS):
        recorder.start(16 << 20)
        recorded.append(seconds_per_step())
        recorder.traces()
    print(f"{statistics.median(bare) * 1e6:.1f} {statistics.median(recorded) * 1e6:.1f}")


if __name__ == "__main__":
    main()
