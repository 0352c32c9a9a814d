"""Mistakes with minibatches, modes and the layers of a network."""

from __future__ import annotations

import ast
import functools
from collections.abc import Iterator

from autograder.mistakes.losses import Place
from autograder.mistakes.operator import Function, Operator
from autograder.mistakes.training_places import is_step, passes
from autograder.mistakes.trees import (
    at_each,
    called,
    expression,
    import_torch,
    method_call,
    receiver,
    remove,
    statements,
)


def _calls(tree: Function, *names: str) -> list[ast.Call]:
    return [item for item in ast.walk(tree) if isinstance(item, ast.Call) and called(item) in names]


def _orders(tree: Function) -> list[Place]:
    """Random orders of so many rows."""
    return [Place(tree, call) for call in _calls(tree, "randperm") if call.args]


def own_order(function: Function) -> Iterator[Function]:
    """The data's own order in place of a random one."""
    yield from at_each(
        _orders, lambda place: place.put("torch.arange(N)", N=_count(place)), function
    )


def same_order(function: Function) -> Iterator[Function]:
    """The same random order every time."""
    yield from at_each(
        _orders,
        lambda place: place.put(
            "torch.randperm(N, generator=torch.Generator().manual_seed(0))", N=_count(place)
        ),
        function,
    )


def with_replacement(function: Function) -> Iterator[Function]:
    """Rows drawn one by one."""

    def edit(place: Place) -> None:
        assert isinstance(place.node, ast.Call)
        drawn = expression("torch.randint(N, (N,))", N=_count(place))
        assert isinstance(drawn, ast.Call)
        drawn.keywords += place.node.keywords
        place.put("DRAWN", DRAWN=drawn)

    yield from at_each(_orders, edit, function)


def ignores_generator(function: Function) -> Iterator[Function]:
    """The generator that was passed in has no part in the order."""

    def found(tree: Function) -> list[Place]:
        return [
            place
            for place in _orders(tree)
            if isinstance(place.node, ast.Call)
            and any(word.arg == "generator" for word in place.node.keywords)
        ]

    yield from at_each(
        found, lambda place: place.put("torch.randperm(N)", N=_count(place)), function
    )


def _count(place: Place) -> ast.expr:
    assert isinstance(place.node, ast.Call)
    return place.node.args[0]


def _batches(tree: Function) -> list[Place]:
    """`order.split(size)` that a loop with a step goes through."""
    loops = [
        item
        for item in ast.walk(tree)
        if isinstance(item, ast.For)
        and any(is_step(one) for one in ast.walk(item) if isinstance(one, ast.stmt))
    ]
    return [
        Place(tree, call)
        for loop in loops
        for call in ast.walk(loop.iter)
        if isinstance(call, ast.Call) and called(call) == "split" and len(call.args) == 1
    ]


def drops_last(function: Function) -> Iterator[Function]:
    """The last batch, where it is smaller, is left out."""
    yield from at_each(
        _batches,
        lambda place: _cut(place, "ORDER[: len(ORDER) // SIZE * SIZE].split(SIZE)"),
        function,
    )


def same_batch(function: Function) -> Iterator[Function]:
    """The first batch again and again."""
    yield from at_each(
        _batches, lambda place: _cut(place, "[ORDER[:SIZE] for _ in ORDER.split(SIZE)]"), function
    )


def half_batches(function: Function) -> Iterator[Function]:
    """Batches of half the size."""
    yield from at_each(
        _batches, lambda place: _cut(place, "ORDER.split((SIZE + 1) // 2)"), function
    )


def _cut(place: Place, template: str) -> None:
    assert isinstance(place.node, ast.Call)
    place.put(template, ORDER=receiver(place.node), SIZE=place.node.args[0])


def _losses(tree: Function) -> list[Place]:
    return [Place(tree, call) for call in _calls(tree, "cross_entropy") if len(call.args) == 2]


def _logits(tree: Function) -> list[Place]:
    return [
        Place(tree, call.args[0]) for call in _calls(tree, "cross_entropy") if len(call.args) == 2
    ]


def _other_loss(template: str, function: Function) -> Iterator[Function]:
    def edit(place: Place) -> None:
        call = place.node
        assert isinstance(call, ast.Call)
        place.put(template, LOGITS=call.args[0], LABELS=call.args[1])
        import_torch(place.root)

    yield from at_each(_losses, edit, function)


