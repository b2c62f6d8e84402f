"""From the saturated start of chapter 2, what does Adam do with either loss, and what if its state starts afresh at step 15?

The chapter's network and code. A set is five networks and one order of the mini-batches; set 0 is the chapter's.
Arrived is a network at the first of four looks in a row with a balanced accuracy of 0.9.
"""

import torch

from tools.studies import chapter, table

SEEDS = [range(5 * k, 5 * k + 5) for k in range(8)]
VERSIONS = "torch==2.13.0 numpy==2.4.6"

SQUARED, RIVAL = "squared error", "−ln h"
SETTINGS = {  # bias at the start, learning rate, beta_1, and whether Adam's state is thrown away at step 15
    "rate 0.003": (7.0, 0.003, 0.9, False),
    "rate 0.01": (7.0, 0.01, 0.9, False),
    "no momentum": (7.0, 0.01, 0.0, False),
    "no momentum, afresh at step 15": (7.0, 0.01, 0.0, True),
    "no momentum, ordinary start": (0.0, 0.01, 0.0, False),
}


class Afresh(torch.optim.Adam):
    """Adam that forgets at step 15 all that it has seen."""

    def step(self):
        self.taken = getattr(self, "taken", 0) + 1
        if self.taken == 16:
            self.state.clear()
        super().step()


def study():
    c = chapter("02_regression_vs_classification", until="runs = {")
    torch.set_num_threads(1)
    losses = {SQUARED: c["squared_loss"], RIVAL: c["rival_loss"]}
    rows = []
    for setting, (bias, rate, beta, afresh) in SETTINGS.items():
        kind = Afresh if afresh else torch.optim.Adam
        for number, seeds in enumerate(SEEDS):
            row = [setting, number]
            for loss in losses.values():
                _, accuracy, _ = c["train"](loss, bias, lambda weights, kind=kind, rate=rate, beta=beta: kind(weights, lr=rate, betas=(beta, 0.999)), 600, seeds)
                steps = c["steps_to"](accuracy)
                row += [int((steps < 600).sum()), int(steps.median())]
            rows.append(row)
    head = ["setting", "set", f"{SQUARED}: arrived", "median steps", f"{RIVAL}: arrived", "median steps"]
    return f"Of five networks, how many arrived within 600 steps, and the median of their steps (600 for one that did not).\n\n{table(head, rows)}"
