"""A driver sent to the sandbox beside the reference: its gradients at states that a student's
training went through. Not imported here.
"""

import functools
from collections.abc import Callable
from typing import Any

import torch


class _Captured(Exception):
    """The driver has called the function to be replayed."""


class _Stepped(Exception):
    """The gradients are there."""


class _Capturing:
    """The notebook's names, with one function that only takes note of its arguments."""

    def __init__(self, student: Any, function: str) -> None:
        self._student, self._function = student, function

    def __getattr__(self, name: str) -> Any:
        return self._capture if name == self._function else getattr(self._student, name)

    def _capture(self, *args: Any, **settings: Any) -> None:
        raise _Captured(args, settings)


def replay_batches(
    student: Any,
    replay_plan: str,
    replay_values: torch.Tensor,
    replay_random: torch.Tensor,
    replay_rows: torch.Tensor,
    replay_targets: torch.Tensor,
    **arguments: Any,
) -> dict[str, torch.Tensor]:
    """Gradient and loss of the reference's first step on each batch, in the batch's own order.

    `replay_plan`: driver, function, names of images and labels, mutant ("" for none) and shapes of
    the parameters, joined by "|". `replay_values`: shape (k, numbers), all parameters flat in the
    order of the shapes; `replay_random`: uint8 (k, bytes), states of the default generator;
    `replay_rows`, `replay_targets`: int64 (k, b), rows of images and of labels, -1 behind the last.
    The call must pass images and labels to the function as they are. torch.randperm is the identity
    meanwhile, so that the batch stays as it is.

    Returns gradients of shape (k, numbers) and losses of shape (k,), NaN where the function failed.
    """
    driver, function, images, labels, mutant, shapes = replay_plan.split("|")
    wanted = [tuple(int(size) for size in shape.split(",") if size) for shape in shapes.split(";")]
    try:
        globals()[driver](_Capturing(student, function), **arguments)
    except _Captured as captured:
        args: tuple[Any, ...] = captured.args[0]
        settings: dict[str, Any] = captured.args[1]
    train = _mutated(mutant, function) if mutant else getattr(student, function)
    passed = [*args, *settings.values()]
    model = next(value for value in passed if isinstance(value, torch.nn.Module)).to(
        replay_values.dtype
    )
    optimizer = next(value for value in passed if isinstance(value, torch.optim.Optimizer))
    places = _places(wanted, [tuple(parameter.shape) for parameter in model.parameters()])
    parameters = [list(model.parameters())[place] for place in places]
    stop = optimizer.register_step_pre_hook(_stop)
    gradients, losses = [], []
    for values, random, rows, targets in zip(
        replay_values, replay_random, replay_rows, replay_targets, strict=True
    ):
        data = {
            id(arguments[images]): arguments[images][rows[rows >= 0]].to(values.dtype),
            id(arguments[labels]): arguments[labels][targets[targets >= 0]],
        }
        _load(parameters, values)
        model.train()
        try:
            batch = (
                [data.get(id(value), value) for value in args],
                {name: data.get(id(value), value) for name, value in settings.items()},
            )
            losses.append(_first_loss(functools.partial(train, *batch[0], **batch[1]), random))
            gradients.append(
                torch.cat(
                    [
                        (
                            torch.zeros(p.numel()).to(p)
                            if p.grad is None
                            else p.grad.reshape(-1).clone()
                        )
                        for p in parameters
                    ]
                )
            )
        # a mutant may fail in any way, and so may states that a student made up
        except Exception:  # noqa: BLE001
            losses.append(float("nan"))
            gradients.append(torch.full_like(values, float("nan")))
    stop.remove()
    return {
        "gradients": torch.stack(gradients),
        "losses": torch.tensor(losses, dtype=torch.float64),
    }


def _first_loss(train: Callable[..., object], random: torch.Tensor) -> float:
    """Call `train` in random state `random` until its first step.

    Returns the loss that backward started from.
    """
    patched: Any = torch
    shuffle, backward = torch.randperm, torch.autograd.backward
    seen: list[float] = []

    def noting(tensors: Any, *more: Any, **others: Any) -> None:
        seen.append(float((tensors if isinstance(tensors, torch.Tensor) else tensors[0]).detach()))
        backward(tensors, *more, **others)

    patched.randperm, patched.autograd.backward = (lambda count, **_: torch.arange(count)), noting
    try:
        torch.set_rng_state(random.clone())  # a view into a larger tensor crashes it
        train()
    except _Stepped:
        pass
    finally:
        patched.randperm, patched.autograd.backward = shuffle, backward
    return seen[-1] if seen else float("nan")


def _stop(_optimizer: object, _args: object, _settings: object) -> None:
    raise _Stepped


def _load(parameters: list[Any], values: torch.Tensor) -> None:
    with torch.no_grad():
        for parameter, part in zip(
            parameters,
            torch.split(values, [parameter.numel() for parameter in parameters]),
            strict=True,
        ):
            parameter.copy_(part.reshape(parameter.shape))
            parameter.grad = None


def _places(wanted: list[tuple[int, ...]], there: list[tuple[int, ...]]) -> list[int]:
    """Return for each wanted shape its place among `there`: the same shape, in order."""
    waiting = list(range(len(there)))
    places = []
    for shape in wanted:
        place = next(place for place in waiting if there[place] == shape)
        waiting.remove(place)
        places.append(place)
    return places


_MUTANT_FUNCTIONS: dict[str, Callable[..., object]] = {}


def _mutated(mutant: str, function: str) -> Callable[..., object]:
    """Return the function of the solution with one mistake in it.

    `_MUTANTS` is put behind this source where it is needed.
    """
    if mutant not in _MUTANT_FUNCTIONS:
        namespace: dict[str, Any] = {"__name__": "solution"}
        exec(globals()["_MUTANTS"][mutant], namespace)  # noqa: S102  (the reference's own text)
        _MUTANT_FUNCTIONS[mutant] = namespace[function]
    return _MUTANT_FUNCTIONS[mutant]
