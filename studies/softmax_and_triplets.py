"""What do triplets and a softmax classifier's features achieve on digits that neither was trained on, over ten seeds?

The networks, losses, batches and measures are those of chapter 5. The accept rates are those of pairs of unseen digits, at
the threshold that lets 5 % of the different pairs of known digits pass; the last ones at the threshold that lets 10 % of theirs pass. Each number is the mean of five draws of the canvases.
"""

import numpy as np
from torch import nn

from tools.studies import chapter, table

SEEDS = range(10)
VERSIONS = "torch==2.13.0 numpy==2.4.6 scikit-learn==1.9.1"
MEASURES = ["Recall@1, known digits", "Recall@1, unseen", "Recall@1, unseen, one layer below", "AUC, unseen", "false accepts, unseen", "true accepts, unseen", "true accepts at 10 % false, unseen"]


def verification(book, network):
    """Return AUC, false and true accept rate at the threshold of the known digits, and true accepts at a rate of 10 %; on unseen digits."""
    known, unseen = book["labels"][book["held_out"]], book["labels"][book["unseen"]]
    found = []
    for x_known, x_unseen in zip(book["known_draws"], book["unseen_draws"], strict=True):
        threshold = np.quantile(book["pairs"](network, x_known, known)[1], 0.05)
        same, different = book["pairs"](network, x_unseen, unseen)
        along, up = book["roc"](same, different)
        found.append([np.trapezoid(up, along), (different < threshold).mean(), (same < threshold).mean(), (same < np.quantile(different, 0.1)).mean()])
    return np.mean(found, axis=0)


def judged(book, layers):
    """Return the MEASURES of a network, given all its layers but the one that puts the output on the sphere."""
    network, below = nn.Sequential(*layers, book["Unit"]()), nn.Sequential(*layers[:-1], book["Unit"]())
    return [*book["recalls"](network).mean(1), book["recalls"](below)[1].mean(), *verification(book, network)]


def both(book, seed):
    """Train both on the same batches and return their measures, triplets first."""
    triplets = book["new_network"](100 + seed)
    book["fit"](triplets, book["batch_all"], 20, seed=seed)
    body = book["new_network"](100 + seed, nn.Identity())
    book["fit"](nn.Sequential(body, nn.Linear(32, 7)), nn.CrossEntropyLoss(), 20, seed=seed)
    return judged(book, triplets[:-1]), judged(book, body[:-1])


def study():
    book = chapter("05_triplet", until="rivals = {")
    triplets, softmax = np.round([both(book, seed) for seed in SEEDS], 3).transpose(1, 2, 0)
    spread = [
        [name, *(f"{of.mean():.2f} ({of.min():.2f} to {of.max():.2f})" for of in (t, s)), f"{(t > s).sum()} of {len(SEEDS)}"]
        for name, t, s in zip(MEASURES, triplets, softmax, strict=True)
    ]
    singly = [[seed, *(f"{t[seed]:.3f} / {s[seed]:.3f}" for t, s in zip(triplets, softmax, strict=True))] for seed in SEEDS]
    heads = table(["", "triplets", "softmax", "triplets higher"], spread), table(["seed", *MEASURES], singly)
    return "Mean over the ten seeds, lowest and highest:\n\n{}\n\nEach seed, triplets / softmax:\n\n{}".format(*heads)