def smooths_labels(function: Function) -> Iterator[Function]:
    """Label smoothing."""

    def edit(place: Place) -> None:
        assert isinstance(place.node, ast.Call)
        place.node.keywords.append(ast.keyword("label_smoothing", ast.Constant(0.1)))

    yield from at_each(_losses, edit, function)


def relu_on_logits(function: Function) -> Iterator[Function]:
    """A ReLU behind the last layer."""
    yield from at_each(_logits, lambda place: place.put("E.relu()"), function)


def _switches(tree: Function, name: str) -> list[tuple[list[ast.stmt], ast.stmt]]:
    """Statements `model.train()` or `model.eval()`, with the block that holds each."""
    blocks = [
        value
        for item in ast.walk(tree)
        for _, value in ast.iter_fields(item)
        if isinstance(value, list) and value and isinstance(value[0], ast.stmt)
    ]
    return [
        (block, one)
        for block in blocks
        for one in block
        if (call := method_call(one, name)) is not None and not call.args
    ]


def forgets_train_mode(function: Function) -> Iterator[Function]:
    """The model is left in whichever mode it was."""
    if passes(function):
        yield from at_each(
            lambda tree: _switches(tree, "train"), lambda site: remove(*site), function
        )


def forgets_eval_mode(function: Function) -> Iterator[Function]:
    """An evaluation in whichever mode the model was left."""
    if not passes(function):
        yield from at_each(
            lambda tree: _switches(tree, "eval"), lambda site: remove(*site), function
        )


def evaluates_in_train_mode(function: Function) -> Iterator[Function]:
    """train() where eval() belongs."""

    def edit(site: tuple[list[ast.stmt], ast.stmt]) -> None:
        call = method_call(site[1], "eval")
        assert call is not None
        assert isinstance(call.func, ast.Attribute)
        call.func.attr = "train"

    if not passes(function):
        yield from at_each(lambda tree: _switches(tree, "eval"), edit, function)


def evaluates_with_graph(function: Function) -> Iterator[Function]:
    """no_grad is missing."""

    def found(tree: Function) -> list[Place]:
        guards = [
            item for node in ast.walk(tree) if isinstance(node, ast.With) for item in node.items
        ]
        return [
            Place(tree, guard.context_expr)
            for guard in guards
            if called(guard.context_expr) in ("no_grad", "inference_mode")
        ]

    if not passes(function):
        yield from at_each(found, lambda place: place.put("torch.enable_grad()"), function)


def argmax_over_samples(function: Function) -> Iterator[Function]:
    """The greatest over the samples, not over the classes."""

    def found(tree: Function) -> list[ast.keyword]:
        return [
            word
            for call in _calls(tree, "argmax")
            for word in call.keywords
            if word.arg in ("dim", "axis")
        ]

    def edit(word: ast.keyword) -> None:
        word.value = ast.Constant(0)

    yield from at_each(found, edit, function)


def counts_batches(function: Function) -> Iterator[Function]:
    """What is added up over batches is divided by their number, as if all were as large as the
    first.
    """

    def found(tree: Function) -> list[Place]:
        loops = [item for item in ast.walk(tree) if isinstance(item, ast.For)]
        returns = [
            item
            for item in ast.walk(tree)
            if isinstance(item, ast.Return)
            and isinstance(item.value, ast.BinOp)
            and isinstance(item.value.op, ast.Div)
        ]
        return [
            Place(tree, item.value.right)
            for item in returns
            if loops and isinstance(item.value, ast.BinOp) and called(item.value.right) == "len"
        ]

    def edit(place: Place) -> None:
        loop = next(item for item in ast.walk(place.root) if isinstance(item, ast.For))
        holder = next(
            value
            for item in ast.walk(place.root)
            for _, value in ast.iter_fields(item)
            if isinstance(value, list) and any(one is loop for one in value)
        )
        spot = next(number for number, one in enumerate(holder) if one is loop)
        loop.body.append(*statements("number_of_batches += 1"))
        holder[spot:spot] = statements("number_of_batches = 0")
        place.put("number_of_batches")
        weights = [
            item
            for item in ast.walk(loop)
            if isinstance(item, ast.BinOp)
            and isinstance(item.op, ast.Mult)
            and called(item.right) == "len"
        ]
        for weight in weights:
            Place(place.root, weight).put("LOSS", LOSS=weight.left)

    yield from at_each(found, edit, function)


