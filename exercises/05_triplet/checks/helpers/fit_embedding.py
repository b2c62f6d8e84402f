"""What the check of fit_embedding calls. You need not read it to solve the task."""

import numpy as np
import torch
from canvases import digit_canvases


def turned_canvases(digits, rng):
    """Canvases (m, 1, 20, 20), float32, with a digit each."""
    canvases = digit_canvases(digits, 20, rng, max_angle=30)
    return canvases[:, None].astype(np.float32)


def fit_embedding_trial(rng):
    """Arguments of fit_embedding, unseen images and the truth about them.

    The truth has a row for each unseen image: the number of its draw, its digit, and
    which image of its draw is nearest to it in raw pixels.
    """
    from sklearn.datasets import load_digits

    data = load_digits()
    digits, names = data.images / 16, data.target
    known, others = np.flatnonzero(names < 7), np.flatnonzero(names >= 7)
    which = np.tile(known, 3)
    images = torch.from_numpy(turned_canvases(digits[which], rng))
    arguments = images, torch.from_numpy(names[which]), int(rng.integers(1_000_000))

    unseen, truth = [], []
    for number in range(4):
        chosen = rng.permutation(others)[:300]
        canvases = turned_canvases(digits[chosen], rng)
        pixels = torch.from_numpy(canvases).flatten(1)
        alike = torch.cdist(pixels, pixels).topk(2, largest=False).indices[:, 1]
        unseen.append(canvases)
        rows = [np.full(300, number), names[chosen], alike.numpy()]
        truth.append(np.stack(rows, axis=1))
    return arguments, np.concatenate(unseen), np.concatenate(truth)


def squared_in_draws(outputs, truth):
    """Yield for each draw the squared distances within it, and its rows of the
    truth."""
    for number in range(4):
        here = truth[:, 0] == number
        places = outputs[here].astype(float)
        yield np.array([((places - one) ** 2).sum(1) for one in places]), truth[here]


def fit_embedding_score(outputs, truth):
    """Recall@1 on digits that it never saw.

    For each digit, the second smallest distance to its own kind (the smallest is that
    of an image to itself) must be below the smallest to each other kind.
    """
    shares = []
    for distances, rows in squared_in_draws(outputs, truth):
        for digit in (7, 8, 9):
            own, rest = rows[:, 1] == digit, rows[:, 1] != digit
            second = np.partition(distances[own][:, own], 1)[:, 1]
            shares.append((second < distances[own][:, rest].min(1)).sum() / 1200)
    return float(sum(shares))


def fit_embedding_signs(outputs, truth):
    """What the embeddings look like, when they are not good enough."""
    outputs = outputs.astype(float)
    sums, lengths = outputs.sum(axis=1), (outputs**2).sum(axis=1)
    spread = np.sqrt(outputs.var(axis=0).sum() / max(lengths.mean(), 1e-300))
    as_pixels = np.mean([
        (distances < distances[range(300), rows[:, 2]][:, None]).sum(1) <= 1
        for distances, rows in squared_in_draws(outputs, truth)])
    reached = fit_embedding_score(outputs, truth)
    signs = {
        "collapse": spread < 0.03,
        "a_few_answers_only": len(np.unique(outputs.round(6), axis=0)) <= 30,
        "one_length_for_the_batch": abs(lengths.sum() - 1) < 1e-3,
        "probabilities": outputs.min() >= 0 and np.abs(sums - 1).max() < 1e-3,
        "raw_pixels": as_pixels > 0.6,
        "as_if_untrained": as_pixels > (0.12 if reached < 0.58 else 0.3),
        "not_far_enough": True,
    }
    return [sign for sign, shown in signs.items() if shown]


def show_neighbours(outputs, images, truth, count=6):
    """Draw a few images of the first draw (upper row) above their nearest others."""
    import matplotlib.pyplot as plt

    distances, rows = next(squared_in_draws(outputs, truth))
    _, axes = plt.subplots(2, count, figsize=(1.4 * count, 3.2))
    for k, (upper, lower) in enumerate(axes.T):
        for axis, which in zip([upper, lower], np.argsort(distances[k])):
            axis.imshow(images[which, 0], cmap="gray_r")
            axis.set(xticks=[], yticks=[], title=rows[which, 1])
    plt.show()
