"""Does it help to start the last bias at the log-odds of the share of yes, with -ln h and with squared error?

The network of chapter 2, "is it a 3?", with a last layer of a tenth of the weights. Threes are taken out of the
training data until their share is q: all of them, 26 or 13 stay, drawn by each network's own seed. The digits on
which the balanced accuracy is measured keep theirs.
"""

import math

import torch

from tools.studies import chapter, table

SEEDS = range(15)
VERSIONS = "torch==2.13.0 numpy==2.4.6"

THREES = [None, 26, 13]
RATES = [1.0, 3.0, 10.0]
LIMIT = 1500


def steps_until(c, loss, bias, rate, chosen):
    """Return each network's steps to a balanced accuracy of 0.75 at four looks in a row, LIMIT where it was not.

    And the median cost over its training data at step 0 and at step 20.
    """
    cost = lambda: loss(c["logits"](weights, c["x"][chosen]), c["y"][chosen]).mean(dim=1).median().item()
    weights = c["networks"](bias, SEEDS)
    with torch.no_grad():
        weights[2] *= 0.1
    opt = torch.optim.SGD(weights, lr=rate)
    torch.manual_seed(0)
    in_a_row, arrived = torch.zeros(len(SEEDS)), torch.full((len(SEEDS),), float(LIMIT))
    costs = []
    for step in range(LIMIT + 1):
        if step in (0, 20):
            costs.append(cost())
        if step % 5 == 0:
            good = c["balanced"](c["logits"](weights, c["x_new"]).detach(), c["y_new"]) >= 0.75
            in_a_row = torch.where(good, in_a_row + 1, 0)
            arrived = torch.where((in_a_row == 4) & (arrived == LIMIT), step - 15.0, arrived)
            if (arrived < LIMIT).all():
                break
        batch = chosen.gather(1, torch.randint(chosen.shape[1], (len(SEEDS), 64)))
        opt.zero_grad()
        loss(c["logits"](weights, c["x"][batch]), c["y"][batch]).mean(dim=1).sum().backward()
        opt.step()
    return arrived, costs


def study():
    c = chapter("02_regression_vs_classification", until="runs = {")
    torch.set_num_threads(1)
    yes, no = torch.where(c["y"] == 1)[0], torch.where(c["y"] == 0)[0]
    rows = []
    for threes in THREES:
        kept = [yes[torch.randperm(len(yes), generator=torch.Generator().manual_seed(seed))[:threes]] for seed in SEEDS]
        chosen = torch.stack([torch.cat([few, no]) for few in kept])
        q = len(kept[0]) / chosen.shape[1]
        b0 = math.log(q / (1 - q))
        for name, loss in [("−ln h", c["rival_loss"]), ("squared error", c["squared_loss"])]:
            for bias in [0.0, b0]:
                found = [steps_until(c, loss, bias, rate, chosen) for rate in RATES]
                shown = [f"> {LIMIT}" if arrived.median() == LIMIT else int(arrived.median()) for arrived, _ in found]
                there = ["all" if (arrived < LIMIT).all() else int((arrived < LIMIT).sum()) for arrived, _ in found]
                steps = [f"{middle} ({count})" for middle, count in zip(shown, there, strict=True)]
                rows.append([f"{q:.3f}", name, f"{bias:.1f}", *[f"{cost:.3f}" for cost in found[0][1][:2]], *steps])
    head = ["share q", "loss", "last bias starts at", "cost at step 0", "cost at step 20, rate 1", *[f"steps, rate {rate:g}" for rate in RATES]]
    return (
        f"Median over {len(SEEDS)} networks of the steps to a balanced accuracy of 0.75, at four looks in a row; in brackets, how many of "
        f"the {len(SEEDS)} were there within {LIMIT} steps.\n\n{table(head, rows)}"
    )
