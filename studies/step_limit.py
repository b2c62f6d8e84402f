"""At which curvature do small networks train, against the step limit 2/η of plain descent on a quadratic cost?

Networks 1-20-1 with tanh, full batch, plain descent and momentum 0.9, on forty noisy points of a sine. Of the Hessian of
the cost in all 61 weights the largest eigenvalue is taken, as a multiple of 2/η: above 1, plain descent on a quadratic cost
of this curvature diverges; momentum 0.9 does so above 1.9.
"""

import math

import torch

from tools.studies import table

SEEDS = range(8)
VERSIONS = "torch==2.13.0 numpy==2.4.6"

LOOKS = [0, 1000, 5000, 20000]
HIDDEN = 20
x = torch.linspace(-1, 1, 40, dtype=torch.float64)


def start(seed):
    """Return first weights and targets, each a vector."""
    draw = torch.Generator().manual_seed(seed)
    normal = lambda size, sd: sd * torch.randn(size, generator=draw, dtype=torch.float64)
    weights = torch.cat([normal(HIDDEN, 1), normal(HIDDEN, 0.5), normal(HIDDEN, HIDDEN**-0.5), torch.zeros(1).double()])
    return weights, torch.sin(math.pi * x) + normal(len(x), 0.1)


def cost(weights, y):
    slopes, shifts, last, bias = weights.split([HIDDEN, HIDDEN, HIDDEN, 1])
    return ((torch.tanh(x[:, None] * slopes + shifts) @ last + bias - y) ** 2).mean() / 2


costs = torch.func.vmap(cost)
gradients = torch.func.vmap(torch.func.grad(cost))
hessians = torch.func.vmap(torch.func.hessian(cost))


def walk(eta, momentum):
    """Return, for each look, the curvature as a multiple of 2/η, and the cost, of each seed."""
    weights, y = map(torch.stack, zip(*map(start, SEEDS), strict=True))
    speed, seen = torch.zeros_like(weights), []
    for step in range(LOOKS[-1] + 1):
        if step in LOOKS:
            sharpest = torch.linalg.eigvalsh(hessians(weights, y).nan_to_num(0, 0, 0))[:, -1]
            seen.append((sharpest * eta / 2, costs(weights, y)))
        speed = momentum * speed + gradients(weights, y)
        weights = weights - eta * speed
    return seen


def study():
    rows = []
    for momentum, rates in [(0.0, [0.1, 0.2, 0.4, 0.8]), (0.9, [0.1, 0.2, 0.4])]:
        for eta in rates:
            seen = walk(eta, momentum)
            kept = seen[-1][1].isfinite()
            ranges = [f"{sharp[kept].min():.2f} to {sharp[kept].max():.2f}" for sharp, _ in seen]
            ends = [f"{seen[look][1][kept].max():.4f}" for look in (1, -1)]
            rows.append([momentum, eta, *ranges, *ends, f"{(~kept).sum()} of {len(SEEDS)}"])
    head = ["momentum", "η", *[f"μ_max in units of 2/η, step {look:,}" for look in LOOKS]]
    return table([*head, "largest cost at 1,000", "at 20,000", "diverged"], rows)
