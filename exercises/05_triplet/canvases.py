"""Put small pictures of handwritten digits on larger canvases."""

import numpy as np
import torch
import torch.nn.functional as F


def digit_canvases(digits, size, rng, scale=(8, 16), max_angle=0.0):
    """Draw each digit at a random place, scale and angle on an empty canvas.

    digits: (m, 8, 8), ink from 0 to 1. size: side of the canvas in pixels.
    rng: a NumPy Generator. scale: smallest and largest side of a drawn digit in
    pixels. max_angle: largest rotation to either side in degrees.

    Returns the canvases, (m, size, size) float64 from 0 to 1.
    """
    m = len(digits)
    side = rng.uniform(*scale, m)
    centre = rng.uniform(side / 2, size - side / 2, (2, m)) * 2 / size - 1
    angle = np.radians(rng.uniform(-max_angle, max_angle, m))
    turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    shift = -np.einsum("ijm,jm->im", turn, centre)
    affine = np.concatenate([turn, shift[:, None]], axis=1).transpose(2, 0, 1) * (size / side)[:, None, None]
    grid = F.affine_grid(torch.from_numpy(affine), [m, 1, size, size], align_corners=False)
    images = torch.as_tensor(np.asarray(digits, dtype=np.float64))[:, None]
    return F.grid_sample(images, grid, align_corners=False)[:, 0].numpy()


def ink_boxes(canvases, threshold=0.2):
    """Tight boxes round the ink, (m, 4) as x₀, y₀, x₁, y₁ in pixels.

    canvases: (m, size, size). A pixel is ink when it exceeds the threshold.
    Raises ValueError for a canvas without ink.
    """
    ink = np.asarray(canvases) > threshold
    if not ink.any(axis=(1, 2)).all():
        raise ValueError("a canvas has no ink above the threshold, so it has no box")
    columns, rows = ink.any(axis=1), ink.any(axis=2)
    size = ink.shape[1]
    first = lambda line: line.argmax(axis=1)
    last = lambda line: size - line[:, ::-1].argmax(axis=1)
    return np.stack([first(columns), first(rows), last(columns), last(rows)], axis=1).astype(float)
