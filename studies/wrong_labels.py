"""Flipped labels in chapter 3: which loss suffers more, and when does the training cost pass its floor?

The chapter's network and recipe; tested on clean unseen labels in the first table, on flipped ones in the second.
"By heart" is the share of the flipped training labels that the network agrees with.
"""

from tools.studies import chapter, table

SEEDS = range(10)
VERSIONS = "torch==2.13.0 numpy==2.4.6"


def study():
    import numpy as np
    import torch

    here = chapter("03_cross_entropy", until="noisy, new_noisy =")
    accuracy, cost_of, flipped, train = (here[name] for name in ["accuracy", "cost_of", "flipped", "train"])
    pictures, new_Y, seen, Y = (here[name] for name in ["new_pictures", "new_Y", "seen", "Y"])

    def run(loss, rho, seed):
        torch.manual_seed(seed)
        network, noisy = here["dense_network"](), flipped(Y, rho)
        train(network, loss, noisy, 40)
        with torch.no_grad():
            agrees = ((network(seen) > 0) == (noisy > 0.5))[noisy != Y]
        return accuracy(network).mean(), cost_of(network, pictures, new_Y) / 4, agrees.float().mean().item()

    rows = []
    for rho in [0.0, 0.1, 0.2, 0.3]:
        cross, squared = (np.array([run(here[loss], rho, seed) for seed in SEEDS]) for loss in ["cross", "squared"])
        less = cross - squared
        heart = [f"{values[:, 2].mean():.2f}" for values in (cross, squared)] if rho else ["–", "–"]
        rows.append([f"{rho:.0%}", *(f"{values[:, column].mean():.3f}" for column in (0, 1) for values in (cross, squared)),
                     f"{less[:, 1].min():+.3f} to {less[:, 1].max():+.3f}", *heart])
    head = ["flips", "accuracy, cross-entropy", "squared error", "nats per answer, cross-entropy", "squared error",
            "squared error is less surprised by", "by heart, cross-entropy", "squared error"]

    def epochs(seed):
        torch.manual_seed(seed)
        noisy, new_noisy = flipped(Y, 0.2), flipped(new_Y, 0.2)
        network, history = here["dense_network"](), []
        look = lambda: history.append([cost_of(network, seen, noisy), cost_of(network, pictures, new_noisy)])
        train(network, here["cross"], noisy, 60, look=look)
        on_seen, on_new = np.array(history).T
        return np.argmax(on_seen < 4 * here["coin"](0.2)) + 1, on_new.argmin() + 1

    passes, best = np.array([epochs(seed) for seed in SEEDS]).T
    when = table(["20 % flips", "epochs"], [
        ["training cost passes the floor after", f"{passes.min()} to {passes.max()}"],
        ["unseen cost is lowest after", f"{best.min()} to {best.max()}"],
        ["lowest before the floor is passed", f"{(best < passes).sum()} of {len(SEEDS)}"]])
    return f"{table(head, rows)}\n\n{when}"
