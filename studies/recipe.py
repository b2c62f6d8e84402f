"""What do the two ingredients of chapter 4's recipe, decay and nudged images, do to accuracy and certainty?

The network and the training of the chapter's real task, in five folds, so that every one of the 1,797 images is named
by a network that has not seen it, and with other starts. T is the best temperature on these very images.
"""

import torch
import torch.nn.functional as F

from tools.studies import chapter, table

SEEDS = [0, 10, 20]
VERSIONS = "torch==2.13.0 numpy==2.4.6"

WAYS = {
    "both, as in the chapter": {},
    "no decay": {"decay": 0.0},
    "no nudge": {"nudge": lambda pictures: pictures},
    "neither": {"decay": 0.0, "nudge": lambda pictures: pictures},
}


def folds(book, first, how):
    pictures, labels = book["pictures"], book["labels"]
    Z = torch.empty(1797, 10)
    for number, fifth in enumerate(book["fifths"]):
        keep = book["without"](fifth)
        Z[fifth] = book["fit"](pictures[keep], labels[keep], first + number, **how)(pictures[fifth])
    p, right = book["sureness"](Z.double(), labels)
    T = book["temperature_by_halving"](Z.double(), labels)
    return right.mean(), right.mean() - p.mean(), T, F.cross_entropy(Z, labels).item()


def study():
    book = chapter("04_softmax_nll", until="Z = torch.empty(1797, 10)")
    rows = []
    for name, how in WAYS.items():
        runs = [folds(book, first, how) for first in SEEDS]
        columns = [(f"{min(v):.{d}f} to {max(v):.{d}f}") for v, d in zip(zip(*runs, strict=True), [4, 4, 2, 3], strict=True)]
        rows.append([name, *columns])
    return table(["", "accuracy", "accuracy minus certainty", "best T", "NLL"], rows)
