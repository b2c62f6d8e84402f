"""What the check of fit_boxes calls. You need not read it to solve the task."""

import numpy as np
import torch
from canvases import digit_canvases, ink_boxes


def canvases_with_boxes(digits, rng):
    """Canvases (m, 1, 24, 24) with a digit each, and boxes (m, 4) in pixels."""
    canvases = digit_canvases(digits, 24, rng)
    boxes = ink_boxes(canvases).astype(np.float32)
    return canvases[:, None].astype(np.float32), boxes


def fit_boxes_trial(rng):
    """Arguments of fit_boxes, unseen images and their true boxes.

    The digits of the unseen images are never among those to learn from.
    """
    from sklearn.datasets import load_digits

    digits = load_digits().images / 16
    seen, unseen = digits[:1437], digits[1437:]
    images, boxes = canvases_with_boxes(np.tile(seen, (2, 1, 1)), rng)
    seed = int(rng.integers(1_000_000))
    arguments = torch.from_numpy(images), torch.from_numpy(boxes), seed
    return arguments, *canvases_with_boxes(unseen, rng)


def fit_boxes_score(answers, truth):
    """Mean intersection over union.

    It is found by counting the points of a grid, five to a pixel.
    """
    points = np.arange(-2, 26, 0.2) + 0.1

    def inside(boxes):
        left, top, right, bottom = np.asarray(boxes, dtype=float).T[:, :, None]
        across = (left < points) & (points < right)
        down = (top < points) & (points < bottom)
        return across[:, None, :] & down[:, :, None]

    a, b = inside(answers), inside(truth)
    return float(((a & b).sum((1, 2)) / (a | b).sum((1, 2))).mean())


def fit_boxes_signs(answers, truth):
    """What the answers look like, when they are not good enough."""
    def right(boxes):
        return fit_boxes_score(boxes, truth) > 0.6

    def gained(boxes):
        return fit_boxes_score(boxes, truth) > fit_boxes_score(answers, truth) + 0.05

    corners, lengths = answers[:, :2], answers[:, 2:]
    off = (answers - truth).mean(axis=0)
    spread = np.maximum(answers.std(axis=0), 1e-9)
    shared = ((answers - answers.mean(axis=0)) * (truth - truth.mean(axis=0))).mean(axis=0)
    alike = shared / (spread * truth.std(axis=0))
    the_same = spread.max() < 1 and alike.min() < 0.8
    rescaled = (answers - answers.mean(axis=0)) * shared / spread**2 + truth.mean(axis=0)
    signs = {
        "answers_in_canvas_widths": right(24 * answers),
        "scaled_twice": right(answers / 24),
        "rows_before_columns": right(answers[:, [1, 0, 3, 2]]),
        "width_and_height": right(np.hstack([corners, corners + lengths])),
        "untrained": np.abs(answers).max() < 0.3,
        "always_the_mean_box": the_same and np.abs(off).max() < 1.5,
        "always_the_same_box": the_same,
        "off_by_a_constant": right(answers - off) and gained(answers - off),
        "on_another_scale": right(rescaled) and gained(rescaled),
        "not_close_enough": alike.mean() > 0.3,
    }
    return [sign for sign, shown in signs.items() if shown]


def show_boxes(images, truth, answers, count=6):
    """Draw a few images with their true (dashed) and answered (solid) boxes."""
    import matplotlib.pyplot as plt

    _, axes = plt.subplots(1, count, figsize=(1.6 * count, 1.6))
    looks = [("--", "tab:orange"), ("-", "tab:blue")]
    for axis, image, *boxes in zip(axes, images, truth, answers):
        axis.imshow(image[0], cmap="gray_r", extent=(0, 24, 24, 0))
        for (left, top, right, bottom), (style, colour) in zip(boxes, looks):
            axis.fill([left, right, right, left], [top, top, bottom, bottom],
                      fill=False, linestyle=style, edgecolor=colour, linewidth=2)
        axis.set(xticks=[], yticks=[])
    plt.show()
