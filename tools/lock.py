"""Pin every package the book needs: requirements.in in, requirements.txt out.

The present requirements.txt holds the versions still. Delete a line there to let that
package move, or all of them to move everything, then run this again.
"""

import subprocess
import sys
import tempfile
from pathlib import Path

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
    return [line.strip() for line in WANTED.read_text(encoding="utf-8").splitlines() if ";" in line]


def main():
    if sys.version_info[:2] != (3, 11):
        print("note: pin with Python 3.11, the oldest supported, or what only it needs is left out")
    with tempfile.TemporaryDirectory() as scratch:
        constraints = Path(scratch, "constraints.txt")
        constraints.write_text(PINNED.read_text(encoding="utf-8") if PINNED.exists() else "", encoding="utf-8")
        environment = Path(scratch, "environment")
        subprocess.run([sys.executable, "-m", "venv", environment], check=True)
        python = environment / ("Scripts" if sys.platform == "win32" else "bin") / "python"
        pins = sorted(pin(python, constraints) + for_other_systems(), key=str.lower)
    PINNED.write_text(HEADER + "\n".join(pins) + "\n", encoding="utf-8")
    print(f"{len(pins)} packages pinned in {PINNED.name}")


if __name__ == "__main__":
    main()
