"""Programs with minibatches, and what the operators of `autograder.mistakes.operators.batching`
make of them.
"""

EPOCH = """
def train_epoch(model, opt, x, y, size, generator):
    model.train()
    order = torch.randperm(len(x), generator=generator)
    total = 0.0
    for rows in order.split(size):
        loss = F.cross_entropy(model(x[rows]), y[rows])
        opt.zero_grad()
        loss.backward()
        opt.step()
        total += loss.item() * len(rows)
    return total / len(x)
"""

ACCURACY = """
def evaluate(model, x, y, size):
    model.eval()
    right = 0
    with torch.no_grad():
        for seen, wanted in zip(x.split(size), y.split(size)):
            right += (model(seen).argmax(dim=1) == wanted).sum().item()
    return right / len(x)
"""

NETWORK = """
def make():
    return nn.Sequential(nn.Linear(4, 3), nn.ReLU(), nn.Dropout(0.1), nn.Linear(3, 2))
"""

PLAIN = """
def shuffled(x, size):
    return x[x.argsort()].split(size)
"""

ENTROPY = "F.cross_entropy(model(x[rows]), y[rows])"
ORDER = "torch.randperm(len(x), generator=generator)"

BATCH_APPLIES = [
    ("own-order", EPOCH, {ORDER: "torch.arange(len(x))"}),
    (
        "same-order",
        EPOCH,
        {ORDER: "torch.randperm(len(x), generator=torch.Generator().manual_seed(0))"},
    ),
    ("with-replacement", EPOCH, {ORDER: "torch.randint(len(x), (len(x),), generator=generator)"}),
    ("ignores-generator", EPOCH, {ORDER: "torch.randperm(len(x))"}),
    (
        "drops-last-batch",
        EPOCH,
        {"order.split(size)": "order[:len(order) // size * size].split(size)"},
    ),
    ("same-batch", EPOCH, {"order.split(size)": "[order[:size] for _ in order.split(size)]"}),
    ("half-batches", EPOCH, {"order.split(size)": "order.split((size + 1) // 2)"}),
    (
        "log-likelihood-of-logits",
        EPOCH,
        {
            "generator):\n": "generator):\n    import torch\n",
            ENTROPY: "torch.nn.functional.nll_loss(model(x[rows]), y[rows])",
        },
    ),
    (
        "squared-error-of-classes",
        EPOCH,
        {
            "generator):\n": "generator):\n    import torch\n",
            ENTROPY: (
                "torch.nn.functional.mse_loss(model(x[rows]), torch.nn.functional.one_hot(y[rows],"
                " model(x[rows]).shape[-1]).to(model(x[rows]).dtype))"
            ),
        },
    ),
    ("smooths-labels", EPOCH, {"y[rows])\n": "y[rows], label_smoothing=0.1)\n"}),
    ("relu-on-logits", EPOCH, {"model(x[rows])": "model(x[rows]).relu()"}),
    ("forgets-train-mode", EPOCH, {"    model.train()\n": ""}),
    ("forgets-eval-mode", ACCURACY, {"    model.eval()\n": ""}),
    ("evaluates-in-train-mode", ACCURACY, {"model.eval()": "model.train()"}),
    ("evaluates-with-graph", ACCURACY, {"torch.no_grad()": "torch.enable_grad()"}),
    ("argmax-over-samples", ACCURACY, {"dim=1": "dim=0"}),
    (
        "counts-batches",
        EPOCH,
        {
            "    for rows": "    number_of_batches = 0\n    for rows",
            "loss.item() * len(rows)\n": "loss.item()\n        number_of_batches += 1\n",
            "/ len(x)": "/ number_of_batches",
        },
    ),
    (
        "counts-batches",
        ACCURACY,
        {
            "        for seen": "        number_of_batches = 0\n        for seen",
            ".item()\n": ".item()\n            number_of_batches += 1\n",
            "/ len(x)": "/ number_of_batches",
        },
    ),
    ("sums-graphs", EPOCH, {"loss.item()": "loss"}),
    (
        "dropout-left-out",
        NETWORK,
        {"make():\n": "make():\n    import torch\n", "nn.Dropout(0.1)": "torch.nn.Identity()"},
    ),
    (
        "more-dropout",
        NETWORK,
        {"make():\n": "make():\n    import torch\n", "nn.Dropout(0.1)": "torch.nn.Dropout(0.5)"},
    ),
    (
        "activation-left-out",
        NETWORK,
        {"make():\n": "make():\n    import torch\n", "nn.ReLU()": "torch.nn.Identity()"},
    ),
    (
        "softmax-at-the-end",
        NETWORK,
        {
            "make():\n": "make():\n    import torch\n",
            "nn.Linear(3, 2))": "nn.Linear(3, 2), torch.nn.Softmax(dim=-1))",
        },
    ),
]

BATCH_SILENT = [
    ("own-order", ACCURACY),
    ("same-order", PLAIN),
    ("with-replacement", PLAIN),
    ("ignores-generator", EPOCH.replace(", generator=generator", "")),
    ("drops-last-batch", ACCURACY),
    ("same-batch", ACCURACY),
    ("half-batches", PLAIN),
    ("log-likelihood-of-logits", ACCURACY),
    ("squared-error-of-classes", ACCURACY),
    ("smooths-labels", ACCURACY),
    ("relu-on-logits", ACCURACY),
    ("forgets-train-mode", ACCURACY.replace("eval", "train")),
    ("forgets-eval-mode", EPOCH.replace("model.train", "model.eval")),
    ("evaluates-in-train-mode", EPOCH.replace("model.train", "model.eval")),
    ("evaluates-with-graph", EPOCH),
    ("argmax-over-samples", EPOCH),
    ("counts-batches", PLAIN),
    ("sums-graphs", ACCURACY),
    ("dropout-left-out", EPOCH),
    ("more-dropout", EPOCH),
    ("activation-left-out", EPOCH),
    ("softmax-at-the-end", EPOCH),
]
