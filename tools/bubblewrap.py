"""Find out whether submissions can run behind the wall here; `python -m tools.bubblewrap` installs bubblewrap if it is missing."""

import os
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path

from grading.run.wall import NoWall, bubblewrap
from tools import packages


@cache
def stands():
    """Say whether bubblewrap is here and may do its work. Then the wall must stand, and where it does not, tests fail."""
    try:
        command = [bubblewrap(), "--unshare-pid", "--unshare-net", *([] if os.geteuid() == 0 else ["--unshare-user"]), "--ro-bind", "/", "/", "true"]
    except NoWall:
        return False
    return subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode == 0


def main():
    if sys.platform != "linux" or shutil.which("bwrap"):
        return
    log = Path(__file__).resolve().parent.parent / "_build" / "bubblewrap.log"
    if packages.may_install():
        print("Getting bubblewrap for the tests of grading …", flush=True)
        log.parent.mkdir(exist_ok=True)
        with log.open("w") as report:
            for command in packages.installing("bubblewrap"):
                subprocess.run(command, stdin=subprocess.DEVNULL, stdout=report, stderr=subprocess.STDOUT)
    if not shutil.which("bwrap"):
        print("No bubblewrap: the tests of the wall are skipped, the other tests of grading run without it. Install the package bubblewrap.")


if __name__ == "__main__":
    main()
