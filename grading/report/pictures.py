"""What a student's pictures are, by their bytes, where their names lead, and how many a page has room for.

None is decoded here: PNG and JPEG that browsers show as they are stay, all others go to `shrink`, behind the wall.
"""

import base64
import binascii
import re
import struct
import unicodedata
import zlib
from html import unescape
from posixpath import basename, normpath
from urllib.parse import unquote

from grading.shared.text import text

LARGEST_PICTURE = 8_000_000  # bytes of one that is shown as it is where none can be made smaller
LARGEST_PICTURES = 40_000_000  # bytes, together
MOST_PIXELS = 50_000_000
LARGE, MANY_PIXELS = 1_000_000, 4_000_000  # bytes and pixels from which on one is made smaller
LARGEST_READ, MOST_READ = 40_000_000, 150_000_000  # bytes and pixels of one that may be made smaller
MOST_PICTURES, MOST_SHRUNK, MOST_NOTES = 100, 40, 20
MOST_SEGMENTS = 10_000  # of a JPEG before its pixels

MIMES = {"PNG": "image/png", "JPEG": "image/jpeg"}
READ = {*MIMES, "GIF", "WebP", "BMP", "TIFF", "AVIF"}
INSTEAD = "hand in PNG or JPEG"
KINDS = [
    ("PNG", rb"\x89PNG\r\n\x1a\n"),
    ("JPEG", rb"\xff\xd8\xff"),
    ("GIF", rb"GIF8[79]a"),
    ("WebP", rb"RIFF....WEBP"),
    ("BMP", rb"BM.{4}\0{4}"),
    ("TIFF", rb"II\*\0|MM\0\*"),
    ("AVIF", rb".{4}ftypavi[fs]"),
    ("HEIC", rb".{4}ftyp(?:hei|hev|mif1|msf1)"),
    ("PDF", rb"\s*%PDF-"),
    ("web page", rb"(?i)\s*<(?:!DOCTYPE html|html)"),
]
KINDS = [(kind, re.compile(start, re.DOTALL)) for kind, start in KINDS]


class NotShown(Exception):
    """Why a picture is not on the page."""


def kind_of(data):
    """Return what bytes are, by how they begin, or None."""
    start = data[:2000].lower()
    if re.match(rb"(?:\xef\xbb\xbf)?\s*<(?:svg|\?xml|!--|!doctype svg)", start) and b"<svg" in start:
        return "SVG"
    return next((kind for kind, start in KINDS if start.match(data[:2000])), None)


def size_of(kind, data):
    """Return width and height as the picture says them, None where that is not known."""
    try:
        if kind == "PNG":
            return struct.unpack(">II", data[16:24]) if data[12:16] == b"IHDR" else None
        if kind == "GIF":
            return struct.unpack("<HH", data[6:10])
        if kind == "BMP":
            return tuple(map(abs, struct.unpack("<ii", data[18:26])))
        if kind == "WebP" and data[12:16] == b"VP8X":
            return tuple(int.from_bytes(data[place : place + 3], "little") + 1 for place in (24, 27))
        return jpeg_size(data)[0] if kind == "JPEG" else None
    except struct.error:
        return None


def jpeg_size(data):
    """Return a JPEG's size, and where its pixels begin."""
    place, size = 2, None
    for _ in range(MOST_SEGMENTS):
        if place + 4 > len(data) or data[place] != 0xFF:
            break
        marker, length = data[place + 1], int.from_bytes(data[place + 2 : place + 4], "big")
        if marker == 0xFF:
            place += 1
            continue
        if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
            size = struct.unpack(">HH", data[place + 5 : place + 9])[::-1]
        place += 2 + max(2, length)
        if marker == 0xDA:
            return size, place
    return size, None


