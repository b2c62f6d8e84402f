"""What the check of training_loss calls. You need not read it to solve the task."""

import numpy as np
import torch
from torch import nn


def settled(model, size=1.0):
    """The model in float64, with weights that are the same on every machine."""
    model, start = model.double(), 1
    with torch.no_grad():
        for p in model.parameters():
            steps = torch.arange(start, start + p.numel(), dtype=torch.float64)
            p.copy_(size * torch.sin(steps * steps).reshape(p.shape))
            start += p.numel()
    return model


def linear_model(pixels, classes):
    return settled(nn.Sequential(nn.Flatten(), nn.Linear(pixels * pixels, classes)))


def two_layers(pixels, hidden, classes):
    return settled(nn.Sequential(
        nn.Flatten(), nn.Linear(pixels * pixels, hidden), nn.Tanh(),
        nn.Linear(hidden, classes)))


def small_cnn(pixels, channels, classes):
    return settled(nn.Sequential(
        nn.Conv2d(1, channels, 3, padding=1), nn.ReLU(), nn.Flatten(),
        nn.Linear(channels * pixels * pixels, classes)), 0.5)


def loud_model(pixels, classes):
    """Its logits are some thousands, or tens of thousands."""
    return settled(linear_model(pixels, classes), 10_000.0)


def model_with_gradients(pixels, classes):
    """Each parameter holds a gradient of ones, from an earlier .backward()."""
    model = linear_model(pixels, classes)
    for p in model.parameters():
        p.grad = torch.ones_like(p)
    return model


def model_at_rest(pixels, hidden, classes):
    """In eval() mode."""
    return two_layers(pixels, hidden, classes).eval()


def training_loss_view(loss, model, images, labels):
    """What a result is, and how long the gradients are that it leads to; −1: none."""
    parameters = list(model.parameters())
    tensor = isinstance(loss, torch.Tensor)
    scalar = tensor and loss.ndim == 0
    kind = "a tensor without dimensions" if scalar else (
        "a tensor with dimensions" if tensor else "no tensor")
    found = [None] * len(parameters)
    if scalar and loss.requires_grad:
        try:
            found = torch.autograd.grad(
                loss, parameters, retain_graph=True, allow_unused=True)
        except RuntimeError:  # .backward() was called already
            pass
    reached = any(gradient is not None for gradient in found)
    lengths = lambda tensors: np.array(
        [-1.0 if tensor is None else float(tensor.norm()) for tensor in tensors])
    return (kind, np.array(loss.tolist(), dtype=float) if tensor else loss,
            "to the parameters" if reached else "nowhere", lengths(found),
            "train" if model.training else "eval", lengths(p.grad for p in parameters))
