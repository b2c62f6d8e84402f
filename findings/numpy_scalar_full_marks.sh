#!/bin/sh
# With NumPy 2, nbgrader's partial credit turns into full marks.
#
# Versions: nbgrader 0.9.6, ipython 9.18.1, ipykernel 7.4.0; numpy 1.26.4
#   against 2.2.6 (run with Python 3.11.7 on Linux; numpy 1.26.4 wants at most
#   3.12).
# One would guess: a test cell worth 2 points whose last line is 2 * np.mean(checks)
#   gives 1 point when half of the checks hold, whatever the NumPy; or, if
#   nbgrader could not read the value, an error or a case for a human.
# Behaviour: nbgrader calls float() on the text that the notebook shows for
#   the value. NumPy 2 shows its scalars as "np.float64(1.0)", which is no such
#   text, and what cannot be read counts as FULL marks, with nothing for a human
#   to look at: only a warning in the log of `nbgrader autograde`, which ends
#   well (the warning says that this is meant, and may become an error). So the same course and submission get another grade for a newer NumPy.
#   A last line of float(...) gives 1 point with both.
# Output seen (the points of 2, and whether a human is asked to grade):
#   numpy 1.26.4: scalar 1.0 False, float 1.0 False, total 2.0, warned False
#   numpy 2.2.6: scalar 2.0 False, float 1.0 False, total 3.0, warned True
# Upstream: jupyter/nbgrader#1090 brought partial credit; #1339 and #1374 are
#   full marks for a value of 0 (mended). No thread found about NumPy 2.
# Exit: 0 while this holds, 1 when it no longer does. PYTHON chooses the Python.
#   It installs some 400 MB, for nbgrader requires JupyterLab.
set -eu
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
trap 'exit 1' HUP INT TERM
cd "$dir"
{
    "${PYTHON:-python3}" -m venv env
    env/bin/pip install -q nbgrader==0.9.6 ipython==9.18.1 ipykernel==7.4.0 \
        nbclient==0.11.0 nbconvert==7.17.2 nbformat==5.11.1 notebook==7.6.5 \
        jupyter_client==8.10.0 jupyter_server==2.21.1 sqlalchemy==2.1.9 \
        setuptools==80.9.0 numpy==1.26.4
} >install.log 2>&1 || { cat install.log; exit 1; }

cat >make.py <<'EOF'
import pathlib

import nbformat
from nbformat.v4 import new_code_cell, new_notebook

RIGHT = "np.maximum(0, 1 - label * score)"
WRONG = "1 - label * score"
ANSWER = "import numpy as np\n\ndef hinge(label, score):\n    return "
CHECKS = "checks = [hinge(1, 0) == 1, hinge(1, 2) == 0]\n"


def cell(name, source, **changes):
    kind = dict(grade=False, solution=False, locked=False, task=False)
    kind.update(grade_id=name, schema_version=3, **changes)
    return new_code_cell(source, id=name, metadata={"nbgrader": kind})


def write(folder, formula):
    test = dict(grade=True, locked=True, points=2)
    notebook = new_notebook(
        cells=[
            cell("answer", ANSWER + formula, solution=True),
            cell("scalar", CHECKS + "2 * np.mean(checks)", **test),
            cell("float", CHECKS + "float(2 * np.mean(checks))", **test),
        ],
        metadata={"kernelspec": {
            "name": "python3", "display_name": "Python 3", "language": "python"}},
    )
    path = pathlib.Path(folder)
    path.mkdir(parents=True)
    nbformat.write(notebook, path / "loss.ipynb")


write("source/week1", RIGHT)
write("submitted/student/week1", WRONG)
EOF

cat >points.py <<'EOF'
from nbgrader.api import Gradebook

with Gradebook("sqlite:///gradebook.db") as book:
    done = book.find_submission_notebook("loss", "week1", "student")
    grades = {g.name: f"{g.score} {g.needs_manual_grade}" for g in done.grades}
    print(f"scalar {grades['scalar']}, float {grades['float']}, total {done.score}")
EOF

grade() {
    version=$1
    env/bin/pip install -q "numpy==$version" >>install.log 2>&1 ||
        { cat install.log >&2; exit 1; }
    env/bin/nbgrader autograde week1 --force >autograde.log 2>&1 ||
        { cat autograde.log >&2; exit 1; }
    warned=False
    if grep -q 'cannot be converted' autograde.log; then warned=True; fi
    echo "numpy $version: $(env/bin/python -W ignore points.py), warned $warned"
}

# No kernel, profile or settings of the user's own; nbgrader runs alembic by name
export PATH="$dir/env/bin:$PATH" HOME="$dir" IPYTHONDIR="$dir/ipython" \
    JUPYTER_DATA_DIR="$dir/data" JUPYTER_CONFIG_DIR="$dir/config"
env/bin/python make.py
env/bin/nbgrader generate_assignment week1 >assign.log 2>&1 ||
    { cat assign.log; exit 1; }
grade 1.26.4 >seen
grade 2.2.6 >>seen
cat seen
cat >wanted <<'EOF'
numpy 1.26.4: scalar 1.0 False, float 1.0 False, total 2.0, warned False
numpy 2.2.6: scalar 2.0 False, float 1.0 False, total 3.0, warned True
EOF
cmp -s seen wanted || { echo "changed"; exit 1; }
