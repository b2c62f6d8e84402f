"""What the check of numerical_gradient calls. You need not read it to solve the task."""

import numpy as np


def bowl(t):
    """0.35 times the sum of squares."""
    return 0.35 * np.sum(t**2)


def cubes(t):
    """The sum of cubes."""
    return np.sum(t**3)


def ripples(t):
    """The sum of sin(3t)."""
    return np.sum(np.sin(3 * t))


def growth(t):
    """The exponential of half the sum."""
    return np.exp(np.sum(t) / 2)


def line_cost(t):
    """A linear model's cost on three examples; t has the shape (K, 2)."""
    X = np.array([[1.0, 0.5], [1.0, -1.0], [1.0, 2.0]])
    errors = X @ t.T - np.arange(1, len(t) + 1)
    return np.sum(errors**2) / 6


def last_entry(t):
    """The square of the last entry; no other matters."""
    return np.ravel(t)[-1] ** 2
