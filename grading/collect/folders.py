"""Who handed in, and the files of a folder that count."""

import hashlib
import os
import stat
import unicodedata
from pathlib import Path
from typing import NamedTuple

from grading.collect.handed_in import LARGEST, Refused, listed
from grading.shared.text import text

MOST_FILES = 1000
LONGEST_NAME = 240  # bytes: results are kept in files of that name
JOINING = "\u200c\u200d\u200e\u200f"  # invisible, and part of names in many scripts
ENVIRONMENT = {"pyvenv.cfg", "conda-meta"}  # what marks a folder as one
NO_SUBMISSION = "no submission"  # so begins the reason where nothing was handed in
NOT_HANDED_IN = {"__pycache__", "__MACOSX", "node_modules", "site-packages"}


class Student(NamedTuple):
    """`folders` hold the assignment, more than one if they have the student's name in several Unicode forms. If there are none, `reason` says why."""

    name: str
    folders: tuple
    reason: str = ""


def students(submitted, name):
    """Return a Student for every name that a folder in `submitted` has, sorted. Raises Refused when nobody handed in `name`."""
    try:
        folders = sorted(path for path in Path(submitted).iterdir() if path.is_dir() and not path.name.startswith("."))
    except OSError as error:
        raise Refused(f"the folder of submissions {text(str(submitted))} cannot be read: {error.strerror}") from None
    called = {}
    for folder in folders:
        called.setdefault(unicodedata.normalize("NFC", folder.name), []).append(folder)
    found = [student(each, called[each], name) for each in sorted(called)]
    if not any(one.folders for one in found):
        raise Refused(f"no folder STUDENT/{name} in {text(str(submitted))}: submissions lie in {text(str(submitted))}/STUDENT/{name}/{name}.ipynb")
    return found


def student(called, folders, name):
    """A student's name becomes a part of paths, pages, addresses and tables."""
    odd = sorted({letter for letter in called if is_odd(letter)})
    if odd:
        return Student(text(f"'{called}'"), (), f"the folder's name holds {text(', '.join(map(ascii, odd)))}: rename it")
    if len(os.fsencode(called)) > LONGEST_NAME:
        return Student(text(f"'{called}'"), (), f"the folder's name is longer than {LONGEST_NAME} bytes: rename it")
    holding = [(folder, inside) for folder in folders if (inside := assignment(folder, name))]
    if any(folder.is_symlink() or inside.is_symlink() for folder, inside in holding):
        return Student(called, (), "the folder is a symbolic link: put the folder itself there")
    if not holding:
        return Student(called, (), f"{NO_SUBMISSION}: there is no folder {name}")
    return Student(called, tuple(inside for _, inside in holding))


def is_odd(letter):
    """Say whether a letter is of no name but of markup, a path or a terminal's command, or makes text read otherwise than it is."""
    return letter in '<>\\' or (unicodedata.category(letter)[0] in "C" and letter not in JOINING) or unicodedata.category(letter) in ("Zl", "Zp")


def assignment(folder, name):
    """Return the folder of an assignment within a student's, in whatever case its name is, also one folder too deep; None where there is none."""
    for pattern in ("*", "*/*"):
        found = [path for path in sorted(folder.glob(pattern)) if path.name.casefold() == name.casefold() and path.is_dir()]
        found = [path for path in found if path.parent == folder or not (path.parent.is_symlink() or path.parent.name.startswith("."))]
        if found:
            return next((path for path in found if path.name == name), found[0])
    return None


def files(folder):
    """Yield the files below a folder that somebody handed in: no links, nothing hidden, no environments, nothing that is no file."""
    for root, folders, names in os.walk(folder):
        if ENVIRONMENT & {*folders, *names} and Path(root) != Path(folder):
            folders.clear()
            continue
        folders[:] = [name for name in sorted(folders) if not name.startswith(".") and name not in NOT_HANDED_IN]
        for path in (Path(root, name) for name in sorted(names) if not name.startswith(".")):
            if stat.S_ISREG(path.lstat().st_mode):
                yield path


def beside(notebook):
    """Return the files of a notebook's folder that its code may need, as paths by path within it; and a note if others are left out."""
    folder = notebook.parent
    sizes = {path: path.lstat().st_size for path in files(folder) if path != notebook}
    kept, large, room = [], [], LARGEST
    for path in sorted(sizes, key=lambda path: (sizes[path], path)):
        room -= sizes[path]
        (kept if room >= 0 and len(kept) < MOST_FILES else large).append(path)
    notes = []
    if large:
        named = listed([f"{inside(path, folder)} ({sizes[path] / 1e6:.0f} MB)" for path in reversed(large)])
        notes.append(f"files that would be too many or too large are not there when it runs: {named}")
    return {inside(path, folder): path for path in sorted(kept)}, notes


def inside(path, folder):
    return str(path.relative_to(folder))


def fingerprint(paths, root):
    """Return what changes when one of the files below `root` does; of those beyond LARGEST bytes in all, when a size or a time does."""
    found, size = hashlib.sha256(), 0
    for path in paths:
        status = path.stat()
        size += status.st_size
        content = path.read_bytes() if size <= LARGEST else f"{status.st_size} {status.st_mtime_ns}".encode()
        found.update(os.fsencode(path.relative_to(root)) + b"\0" + hashlib.sha256(content).digest())
    return found.hexdigest()
