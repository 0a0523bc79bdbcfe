"""Pictures that readers bring: PNG, JPEG, WebP or the first frame of a GIF, made into a small clean PNG.

What a file says of its size is looked at before any of its pixels is decoded. What is kept is pixels alone: upright as
EXIF says, scaled down to what the field takes, alpha on white, 16 bits as 8, without a word of metadata. Colour
profiles are not applied: a picture in a wide gamut comes out a little paler.
"""

from __future__ import annotations

import io
import warnings

import numpy as np
from PIL import Image

from core.concept.params import Refused, Upload

FORMATS = ("PNG", "JPEG", "WEBP", "GIF")
MOST_PIXELS = 40_000_000  # before scaling down: what cameras give; decoded they take 160 MB
GREY = {"1", "L", "LA", "I;16"}  # modes without colour
UPRIGHT = {  # what EXIF says of a picture → how it is put upright
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
SIDEWAYS = [UPRIGHT[i] for i in (5, 6, 7, 8)]  # by which height becomes width
ORIENTATION = 0x0112  # the tag that says it


def cleaned(content: bytes, kind: Upload) -> tuple[bytes, tuple[int, int, int]]:
    """A clean PNG, and its height, width and channels (1: grey, 3: red, green, blue). Raises Refused."""
    high, wide, channels = (bounds[1] for bounds in kind.bounds)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of sizes and metadata: the limit is ours, the metadata nobody's
        picture = _opened(content)
        if np.prod(picture.size, dtype=float) > MOST_PIXELS:
            raise Refused("too_many_pixels", high=f"{MOST_PIXELS:,}")
        try:
            made = _small(picture, wide, high)
        except Exception:  # whatever a decoder raises at what is cut off or made up
            raise Refused("picture_damaged") from None
    colourless = picture.mode in GREY and kind.bounds[2][0] == 1
    made = made.convert("L" if channels == 1 or colourless else "RGB")
    sizes = made.height, made.width, len(made.getbands())
    kind.fit(sizes)
    made.info = {}  # profile, comment and whatever else would be written again
    out = io.BytesIO()
    made.save(out, "PNG")
    return out.getvalue(), sizes


def _opened(content: bytes) -> Image.Image:
    """A picture of which the head has been read, and no pixel."""
    try:
        return Image.open(io.BytesIO(content), formats=FORMATS)
    except Image.DecompressionBombError:
        raise Refused("too_many_pixels", high=f"{MOST_PIXELS:,}") from None
    except Exception:
        raise Refused("no_picture") from None


def _small(picture: Image.Image, wide: int, high: int) -> Image.Image:
    """It upright on white, as L or RGB, and no larger than that; its proportions are kept."""
    picture.draft(None, (2 * max(wide, high),) * 2)  # a large JPEG is decoded at an eighth, a quarter or a half
    picture.load()  # before anything else would, and pass over what is damaged
    turn = _turn(picture)
    box = (high, wide) if turn in SIDEWAYS else (wide, high)
    if picture.mode == "I;16":
        small = Image.fromarray((np.asarray(picture) >> 8).astype(np.uint8))  # as Pillow does where there are colours
    else:
        mode = "RGBA" if picture.has_transparency_data else "L" if picture.mode in GREY else "RGB"
        small = picture if picture.mode == mode else picture.convert(mode)
    small.thumbnail(box, Image.Resampling.BICUBIC, reducing_gap=2.0)
    if small.mode == "RGBA":
        small = Image.alpha_composite(Image.new("RGBA", small.size, "white"), small).convert("RGB")
    return small if turn is None else small.transpose(turn)


def _turn(picture: Image.Image) -> Image.Transpose | None:
    """How a picture is put upright, or None."""
    try:
        return UPRIGHT.get(picture.getexif().get(ORIENTATION, 1))
    except Exception:  # EXIF is written by all sorts of programs: what cannot be read turns nothing
        return None