def whole(kind, data):
    """Say whether a PNG or a JPEG has its beginning, its middle and its end."""
    if kind == "JPEG":
        size, pixels = jpeg_size(data)
        return bool(size and all(size) and pixels) and data.find(b"\xff\xd9", pixels) > 0
    place, kinds = 8, []
    while place + 12 <= len(data):
        length = int.from_bytes(data[place : place + 4], "big")
        content = data[place + 4 : place + 8 + length]
        if data[place + 8 + length : place + 12 + length] != zlib.crc32(content).to_bytes(4, "big"):
            return False
        kinds.append(content[:4])
        if kinds[-1] == b"IEND":
            return kinds[0] == b"IHDR" and b"IDAT" in kinds
        place += 12 + length
    return False


def animated(data):
    """Say whether a GIF holds several pictures."""
    if kind_of(data) != "GIF" or len(data) < 13:
        return False
    place, pictures = 13 + colours(data[10]), 0
    while place + 10 < len(data) and data[place] in b"\x21\x2c":
        pictures += data[place] == 0x2C
        if pictures == 2:
            return True
        place += 2 if data[place] == 0x21 else 11 + colours(data[place + 9])
        while place < len(data) and data[place]:
            place += 1 + data[place]
        place += 1
    return False


def colours(flags):
    """Return how many bytes a GIF's table of colours has."""
    return 3 << ((flags & 7) + 1) if flags & 0x80 else 0


def bytes_of(encoded):
    """Return what base64 says, which may be in lines, percent-encoded or without its end. Raises NotShown."""
    try:
        encoded = "".join((unquote(encoded) if "%" in encoded else encoded).split())
        return base64.b64decode(encoded + "=" * (-len(encoded) % 4), validate=True)
    except (AttributeError, TypeError, ValueError, binascii.Error):
        raise NotShown("its data is damaged") from None


