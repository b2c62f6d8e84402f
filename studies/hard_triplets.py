"""Which networks does batch-hard collapse, and what is Recall@1 then worth, over ten seeds?

Losses, batches and measures are those of chapter 5. The spread is the mean distance of two embeddings of unseen digits; a
network has collapsed when its spread has fallen below a quarter of what it was, as in the chapter. Recall@1 is the mean of five draws of the canvases.
"""

import copy

import numpy as np

from tools.studies import chapter, table

SEEDS = range(10)
VERSIONS = "torch==2.13.0 numpy==2.4.6 scikit-learn==1.9.1"


def after(book, start, loss, epochs, seed, lr=5e-3):
    """Return a copy of a network, trained further, and the costs of its batches."""
    network, costs = copy.deepcopy(start), []

    def noted(E, y):
        costs.append(loss(E, y))
        return costs[-1]

    book["fit"](network, noted, epochs, seed=seed, lr=lr)
    return network, [cost.item() for cost in costs]


def from_random(book, seed):
    """Return (what, spread, Recall@1 of known and of unseen digits) of networks that begin with random weights."""
    start = book["new_network"](100 + seed)
    runs = {"random weights": (None, 0), "batch-hard, 5 epochs": (book["batch_hard"], 5), "batch-hard, 20 epochs": (book["batch_hard"], 20)}
    runs |= {"the same with the soft margin, 5 epochs": (book["soft_hard"], 5), "the same, distances not squared, 5 epochs": (book["plain_hard"], 5)}
    runs |= {"semi-hard, 5 epochs": (book["semi_hard"], 5)}
    networks = {what: after(book, start, loss, epochs, seed)[0] if loss else start for what, (loss, epochs) in runs.items()}
    return [(what, book["spread"](network), *book["recalls"](network).mean(1)) for what, network in networks.items()]


def taken_over(book, seed):
    """Return (when, first cost, then before and after: spread, unseen Recall@1) where five epochs of batch-hard follow batch-all."""
    moments, start = [], book["new_network"](100 + seed)
    book["fit"](whole := copy.deepcopy(start), book["batch_all"], 20, seed=seed, look=lambda: moments.append(copy.deepcopy(whole)))
    before = {"3 epochs of a run of 20": moments[2], "a run of 16": after(book, start, book["batch_all"], 16, seed)[0], "a run of 20": whole}
    found = []
    for when, network in before.items():
        late, costs = after(book, network, book["batch_hard"], 5, seed, lr=1e-3)
        found.append((when, costs[0], *(of(one) for of in (book["spread"], lambda one: book["recalls"](one)[1].mean()) for one in (network, late))))
    return found


def span(values):
    return f"{min(values):.2f} to {max(values):.2f}"


def collapsed(before, after):
    return (np.array(after) < np.array(before) / 4).sum()


def study():
    book = chapter("05_triplet", until="collapsed = trained(batch_hard)")
    first = list(zip(*(from_random(book, seed) for seed in SEEDS), strict=True))
    second = list(zip(*(taken_over(book, seed) for seed in SEEDS), strict=True))
    rows = []
    for runs in first:
        what, spreads, known, unseen = zip(*runs, strict=True)
        rows.append([what[0], span(spreads), collapsed([run[1] for run in first[0]], spreads), span(known), span(unseen)])
    below = [sum(now[i] < then[i] for then, now in zip(first[0], first[1], strict=True)) for i in (2, 3)]
    later = []
    for runs in second:
        when, costs, wide, spreads, old, new = zip(*runs, strict=True)
        later.append([when[0], span(costs), (np.array(costs) > 0.2).sum(), span(wide), span(spreads), collapsed(wide, spreads), span(old), span(new)])
    return (
        "From random weights, lowest to highest of the ten seeds:\n\n"
        + table(["", "spread", "collapsed", "Recall@1, known digits", "Recall@1, unseen"], rows)
        + f"\n\nAfter 5 epochs of batch-hard Recall@1 was lower than before on known digits for {below[0]}, on unseen ones for {below[1]} of ten seeds.\n\n"
        + "Five epochs of batch-hard after batch-all:\n\n"
        + table(["after", "first cost", "first cost above α", "spread before", "and after", "collapsed", "unseen Recall@1 before", "and after"], later)
    )
