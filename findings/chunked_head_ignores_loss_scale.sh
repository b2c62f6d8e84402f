#!/bin/sh
# A gradient scaler does nothing for torch's memory-saving linear_cross_entropy.
#
# Versions: torch 2.13.0, numpy 2.4.6 (run with
#   Python 3.11.7 on Linux, CPU). 2.14.1, which has no "balanced", does the same.
# One would guess: gradients too small for float16 are what
#   torch.amp.GradScaler is for. The loss is multiplied before the backward
#   pass, so they come out large enough, as with cross_entropy.
# Behaviour: so it is with options=None. With LinearCrossEntropyOptions() the
#   gradients are computed during the forward pass, when no scale is known yet,
#   and stored in float16; the backward pass multiplies what is left of them.
#   Three quarters of the hidden layer's gradient are zero here whatever the
#   scale, for every acc_policy, although acc_dtype is float32 by default, and
#   nothing warns. A loss multiplied inside, by weight= and
#   reduction="sum", is scaled in time.
# Output seen (share of exact zeros in the gradient of the hidden layer):
#   float32, nothing saved         0.00
#   float16, nothing saved         scale 1: 0.76   scale 8192: 0.05
#   float16, auto                  scale 1: 0.77   scale 8192: 0.77
#   float16, accurate              scale 1: 0.76   scale 8192: 0.76
#   float16, balanced              scale 1: 0.76   scale 8192: 0.76
#   float16, compact               scale 1: 0.76   scale 8192: 0.76
#   float16, auto, weight          8192 inside: 0.03
# Upstream: pytorch/pytorch#181574 brought the chunks; its documentation names
#   what they cannot do (higher-order, forward-mode), and not this.
# Exit: 0 while this holds, 1 when it no longer does. PYTHON chooses the Python.
#   pip's standard build of torch for Linux is several GB.
set -eu
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
trap 'exit 1' HUP INT TERM
cd "$dir"
{
    "${PYTHON:-python3}" -m venv env
    env/bin/pip install -q torch==2.13.0 numpy==2.4.6
} >install.log 2>&1 || { cat install.log; exit 1; }

cat >zeros.py <<'EOF'
import sys

import torch
from torch.nn import LinearCrossEntropyOptions as Options
from torch.nn.functional import linear_cross_entropy

torch.manual_seed(0)
torch.set_num_threads(1)
tokens, hidden, classes = 4096, 64, 256
W = 0.3 * torch.randn(classes, hidden)
y = torch.randint(classes, (tokens,))
h = 3 * W[y] + 0.3 * torch.randn(tokens, hidden)  # right about nearly all


def zeros(options, scale, dtype=torch.float16, **arguments):
    x = h.to(dtype, copy=True).requires_grad_()
    head = W.to(dtype, copy=True).requires_grad_()
    scaler = torch.amp.GradScaler("cpu", init_scale=scale)
    loss = linear_cross_entropy(x, head, y, options=options, **arguments)
    scaler.scale(loss).backward()
    assert x.grad.isfinite().all()
    return (x.grad == 0).double().mean().item()


exact = zeros(None, 1.0, torch.float32)
print(f"float32, nothing saved         {exact:.2f}")
plain = [zeros(None, scale) for scale in (1.0, 8192.0)]
print(f"float16, nothing saved         scale 1: {plain[0]:.2f}   scale 8192: {plain[1]:.2f}")
holds = exact < 0.01 and plain[0] > 0.5 and plain[1] < 0.2
for policy in ["auto", "accurate", "balanced", "compact"]:
    before, after = (zeros(Options(acc_policy=policy), scale) for scale in (1.0, 8192.0))
    holds = holds and before > 0.5 and before == after
    print(f"float16, {policy:22}scale 1: {before:.2f}   scale 8192: {after:.2f}")
inside = zeros(Options(), 1.0, weight=torch.full((classes,), 8192.0 / tokens).half(), reduction="sum")
print(f"float16, auto, weight          8192 inside: {inside:.2f}")
sys.exit(not (holds and inside < 0.2))
EOF
env/bin/python zeros.py && exit 0
echo "The behaviour above has changed."
exit 1
