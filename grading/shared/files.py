"""Where the project lies, and how a file is written: in one step, so that an interrupted run leaves the old one."""

import os
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def write(path, content):
    """Replace the file `path`, in a folder that is made if need be, by these bytes."""
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(path.name + ".new")
    beside.write_bytes(content)
    os.replace(beside, path)
