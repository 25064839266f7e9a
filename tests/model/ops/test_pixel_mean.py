"""The mean of an image's pixels: the native kernel against the definition in numpy."""

import numpy as np
import pytest

from layoutserve.model.ops.pixel_mean import pixel_mean


@pytest.fixture(scope="module")
def native(operator, isa):
    return operator("PixelMean", ["x"], ["y"])


@pytest.mark.parametrize("channels", [1, 63, 64, 65, 384])
@pytest.mark.parametrize("shape", [(1, 1, 1), (2, 3, 40), (3, 12, 17), (1, 184, 88)])
def test_it_equals_its_definition(native, shape, channels):
    x = np.random.default_rng(channels).standard_normal((*shape, channels), dtype=np.float32) + 5
    (y,) = native.run(None, {"x": x})
    assert y.shape == (shape[0], 1, 1, channels)
    np.testing.assert_allclose(y, pixel_mean(x), rtol=2e-6)


def test_images_do_not_see_each_other(native):
    x = np.random.default_rng(0).standard_normal((3, 6, 7, 96), dtype=np.float32)
    assert np.array_equal(native.run(None, {"x": x})[0][1:2], native.run(None, {"x": x[1:2]})[0])


@pytest.mark.parametrize("shape", [(3, 4, 5), (2, 0, 4, 8)])
def test_what_is_no_image_is_refused(native, shape):
    with pytest.raises(Exception, match="PixelMean needs x"):
        native.run(None, {"x": np.zeros(shape, np.float32)})
