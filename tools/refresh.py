"""Run notebooks from top to bottom and store what belongs in the repository.

    python -m tools.refresh [NOTEBOOK …]        without one: every notebook of the book

A notebook with a cell that raises is left as it was.
"""

import os
import sys
import time
from pathlib import Path

from grading.author.notebook import Refused, run, store, tidy
from tools.notebooks import all_notebooks


def main(paths):
    refused = 0
    for path in paths:
        started = time.perf_counter()
        print(f"{os.path.relpath(path)}: ", end="", flush=True)
        try:
            store(tidy(run(path.resolve())), path)
        except Refused as reason:
            refused += 1
            print(f"left as it was, {reason}")
        else:
            print(f"refreshed in {time.perf_counter() - started:.0f} s")
    if not paths:
        print("There is no notebook yet.")
    return 1 if refused else 0


if __name__ == "__main__":
    sys.exit(main([Path(name) for name in sys.argv[1:]] or all_notebooks()))
