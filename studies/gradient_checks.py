"""What relative error does a right gradient reach in the check of the page on debugging?

Its network and its `two_slopes`, float64, step 1e-5, with autograd's own gradient, from 100 starts: on few and on many
images, with ReLU and with tanh, before and after training. "Smaller step": the same check again with the step 1e-7, and
the better of the two.
"""

import bisect

import torch
from torch import nn

from tools.studies import chapter, table

SEEDS = range(100)
VERSIONS = "torch==2.13.0 numpy==2.4.6"

STEPS = ["below 1e-7", "1e-7 to 1e-4", "1e-4 to 1e-2", "above 1e-2"]


def count(errors):
    bins = [0, 0, 0, 0]
    for error in errors:
        bins[bisect.bisect([1e-7, 1e-4, 1e-2], error)] += 1
    return bins


def model(page, seed, activation, trained):
    network = page["network"](seed=seed)
    network[1] = activation()
    if trained:
        page["train"](network, page["nll"])
    return network.double()


def errors(page, images, activation=nn.ReLU, trained=False, steps=(1e-5,)):
    x, y, nll, found = page["x"][:images].double(), page["y"][:images], page["nll"], []
    for seed in SEEDS:
        network = model(page, seed, activation, trained)
        tries = []
        for s in steps:
            torch.manual_seed(seed)
            tries.append(page["relative"](*page["two_slopes"](network, lambda z: nll(z, y), x, s)))
        found.append(min(tries))
    return found


def directions(page, images, factor=1.0, seeds=SEEDS):
    """Of 10 directions the median error, of each start; the gradient is wrong by `factor`."""
    x, y, nll, found = page["x"][:images].double(), page["y"][:images], page["nll"], []
    for seed in seeds:
        network = model(page, seed, nn.ReLU, False)
        tries = []
        for _ in range(10):
            exact, slope = page["two_slopes"](network, lambda z: nll(z, y), x, 1e-5)
            tries.append(page["relative"](factor * exact, slope))
        found.append(sorted(tries)[4])
    return found


def at_minimum(page):
    """Check a network that has learnt all there is in blank images: its gradient is nearly zero."""
    x, y, nll, found = 0 * page["x"][:64], page["y"][:64], page["nll"], []
    for seed in SEEDS:
        network = page["network"](seed=seed)
        network[1] = nn.Tanh()
        network = network.double()
        page["train"](network, nll, x.double(), y, steps=600)
        torch.manual_seed(seed)
        found.append(page["relative"](*page["two_slopes"](network, lambda z: nll(z, y), x.double(), 1e-5)))
    return found


def study():
    page = chapter("debugging", until="few = lambda z")
    rows = [
        ["8 images", *count(errors(page, 8))],
        ["64 images", *count(errors(page, 64))],
        ["all 1,437 images", *count(errors(page, 1437))],
        ["all, after 200 steps of training", *count(errors(page, 1437, trained=True))],
        ["all, tanh instead of ReLU", *count(errors(page, 1437, activation=nn.Tanh))],
        ["64 blank images, tanh, at the minimum", *count(at_minimum(page))],
        ["all, the better of the steps 1e-5 and 1e-7", *count(errors(page, 1437, steps=(1e-5, 1e-7)))],
        ["8 images, median of 10 directions", *count(directions(page, 8))],
        ["8 images, gradient wrong by 1 %, median of 10 directions", *count(directions(page, 8, 1.01))],
    ]
    return table(["right gradient", *STEPS], rows)
