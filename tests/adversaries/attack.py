"""What an attack is: a program that a clever student would hand in, and its honest twin."""

from __future__ import annotations

from dataclasses import dataclass

RIGHT = """def training_loop(n_epochs, optimizer, params):
    for _ in range(n_epochs):
        optimizer.zero_grad()
        loss_fn(params).backward()
        optimizer.step()
    return params
"""

OWN = """def training_loop(n_epochs, optimizer, params):
    with torch.no_grad():
        for _ in range(n_epochs):
            params -= 0.1 * 2 * params / params.numel()
    return params
"""
"""Plain gradient descent by hand: worth the two points of the loss, and nothing for the loop."""


@dataclass(frozen=True, slots=True)
class Attack:
    """`code` runs in a cell before the loop is defined; `loop` is the loop handed in.

    `twin` is the honest code nearby, with a right loop. In both, {course} and the other targets are
    filled in.

    An attack that gets something prints HOLE; a twin prints FINE. `points` are the most that the
    attack may have. `layers` each hold it alone; without any layer it must get through.
    """

    name: str
    row: str
    code: str
    twin: str = "print('FINE')"
    loop: str = RIGHT
    points: float = 10
    layers: tuple[str, ...] = ()
