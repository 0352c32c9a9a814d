"""A driver sent to the sandbox beside the reference: steps a real optimizer from recorded states.

Not imported here.
"""

import torch


def replay(student, optimizer, params, values, gradients):  # type: ignore[no-untyped-def]
    """Where each step leads.

    `values`, `gradients`: shape (steps, numbers), all parameters flat; NaN stands for a missing
    gradient.

    Returns shape (2, steps, numbers): the values after each step of `optimizer`, and those after a
    step of a new one that remembers nothing.
    """
    tensors = [params] if isinstance(params, torch.Tensor) else list(params)
    sizes = [tensor.numel() for tensor in tensors]
    remembering: list[torch.Tensor] = []
    forgetful: list[torch.Tensor] = []
    for value, gradient in zip(values, gradients, strict=True):
        fresh = type(optimizer)(tensors, **optimizer.defaults)
        for stepping, rows in ((optimizer, remembering), (fresh, forgetful)):
            for tensor, now, slope in zip(
                tensors, value.split(sizes), gradient.split(sizes), strict=True
            ):
                with torch.no_grad():
                    tensor.copy_(now.reshape(tensor.shape))
                tensor.grad = (
                    None if torch.isnan(slope).any() else slope.reshape(tensor.shape).clone()
                )
            stepping.step()
            rows.append(torch.cat([tensor.detach().reshape(-1).clone() for tensor in tensors]))
    return torch.stack([torch.stack(remembering), torch.stack(forgetful)])
