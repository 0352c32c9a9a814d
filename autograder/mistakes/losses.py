"""Where a function computes a loss."""

from __future__ import annotations

import ast
from dataclasses import dataclass

from autograder.mistakes.operator import Function
from autograder.mistakes.training_places import passes, source_of
from autograder.mistakes.trees import called, expression, replace

SQUARED_LOSSES = ("mse_loss", "MSELoss")
CROSS_ENTROPIES = (
    "cross_entropy",
    "nll_loss",
    "binary_cross_entropy",
    "binary_cross_entropy_with_logits",
    "kl_div",
)
LOSS_FUNCTIONS = ("mse_loss", "l1_loss", "smooth_l1_loss", "huber_loss", *CROSS_ENTROPIES)


@dataclass(frozen=True, slots=True)
class Place:
    """An expression and a tree that holds it, where another can be put."""

    root: Function
    node: ast.expr

    def put(self, template: str, **parts: ast.expr | str) -> None:
        """Replace it by `template`, in which E is the expression itself."""
        replace(self.root, self.node, expression(template, E=self.node, **parts))


def reduces(node: ast.AST) -> bool:
    """Tell whether `node` makes one number of many errors: a mean, or a loss of torch's.

    A share of comparisons that hold is no loss, nor is `x - x.mean()`.
    """
    every = list(ast.walk(node))
    found = any(called(item) in ("mean", *LOSS_FUNCTIONS) for item in every)
    return found and not any(isinstance(item, ast.Compare) or _centres(item) for item in every)


def _centres(node: ast.AST) -> bool:
    if (
        isinstance(node, ast.BinOp)
        and isinstance(node.op, ast.Sub)
        and isinstance(node.right, ast.Call)
        and called(node.right) == "mean"
    ):
        return ast.unparse(node.left) in ast.unparse(node.right)
    return False


def losses(tree: Function) -> list[Place]:
    """Return the losses of a function.

    They are what its backward passes start from, or else the mean that it returns.
    """
    found = [source_of(one) for one in passes(tree)]
    if not found:
        for item in tree.body:
            if isinstance(item, ast.Return) and item.value is not None:
                value = resolved(tree, item.value)
                found += [value] if reduces(value) else []
    unique = {id(node): node for node in found}
    return [Place(tree, node) for node in unique.values() if not isinstance(node, ast.Name)]


def resolved(tree: Function, value: ast.expr) -> ast.expr:
    """Return what a name was last bound to in `tree`; anything else as it is."""
    if isinstance(value, ast.Name):
        for statement in reversed(tree.body):
            match statement:
                case ast.Assign(targets=[ast.Name(name)], value=bound) if name == value.id:
                    return bound
    return value
