"""What does the cost do before it becomes NaN in the middle of a training?

The network of the page on debugging, in float32, on all images. "Sure": is it a 0? The cross-entropy typed as
y ln a + (1 - y) ln(1 - a). "Fast": a linear layer and a squared error, at a learning rate beyond its limit. Each until
the first cost that is not finite; "rises" are the steps among the last 50 before it on which the cost rose.
"""

import math

import torch

from tools.studies import chapter, table

SEEDS = range(3)
VERSIONS = "torch==2.13.0 numpy==2.4.6"


def typed(z, t):
    a = z.sigmoid()
    return -(t * a.log() + (1 - t) * (1 - a).log()).mean()


def until_nan(page, model, cost, t, optimiser, lr, most=30_000):
    costs, opt = [], optimiser(model.parameters(), lr=lr)
    while len(costs) < most and (not costs or math.isfinite(costs[-1])):
        opt.zero_grad()
        J = cost(model(page["x"]), t)
        J.backward()
        opt.step()
        costs.append(J.item())
    steps = len(costs) - 1 if not math.isfinite(costs[-1]) else f"all {most}"
    tail = [J for J in costs if math.isfinite(J)][-51:]
    return steps, f"{tail[-1]:.1e}", f"{sum(b > a for a, b in zip(tail, tail[1:], strict=False))} of {len(tail) - 1}"


def study():
    page = chapter("debugging", until="with torch.no_grad():\n    first")
    zero, height, rows = (page["y"] == 0).float()[:, None], page["height"][:, None], []
    for seed in SEEDS:
        for name, optimiser, lr in [("SGD, rate 1", torch.optim.SGD, 1.0), ("Adam, rate 0.01", torch.optim.Adam, 0.01)]:
            rows.append([f"sure, {name}", seed, *until_nan(page, page["network"](1, seed), typed, zero, optimiser, lr)])
        torch.manual_seed(seed)
        square = lambda h, t: ((h - t) ** 2).mean()
        rows.append(["fast, SGD, rate 1", seed, *until_nan(page, torch.nn.Linear(64, 1), square, height, torch.optim.SGD, 1.0)])
    return table(["", "seed", "steps that went well", "last cost", "rises"], sorted(rows))
