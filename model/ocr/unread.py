"""Ink that no line covers: what tells that a page was looked at from too far away.

The counts behind the constants are in ``benchmarks/LOG.md``, OCR.
"""

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from layoutserve.model.ocr.lines import grown
from layoutserve.model.ocr.recognition import Image

# Ink differs by this much, of 255, from what is around it, blurred by this number of pixels, on a page that is reduced
# to a million of them.
_CONTRAST = 24
_BLUR = 3
_PIXELS = 1_000_000
# A page is not read if more than these shares of its ink and of its pixels are ink that no line covers. Pictures, rules
# and frames are such ink, too.
_OF_INK = 0.6
_OF_PAGE = 0.015


def leaves_ink(image: Image, quads: Sequence[NDArray[np.float64]]) -> bool:
    """Whether lines (4, 2) leave most of the ink of a BGR image unread."""
    height, width = image.shape[:2]
    ratio = min(1.0, (_PIXELS / (height * width)) ** 0.5)
    grey = cv2.cvtColor(image, cv2.COLOR_BGR2GRAY)
    if ratio < 1:
        size = (max(1, round(width * ratio)), max(1, round(height * ratio)))
        grey = cv2.resize(grey, size, interpolation=cv2.INTER_AREA)
    ink = (cv2.absdiff(grey, cv2.GaussianBlur(grey, (0, 0), _BLUR)) > _CONTRAST).view(np.uint8)
    before = int(ink.sum())
    for quad in quads:
        cv2.fillConvexPoly(ink, (grown(quad, 0.2) * ratio).round().astype(np.int32), (0,))
    left = int(ink.sum())
    return left > _OF_INK * before and left > _OF_PAGE * ink.size
