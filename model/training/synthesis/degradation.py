"""What scanners, phones and printers do to a clean page; boxes follow every bend exactly.

All geometry is one projective map, applied to the picture and to the
corners of the boxes alike. Lengths in pixels of the result unless said otherwise.
"""

from dataclasses import dataclass
from random import Random

import cv2
import numpy as np
from cv2.typing import MatLike
from numpy.typing import NDArray

Grey = NDArray[np.uint8]
Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Degraded:
    """``image`` is uint8 (height, width, 3) RGB; ``corners`` float64 (N, 4, 2), in the order they were given."""

    image: NDArray[np.uint8]
    corners: Floats


def degrade(rng: Random, page: Grey, corners: Floats, *, long_side: int, receipt: bool) -> Degraded:
    """Print, place and photograph ``page`` (height, width) with box ``corners`` (N, 4, 2)."""
    noise = np.random.Generator(np.random.PCG64(rng.getrandbits(64)))
    page = _print(rng, noise, page, thermal=receipt and rng.random() < 0.55)
    phone = rng.random() < (0.28 if receipt else 0.2)
    image, corners = _place(rng, noise, page, corners, long_side, receipt=receipt, phone=phone)
    if rng.random() < 0.35:
        _mark(rng, image)
    shaded = phone or rng.random() < 0.12
    if shaded:
        image = _light(rng, noise, image)
    if rng.random() < 0.75:
        sigma = rng.uniform(0.25, 1.1 if phone or rng.random() < 0.3 else 0.7)
        image = _grey(cv2.GaussianBlur(image, (0, 0), sigma))
    if rng.random() < 0.6:
        image = _grain(rng, noise, image)
    if not shaded and rng.random() < 0.08:
        # A scanner set to line art; its threshold lies nearer to the paper than to the ink.
        ink, paper = np.percentile(image, (2, 80))
        image = _grey(cv2.threshold(image, ink + (paper - ink) * rng.uniform(0.55, 0.75), 255, cv2.THRESH_BINARY)[1])
    if rng.random() < 0.7:
        quality = [cv2.IMWRITE_JPEG_QUALITY, rng.randint(28, 92)]
        image = _grey(cv2.imdecode(cv2.imencode(".jpg", image, quality)[1], cv2.IMREAD_GRAYSCALE))
    return Degraded(_tint(rng, image), corners)


def _print(rng: Random, noise: np.random.Generator, page: Grey, *, thermal: bool) -> Grey:
    """Ink on paper: too thin, too thick, faded, streaked."""
    height, width = page.shape
    if thermal and rng.random() < 0.5:
        # A print head with few dots: draw small and enlarge.
        factor = rng.uniform(0.5, 0.8)
        small = cv2.resize(page, (round(width * factor), round(height * factor)), interpolation=cv2.INTER_AREA)
        _, small = cv2.threshold(small, rng.randint(150, 205), 255, cv2.THRESH_BINARY)
        way = cv2.INTER_NEAREST if rng.random() < 0.5 else cv2.INTER_LINEAR
        page = _grey(cv2.resize(small, (width, height), interpolation=way))
    choice = rng.random()
    if choice < 0.08:
        page = _grey(cv2.erode(page, np.ones((2, 2), np.uint8)))
    elif thermal and choice < 0.12:
        page = _grey(cv2.dilate(page, np.ones((1, 2), np.uint8)))
    if rng.random() < (0.6 if thermal else 0.3):
        # Ink as a share of full black, varying slowly over the page.
        low = rng.uniform(0.35, 0.9)
        field = noise.uniform(low, min(1.0, low + 0.35), (rng.randint(2, 6), rng.randint(2, 4))).astype(np.float32)
        strength = cv2.resize(field, (width, height), interpolation=cv2.INTER_LINEAR)
        page = 255 - ((255 - page) * strength).astype(np.uint8)
    if thermal and rng.random() < 0.2:
        for _ in range(rng.randint(1, 4)):
            x = rng.randrange(width)
            page[:, x : x + rng.randint(1, 2)] = 255
    return page


