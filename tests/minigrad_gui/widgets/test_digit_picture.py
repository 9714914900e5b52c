"""The picture of what the network sees."""

import numpy as np
import pytest

pytestmark = pytest.mark.panels("DrawPanel")


def test_the_picture_is_shown(user):
    user.stroke(np.array([[0.3, 0.5], [0.5, 0.5], [0.7, 0.5]]))
    user.reading()
    picture = user.widget("networkPicture")
    assert np.array_equal(picture.picture, user.session.picture)
    image = picture.grab().toImage()
    assert image.pixelColor(image.width() // 2, image.height() // 2).lightness() > 200
    assert image.pixelColor(image.width() // 2, image.height() // 4).lightness() < 50
