"""What a cell shows, from what its kernel says, up to a limit: its own, and one for all cells of a notebook."""

from nbformat.v4 import new_output

TEXT = 100_000  # characters that the outputs of one cell keep
AN_OUTPUT = 200  # … of which each output costs this many, however short it is
IMAGES, LARGEST_IMAGE = 6, 1_000_000
OF_ALL_CELLS = 3_000_000, 60_000_000  # characters that the outputs of all cells keep: of text, and of images
LEFT_OUT = "(the rest of this output was left out)\n"
IMAGE_LEFT_OUT = f"(an image was left out: there is room for {IMAGES}, each of at most 1 MB, and for {OF_ALL_CELLS[1] // 1_000_000} MB in a notebook)"
TOO_LARGE = "(an output of more than 2 MB was left out)"
KIND_LEFT_OUT = "(an output of another kind than text and images was left out)"
TRACEBACK = 20_000  # characters of an error's traceback that are kept, the last ones
LONGEST_ID = 1000  # characters of a display's
AS_TEXT = ("text/plain", "text/html", "text/markdown", "text/latex")
AS_IMAGE = dict.fromkeys(("image/png", "image/jpeg", "image/gif", "image/webp"), LARGEST_IMAGE * 4 // 3) | {"image/svg+xml": LARGEST_IMAGE}


class Outputs:
    """What a cell shows, up to a limit. room: characters of text and of images that it and all later cells may keep."""

    def __init__(self, room=OF_ALL_CELLS):
        self.room, self.kept, self.clear_before_next = room, [], False
        self.clear()

    def clear(self):
        self.kept.clear()
        self.of_all, self.of_images = self.room
        self.left, self.images, self.full = min(TEXT, self.of_all), IMAGES, False
        self.displays = {}  # by their id: outputs that may be updated

    def room_left(self):
        """Return what room later cells have."""
        return self.of_all - min(TEXT, self.of_all) + self.left, self.of_images

    def hear(self, kind, content):
        """Take in what the kernel says."""
        take = {"stream": self.stream, "error": self.error, "display_data": self.display, "execute_result": self.display, "update_display_data": self.update}
        if kind == "clear_output" and (content or {}).get("wait"):
            self.clear_before_next = True
        elif kind == "clear_output":
            self.clear()
        elif kind in take:
            if self.clear_before_next:
                self.clear_before_next = False
                self.clear()
            if content is None and take[kind] == self.display:
                content = {"data": {"text/plain": TOO_LARGE}}
            if content is None or self.left < AN_OUTPUT:
                self.stop()
            elif not self.full:
                take[kind](content)

    def stop(self):
        if not self.full:
            self.full = True
            self.kept.append(new_output("stream", name="stderr", text=LEFT_OUT))

    def add(self, kind, **fields):
        self.left -= AN_OUTPUT
        self.kept.append(new_output(kind, **fields))
        return self.kept[-1]

    def stream(self, content):
        name, text = content.get("name"), plain(content.get("text"))
        if name in ("stdout", "stderr") and text:
            last = self.kept[-1] if self.kept else {}
            if last.get("name") != name:
                last = self.add("stream", name=name, text="")
            before = len(last.text)
            last.text = after_returns(last.text, text)
            if len(last.text) > before + self.left:
                last.text = last.text[: before + max(0, self.left)]
                self.stop()
            self.left -= len(last.text) - before

    def error(self, content):
        lines = content.get("traceback")
        lines = plain("\n".join(line for line in lines if isinstance(line, str)) if isinstance(lines, list) else "")
        name, value = plain(content.get("ename"))[:200], plain(content.get("evalue"))[:2000]
        lines = (lines or f"{name}: {value}")[-TRACEBACK:]
        self.left -= len(lines)
        self.add("error", ename=name, evalue=value, traceback=lines.split("\n"))

    def display(self, content):
        data = self.data(content)
        if data:
            number = content.get("execution_count")
            counted = type(number) is int and number >= 0
            shown = self.add("execute_result", data=data, execution_count=number) if counted else self.add("display_data", data=data)
            if display_id(content):
                self.displays[display_id(content)] = shown

    def update(self, content):
        shown = self.displays.get(display_id(content))
        if shown:
            self.count(shown.data, -1)
            data = self.data(content)
            if data:
                shown.data = data
            else:
                self.count(shown.data)

    def data(self, content):
        """Return what is to be kept of a display, by its kind."""
        given = content.get("data")
        given = {kind: plain(text) for kind, text in given.items()} if isinstance(given, dict) else {}
        kept = {kind: given[kind] for kind in AS_TEXT if given.get(kind)}
        images = {kind: given[kind] for kind in AS_IMAGE if given.get(kind)}
        few, room = self.images, self.of_images
        for kind, image in images.items():
            if few and len(image) <= min(room, AS_IMAGE[kind]):
                few, room = few - 1, room - len(image)
                kept[kind] = image
            else:
                kept["text/plain"] = IMAGE_LEFT_OUT
        if given and not kept:
            kept["text/plain"] = KIND_LEFT_OUT
        if sum(len(kept[kind]) for kind in AS_TEXT if kind in kept) > self.left:
            self.stop()
            return {}
        self.count(kept)
        return kept

    def count(self, data, times=1):
        """Take the room of a display, or give it back."""
        images = [len(image) for kind, image in data.items() if kind in AS_IMAGE]
        self.left -= times * sum(len(text) for kind, text in data.items() if kind in AS_TEXT)
        self.images -= times * len(images)
        self.of_images -= times * sum(images)


def plain(text):
    """Return a text that can be written as UTF-8, empty if it is none."""
    return text.encode("utf-8", "replace").decode() if isinstance(text, str) else ""


def display_id(content):
    transient = content.get("transient")
    name = transient.get("display_id") if isinstance(transient, dict) else None
    return name if isinstance(name, str) and len(name) <= LONGEST_ID else None


def after_returns(old, new):
    """Return the text after more of it came; what follows a carriage return replaces its line."""
    if "\r" not in new and not old.endswith("\r"):
        return old + new
    lines, newline, line = old.rpartition("\n")
    line = "\n".join(part.rstrip("\r").rpartition("\r")[2] + "\r" * part.endswith("\r") for part in (line + new).split("\n"))
    return lines + newline + line
