"""Pin every package the book needs: requirements.in in, requirements.txt out.

The present requirements.txt holds the versions still. Delete a line there to let that
package move, or all of them to move everything, then run this again.
"""

import subprocess
import sys
import tempfile
from pathlib import Path

import environment  # the module beside this one

ROOT = Path(__file__).resolve().parent.parent
WANTED = ROOT / "requirements.in"
PINNED = ROOT / "requirements.txt"

HEADER = """\
# Made by `make lock` from requirements.in: edit that one.
# To let a version move, delete its line here first.
"""


def pin(python, constraints):
    """Install requirements.in with `python` and return what that brought, one pin a line."""
    pip = [python, "-m", "pip", "--disable-pip-version-check"]
    # A fresh environment may hold a setuptools that came with Python; whoever needs one asks for it.
    subprocess.run([*pip, "uninstall", "--quiet", "--yes", "setuptools"], check=True)
    subprocess.run([*pip, "install", "--quiet", "-r", WANTED, "-c", constraints], check=True)
    subprocess.run([*pip, "check"], check=True)
    frozen = subprocess.run([*pip, "freeze", "--all", "--exclude", "pip"], check=True, stdout=subprocess.PIPE, text=True)
    # A local suffix such as +cpu names a build, not a version.
    return [line.split("+")[0] for line in frozen.stdout.splitlines()]


def for_other_systems():
    """The lines of requirements.in that only apply elsewhere; they carry their own pins."""
    lines = (line.split("#")[0].strip() for line in WANTED.read_text(encoding="utf-8").splitlines())
    return [line for line in lines if ";" in line]


def main(python):
    known = environment.about(python)
    if known is None or not known[0].startswith("3.11."):
        sys.exit("Pin with Python 3.11, the oldest supported, or what only it needs is left out: make lock PYTHON=/path/to/python3.11")
    with tempfile.TemporaryDirectory() as scratch:
        constraints = Path(scratch, "constraints.txt")
        constraints.write_text(PINNED.read_text(encoding="utf-8") if PINNED.exists() else "", encoding="utf-8")
        subprocess.run([python, "-m", "venv", Path(scratch, "venv")], check=True)
        pins = sorted(pin(Path(scratch, "venv", "bin", "python"), constraints) + for_other_systems(), key=str.lower)
    PINNED.write_text(HEADER + "\n".join(pins) + "\n", encoding="utf-8")
    print(f"{len(pins)} packages pinned in {PINNED.name}")


if __name__ == "__main__":
    try:
        main(sys.argv[1] if len(sys.argv) > 1 else "python3.11")
    except subprocess.CalledProcessError as error:
        sys.exit(f"Nothing was pinned: {' '.join(map(str, error.cmd[:5]))} … failed; the lines above say why.")
