"""Does a temperature tell hard images from easy ones any better, or worse?

The network of chapter 4 that was trained for too long on 200 images, from other starts and on other splits. Its
temperature is chosen on 500 images, everything else is measured on the remaining 1,097. AUROC: the probability that a
rightly named image is surer than a wrongly named one (a tie counts half).
"""

import torch
import torch.nn.functional as F

from tools.studies import chapter, table

STARTS, SPLITS = range(10), range(1, 11)
SEEDS = {"starts, the chapter's split": [(start, None) for start in STARTS], "splits, one start each": [(split, split) for split in SPLITS]}
VERSIONS = "torch==2.13.0 numpy==2.4.6"


def auroc(p, right):
    p, right = torch.as_tensor(p), torch.as_tensor(right).bool()
    apart = p[right][:, None] - p[~right]
    return ((apart > 0).double().mean() + (apart == 0).double().mean() / 2).item()


def reordered(p, q):
    """Return the share of pairs of images whose order by certainty is another one in q than in p."""
    p, q = torch.as_tensor(p), torch.as_tensor(q)
    first, second = torch.triu_indices(len(p), len(p), offset=1)
    return ((p[first] - p[second]).sign() * (q[first] - q[second]).sign() < 0).double().mean().item()


def measure(book, start, split):
    pictures, labels = book["images"].flatten(1).float(), book["labels"]
    if split is not None:
        order = torch.randperm(len(labels), generator=torch.Generator().manual_seed(split))
        pictures, labels = pictures[order], labels[order]
    few, valid, rest = book["few"], book["valid"], book["rest"]
    network, _ = book["train_hidden"](lambda Z: F.cross_entropy(Z, labels[few]), start, pictures[few], steps=600, lr=0.01)
    Z = network(pictures).double()
    T = book["temperature_by_halving"](Z[valid], labels[valid])
    p, right = book["sureness"](Z[rest], labels[rest])
    q, _ = book["sureness"](Z[rest] / T, labels[rest])
    return T, auroc(p, right), auroc(q, right), reordered(p, q)


def study():
    book = chapter("04_softmax_nll", until="def calibration")
    parts = []
    for name, runs in SEEDS.items():
        rows = [(seed, *measure(book, seed, split)) for seed, split in runs]
        better = sum(after > before + 1e-4 for _, _, before, after, _ in rows)
        worse = sum(after < before - 1e-4 for _, _, before, after, _ in rows)
        shown = [[seed, f"{T:.2f}", f"{before:.4f}", f"{after:.4f}", f"{100 * share:.1f} %"] for seed, T, before, after, share in rows]
        shares = [100 * share for *_, share in rows]
        gains = [after - before for _, _, before, after, _ in rows]
        parts.append(
            f"**{name.capitalize()}.**\n\n"
            + table(["seed", "T", "AUROC at 1", "AUROC at T", "pairs of images in another order"], shown)
            + f"\n\nAUROC by more than 0.0001 higher at T: {better} of {len(rows)}; lower: {worse}. Change from {min(gains):.4f} to {max(gains):.4f}, "
            f"pairs in another order from {min(shares):.1f} to {max(shares):.1f} %, T from {min(r[1] for r in rows):.2f} to {max(r[1] for r in rows):.2f}."
        )
    return "\n\n".join(parts)