def sums_graphs(function: Function) -> Iterator[Function]:
    """Losses are added up with their graphs."""

    def found(tree: Function) -> list[Place]:
        if not passes(tree):
            return []
        added = [
            item
            for item in ast.walk(tree)
            if isinstance(item, ast.AugAssign) and isinstance(item.op, ast.Add)
        ]
        calls = [
            call
            for item in added
            for call in ast.walk(item.value)
            if isinstance(call, ast.Call) and called(call) == "item" and not call.args
        ]
        return [Place(tree, call) for call in calls if called(receiver(call)) == ""]

    yield from at_each(
        found,
        lambda place: (
            place.put("LOSS", LOSS=receiver(place.node))
            if isinstance(place.node, ast.Call)
            else None
        ),
        function,
    )


def _layers(tree: Function, *names: str) -> list[Place]:
    return [Place(tree, call) for call in _calls(tree, *names)]


def _exchanged(names: tuple[str, ...], template: str, function: Function) -> Iterator[Function]:
    """A layer gives way to another."""

    def edit(place: Place) -> None:
        place.put(template)
        import_torch(place.root)

    yield from at_each(lambda tree: _layers(tree, *names), edit, function)


def softmax_at_the_end(function: Function) -> Iterator[Function]:
    """The network ends in a softmax."""

    def edit(place: Place) -> None:
        assert isinstance(place.node, ast.Call)
        place.node.args.append(expression("torch.nn.Softmax(dim=-1)"))
        import_torch(place.root)

    yield from at_each(
        lambda tree: [place for place in _layers(tree, "Sequential") if place.node], edit, function
    )


BATCHING = (
    Operator("own-order", (51,), "takes the samples in their own order", own_order),
    Operator("same-order", (51,), "draws the same order in every epoch", same_order),
    Operator("with-replacement", (25,), "draws samples with replacement", with_replacement),
    Operator(
        "ignores-generator", (43,), "draws the order without the generator", ignores_generator
    ),
    Operator("drops-last-batch", (25,), "leaves the last, smaller batch out", drops_last),
    Operator("same-batch", (25,), "takes the first batch in every round", same_batch),
    Operator("half-batches", (41,), "halves the batches", half_batches),
    Operator(
        "log-likelihood-of-logits",
        (49,),
        "takes the log-likelihood of raw logits",
        functools.partial(_other_loss, "torch.nn.functional.nll_loss(LOGITS, LABELS)"),
    ),
    Operator(
        "squared-error-of-classes",
        (17,),
        "takes the squared error of one-hot classes",
        functools.partial(
            _other_loss,
            "torch.nn.functional.mse_loss(LOGITS, torch.nn.functional.one_hot(LABELS,"
            " LOGITS.shape[-1]).to(LOGITS.dtype))",
        ),
    ),
    Operator("smooths-labels", (), "smooths the labels", smooths_labels),
    Operator("relu-on-logits", (49,), "cuts off negative logits", relu_on_logits),
    Operator("forgets-train-mode", (50,), "never switches to training mode", forgets_train_mode),
    Operator("forgets-eval-mode", (50,), "never switches to evaluation mode", forgets_eval_mode),
    Operator(
        "evaluates-in-train-mode", (50,), "evaluates in training mode", evaluates_in_train_mode
    ),
    Operator("evaluates-with-graph", (53,), "evaluates with gradients on", evaluates_with_graph),
    Operator(
        "argmax-over-samples",
        (27,),
        "looks for the greatest logit over the samples",
        argmax_over_samples,
    ),
    Operator("counts-batches", (16,), "divides by the number of batches", counts_batches),
    Operator("sums-graphs", (53,), "adds up losses with their graphs", sums_graphs),
    Operator(
        "dropout-left-out",
        (50,),
        "has a dropout too few",
        functools.partial(_exchanged, ("Dropout",), "torch.nn.Identity()"),
    ),
    Operator(
        "more-dropout",
        (),
        "drops half of the units",
        functools.partial(_exchanged, ("Dropout",), "torch.nn.Dropout(0.5)"),
    ),
    Operator(
        "activation-left-out",
        (),
        "has an activation too few",
        functools.partial(_exchanged, ("ReLU",), "torch.nn.Identity()"),
    ),
    Operator("softmax-at-the-end", (49,), "ends in a softmax", softmax_at_the_end),
)
