"""Write a file in one step, so that an interrupted run leaves the old one."""

import os


def write(path, content):
    """Replace the file `path`, in a folder that is made if need be, by these bytes."""
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(path.name + ".new")
    beside.write_bytes(content)
    os.replace(beside, path)
