"""What the check of fit_digits calls. You need not read it to solve the task."""

import numpy as np
import torch


def fit_digits_trial(rng):
    """Arguments of fit_digits, unseen images and the digits that they show.

    Which 360 images are set aside is drawn anew each time.
    """
    from sklearn.datasets import load_digits

    digits = load_digits()
    order = rng.permutation(len(digits.target))
    images = (digits.images[order, None] / 16).astype(np.float32)
    labels = digits.target[order]
    seed = int(rng.integers(1_000_000))
    arguments = torch.from_numpy(images[360:]), torch.from_numpy(labels[360:]), seed
    return arguments, images[:360], labels[:360]


def fit_digits_score(outputs, truth):
    """Share of digits named rightly, a row of probabilities counting as wrong.

    Such a row has all its ten numbers between 0 and 1.
    """
    low, high = outputs.min(axis=1), outputs.max(axis=1)
    probabilities = (low > -1e-4) & (high < 1 + 1e-4)
    right = outputs.argmax(axis=1) == truth
    return float(np.mean(right & ~probabilities))


def fit_digits_signs(outputs, truth):
    """What the outputs of a network that fails tell about it, by name."""
    outputs = np.asarray(outputs, dtype=float)
    signs, answers = [], outputs.argmax(axis=1)
    low, high = outputs.min(axis=1), outputs.max(axis=1)
    accuracy = np.mean(answers == truth)
    named = [np.mean(answers[truth == k] == k) for k in np.unique(truth)]
    certainty = np.mean(1 / np.exp(outputs - high[:, None]).sum(axis=1))
    same = np.ptp(outputs, axis=0).max() < 1e-3 * (1 + abs(outputs).max())
    if low.min() >= 0 and high.max() > 1.5 and np.mean(outputs == 0) > 0.3:
        signs.append("relu_at_the_end")
    if np.mean((low > -1e-4) & (high < 1 + 1e-4)) > 0.5:
        if np.all(abs(outputs.sum(axis=0) - 1) < 1e-2):
            signs.append("softmax_over_the_batch")
        elif np.all(abs(outputs.sum(axis=1) - 1) < 1e-3):
            signs.append("probabilities_returned")
        elif not same:
            signs.append("sigmoids_returned")
    if np.mean(outputs.argmin(axis=1) == truth) > 0.5:
        signs.append("smallest_is_right")
    if accuracy < 0.5 and abs(outputs).max() > 500:
        signs.append("ran_away")
    if same:
        signs.append("same_for_every_image")
    if accuracy < 0.5 and np.median(high - low) < 1.5:
        signs.append("hardly_trained")
    if min(named) < 0.1 and np.median(named) > 0.85 and certainty > 0.85:
        signs.append("a_class_lost")
    if accuracy > 0.3 and certainty < accuracy - 0.04:
        signs.append("stopped_early")
    lopsided = np.bincount(answers).max() >= 0.6 * len(answers)
    if accuracy < 0.95 and certainty > accuracy and (accuracy > 0.25 or lopsided):
        signs.append("wild_steps")
    if accuracy < 0.25 and not lopsided:
        signs.append("images_and_labels_apart")
    return signs
