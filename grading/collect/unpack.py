"""What a zip or a folder holds, read as hostile data: names that stay inside, files only, and no more of them than a class hands in."""

import io
import os
import shutil
import stat
import unicodedata
import zipfile
import zlib
from contextlib import contextmanager
from datetime import datetime
from lzma import LZMAError
from pathlib import Path
from typing import NamedTuple

from grading.collect.folders import NOT_HANDED_IN, is_odd
from grading.collect.handed_in import LARGEST_FILE, Refused, listed
from grading.shared.text import text

MOST_MEMBERS = 100_000
LARGEST_DIRECTORY = 50_000_000  # bytes of a zip's list of its files
DEEPEST = 20  # folders
LONGEST = 1000  # letters of a path's part
RATIO, SMALL = 200, 20_000_000  # what grows to more bytes than that, and so many times its size, is made to fill a disk
ENCRYPTED, IN_UTF_8 = 0x1, 0x800
JUNK = {"thumbs.db", "desktop.ini"}
DAMAGED = (zipfile.BadZipFile, zlib.error, LZMAError, EOFError, NotImplementedError, RuntimeError, ValueError)


class Member(NamedTuple):
    """A file: the parts of its path, its bytes, when it was last changed (naive in a zip, None if that is no time) and where it comes from."""

    path: tuple
    size: int
    changed: datetime | None
    origin: object


class Source:
    """A zip or a folder that was opened: its Members, and by path what is left out, with the reason."""

    def __init__(self, found, opening):
        self._opening, self.left_out = opening, {}
        kept = {}
        for number, (name, member, reason) in enumerate(found):
            if number == MOST_MEMBERS:
                raise Refused(f"there are more than {MOST_MEMBERS} files in it: that is no class")
            path = safe(name)
            if path is None:
                self.left_out[name] = "its path leads out of the folder"
            elif not is_junk(path):
                reason = reason or ("its name is too long" if too_long(path) else "it is larger than any notebook" if member.size > LARGEST_FILE else "")
                if reason:
                    self.left_out["/".join(path)] = reason
                else:
                    kept[path] = member._replace(path=path)  # of two that are named the same, the last
        self.members = [kept[path] for path in sorted(kept)]

    def write(self, member, path):
        """Write a member's bytes to a new file, and when it was changed. Raises Refused if they cannot be had."""
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            with self._opening(member.origin) as content, open(path, "xb") as file:
                shutil.copyfileobj(content, file)
        except DAMAGED as error:
            path.unlink(missing_ok=True)
            raise Refused(f"{named(member)} cannot be unpacked ({text(str(error))}): download it again, or ask for it") from None
        if member.changed:
            os.utime(path, (member.changed.timestamp(),) * 2)

    def read(self, member, most):
        """Return a member's bytes. Raises Refused if they are more than `most`."""
        if member.size > most:
            raise Refused(f"{named(member)} is larger than {most // 1_000_000} MB")
        try:
            with self._opening(member.origin) as content:
                return content.read(most)
        except DAMAGED as error:
            raise Refused(f"{named(member)} cannot be unpacked ({text(str(error))}): download it again") from None


@contextmanager
def opened(path):
    """Open a zip or a folder as a Source. Raises Refused."""
    path = Path(path)
    if path.is_dir():
        yield Source(of_folder(path), lambda origin: open(origin, "rb"))
        return
    if not path.is_file():
        raise Refused(f"there is no {text(str(path))}: give the LMS's zip, or the folder it was unpacked to")
    with OneRead(path, "rb") as file, archive_in(file) as archive:
        entries = archive.infolist()
        if sum(entry.compress_size for entry in entries) > path.stat().st_size:
            raise Refused(f"{text(str(path))} is made to fill a disk: its files overlap")
        yield Source(map(of_entry, entries), archive.open)


def archive_in(file):
    """Return the ZipFile in a file. Raises Refused."""
    try:
        return zipfile.ZipFile(file)
    except DAMAGED as error:
        raise Refused(f"{text(str(file.name))} is no zip, or damaged ({text(str(error))}): download it again, or unpack it and give the folder") from None


class OneRead(io.FileIO):
    """A file of which at most LARGEST_DIRECTORY bytes are read at a time: a zip's list of its files is read at once."""

    def read(self, size=-1):
        if size > LARGEST_DIRECTORY:
            raise Refused(f"{text(str(self.name))} lists more files than any class hands in")
        return super().read(size)


def of_entry(entry):
    """Return the name, the Member and why it is to be left out, if it is, of an entry of a zip."""
    mode = entry.external_attr >> 16
    reason = ""
    if stat.S_IFMT(mode) not in (0, stat.S_IFREG, stat.S_IFDIR):
        reason = "it is a link, or no file"
    elif entry.flag_bits & ENCRYPTED:
        reason = "it is encrypted: unpack it with its password, and give the folder"
    elif entry.file_size > max(SMALL, RATIO * entry.compress_size):
        reason = f"it is made to fill a disk: {entry.file_size} bytes in {entry.compress_size}"
    try:
        changed = datetime(*entry.date_time)
    except ValueError:
        changed = None
    name = real_name(entry)
    return name, Member((), 0 if name.endswith("/") else entry.file_size, changed, None if name.endswith("/") else entry), reason


def real_name(entry):
    """Return an entry's name with slashes. Programs on Windows write backslashes, and macOS writes UTF-8 without saying so."""
    name = entry.filename
    if not entry.flag_bits & IN_UTF_8:
        try:
            name = name.encode("cp437").decode("utf-8")
        except UnicodeError:
            pass
    return name.replace("\\", "/")


def of_folder(folder):
    """Yield name, Member and why it is to be left out, of all below a folder."""
    for root, folders, names in os.walk(folder):
        folders.sort()
        inside = Path(root).relative_to(folder)
        for name in sorted(folders):
            path = Path(root, name)
            yield f"{inside / name}/", Member((), 0, None, None), "it is a link, or no file" if path.is_symlink() else ""
        for name in sorted(names):
            path = Path(root, name)
            status = path.lstat()
            reason = "" if stat.S_ISREG(status.st_mode) else "it is a link, or no file"
            yield str(inside / name), Member((), status.st_size, datetime.fromtimestamp(status.st_mtime).astimezone(), path), reason


def safe(name):
    """Return the parts of a path, in letters that may be in a file's name; None if it leads out of the folder."""
    name = unicodedata.normalize("NFC", name.encode("utf-8", "replace").decode())
    parts = [part for part in name.split("/") if part not in ("", ".")]
    if name.startswith("/") or ".." in parts or not parts or (len(parts[0]) == 2 and parts[0][1] == ":"):
        return None
    return tuple("".join("-" if is_odd(letter) else letter for letter in part) for part in parts)


def named(member):
    return text(getattr(member.origin, "filename", str(member.origin)).replace("\\", "/").rpartition("/")[2], 80)


def is_junk(path):
    return any(part.startswith(".") or part in NOT_HANDED_IN for part in path) or path[-1].lower() in JUNK


def too_long(path):
    return len(path) > DEEPEST or any(len(part) > LONGEST for part in path)


def told(left_out):
    """Return what there is to say about what is left out, a line by reason."""
    reasons = {}
    for name, reason in left_out.items():
        reasons.setdefault(reason, []).append(name)
    return [f"left out: {listed(names)}: {reason}" for reason, names in reasons.items()]
