"""A rare class in chapter 3: does `pos_weight` find better threes, or only more of them?

The chapter's logistic model on digits of 4 by 4 pixels, plain and with weight 9, on other halves of the pictures.
"Average precision" is the area below the curve of precision against recall, on the half that was not trained on.
"""

from tools.studies import chapter, table

SEEDS = range(20)
VERSIONS = "torch==2.13.0 numpy==2.4.6 scikit-learn==1.9.1"


def study():
    import numpy as np
    from sklearn.metrics import average_precision_score

    here = chapter("03_cross_entropy", until='cross-entropy, 20 % flips')
    fit, sigmoid, surprise = here["fit_by_lbfgs"], here["naive_sigmoid"], here["bce_with_logits"]
    images = here["digits"].images.reshape(-1, 4, 2, 4, 2).mean(axis=(2, 4)).reshape(-1, 16) / 16
    inputs, three = np.column_stack([np.ones(len(images)), images]), (here["digits"].target == 3).astype(float)

    def scores(z, truth):
        found = (z >= 0) & (truth == 1)
        return (found.sum() / truth.sum(), found.sum() / (z >= 0).sum(), sigmoid(z).mean(),
                surprise(z, truth).mean(), average_precision_score(truth, z))

    results = []
    for seed in SEEDS:
        order = np.random.default_rng(seed).permutation(len(three))
        new, old = order[:900], order[900:]
        plain = inputs[new] @ fit(inputs[old], three[old], lam=0.01)
        weighted = inputs[new] @ fit(inputs[old], three[old], lam=0.01, pos_weight=9.0)
        variants = [plain, weighted, plain + np.log(9), weighted - np.log(9)]
        results.append([scores(z, three[new]) for z in variants])
    results = np.array(results)
    names = ["plain", "weight 9", "threshold 0.1", "weight − ln 9"]
    means = [[name, *(f"{value:.2f}" for value in row)] for name, row in zip(names, results.mean(axis=0), strict=True)]
    gain = results[:, 1, 4] - results[:, 0, 4]
    gained = f"Average precision with the weight less without: {gain.min():+.3f} to {gain.max():+.3f}, higher in {(gain > 0).sum()} of {len(SEEDS)}."
    return table(["mean of 20 splits", "recall", "precision", "mean answer", "nats", "average precision"], means) + "\n\n" + gained
