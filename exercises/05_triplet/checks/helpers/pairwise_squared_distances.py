"""What the check of pairwise_squared_distances calls. You need not read it to solve the task."""

import numpy as np


def pairwise_squared_distances_view(D, A, B):
    """Make entries stand out that rounding has spoilt: show 1e-9 there.

    Equal rows have distance 0. Those of the check that nearly are differ by 2**-10 in
    each of 16 coordinates.
    """
    asked = len(A), len(B)
    if getattr(D, "shape", 0) != asked or not isinstance(D[0, 0], np.floating):
        return D
    equal = np.stack([(A == row).all(axis=1) for row in B], axis=1)
    near = np.stack([np.isclose(A, row, 1e-6, 0).all(axis=1) for row in B], axis=1)
    tiny = near & (abs(D) < 1e-4)
    wrong = D[tiny] != np.where(equal, 0, 2.0**-16)[tiny]
    return np.where(tiny, 1e-9, D) if np.any(wrong) else D
