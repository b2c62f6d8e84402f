"""What becomes of a training that forgets `zero_grad`, on real digits?

The network and the loop of the page on debugging (plain descent, 200 steps at the rate 0.5), from other starts, with
the gradients adding up. Counted is the cost after the last step, and the highest cost on the way.
"""

import torch

from tools.studies import chapter, table

SEEDS = range(30)
VERSIONS = "torch==2.13.0 numpy==2.4.6"


def train(page, model, forget):
    opt, costs = torch.optim.SGD(model.parameters(), lr=0.5), []
    for _ in range(200):
        if not forget:
            opt.zero_grad()
        J = page["nll"](model(page["x"]), page["y"])
        J.backward()
        opt.step()
        costs.append(J.item())
    return costs


def study():
    page = chapter("debugging", until="healthy = network()")
    page["nll"] = torch.nn.CrossEntropyLoss()
    rows = []
    for name, forget in [("with zero_grad", False), ("without", True)]:
        runs = [train(page, page["network"](seed=seed), forget) for seed in SEEDS]
        last, highest = [costs[-1] for costs in runs], [max(costs) for costs in runs]
        below = [sum(J < limit for J in last) for limit in (0.1, 0.2)]
        rows.append([name, len(runs), *below, sum(J > 2 for J in last), *[f"{min(v):.2f} to {max(v):.2f}" for v in (last, highest)]])
    return table(["", "runs", "end below 0.1", "below 0.2", "end above 2", "last cost", "highest cost"], rows)
