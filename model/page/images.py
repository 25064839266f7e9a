"""Image files as pages: every colour mode as RGB, upright as EXIF says, white behind transparency."""

import io

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError

from layoutserve.model.errors import DocumentError, DocumentTooLarge, InvalidDocument
from layoutserve.model.page.elements import Page

# Frames of a TIFF are found by walking from one to the next: nobody sends more on purpose.
MAX_FRAMES = 10_000


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
        with self._failures(), self._open() as image:
            self._check_size(image)
            self.page_count = _count_frames(image) if kind == "TIFF" else 1

    def read(self, index: int) -> Page:
        """Decode one page, counted from 0."""
        with self._failures(), self._open() as image:
            if index:
                image.seek(index)
            self._check_size(image)
            ImageOps.exif_transpose(image, in_place=True)
            pixels = np.asarray(_to_rgb(image), dtype=np.uint8)
        return Page(np.ascontiguousarray(pixels), number=index + 1, words=self._words)

    def _open(self) -> Image.Image:
        return Image.open(io.BytesIO(self._data), formats=[self._kind])

    def _check_size(self, image: Image.Image) -> None:
        if image.width * image.height > self._max_pixels:
            raise DocumentTooLarge(
                f"The image has {image.width} x {image.height} pixels; at most {self._max_pixels:,} are read. Send it"
                " at a lower resolution."
            )

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
            reason = "its header cannot be read" if isinstance(error, UnidentifiedImageError) else error
            raise InvalidDocument(
                f"The {self._kind} image is damaged or truncated ({reason}). Save it again and send that."
            ) from error


def _count_frames(image: Image.Image) -> int:
    for frame in range(1, MAX_FRAMES + 1):
        try:
            image.seek(frame)
        except EOFError:
            return frame
    raise DocumentTooLarge(f"The TIFF has more than {MAX_FRAMES} frames. Send fewer pages.")


def _to_rgb(image: Image.Image) -> Image.Image:
    if image.mode in ("I", "F") or image.mode.startswith("I;"):
        return _to_rgb(Image.fromarray(_to_8_bits(np.asarray(image))))
    if image.has_transparency_data:
        image = image.convert("RGBA")
        white = Image.new("RGBA", image.size, "white")
        return Image.alpha_composite(white, image).convert("RGB")
    return image if image.mode == "RGB" else image.convert("RGB")


def _to_8_bits(values: NDArray[np.generic]) -> NDArray[np.uint8]:
    """Grey values of more than 8 bits: 16-bit ones keep their scale, others are stretched over what they use."""
    real = np.nan_to_num(values.astype(np.float64))
    if values.dtype == np.uint16:
        return (real / 256).astype(np.uint8)
    low, high = float(real.min()), float(real.max())
    if low >= 0 and high <= 255:
        return real.astype(np.uint8)
    if values.dtype.kind in "iu" and low >= 0 and high <= 65535:
        return (real / 256).astype(np.uint8)
    stretched: NDArray[np.uint8] = ((real - low) * (255 / (high - low))).astype(np.uint8)
    return stretched
