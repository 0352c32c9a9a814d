"""Small programs for the operators: each is what a right solution may look like."""

LOOP = '''
def fit(n, opt, params, x, y):
    """Train."""
    for epoch in range(n):
        guess = line(x, *params)
        loss = error(guess, y)
        opt.zero_grad()
        loss.backward()
        opt.step()
    return params
'''

COUNTED = LOOP.replace("range(n)", "range(1, n + 1)")

WHILE = """
def fit(n, opt, weights):
    epoch = 0
    while epoch < n:
        opt.zero_grad()
        error(weights).backward()
        opt.step()
        epoch += 1
    return weights
"""

ONE_STEP = """
def step(opt, params, x, y):
    loss = error(line(x, *params), y)
    opt.zero_grad()
    loss.backward()
    opt.step()
    return params
"""

CLOSURE = """
def fit(n, opt, params, x, y):
    for epoch in range(n):
        def closure():
            opt.zero_grad()
            loss = error(line(x, *params), y)
            loss.backward()
            return loss
        opt.step(closure)
    return params
"""

SCHEDULED = """
def tick(scheduler):
    for epoch in range(3):
        scheduler.step()
"""

NET = """
def train(net, loader, n_epochs, lr):
    optimizer = torch.optim.SGD(net.parameters(), lr=lr)
    net.train()
    for epoch in range(n_epochs):
        total = 0.0
        for x, y in loader:
            optimizer.zero_grad()
            logits = net(x)
            loss = F.cross_entropy(logits, y)
            loss.backward()
            optimizer.step()
            total += loss.item()
    return total
"""

BY_HAND = """
def descend(n, params, lr):
    for _ in range(n):
        loss = error(params)
        loss.backward()
        with torch.no_grad():
            params -= lr * params.grad
        params.grad = None
    return params
"""

ACCUMULATED = """
def fit(n, opt, params, loader):
    for epoch in range(n):
        opt.zero_grad()
        for x, y in loader:
            loss = error(line(x, *params), y)
            loss.backward()
        opt.step()
    return params
"""

TWO_LOOPS = """
def fit(n, first, second, params, x, y):
    for epoch in range(n):
        first.zero_grad()
        error(line(x, *params), y).backward()
        first.step()
    for epoch in range(n):
        second.zero_grad()
        error(line(x, *params), y).backward()
        second.step()
    return params
"""

IN_ELSE = """
def fit(n, opt, params, x, y):
    for epoch in range(n):
        loss = error(line(x, *params), y)
        if loss.isnan():
            break
        else:
            opt.zero_grad()
            loss.backward()
            opt.step()
    return params
"""

MSE = "def error(guess, truth):\n    return ((guess - truth) ** 2).mean()\n"
MSE_IN_STEPS = (
    "def error(guess, truth):\n    squares = (guess - truth).pow(2)\n    return"
    " torch.mean(squares)\n"
)
MSE_IN_ONE_NAME = (
    "def error(guess, truth):\n    loss = guess - truth\n    loss = (loss**2).mean()\n    return"
    " loss\n"
)
TORCH_MSE = "def error(guess, truth):\n    return F.mse_loss(guess, truth)\n"
MODULE_MSE = "def make_loss():\n    return nn.MSELoss()\n"
CROSS_ENTROPY = "def error(logits, truth):\n    return F.cross_entropy(logits, truth)\n"
ACCURACY = "def accuracy(guess, truth):\n    return (guess == truth).float().mean()\n"
STANDARDISE = "def standardise(x):\n    return (x - x.mean()) / x.std()\n"
LINE = "def line(x, w, b):\n    return w * x + b\n"
PARABOLA = "def parabola(x):\n    return 2 * x**2 + 1\n"
PLAIN = "def describe(x):\n    print(x)\n"
MAKE_SGD = "def make(params, lr):\n    return torch.optim.SGD(params, lr=lr)\n"
MAKE_ADAM = "def make(params):\n    return torch.optim.Adam([params], lr=0.1, betas=(0.8, 0.9))\n"
MAKE_LBFGS = (
    "def make(params):\n    return torch.optim.LBFGS(params, max_iter=4,"
    ' line_search_fn="strong_wolfe")\n'
)
LAYERS = "def __init__(self):\n    super().__init__()\n    self.first = nn.Linear(2, 3)\n"
LOADER = "def load(data):\n    return DataLoader(data, batch_size=4, shuffle=True)\n"
