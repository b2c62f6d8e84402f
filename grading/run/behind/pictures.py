"""Makes any picture that Pillow reads a small one. It is given to the student's Python as source: a picture may be made to break what reads it."""

import io

from PIL import Image, ImageFile, ImageOps

READ = ("PNG", "JPEG", "GIF", "WEBP", "BMP", "TIFF", "AVIF")
SIDE, MOST_PIXELS, LONG = 1600, 3_000_000, 2.5  # a long picture, a page that was photographed in parts, may be longer
LARGEST = 1_000_000  # bytes
ORIENTATION = 0x0112
QUALITIES = 85, 70, 50
Image.MAX_IMAGE_PIXELS = 75_000_000  # it warns of more, and refuses twice as many
ImageFile.LOAD_TRUNCATED_IMAGES = True


def small(data):
    """Return the first picture in `data` as PNG or JPEG, upright and small."""
    with Image.open(io.BytesIO(data), formats=READ) as image:
        width, height = image.size
        if width * height > 2 * Image.MAX_IMAGE_PIXELS:
            raise ValueError("too many pixels")
        lying = image.getexif().get(ORIENTATION, 1) >= 5
        scale = scale_of(height, width) if lying else scale_of(width, height)
        size = max(1, round(width * scale)), max(1, round(height * scale))
        lossless = image.format not in ("JPEG", "MPO")
        image.draft("RGB", size)  # a JPEG is then read at a lower resolution
        image.load()
        image = in_tones(image)
        if scale < 1:
            image = image.resize(size, Image.Resampling.LANCZOS, reducing_gap=2)
        return written(on_white(ImageOps.exif_transpose(image)), lossless)


def scale_of(width, height):
    """Return by how much a picture is made smaller."""
    longer, shorter = max(width, height), min(width, height)
    scale = SIDE / longer if longer <= LONG * shorter else min(SIDE / width, (MOST_PIXELS / (width * height)) ** 0.5)
    return min(1.0, scale)


def in_tones(image):
    """Return the picture in a mode in which it can be made smaller."""
    if image.mode.startswith(("I", "F")):
        lowest, highest = image.getextrema()
        scale = 255 / max(highest - lowest, 1e-9)
        return image.convert("F").point(lambda value: value * scale - lowest * scale).convert("L")
    if image.mode in ("LA", "La", "PA", "RGBa") or "transparency" in image.info:
        return image.convert("RGBA")
    return image if image.mode in ("L", "RGB", "RGBA") else image.convert("L" if image.mode == "1" else "RGB")


def on_white(image):
    if image.mode != "RGBA":
        return image
    paper = Image.new("RGB", image.size, "white")
    paper.paste(image, mask=image.getchannel("A"))
    return paper


def written(image, lossless):
    """Return the bytes of the picture, as PNG if it was lossless and stays small."""
    while True:
        for kind, options in [("PNG", {"optimize": False})] * lossless + [("JPEG", {"quality": quality}) for quality in QUALITIES]:
            file = io.BytesIO()
            image.save(file, kind, **options)
            if file.tell() <= LARGEST:
                return file.getvalue()
        image = image.resize((max(1, image.width * 3 // 4), max(1, image.height * 3 // 4)))


if __name__ == "request":
    reply = small(request)  # noqa: F821
