"""Photographs decoded, resized and encoded by Pillow, which releases the GIL for most of it."""

import io
import random

from PIL import Image, ImageFilter
from _kit import prepared

LABEL = {"class": "cpu-bound", "about": "Pillow: decode, resize, encode"}
ITEMS = range(24)


def fill(path):
    rng = random.Random(1)
    small = Image.frombytes("RGB", (200, 150), rng.randbytes(200 * 150 * 3))
    small.resize((2000, 1500), Image.Resampling.BICUBIC).save(path, "JPEG", quality=90)


def setup():
    prepared("photograph.jpeg", fill)


def task(item):
    with Image.open(prepared("photograph.jpeg", fill)) as image:
        image = image.resize((640 + item, 480), Image.Resampling.LANCZOS).filter(ImageFilter.SHARPEN)
    out = io.BytesIO()
    image.save(out, "JPEG", quality=80)
    return len(out.getvalue())


if __name__ == "__main__":
    setup()
    results = [task(item) for item in ITEMS]
