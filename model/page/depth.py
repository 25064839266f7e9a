"""Pixels of more than 8 bits, by the range that they really use.

A file says how many bits hold a value, seldom how many of them are used: cameras and scanners put 10, 12 or 14 bits
into 16, and programs write floats from 0 to 1, to 255 or to 65,535. White is the end of the smallest such range that
holds the largest value; what fits none is stretched over what it uses.
"""

from collections.abc import Iterator
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFile, TiffImagePlugin

# What a decoder of Pillow's is given: the raw mode, alone or before others.
_Arguments: TypeAlias = tuple[Any, ...] | str | None

# Largest values of the ranges that are in use: 8, 10, 12, 14 and 16 bits. Floats may also end at 1.
_WHITES = tuple(float(2**bits - 1) for bits in (8, 10, 12, 14, 16))
# Floats that were sharpened or resized reach beyond black and white by a share of the range.
_OVERSHOOT = 0.1
# Values at a time, so that a large picture is not in memory as floats as well.
_CHUNK = 2**20

# Pillow keeps the upper 8 of the 16 bits of a colour; if these are less, the lower 8 are needed too.
_FEW_BITS = 64
_OTHER_BYTE = {"B": "L", "L": "B", "N": "B"}

_PHOTOMETRIC, _SAMPLE_FORMAT = 262, 339
_WHITE_IS_ZERO, _UNSIGNED = 0, 1


def is_deep_grey(image: Image.Image) -> bool:
    """Whether the pixels are greys of more than 8 bits."""
    return image.mode in ("I", "F") or image.mode.startswith("I;")


def grey_of(image: Image.Image) -> Image.Image:
    """Deep greys in mode L, or LA where one of them stands for transparency."""
    values = np.asarray(image)
    tags = image.tag_v2 if isinstance(image, TiffImagePlugin.TiffImageFile) else {}
    if values.dtype == np.int32 and tags.get(_SAMPLE_FORMAT) in (_UNSIGNED, (_UNSIGNED,)):
        values = values.view(np.uint32)
    grey = scaled(values)
    if tags.get(_PHOTOMETRIC) == _WHITE_IS_ZERO:
        np.subtract(255, grey, out=grey)
    picture = Image.fromarray(grey)
    if isinstance(transparent := image.info.get("transparency"), int):
        picture.putalpha(Image.fromarray(np.where(values == transparent, 0, 255).astype(np.uint8)))
    return picture


def is_deep_colour(image: ImageFile.ImageFile) -> bool:
    """Whether an image that is not loaded yet has colours of 16 bits."""
    return image.mode in ("RGB", "RGBA") and any(_sixteen(tile.args) is not None for tile in image.tile)


def has_few_bits(image: Image.Image) -> bool:
    """Whether 16-bit colours are so small that the upper bytes, which are what is loaded, do not tell them apart."""
    return int(np.asarray(image)[..., :3].max()) < _FEW_BITS


def swap_bytes(image: ImageFile.ImageFile) -> None:
    """Have an image that is not loaded yet give the lower bytes of its 16-bit colours, not the upper ones."""
    image.tile = [tile._replace(args=_sixteen(tile.args)) for tile in image.tile]


def joined(upper: Image.Image, lower: Image.Image) -> Image.Image:
    """The colours whose upper and lower bytes these are, in 8 bits."""
    pixels = np.asarray(upper)
    colours = scaled(pixels[..., :3].astype(np.uint16) << 8 | np.asarray(lower)[..., :3])
    return Image.fromarray(np.concatenate([colours, pixels[..., 3:]], axis=2))


def _sixteen(arguments: _Arguments) -> _Arguments:
    """A decoder's arguments with the other byte order; None if they name none, as where colours have 8 bits."""
    if isinstance(arguments, tuple) and arguments:
        first = _sixteen(arguments[0])
        return None if first is None else (first, *arguments[1:])
    if isinstance(arguments, str) and ";16" in arguments:
        return arguments[:-1] + _OTHER_BYTE[arguments[-1]]
    return None


def scaled(values: NDArray[np.generic]) -> NDArray[np.uint8]:
    """Values (height, width, ...) of any integer or float type as uint8; what is no number is white, like paper."""
    black, white = _range(values)
    bytes_ = np.full(values.shape, 255, dtype=np.uint8)
    if white > black:
        for rows in _strips(values.shape):
            part = values[rows].astype(np.float64)
            np.nan_to_num(part, copy=False, nan=white, posinf=white, neginf=black)
            bytes_[rows] = np.clip((part - black) * (255 / (white - black)) + 0.5, 0, 255).astype(np.uint8)
    return bytes_


def _range(values: NDArray[np.generic]) -> tuple[float, float]:
    """Which values are black and white."""
    low, high = np.inf, -np.inf
    for rows in _strips(values.shape):
        part = values[rows]
        if part.dtype.kind == "f":
            part = part[np.isfinite(part)]
        if part.size:
            low, high = min(low, float(part.min())), max(high, float(part.max()))
    if low > high:
        return 0.0, 0.0
    if low == high and values.dtype == np.uint16:
        # One value says nothing of its range.
        return 0.0, _WHITES[-1]
    beyond = _OVERSHOOT if values.dtype.kind == "f" else 0.0
    if low >= -beyond * high:
        for white in (1.0, *_WHITES) if beyond else _WHITES:
            if high <= (1 + beyond) * white:
                return 0.0, white
    return low, high


def _strips(shape: tuple[int, ...]) -> Iterator[slice]:
    """Runs of rows that hold about a chunk of values each."""
    step = max(1, _CHUNK // max(shape[1], 1))
    return (slice(first, first + step) for first in range(0, shape[0], step))
