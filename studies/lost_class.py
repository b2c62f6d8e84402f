"""How often does a softmax too many lose a class, and on what does that depend?

First the network, optimiser and rate of chapter 4, from other starts, on other splits, and with a fifth of the rate
and five times the steps; then the plain descent of the page on debugging, from other starts. A class is lost when it is
never the answer to any unseen image. Beside the accuracy stands that of the right loss, trained the same way.
"""

import torch
import torch.nn.functional as F

from tools.studies import chapter, table

STARTS, SPLITS, DEBUGGING = range(10), range(1, 11), range(30)
SEEDS = [STARTS, SPLITS, DEBUGGING]
VERSIONS = "torch==2.13.0 numpy==2.4.6"

HEAD = ["", "runs", "that lose a class", "last cost, no class lost", "accuracy, class lost", "accuracy, none lost", "right loss"]


def between(values):
    return f"{min(values):.3f} to {max(values):.3f}" if values else "–"


def outcome(network, costs, images, labels):
    answer = network(images).argmax(dim=1)
    return costs[-1], (answer == labels).double().mean().item(), 10 - len(answer.unique())


def line(name, pairs):
    twice, once = zip(*pairs, strict=True)
    whole, lost = [r for r in twice if r[2] == 0], [r for r in twice if r[2]]
    return [
        name,
        len(twice),
        len(lost),
        between([r[0] for r in whole]),
        between([r[1] for r in lost]),
        between([r[1] for r in whole]),
        between([r[1] for r in once]),
    ]


def softmaxes(book, start, split=None, **how):
    pictures, labels = book["images"].flatten(1), book["labels"]
    if split is not None:
        order = torch.randperm(len(labels), generator=torch.Generator().manual_seed(split))
        pictures, labels = pictures[order], labels[order]
    X, y, unseen = pictures[360:], labels[360:], (pictures[:360].float(), labels[:360])
    costs = [lambda Z: F.cross_entropy(Z.softmax(dim=1), y), lambda Z: F.cross_entropy(Z, y)]
    return [outcome(*book["train_hidden"](cost, start, X, **how), *unseen) for cost in costs]


def descent(page, start):
    network, unseen = page["network"], (page["x_new"], page["y_new"])
    twice, once = network(seed=start), network(seed=start)
    doubled = lambda z, y: page["nll"](z.softmax(dim=1), y)
    two = page["train"](twice, doubled, lr=2, steps=300), page["train"](once, page["nll"])
    return [outcome(model, costs, *unseen) for model, costs in zip([twice, once], two, strict=True)]


def study():
    book = chapter("04_softmax_nll", until="once = lambda Z")
    page = chapter("debugging", until="healthy = network()")
    page["nll"] = torch.nn.CrossEntropyLoss()
    rows = [
        line("chapter 4, other starts", [softmaxes(book, start) for start in STARTS]),
        line("chapter 4, other splits", [softmaxes(book, split, split) for split in SPLITS]),
        line("a fifth of the rate, other starts", [softmaxes(book, start, steps=1000, lr=0.001) for start in STARTS]),
        line("a fifth of the rate, other splits", [softmaxes(book, split, split, steps=1000, lr=0.001) for split in SPLITS]),
        line("debugging, other starts", [descent(page, start) for start in DEBUGGING]),
    ]
    return table(HEAD, rows)
