"""Each student's own measurements, and how to train on them."""


def draw(rng):
    slope, offset = rng.uniform(0.5, 2.0), rng.uniform(-1.0, 1.0)

    def measured(count):
        x = [round(rng.uniform(-2.0, 2.0), 2) for _ in range(count)]
        return x, [round(slope * value + offset + rng.gauss(0.0, 0.2), 2) for value in x]

    x, y = measured(8)
    unseen_x, unseen_y = measured(6)
    return {
        "x": x,
        "y": y,
        "lr": rng.choice([0.04, 0.05, 0.06]),
        "unseen_x": unseen_x,
        "unseen_y": unseen_y,
    }
