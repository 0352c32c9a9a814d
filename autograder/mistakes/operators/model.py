"""Mistakes in the model."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass

from autograder.mistakes.losses import Place
from autograder.mistakes.operator import Function, Operator
from autograder.mistakes.training_places import passes
from autograder.mistakes.trees import (
    arguments_of,
    at_each,
    called,
    expression,
    import_torch,
    replace,
    statements,
)

LAYERS = ("Linear", "Conv1d", "Conv2d", "Conv3d", "Bilinear", "ConvTranspose2d")


@dataclass(frozen=True, slots=True)
class Line:
    """`weight * input + bias`, all three of them parameters of the function."""

    place: Place
    product: ast.expr
    weight: ast.Name
    input: ast.Name
    bias: ast.Name


def lines(tree: Function) -> list[Line]:
    """All straight lines in a function."""
    names = arguments_of(tree)
    if passes(tree) or len(names) < 3:
        return []
    found = []
    for item in ast.walk(tree):
        match item:
            case ast.BinOp(
                left=(ast.BinOp(op=ast.Mult() | ast.MatMult()) as product),
                op=ast.Add(),
                right=ast.Name() as bias,
            ):
                pass
            case ast.BinOp(
                left=ast.Name() as bias,
                op=ast.Add(),
                right=(ast.BinOp(op=ast.Mult() | ast.MatMult()) as product),
            ):
                pass
            case _:
                continue
        factors = [product.left, product.right]
        if isinstance(factors[0], ast.Name) and isinstance(factors[1], ast.Name):
            first, second = factors[0], factors[1]
            weight, seen = (first, second) if second.id == names[0] else (second, first)
            if seen.id == names[0] and {weight.id, bias.id} <= set(names):
                found.append(Line(Place(tree, item), product, weight, seen, bias))
    return found


def swaps_weight_and_bias(function: Function) -> Iterator[Function]:
    """The bias times the input, plus the weight; or the two unpacked in the wrong order."""

    def edit(line: Line) -> None:
        line.weight.id, line.bias.id = line.bias.id, line.weight.id

    def unpacked(tree: Function) -> list[ast.Starred]:
        return (
            [
                item
                for item in ast.walk(tree)
                if isinstance(item, ast.Starred) and isinstance(item.value, ast.Name)
            ]
            if passes(tree)
            else []
        )

    yield from at_each(lines, edit, function)
    yield from at_each(
        unpacked,
        lambda item: replace(item, item.value, ast.Call(ast.Name("reversed"), [item.value], [])),
        function,
    )


def bias_missing(function: Function) -> Iterator[Function]:
    """No bias."""

    def layers(tree: Function) -> list[ast.Call]:
        calls = [
            item for item in ast.walk(tree) if isinstance(item, ast.Call) and called(item) in LAYERS
        ]
        return [call for call in calls if all(word.arg != "bias" for word in call.keywords)]

    yield from at_each(
        lines, lambda line: line.place.put("PRODUCT", PRODUCT=line.product), function
    )
    yield from at_each(
        layers,
        lambda call: call.keywords.append(ast.keyword("bias", ast.Constant(value=False))),
        function,
    )


def detached_parameter(function: Function) -> Iterator[Function]:
    """A parameter leaves the graph."""

    def parameters(tree: Function) -> list[Place]:
        return [Place(tree, name) for line in lines(tree) for name in (line.weight, line.bias)]

    def edit(place: Place) -> None:
        place.put("torch.as_tensor(E).detach()")
        import_torch(place.root)

    yield from at_each(parameters, edit, function)


def frozen_layer(function: Function) -> Iterator[Function]:
    """A layer is made and frozen."""

    def made(tree: Function) -> list[tuple[Function, ast.Assign]]:
        if tree.name != "__init__":
            return []
        return [
            (tree, item)
            for item in tree.body
            if isinstance(item, ast.Assign) and called(item.value) in LAYERS
        ]

    def edit(site: tuple[Function, ast.Assign]) -> None:
        tree, assign = site
        target = expression(ast.unparse(assign.targets[0]))
        place = tree.body.index(assign) + 1
        tree.body[place:place] = statements("LAYER.requires_grad_(False)", LAYER=target)

    yield from at_each(made, edit, function)


MODEL = (
    Operator("swaps-w-and-b", (21,), "takes weight and bias for each other", swaps_weight_and_bias),
    Operator("bias-missing", (22,), "has no bias", bias_missing),
    Operator("detached-parameter", (23,), "detaches a parameter", detached_parameter),
    Operator("frozen-layer", (52,), "freezes a layer", frozen_layer),
)
