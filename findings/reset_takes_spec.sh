#!/bin/sh
# IPython's "%reset -f" in a notebook breaks multiprocessing.
#
# Versions: ipython 9.18.1, ipykernel 7.4.0, nbclient 0.11.0 (run with
#   Python 3.11.7 and 3.13.0, on Linux).
# One would guess: the magic promises to remove the names the user defined, so
#   starting processes works after it just as it did before.
# Behaviour: it removes every global of the notebook's __main__ but
#   __builtin__, __builtins__ and __name__, and does not put back the rest.
#   __spec__ is among what is gone, and multiprocessing reads
#   __main__.__spec__ to start a process by "spawn" (the default on macOS and
#   Windows). So a pool that worked fails at once, in the notebook, with an
#   AttributeError. "%reset_selective -f ." clears the user's names too and
#   leaves __spec__ alone; "__spec__ = None" mends a notebook after %reset.
# Output seen:
#   at the start          spec True  x True   [3]
#   after reset_selective spec True  x False  [3]
#   after reset           spec False x False  AttributeError: module '__main__' has no attribute '__spec__'
#   after __spec__ = None spec True  x False  [3]
# Upstream: no thread found about %reset. The same message, by other ways:
#   ipython/ipython#11185 (gave __spec__ to the module that stands in for
#   __main__), python/cpython#87115 (pdb).
# Exit: 0 while this holds, 1 when it no longer does. PYTHON chooses the Python.
set -eu
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
trap 'exit 1' HUP INT TERM
cd "$dir"
{
    "${PYTHON:-python3}" -m venv env
    env/bin/pip install -q ipython==9.18.1 ipykernel==7.4.0 nbclient==0.11.0 \
        nbformat==5.11.1 jupyter_client==8.10.0
} >install.log 2>&1 || { cat install.log; exit 1; }
# No kernel or profile of the user's own
export HOME="$dir" IPYTHONDIR="$dir/ipython" JUPYTER_DATA_DIR="$dir/data"

cat >run.py <<'EOF'
import sys

from nbclient import NotebookClient
from nbformat.v4 import new_code_cell, new_notebook

TRY = """
import multiprocessing
try:
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        result = pool.map(abs, [-3])
except AttributeError as error:
    result = f"AttributeError: {error}"
print(f"spec {'__spec__' in globals()!s:5} x {'x' in globals()!s:5}  {result}")
"""
STEPS = {
    "at the start": "x = 1",
    "after reset_selective": "%reset_selective -f .",
    "after reset": "x = 1\n%reset -f",
    "after __spec__ = None": "__spec__ = None",
}
cells = [new_code_cell(source) for step in STEPS.values() for source in (step, TRY)]
notebook = new_notebook(cells=cells)
NotebookClient(notebook, timeout=120, kernel_name="python3").execute()
printed = ["".join(o.get("text", "") for o in c.outputs) for c in cells[1::2]]
for step, text in zip(STEPS, printed):
    print(f"{step:21} {text}", end="")
gone = "AttributeError: module '__main__' has no attribute '__spec__'"
sys.exit(printed != [
    "spec True  x True   [3]\n",
    "spec True  x False  [3]\n",
    f"spec False x False  {gone}\n",
    "spec True  x False  [3]\n",
])
EOF
env/bin/python run.py 2>run.log || { cat run.log; echo "changed"; exit 1; }