def _place(
    rng: Random, noise: np.random.Generator, page: Grey, corners: Floats, long_side: int, *, receipt: bool, phone: bool
) -> tuple[Grey, Floats]:
    """Lay the paper on the scanner's glass or on a table, and look at it from there."""
    height, width = page.shape
    stretch = rng.uniform(0.72, 1.08) if receipt else rng.uniform(0.97, 1.03)
    w, h = width * stretch, float(height)
    draw = rng.random()
    angle = 0.0 if draw < 0.25 else rng.gauss(0, 0.8) if draw < 0.85 else rng.uniform(-5, 5)
    tilt = np.deg2rad(angle)
    quad = np.array([[0, 0], [w, 0], [w, h], [0, h]]) - [w / 2, h / 2]
    quad = quad @ np.array([[np.cos(tilt), np.sin(tilt)], [-np.sin(tilt), np.cos(tilt)]])
    if phone:
        quad = quad * (1 + noise.uniform(-0.035, 0.035, (4, 2)))
    quad -= quad.min(axis=0)
    extent = quad.max(axis=0)
    glass = receipt and not phone and rng.random() < 0.22
    if glass:
        # A receipt alone on an A4 glass.
        frame_h = extent[1] * rng.uniform(1.05, 1.6)
        frame_w = max(frame_h * 0.71, extent[0] * 1.05)
        frame = np.array([frame_w, max(frame_h, frame_w * 1.3)])
    else:
        border = rng.uniform(0.0, 0.08) if phone else rng.uniform(0.0, 0.03)
        frame = extent + border * extent.max() + 1
    offset = np.array([rng.uniform(0.2, 0.8), rng.uniform(0.1, 0.6) if glass else rng.random()]) * (frame - extent)
    quad += offset
    scale = long_side / frame.max()
    size = (max(32, round(frame[0] * scale)), max(32, round(frame[1] * scale)))
    source = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float32)
    matrix = cv2.getPerspectiveTransform(source, (quad * scale).astype(np.float32)).astype(np.float64)
    # Pixel centres lie at half integers; the picture's map works on centres, the boxes' on edges.
    shift = np.array([[1, 0, 0.5], [0, 1, 0.5], [0, 0, 1]])
    centred = np.linalg.inv(shift) @ matrix @ shift
    shrink = scale * min(stretch, 1.0)
    if shrink < 0.55:
        page = _grey(cv2.GaussianBlur(page, (0, 0), 0.28 / shrink))
    paper = rng.randint(225, 255)
    table = paper if glass or (not phone and rng.random() < 0.8) else rng.randint(10, 150)
    image = _grey(cv2.warpPerspective(page, centred, size, flags=cv2.INTER_LINEAR, borderValue=(255,)))
    if paper < 255:
        image = _grey(cv2.convertScaleAbs(image, alpha=paper / 255))
    if table != paper:
        mask = cv2.warpPerspective(np.full(page.shape, 255, np.uint8), centred, size, flags=cv2.INTER_LINEAR)
        rough = noise.integers(0, 40, (size[1] // 4 + 1, size[0] // 4 + 1), np.uint8)
        ground = cv2.resize(rough + np.uint8(table), size, interpolation=cv2.INTER_LINEAR)
        image = _grey(np.where(mask > 127, image, ground))
    if len(corners):
        corners = np.asarray(cv2.perspectiveTransform(corners.reshape(-1, 1, 2), matrix), np.float64).reshape(-1, 4, 2)
    return image, corners


def _mark(rng: Random, image: Grey) -> None:
    """Punch holes, specks, a pen's line, a fold; in place."""
    height, width = image.shape
    kind = rng.random()
    if kind < 0.2:
        for _ in range(rng.randint(1, 2)):
            cv2.circle(
                image,
                (rng.randrange(width), rng.randrange(height)),
                rng.randint(5, 12),
                (rng.randint(0, 60),),
                -1,
                cv2.LINE_AA,
            )
    elif kind < 0.55:
        for _ in range(rng.randint(5, 60)):
            cv2.circle(
                image, (rng.randrange(width), rng.randrange(height)), rng.randint(0, 2), (rng.randint(0, 150),), -1
            )
    elif kind < 0.8:
        x, y = rng.randrange(width), rng.randrange(height)
        points = [[x, y]]
        for _ in range(rng.randint(4, 14)):
            points.append([points[-1][0] + rng.randint(-18, 24), points[-1][1] + rng.randint(-16, 16)])
        cv2.polylines(
            image,
            [np.array(points, np.int32)],
            rng.random() < 0.1,
            (rng.randint(40, 130),),
            rng.randint(1, 2),
            cv2.LINE_AA,
        )
    else:
        y = rng.randrange(height)
        cv2.line(
            image, (0, y), (width, y + rng.randint(-20, 20)), (rng.randint(150, 215),), rng.randint(1, 3), cv2.LINE_AA
        )


def _light(rng: Random, noise: np.random.Generator, image: Grey) -> Grey:
    """Uneven light and shadows."""
    height, width = image.shape
    low = rng.uniform(0.55, 0.95)
    field = noise.uniform(low, 1.0, (rng.randint(2, 4), rng.randint(2, 4))).astype(np.float32)
    light = cv2.resize(field, (width // 8 + 1, height // 8 + 1), interpolation=cv2.INTER_CUBIC)
    if rng.random() < 0.3:
        edge = np.linspace(-1, 1, light.shape[1], dtype=np.float32)[None] * rng.uniform(-4, 4)
        edge = (
            edge
            + np.linspace(-1, 1, light.shape[0], dtype=np.float32)[:, None] * rng.uniform(-4, 4)
            + rng.uniform(-2, 2)
        )
        light = light * (1 - rng.uniform(0.1, 0.4) / (1 + np.exp(-4 * edge)))
    light = cv2.resize(light.clip(0.2, 1.05), (width, height), interpolation=cv2.INTER_LINEAR)
    return _grey(cv2.multiply(image, light, dtype=cv2.CV_8U))


def _grain(rng: Random, noise: np.random.Generator, image: Grey) -> Grey:
    """Noise with a triangular distribution."""
    strength = rng.choice((4, 8, 12, 20, 32))
    up = noise.integers(0, strength, image.shape, np.uint8)
    down = noise.integers(0, strength, image.shape, np.uint8)
    return _grey(cv2.subtract(cv2.add(image, up), down))


def _tint(rng: Random, image: Grey) -> NDArray[np.uint8]:
    """Grey to RGB: most pages stay grey, some have a warm paper or a blue ink."""
    if rng.random() < 0.7:
        return _grey(cv2.cvtColor(image, cv2.COLOR_GRAY2RGB))
    paper = np.array([255, rng.randint(243, 255), rng.randint(222, 255)])
    if rng.random() < 0.2:
        paper = np.array([rng.randint(235, 255), rng.randint(240, 255), 255])
    ink = rng.randint(0, 30) + np.array([rng.randint(0, 12), rng.randint(0, 12), rng.randint(0, 22)])
    steps = np.arange(256)[:, None] / 255
    table = _grey(ink + (paper - ink) * steps)
    return _grey(cv2.LUT(cv2.cvtColor(image, cv2.COLOR_GRAY2RGB), table[None]))


def _grey(picture: MatLike) -> Grey:
    """Tell the type checker what OpenCV's stubs do not: the same array, uint8."""
    return np.asarray(picture, np.uint8)
