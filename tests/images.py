"""Fifty hostile pictures, and how long each takes to be read or refused: python -m tests.images

Each is read as a page reads it, in a process of its own, and must be done in two seconds of processor time; the memory
of the process that asks must be what it was. tests/test_images.py asks for the same without a clock.
"""

from __future__ import annotations

import io
import resource
import struct
import sys
import time
import zlib
from collections.abc import Iterator

import numpy as np
import psutil
from PIL import Image

from core import readers
from core.concept.params import Upload
from core.runs import reader

KIND = Upload("", None, "image", ((4, 64), (4, 64), (3, 3)))
SECONDS = 2.0  # of processor time for a picture
MEGABYTES = 20.0  # that reading all of them may leave behind

RNG = np.random.default_rng(0)
PHOTO = Image.fromarray(np.kron(RNG.integers(0, 256, (12, 16, 3)), np.ones((10, 10, 1))).astype(np.uint8))


def saved(picture: Image.Image, form: str, **how: object) -> bytes:
    out = io.BytesIO()
    picture.save(out, form, **how)
    return out.getvalue()


def chunk(name: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))


def png(wide: int, high: int, rows: bytes = b"", depth: int = 8, colour: int = 2, *more: bytes) -> bytes:
    """A PNG that says it has this size; `rows` are its deflated rows."""
    head = chunk(b"IHDR", struct.pack(">IIBBBBB", wide, high, depth, colour, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + head + b"".join(more) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


def flat(wide: int, high: int, each: int, depth: int = 8, colour: int = 2) -> bytes:
    """A PNG of nothing but zeros, `each` bytes a row: a few kilobytes for any number of pixels."""
    deflate = zlib.compressobj(9)
    rows = b"".join(deflate.compress(bytes(1 + each)) for _ in range(high)) + deflate.flush()
    return png(wide, high, rows, depth, colour)


def turned(orientation: int) -> bytes:
    exif = Image.Exif()
    exif[0x0112] = orientation
    return saved(PHOTO, "JPEG", exif=exif)


def animated(form: str) -> bytes:
    frames = [Image.new("RGB", (80, 60), colour) for colour in ("red", "green", "blue")]
    return saved(frames[0], form, save_all=True, append_images=frames[1:], lossless=True)


def gif(wide: int, high: int, frame: tuple[int, int, int, int]) -> bytes:
    """A GIF whose screen has this size and whose only frame says it lies there."""
    screen = b"GIF89a" + struct.pack("<HHBBB", wide, high, 0x80, 0, 0) + bytes(3) + b"\xff" * 3
    return screen + b"," + struct.pack("<HHHHB", *frame, 0) + b"\x02\x02\x44\x01\x00;"


def webp(wide: int, high: int) -> bytes:
    """A WebP that says it has this size and ends there."""
    size = struct.pack("<I", wide - 1)[:3] + struct.pack("<I", high - 1)[:3]
    body = b"WEBPVP8X" + struct.pack("<I", 10) + b"\x10\0\0\0" + size
    return b"RIFF" + struct.pack("<I", len(body)) + body


def cases() -> Iterator[tuple[str, bytes, str]]:
    """What it is, its bytes, and the code of its refusal; "" where it is read."""
    jpeg, clean, modern = saved(PHOTO, "JPEG"), saved(PHOTO, "PNG"), saved(PHOTO, "WEBP")
    # Sizes
    yield "bomb that says 65,535 squared", png(65535, 65535, zlib.compress(b"")), "too_many_pixels"
    yield "bomb of 2 thousand million pixels", png(2**31 - 1, 1, zlib.compress(b"")), "too_many_pixels"
    yield "bomb just over the limit", flat(8000, 5001, 24_000), "too_many_pixels"
    yield "as many pixels as are taken", flat(8000, 5000, 24_000), ""
    yield "as many with alpha", flat(8000, 5000, 32_000, 8, 6), ""
    yield "as many in grey", flat(8000, 5000, 8_000, 8, 0), ""
    yield "as many of one bit", flat(8000, 5000, 1_000, 1, 0), ""
    yield "as many of 16 bits", flat(8000, 5000, 16_000, 16, 0), ""
    yield "as many in 16-bit colour", flat(8000, 5000, 48_000, 16, 2), ""
    yield "GIF bomb", gif(65535, 65535, (0, 0, 65535, 65535)), "too_many_pixels"
    yield "GIF whose frame is larger than its screen", gif(8, 8, (0, 0, 65535, 65535)), "too_many_pixels"
    yield "GIF whose frame lies outside", gif(8, 8, (60000, 60000, 8, 8)), "too_many_pixels"
    yield "WebP bomb", webp(16383, 16383), "too_many_pixels"
    yield "large JPEG", saved(Image.new("RGB", (8000, 5000), "teal"), "JPEG"), ""
    yield "large progressive JPEG", saved(Image.new("RGB", (8000, 5000), "teal"), "JPEG", progressive=True), ""
    yield "large WebP", saved(Image.new("RGB", (8000, 5000), "teal"), "WEBP", method=0), ""
    yield "large GIF", saved(Image.new("P", (8000, 5000)), "GIF"), ""
    yield "a line", saved(Image.new("RGB", (30_000, 1)), "PNG"), "size_height"
    yield "a pixel", saved(Image.new("RGB", (1, 1)), "PNG"), "size_height"
    yield "no pixel", png(0, 0, zlib.compress(b"")), "no_picture"
    yield "nothing", b"", "no_picture"
    # Kinds of pixels
    yield "CMYK JPEG", saved(PHOTO.convert("CMYK"), "JPEG"), ""
    yield "grey JPEG", saved(PHOTO.convert("L"), "JPEG"), ""
    yield "16-bit PNG", saved(Image.fromarray(RNG.integers(0, 65536, (20, 20)).astype(np.uint16)), "PNG"), ""
    yield "PNG with alpha", saved(PHOTO.convert("RGBA"), "PNG"), ""
    yield "palette with alpha", saved(PHOTO.quantize(7), "PNG", transparency=b"\x00\x80\xff"), ""
    yield "one bit", saved(PHOTO.convert("1"), "PNG"), ""
    yield "animated GIF", animated("GIF"), ""
    yield "animated WebP", animated("WEBP"), ""
    # What is said beside the pixels
    yield "lying on its side", turned(6), ""
    yield "orientation that is none", turned(77), ""
    yield "orientation that is no number", turned(6).replace(b"\x01\x12\0\x03", b"\x01\x12\0\x02"), ""
    yield "EXIF that is none", saved(PHOTO, "JPEG", exif=b"Exif\0\0" + RNG.bytes(500)), ""
    yield "profile that is none", saved(PHOTO, "PNG", icc_profile=RNG.bytes(3000)), ""
    text = chunk(b"zTXt", b"k\0\0" + zlib.compress(bytes(200 * 2**20)))
    yield "text of 200 MB in a PNG", clean[:33] + text + clean[33:], "no_picture"
    profile = chunk(b"iCCP", b"k\0\0" + zlib.compress(bytes(200 * 2**20)))
    yield "profile of 200 MB in a PNG", clean[:33] + profile + clean[33:], "no_picture"
    yield "comment of a script", saved(PHOTO, "JPEG", comment=b"<script>alert(1)</script>"), ""
    # Damage
    yield "JPEG cut off", jpeg[: len(jpeg) // 2], "picture_damaged"
    yield "PNG cut off", clean[: len(clean) // 2], "picture_damaged"
    yield "WebP cut off", modern[: len(modern) // 2], "no_picture"
    yield "PNG of noise", png(100, 100, RNG.bytes(5000)), "picture_damaged"
    yield "PNG with a wrong sum", clean[:40] + b"\0\0\0\0" + clean[44:], "no_picture"
    yield "PNG that unpacks to more than it says", png(8, 8, zlib.compress(bytes(200 * 2**20))), ""
    yield "JPEG of noise", jpeg[:200] + RNG.bytes(4000), "no_picture"
    yield "head alone", jpeg[:3], "no_picture"
    # What is no picture that is taken here
    yield "TIFF", saved(PHOTO, "TIFF"), "no_picture"
    yield "BMP", saved(PHOTO, "BMP"), "no_picture"
    yield "SVG", b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>', "no_picture"
    yield "PostScript", b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\nshowpage", "no_picture"
    yield "too many bytes", jpeg + bytes(readers.LARGEST), "file_size"


def spent() -> float:
    """Seconds of processor time that the processes started here have had."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def main() -> int:
    """Read all, print how long each took; 1 where one took too long, was not done as said, or memory stayed."""
    process = psutil.Process()
    reader.read(saved(PHOTO, "PNG"), KIND, readers.How())
    found, before, worst = list(cases()), process.memory_info().rss, 0.0
    wrong = []
    for what, content, code in found:
        begin, had = time.perf_counter(), spent()
        read = reader.read(content, KIND, readers.How())
        wall, seconds = time.perf_counter() - begin, spent() - had
        worst = max(worst, seconds)
        said = read.refused.code if read.refused else ""
        wrong += [what] if said != code or seconds > SECONDS else []
        print(f"{seconds:5.2f} s ({wall:5.2f} s) {len(content) / 1024:9.1f} kB  {what}: {said or read.name[-8:]}")
    left = (process.memory_info().rss - before) / 2**20
    most = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / (2**10 if sys.platform == "linux" else 2**20)
    print(f"{len(found)} pictures, the slowest {worst:.2f} s of processor time; the largest process had {most:.0f} MB,")
    print(f"{left:.1f} MB are left of reading them all")
    if wrong:
        print("not as they should be: " + "; ".join(wrong))
    return int(bool(wrong) or left > MEGABYTES)


if __name__ == "__main__":
    sys.exit(main())
