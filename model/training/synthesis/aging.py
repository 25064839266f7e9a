"""What happens to the world's pages: left as a computer made them, faded, folded, shone through, or photographed.

The shapes are those of ``degradation``; what is added here changes only how light a place is, so boxes stay exact.
"""

from random import Random

import cv2
import numpy as np

from layoutserve.model.training.synthesis.degradation import Degraded, Floats, Grey, degrade


def age(rng: Random, page: Grey, corners: Floats, *, long_side: int, receipt: bool) -> Degraded:
    """Like ``degrade``, but a third of the office pages stay clean, and paper can fade, fold and shine through."""
    if rng.random() < (0.08 if receipt else 0.36):
        return _clean(rng, page, corners, long_side)
    noise = np.random.Generator(np.random.PCG64(rng.getrandbits(64)))
    if receipt and rng.random() < 0.3:
        page = _fade(rng, noise, page)
    if rng.random() < 0.1:
        page = _show_through(rng, page)
    if rng.random() < (0.35 if receipt else 0.2):
        page = _fold(rng, page)
    return degrade(rng, page, corners, long_side=long_side, receipt=receipt)


def _clean(rng: Random, page: Grey, corners: Floats, long_side: int) -> Degraded:
    """As exported: only scaled, and its ink or ground in another tone."""
    height, width = page.shape
    scale = long_side / max(page.shape)
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    small = np.asarray(cv2.resize(page, size, interpolation=cv2.INTER_AREA), np.uint8)
    if rng.random() < 0.12:
        # Screens have grounds of their own.
        small = (small.astype(np.uint16) * rng.randint(225, 250) // 255).astype(np.uint8)
    image = np.repeat(small[:, :, None], 3, axis=2)
    return Degraded(image, corners * [size[0] / width, size[1] / height])


def _fade(rng: Random, noise: np.random.Generator, page: Grey) -> Grey:
    """Thermal paper after months in a pocket: paler towards one end and in patches."""
    height, width = page.shape
    ends = np.array([rng.uniform(0.25, 0.6), rng.uniform(0.55, 1.0)])
    if rng.random() < 0.5:
        ends = ends[::-1]
    patches = noise.uniform(0.75, 1.0, (rng.randint(4, 9), rng.randint(2, 5))).astype(np.float32)
    strength = cv2.resize(patches, (width, height), interpolation=cv2.INTER_CUBIC)
    along = np.linspace(float(ends[0]), float(ends[1]), height, dtype=np.float32)
    faded = 255 - (255 - page) * (strength * along[:, None]).clip(0.15, 1)
    return np.asarray(faded, np.uint8)


def _show_through(rng: Random, page: Grey) -> Grey:
    """The print of the other side, mirrored and pale."""
    back = np.roll(page[:, ::-1], rng.randint(10, 200), axis=0)
    return np.minimum(page, 255 - ((255 - back) * rng.uniform(0.06, 0.16)).astype(np.uint8))


def _fold(rng: Random, page: Grey) -> Grey:
    """One to three folds: each side a little lighter or darker, with a crease between them."""
    height, width = page.shape
    shade = np.ones((height, width), np.float32)
    for _ in range(rng.randint(1, 3)):
        across = rng.random() < 0.7
        length = height if across else width
        at = int(length * rng.choice((0.33, 0.5, 0.66, rng.uniform(0.2, 0.8))))
        line = np.ones(length, np.float32)
        reach = max(8, int(length * rng.uniform(0.03, 0.15)))
        dark = rng.uniform(0.04, 0.16)
        line[max(0, at - reach) : at] -= np.linspace(0, dark, min(reach, at), dtype=np.float32)
        line[at : at + 2] += rng.uniform(-0.1, 0.08)
        shade *= line[:, None] if across else line[None, :]
    return (page * shade).clip(0, 255).astype(np.uint8)