class Pictures:
    """Shows the pictures of one notebook, and says which it does not show.

    files: bytes by path of what lies beside it. shrink: makes any picture a small one, or None of what it cannot read. notes: gets a line
    for each that is not shown. room: bytes of all together.
    """

    def __init__(self, files=(), shrink=None, notes=None, room=LARGEST_PICTURES):
        self.files, self.shrink, self.notes, self.room = files or {}, shrink, notes if notes is not None else [], room
        self.near, self.moves, self._noted = "", False, set()
        self._number, self._shrunk, self._fitting, self._names = 0, 0, {}, None

    def shown(self, data):
        """Return mime and base64 of a picture, given as bytes or base64; `moves` then says whether it is the first of several. Raises NotShown."""
        if data not in self._fitting:
            try:
                given = data if isinstance(data, bytes) else bytes_of(data)
                mime, fitting = self._fit(given)
                self._fitting[data] = mime, base64.b64encode(fitting).decode("ascii"), len(fitting), animated(given)
            except NotShown as reason:
                self._fitting[data] = reason
        found = self._fitting[data]
        if isinstance(found, NotShown):
            raise found
        mime, encoded, size, self.moves = found
        if self._number >= MOST_PICTURES:
            raise NotShown(f"a page has room for {MOST_PICTURES} pictures")
        if size > self.room:
            raise NotShown("there is no more room on the page")
        self._number, self.room = self._number + 1, self.room - size
        return mime, encoded

    def _fit(self, data):
        kind = kind_of(data)
        if not data:
            raise NotShown("it is empty")
        if kind is None:
            raise NotShown(f"it is no picture of a known kind, or damaged: {INSTEAD}")
        if kind == "SVG":
            raise NotShown(f"it is a drawing (SVG), which may hold scripts: {INSTEAD}")
        if kind not in READ:
            raise NotShown(f"it is {kind}, which cannot be read here: {INSTEAD}" if kind == "HEIC" else f"it is a {kind}, no picture")
        size = size_of(kind, data)
        pixels = size[0] * size[1] if size else None
        if pixels == 0:
            raise NotShown("it is damaged")
        if len(data) > LARGEST_READ or (pixels or 0) > MOST_READ:
            raise NotShown(f"it is larger than {LARGEST_READ // 1_000_000} MB or has more than {MOST_READ // 1_000_000} million pixels")
        as_it_is = kind in MIMES and len(data) <= LARGEST_PICTURE and (pixels or 0) <= MOST_PIXELS
        if self.shrink is None:
            if as_it_is and len(data) > 45 * (kind == "PNG") and (kind == "JPEG" or pixels):
                return MIMES[kind], data
            raise NotShown(f"it is too large, or no PNG or JPEG: {INSTEAD}")
        as_it_is = as_it_is and whole(kind, data)
        if as_it_is and len(data) <= LARGE and pixels <= MANY_PIXELS:
            return MIMES[kind], data
        self._shrunk += 1
        small = self.shrink(data) if self._shrunk <= MOST_SHRUNK else None
        kind_of_small = kind_of(small) if isinstance(small, bytes) else None
        if kind_of_small in MIMES and len(small) <= 2 * LARGE and whole(kind_of_small, small):
            width, height = size_of(kind_of_small, small)
            if 0 < width * height <= MANY_PIXELS:
                return MIMES[kind_of_small], small
        if as_it_is:
            return MIMES[kind], data
        raise NotShown(f"it is {kind} that cannot be read, damaged or too large: {INSTEAD}")

    def found(self, target, pasted):
        """Return mime and base64 of what a text names: an attachment, of which `pasted` holds data by kind by name, or a file. Raises NotShown."""
        name = unescape(target).strip()
        attached = name[:11].lower() == "attachment:"
        name = name[11:] if attached else name
        for one in (name, unquote(name)):
            if isinstance(pasted.get(one), dict):
                return self._best(pasted[one])
        if re.match(r"(?i)data:", name):
            raise NotShown(f"its data is no base64 of a picture: {INSTEAD}")
        if host := re.match(r"(?i)(?:https?|ftp):/*([^/?#\s]*)|//([^/?#\s]+)", name):
            raise NotShown(f"it lies on another host, {text(host[1] or host[2] or '?', 60)}, from which nothing is loaded")
        return self.shown(self._file(unquote(name), attached))

    def _best(self, kinds):
        reason = NotShown("the notebook does not hold its data")
        for mime in sorted((mime for mime in kinds if isinstance(mime, str)), key=lambda mime: mime not in MIMES.values()):
            try:
                return self.shown(kinds[mime])
            except NotShown as not_shown:
                reason = not_shown
            except TypeError:  # data that are no text
                reason = NotShown("its data is damaged")
        raise reason

    def _file(self, name, attached):
        """Return the bytes of a file that lies beside the notebook. Raises NotShown."""
        missing = NotShown("the notebook does not hold its data" if attached else "no such file was handed in")
        path = normpath(name.replace("\\", "/").partition("?")[0].partition("#")[0] or ".")
        if re.match(r"[A-Za-z]:|file:|/", path) or path.split("/")[0] == "..":
            raise missing if attached else NotShown("its path leads out of the folder that was handed in")
        if any(part.startswith(".") for part in path.split("/")):
            raise missing if path == "." else NotShown("hidden files are not looked at")
        if self._names is None:
            self._names = {}
            for file in sorted(self.files, reverse=True):
                self._names.setdefault(folded(basename(file)), []).append(file)
                self._names[folded(file), "path"] = file
        same_name = self._names.get(folded(basename(path)), [])
        file = path if path in self.files else self._names.get((folded(path), "path"))
        file = file or (same_name[0] if len(same_name) == 1 else None)  # an upload may have lost the folders
        if file is None or not isinstance(self.files[file], bytes) or any(part.startswith(".") for part in file.split("/")):
            raise missing
        return self.files[file]

    def instead(self, name, reason, alt=""):
        """Return the text in place of a picture, and keep a note of it."""
        name, alt = text(name, 80), text(alt, 200) if alt else ""
        said = f"the picture{f' {name}' if name else ''} is not shown: {reason}"
        note = f"{self.near}: {said}" if self.near else said
        if note not in self._noted and len(self._noted) <= MOST_NOTES:
            self.notes.append(note if len(self._noted) < MOST_NOTES else "more pictures are not shown: the page names each")
            self._noted.add(note)
        return f"{alt} ({said})" if alt and alt != name else f"({said})"


def folded(path):
    """Return a path as it is where neither the case nor the form of letters makes a difference."""
    return unicodedata.normalize("NFC", path).casefold()
