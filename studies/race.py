"""How much longer does squared error need than -ln h, each at its best rate, from a saturated and an ordinary start?

The chapter's network and code, plain descent. A set is five networks and one order of the mini-batches; set 0 is
the chapter's. The rate is the best of five for each loss and start, by the digits on which the steps are counted.
"""

import torch

from tools.studies import chapter, table

SEEDS = [range(5 * k, 5 * k + 5) for k in range(8)]
VERSIONS = "torch==2.13.0 numpy==2.4.6"

RATES = [0.1, 0.3, 1.0, 3.0, 10.0]
SQUARED, RIVAL = "squared error", "−ln h"


def first_crossing(accuracy):
    reached = accuracy >= 0.9
    return torch.where(reached.any(dim=0), reached.float().argmax(dim=0) * 5, 400)


def study():
    c = chapter("02_regression_vs_classification", until="runs = {")
    torch.set_num_threads(1)
    losses = {SQUARED: c["squared_loss"], RIVAL: c["rival_loss"]}
    counts = {"arrived (four looks in a row at 0.9 or more)": c["steps_to"], "first look at 0.9 or more": first_crossing}
    rows, forecasts = {what: [] for what in counts}, []
    for number, seeds in enumerate(SEEDS):
        runs = {
            (name, bias, rate): c["train"](loss, bias, lambda weights, rate=rate: torch.optim.SGD(weights, lr=rate), seeds=seeds)
            for name, loss in losses.items()
            for bias in [7.0, 0.0]
            for rate in RATES
        }
        for what, steps in counts.items():
            best = {start: min(int(steps(runs[(*start, rate)][1]).median()) for rate in RATES) for start in [(name, bias) for name in losses for bias in [7.0, 0.0]]}
            ratio = {bias: f"{best[SQUARED, bias] / best[RIVAL, bias]:.1f}" for bias in [7.0, 0.0]}
            rows[what].append([number, best[SQUARED, 7.0], best[RIVAL, 7.0], ratio[7.0], best[SQUARED, 0.0], best[RIVAL, 0.0], ratio[0.0]])
        forecasts.append([number, *forecast(c, seeds, runs[SQUARED, 7.0, 1.0][2])])
    head = ["set", "saturated: squared", "−ln h", "times", "ordinary: squared", "−ln h", "times"]
    parts = [f"Median of the five networks' steps, {what}:\n\n{table(head, found)}" for what, found in rows.items()]
    head = ["set", "measured over predicted, smallest", "largest", "the slowest predicted right"]
    return "\n\n".join([*parts, "Steps until the mean logit is 0 under squared error, saturated, rate 1 (a network that is not there after 400 counts 400):\n\n" + table(head, forecasts)])


def forecast(c, seeds, mean_z):
    """Return how the measured steps to a mean logit of 0 compare with the chapter's prediction."""
    weights = c["networks"](7.0, seeds)
    start = c["logits"](weights, c["x"]).mean(dim=1)
    slopes = torch.autograd.grad(start.sum(), weights)
    kappa = sum((slope**2).sum(dim=(1, 2)) for slope in slopes)
    time = torch.tensor([c["time_squared"](z) for z in start.tolist()])
    predicted = time / ((1 - c["y"].mean()) * kappa)
    measured = ((mean_z > 0).sum(dim=0) * 5).clamp(max=400)
    ratio = measured / predicted
    return f"{ratio.min():.2f}", f"{ratio.max():.2f}", "yes" if predicted.argmax() == measured.argmax() else "no"
