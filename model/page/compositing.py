"""Transparent pictures on the ground on which a person sees them."""

from PIL import Image

# A picture is seen on white if its darkest parts are there at least so much darker than white, of 255. The darkest
# parts are this share of what is not transparent: strokes of letters, not the few pixels of a frame.
_SEEN = 48
_DARKEST = 0.01
# Less opaque pixels show nothing of their own.
_OPAQUE = 64


def composited(image: Image.Image) -> Image.Image:
    """An image with transparency as RGB: on white, or on black where on white nothing of it would be seen."""
    image = image.convert("RGBA")
    alpha = image.getchannel("A")
    if alpha.getextrema() == (255, 255):
        return image.convert("RGB")
    on_white = _on(image, alpha, "white")
    shown = alpha.point([255 * (value >= _OPAQUE) for value in range(256)]).convert("1")
    counts = on_white.convert("L").histogram(shown)
    if not sum(counts) or sum(counts[: 256 - _SEEN]) >= _DARKEST * sum(counts):
        return on_white
    return _on(image, alpha, "black")


def _on(image: Image.Image, alpha: Image.Image, colour: str) -> Image.Image:
    ground = Image.new("RGB", image.size, colour)
    ground.paste(image.convert("RGB"), mask=alpha)
    return ground
