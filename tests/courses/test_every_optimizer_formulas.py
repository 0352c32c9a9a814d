"""The formulas that the notebook of *Every optimizer* teaches are what torch's optimizers compute:
written out in double precision, as they stand in the prose.
"""

from math import sqrt

import pytest
import torch
from places import ROOT

COURSE = ROOT
SOLUTION = COURSE / "solutions" / "every-optimizer" / "solution.py"
PROSE = (COURSE / "assignments" / "every-optimizer" / "notebook.py.j2").read_text()
STEPS = 25
START = 1.7


def slope(theta):
    """Gradient of a quartic valley with a slope: it changes its sign and its size on the way."""
    return theta**3 - 0.8 * theta + 0.3


def sgd(lr):
    while True:
        g = yield
        yield -lr * g


def momentum(lr, mu=0.8):
    v = 0.0
    while True:
        g = yield
        v = mu * v + g
        yield -lr * (g + mu * v)


def adagrad(lr, decay=0.05, s=0.5, eps=1e-10):
    t = 0
    while True:
        g = yield
        t += 1
        s = s + g**2
        yield -lr / (1 + (t - 1) * decay) * g / (sqrt(s) + eps)


def rmsprop(lr, alpha=0.9, mu=0.5, eps=1e-8):
    v = mean = u = 0.0
    while True:
        g = yield
        v = alpha * v + (1 - alpha) * g**2
        mean = alpha * mean + (1 - alpha) * g
        u = mu * u + g / (sqrt(v - mean**2) + eps)
        yield -lr * u


def adadelta(lr, rho=0.8, eps=1e-3):
    v = u = 0.0
    while True:
        g = yield
        v = rho * v + (1 - rho) * g**2
        delta = sqrt(u + eps) / sqrt(v + eps) * g
        u = rho * u + (1 - rho) * delta**2
        yield -lr * delta


def adam(lr, beta1=0.8, beta2=0.99, eps=1e-8):
    m = v = 0.0
    t = 0
    while True:
        g = yield
        t += 1
        m = beta1 * m + (1 - beta1) * g
        v = beta2 * v + (1 - beta2) * g**2
        yield -lr * (m / (1 - beta1**t)) / (sqrt(v / (1 - beta2**t)) + eps)


def adamax(lr, beta1=0.7, beta2=0.95, eps=1e-8):
    m = u = 0.0
    t = 0
    while True:
        g = yield
        t += 1
        m = beta1 * m + (1 - beta1) * g
        u = max(beta2 * u, abs(g) + eps)
        yield -lr / (1 - beta1**t) * m / u


def rprop(lr, shrink=0.4, grow=1.3, least=1e-4, most=2.0):
    size, last = lr, 0.0
    while True:
        g = yield
        if g * last > 0:
            size = min(size * grow, most)
        elif g * last < 0:
            size = max(size * shrink, least)
            g = 0.0  # waits for one step
        last = g
        yield -size * ((g > 0) - (g < 0))


def path(rule):
    """Where the rule leads, by the prose."""
    theta, places = START, []
    next(rule)
    for _ in range(STEPS):
        theta += rule.send(slope(theta))
        next(rule)
        places.append(theta)
    return places


def asgd_path(lr, decay=0.02, power=0.6):
    """It also shrinks the parameter, so it needs it."""
    theta, places = START, []
    for t in range(1, STEPS + 1):
        rate = lr / (1 + decay * lr * (t - 1)) ** power
        theta = (1 - decay * rate) * theta - rate * slope(theta)
        places.append(theta)
    return places


def adamw_path(lr, decay=0.1):
    """First the decay, then Adam's step, both from the gradient where the step began."""
    theta, places, rule = START, [], adam(lr, 0.9, 0.999)
    next(rule)
    for _ in range(STEPS):
        g = slope(theta)
        theta -= lr * decay * theta
        theta += rule.send(g)
        next(rule)
        places.append(theta)
    return places


@pytest.fixture(scope="module")
def solution():
    names = {}
    exec(compile(SOLUTION.read_text(), "solution.py", "exec"), names)
    return names


def torchs_path(make, lr):
    theta = torch.tensor(START, dtype=torch.float64, requires_grad=True)
    optimizer, places = make([theta], lr), []
    for _ in range(STEPS):
        theta.grad = slope(theta.detach())
        optimizer.step()
        places.append(theta.item())
    return places, optimizer.state[theta]


@pytest.mark.parametrize(
    ("make", "lr", "by_hand"),
    [
        ("make_sgd", 0.1, lambda lr: path(sgd(lr))),
        ("make_momentum", 0.05, lambda lr: path(momentum(lr))),
        ("make_asgd", 0.2, asgd_path),
        ("make_rprop", 0.1, lambda lr: path(rprop(lr))),
        ("make_adagrad", 0.5, lambda lr: path(adagrad(lr))),
        ("make_rmsprop", 0.05, lambda lr: path(rmsprop(lr))),
        ("make_adadelta", 1.0, lambda lr: path(adadelta(lr))),
        ("make_adam", 0.2, lambda lr: path(adam(lr))),
        ("make_adamw", 0.2, adamw_path),
        ("make_adamax", 0.2, lambda lr: path(adamax(lr))),
    ],
)
def test_the_prose_says_what_torch_computes(solution, make, lr, by_hand):
    """25 steps in double precision, through a minimum and back."""
    places, _ = torchs_path(solution[make], lr)
    assert places == pytest.approx(by_hand(lr), rel=1e-6, abs=1e-7)
    assert len(set(places)) > STEPS // 2


def test_asgd_averages_as_the_prose_says(solution):
    """The present place up to step t0 + 2 = 12, and the mean of all places from there on."""
    places, state = torchs_path(solution["make_asgd"], 0.2)
    assert state["ax"].item() == pytest.approx(sum(places[11:]) / len(places[11:]), rel=1e-6)


def test_every_rule_tells_its_source():
    """A paper, or a lecture, for each."""
    for source in (
        *(
            "Robbins & Monro 1951",
            "Polyak 1964",
            "Nesterov 1983",
            "Polyak & Juditsky 1992",
            "Riedmiller & Braun 1993",
        ),
        *(
            "Duchi, Hazan & Singer 2011",
            "Hinton 2012",
            "Zeiler 2012",
            "Kingma & Ba 2015",
            "Loshchilov & Hutter 2019",
        ),
        *(
            "Liu & Nocedal 1989",
            "Dozat 2016",
            "Liu et al. 2020",
            "Shazeer & Stern 2018",
            "Jordan et al. 2024",
        ),
    ):
        assert source in PROSE
