"""A sigmoid too many in chapter 3: from which share of yes on does the network still learn?

One yes/no question about the digits, the chapter's network with one output, its recipe, and the loss applied to
logits or, by mistake, to probabilities. "Stops" means that not one training picture is called a yes.
"""

from tools.studies import chapter, table

SEEDS = range(10)
VERSIONS = "torch==2.13.0 numpy==2.4.6"
QUESTIONS = {"even": [0, 2, 4, 6, 8], "0 to 3": [0, 1, 2, 3], "0, 1 or 2": [0, 1, 2], "0 or 1": [0, 1], "a 3": [3]}


def study():
    import numpy as np
    import torch
    from torch import nn

    here = chapter("03_cross_entropy", until="noisy, new_noisy =")
    cross, train, seen = here["cross"], here["train"], here["seen"]
    digit = torch.tensor(here["digit"])

    def run(digits, seed, twice):
        yes = torch.isin(digit, torch.tensor(digits)).float()[:, None]
        torch.manual_seed(seed)
        network = nn.Sequential(nn.Flatten(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 1))
        loss = (lambda z, y: cross(torch.sigmoid(z), y)) if twice else cross
        train(network, loss, yes[360:], 40)
        with torch.no_grad():
            cost = loss(network(seen), yes[360:]).item() / len(seen)
            right = ((network(here["new_pictures"]) > 0) == (yes[:360] > 0.5)).float().mean().item()
            return cost, right, (network(seen) > 0).any().item()

    rows = []
    for name, digits in QUESTIONS.items():
        share = np.isin(here["digit"][360:], digits).mean()
        results = {twice: np.array([run(digits, seed, twice) for seed in SEEDS]) for twice in [True, False]}
        cost, right, learns = results[True].T
        spread = lambda values: f"{values.min():.2f} to {values.max():.2f}"
        rows.append([f"{name} ({share:.0%})", f"{int((learns == 0).sum())} of {len(SEEDS)}",
                     spread(cost), spread(right), spread(results[False][:, 1])])
    head = ["question (share of yes)", "stops at ln 2", "cost", "accuracy on unseen pictures", "with one sigmoid"]
    return table(head, rows)
