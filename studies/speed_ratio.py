"""The race of chapter 3, squared error against cross-entropy on four questions: how much do its ratios owe to the seed?

Steps of plain gradient descent until 95 % of the training answers are right, with the chapter's own function, on the
chapter's rates that matter and one beyond them. A run of 600 steps is given up.
"""

from tools.studies import chapter, table

SEEDS = range(10)
VERSIONS = "torch==2.13.0 numpy==2.4.6"
RATES = {"cross": [0.5, 1.0, 2.0], "squared": [4.0, 8.0, 16.0]}


def study():
    import numpy as np

    here = chapter("03_cross_entropy", until="etas = {cross")
    steps = lambda loss, lr, bias, seed: here["steps_to_learn"](here[loss], lr, bias, limit=600, seed=seed)
    counts = {(loss, lr, bias): np.array([steps(loss, lr, bias, seed) for seed in SEEDS])
              for loss, rates in RATES.items() for lr in rates for bias in [0.0, 8.0]}
    same = np.array([steps("squared", 1.0, 0.0, seed) for seed in SEEDS]) / counts["cross", 1.0, 0.0]
    best = {(loss, bias): np.min([counts[loss, lr, bias] for lr in rates], axis=0)
            for loss, rates in RATES.items() for bias in [0.0, 8.0]}
    ordinary, saturated = (best["squared", bias] / best["cross", bias] for bias in [0.0, 8.0])
    spread = lambda ratio: [f"{np.median(ratio):.1f}", f"{ratio.min():.1f} to {ratio.max():.1f}"]
    ratios = table(["squared error over cross-entropy, in steps", "median", "range of ten seeds"], [
        ["ordinary start, both at rate 1", *spread(same)],
        ["ordinary start, each at its best rate", *spread(ordinary)],
        ["saturated start, each at its best rate", *spread(saturated)]])
    text = lambda values: f"{int(np.median(values))}" if np.median(values) < 600 else "600 or more"
    medians = table(["loss, learning rate", "ordinary start", "saturated start"],
                    [[f"{loss}, {lr:g}", *(text(counts[loss, lr, bias]) for bias in [0.0, 8.0])]
                     for loss, rates in RATES.items() for lr in rates])
    return f"{ratios}\n\nMedian steps:\n\n{medians}"
