"""What the check of parameter_groups calls. You need not read it to solve the task."""

import torch
from torch import nn


def linear_layer(inputs, outputs, bias=True):
    return nn.Linear(inputs, outputs, bias=bias)


def two_layers(inputs, hidden, outputs):
    return nn.Sequential(
        nn.Linear(inputs, hidden), nn.ReLU(), nn.Linear(hidden, outputs))


def small_cnn(channels):
    return nn.Sequential(
        nn.Conv2d(1, channels, 3), nn.BatchNorm2d(channels), nn.ReLU(),
        nn.Flatten(), nn.Linear(channels * 36, 10), nn.LayerNorm(10))


def reader_of_words(words, size):
    return nn.ModuleDict({
        "words": nn.Embedding(words, size), "reader": nn.GRU(size, size),
        "answer": nn.Linear(size, 1)})


class Stretch(nn.Module):
    """A layer with parameters of its own and a layer inside."""

    def __init__(self, size):
        super().__init__()
        self.stretch = nn.Parameter(torch.eye(size))
        self.offset = nn.Parameter(torch.zeros(size))
        self.first = nn.Linear(size, size)

    def forward(self, x):
        return self.first(x) @ self.stretch + self.offset


def half_frozen(inputs, hidden):
    model = two_layers(inputs, hidden, 1)
    model[0].requires_grad_(False)
    return model


def stretched(size):
    return nn.Sequential(nn.Linear(size, size), Stretch(size))


def parameter_groups_view(groups, model, lam, m):
    """What an optimiser makes of the groups: how many, and each decay."""
    if isinstance(groups, torch.optim.Optimizer):
        raise TypeError("a list of two dicts is asked, not an optimiser")
    groups = list(groups)
    if not all(isinstance(group, dict) for group in groups):
        raise TypeError("a list of two dicts is asked, and not all of yours are dicts")
    keys = sorted({key for group in groups for key in group})
    groups = torch.optim.SGD(groups, lr=0.1, weight_decay=0.01).param_groups
    view = {"number of groups": len(groups), "keys": ", ".join(keys)}
    for name, parameter in model.named_parameters():
        decays = [group["weight_decay"] + 0.0 for group in groups
                  for p in group["params"] if p is parameter]
        found = decays[0] if len(decays) == 1 else f"in {len(decays)} groups"
        view[f"weight decay of {name}"] = found
    return view
