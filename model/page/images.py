"""Image files as pages: every colour mode as RGB, upright as EXIF says, on the ground on which its ink is seen."""

import io
import struct
from contextlib import suppress

import numpy as np
import pi_heif
from PIL import Image, ImageFile, ImageOps, UnidentifiedImageError

from layoutserve.model.errors import DocumentError, DocumentTooLarge, InvalidDocument
from layoutserve.model.page import depth
from layoutserve.model.page.compositing import composited
from layoutserve.model.page.elements import Page
from layoutserve.model.page.repair import repaired

# Frames of a TIFF are found by walking from one to the next: nobody sends more on purpose.
MAX_FRAMES = 10_000
# Pillow's picture and its copy turned upright, rows of bytes and their array; blended, or stretched, two more pictures.
_BYTES_PER_PIXEL, _BYTES_PER_BLENDED_PIXEL = 14, 22

# What Pillow raises on EXIF data that make no sense.
_FAULTY_EXIF = (SyntaxError, ValueError, TypeError, LookupError, OSError, EOFError, ArithmeticError, struct.error)

# Pillow's own AVIF decoder reads AVIF.
pi_heif.register_heif_opener(thumbnails=False)


class ImageReader:
    """Reads an image file; a TIFF has as many pages as frames, every other format one.

    data: the file. kind: Pillow's name of the format. max_pixels: limit on width times height, checked from the
    header of each frame before it is decoded. ocr: with ``never`` the pages say that they have no words.
    Raises InvalidDocument, DocumentTooLarge.
    """

    def __init__(self, data: bytes, kind: str, *, max_pixels: int, ocr: str) -> None:
        self._data = data
        self._kind = kind
        self._max_pixels = max_pixels
        self._words = () if ocr == "never" else None
        with self._failures():
            try:
                self.page_count = self._count()
            except Exception as error:
                self._repair(error)
                self.page_count = self._count()

    def read(self, index: int) -> Page:
        """Decode one page, counted from 0."""
        with self._failures():
            try:
                image = self._decode(index)
            except Exception as error:
                self._repair(error)
                image = self._decode(index)
            pixels = np.asarray(image, dtype=np.uint8)
        return Page(np.ascontiguousarray(pixels), number=index + 1, words=self._words)

    def memory_bytes(self, index: int) -> int:
        """Most memory that decoding a page takes, as far as its header tells."""
        with self._failures(), self._open(index) as image:
            plain = not image.has_transparency_data and not depth.is_deep_grey(image)
            return image.width * image.height * (_BYTES_PER_PIXEL if plain else _BYTES_PER_BLENDED_PIXEL)

    def _count(self) -> int:
        with self._open() as image:
            return _count_frames(image) if self._kind == "TIFF" else 1

    def _decode(self, index: int) -> Image.Image:
        with self._open(index) as image:
            deep = depth.is_deep_colour(image)
            _load_upright(image)
            if not deep or not depth.has_few_bits(image):
                return _to_rgb(image)
            with self._open(index) as again:
                depth.swap_bytes(again)
                _load_upright(again)
                return _to_rgb(depth.joined(image, again))

    def _open(self, index: int = 0) -> ImageFile.ImageFile:
        image = Image.open(io.BytesIO(self._data), formats=[self._kind])
        if index:
            image.seek(index)
        if image.width * image.height > self._max_pixels:
            raise DocumentTooLarge(
                f"The image has {image.width} x {image.height} pixels; at most {self._max_pixels:,} are read. Send it"
                " at a lower resolution."
            )
        return image

    def _repair(self, error: Exception) -> None:
        """Go on with the file repaired, or raise what is wrong with it."""
        if isinstance(error, (DocumentError, MemoryError)):
            raise error
        try:
            data = repaired(self._data, self._kind, self._max_pixels)
        except Exception as further:
            raise error from further
        if data is None:
            raise error
        self._data = data

    def _failures(self) -> "_Failures":
        return _Failures(self._kind)


class _Failures:
    """Turns whatever a decoder raises on damaged bytes into InvalidDocument."""

    def __init__(self, kind: str) -> None:
        self._kind = kind

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, traceback: object) -> None:
        if isinstance(error, (Image.DecompressionBombError, Image.DecompressionBombWarning)):
            raise DocumentTooLarge("The image has more pixels than are read. Send it at a lower resolution.") from error
        # Pillow's decoders raise OSError, SyntaxError, ValueError, struct.error, EOFError and more on damaged bytes.
        if isinstance(error, Exception) and not isinstance(error, (DocumentError, MemoryError)):
            # Pillow names the object it read from, which says nothing to the caller.
            if isinstance(error, UnidentifiedImageError):
                wrong = "is damaged, or of a variety that is not read (its header cannot be understood)"
            else:
                wrong = f"is damaged or truncated ({error})"
            raise InvalidDocument(f"The {self._kind} image {wrong}. Save it again and send that.") from error


def _count_frames(image: Image.Image) -> int:
    for frame in range(1, MAX_FRAMES + 1):
        try:
            image.seek(frame)
        except EOFError:
            return frame
    raise DocumentTooLarge(f"The TIFF has more than {MAX_FRAMES} frames. Send fewer pages.")


def _load_upright(image: Image.Image) -> None:
    """Decode an image and turn it as its EXIF data say; faulty ones are no damage of the picture."""
    image.load()
    with suppress(*_FAULTY_EXIF):
        ImageOps.exif_transpose(image, in_place=True)


def _to_rgb(image: Image.Image) -> Image.Image:
    if depth.is_deep_grey(image):
        image = depth.grey_of(image)
    if image.has_transparency_data:
        return composited(image)
    return image if image.mode == "RGB" else image.convert("RGB")
