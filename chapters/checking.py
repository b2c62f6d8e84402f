"""Say in one line whether two sides of an equation agree."""

import numpy as np


def verify(label, what, got, expected, tolerance):
    """Print whether `got` agrees with `expected`, for the equation `label`.

    The error is max |got − expected| / max(1, max |expected|): absolute for small
    numbers, relative for large ones. Arrays, tensors and floats of any shape are
    welcome as long as both shapes are the same; NaN never agrees.

    A page prints the tolerance, not the error, because the last digits of an error
    belong to the machine it was measured on.

    Raises ValueError when the shapes differ.
    """
    got = np.asarray(got, dtype=np.float64)
    expected = np.asarray(expected, dtype=np.float64)
    if got.shape != expected.shape:
        raise ValueError(f"{label}: shapes {got.shape} and {expected.shape} differ; compare like with like")
    error = np.max(np.abs(got - expected)) / max(1.0, np.max(np.abs(expected)))
    if error <= tolerance:
        print(f"{label} | {what}: error at most {tolerance:g}: True")
    else:
        print(f"{label} | {what}: error {error:.3g}, more than {tolerance:g}: False")
