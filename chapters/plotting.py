"""The look of the book's figures: dark ink on a clear ground, colours that colour-blind readers can tell apart."""

import io
import re

import matplotlib.pyplot as plt
from IPython import get_ipython
from matplotlib.figure import Figure
from matplotlib_inline.backend_inline import set_matplotlib_formats

BLUE, ORANGE, GREEN, PURPLE = "#0065a8", "#b34a00", "#00735a", "#a3487f"
INK, GREY = "#1f2328", "#63696f"

STYLE = {
    "figure.figsize": (4.4, 2.9),
    "figure.constrained_layout.use": True,
    "figure.facecolor": "none",
    "axes.facecolor": "none",
    "savefig.facecolor": "none",
    "font.size": 11,
    "axes.prop_cycle": plt.cycler(color=[BLUE, ORANGE, GREEN, PURPLE]),
    "axes.edgecolor": GREY,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "text.color": INK,
    "axes.labelcolor": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "lines.linewidth": 2,
    "legend.frameon": False,
    "legend.fontsize": 9.5,
    "image.interpolation": "none",
    "svg.hashsalt": "loss functions",
}


def use_book_style():
    """Draw every figure of this notebook as SVG in the book's style."""
    set_matplotlib_formats("svg")
    plt.rcParams.update(STYLE)
    get_ipython().display_formatter.formatters["image/svg+xml"].for_type(Figure, as_svg)


def as_svg(figure):
    """The figure as SVG text whose coordinates are the same on every computer.

    Two processors may differ in the sixteenth digit of a coordinate, and the
    notebooks' tests compare figures letter by letter: a hundredth of a point is kept.
    """
    file = io.StringIO()
    figure.savefig(file, format="svg", metadata={"Date": None}, bbox_inches="tight")
    return re.sub(r' (d|x|y)="[^"]*"', _rounded, file.getvalue())


def _rounded(attribute):
    return re.sub(r"-?\d+\.\d+", lambda number: f"{float(number[0]) + 0:.2f}", attribute[0])


def show_pictures(pictures, titles=None, columns=6, cmap="gray_r"):
    """Show pictures (m, height, width), values from 0 to 1, in a grid; return its axes one by one."""
    rows = -(-len(pictures) // columns)
    height, width = pictures[0].shape
    side = plt.rcParams["figure.figsize"][0] / columns
    space_above = 0.25 if titles is not None else 0.0
    _, grid = plt.subplots(rows, columns, figsize=(columns * side, rows * side * (height / width + space_above)))
    for k, (axis, picture) in enumerate(zip(grid.flat, pictures)):
        axis.imshow(picture, vmin=0, vmax=1, extent=(0, width, height, 0), cmap=cmap)
        axis.set(xticks=[], yticks=[])
        axis.autoscale(False)
        axis.spines[:].set_visible(True)
        if titles is not None:
            axis.set_title(titles[k], fontsize=10)
    return grid.flat
