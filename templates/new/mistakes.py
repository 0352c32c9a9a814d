"""@title@: mistakes to test the checks with, besides those that `autograder validate @slug@` makes
of the solution by itself.

This file is parsed and never imported: each function takes the place of the solution's function
`of`.
"""

import torch

from autograder.mistakes.written import mistake


@mistake(of="training_loop", rows=(44,), name="knows the answer by heart")
def hard_coded_answer(n_epochs, optimizer, params, x, y):
    with torch.no_grad():
        params.copy_(torch.tensor([2.0, 1.0]))
    return params
