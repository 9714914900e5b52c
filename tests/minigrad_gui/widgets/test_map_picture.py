"""Cells are rectangles of their colours, in their proportions."""

import numpy as np

from minigrad_gui.widgets.map_picture import MapPicture


def test_cells_keep_their_proportions_and_colours(qtbot):
    picture = MapPicture("Map")
    qtbot.addWidget(picture)
    picture.resize(62, 62)
    pixels = np.zeros((2, 4, 3), np.uint8)
    pixels[0, :, 0], pixels[1, :, 2] = 255, 255  # red over blue
    picture.show_pixels(pixels)
    picture.show()
    image = picture.grab().toImage()
    ratio = image.devicePixelRatio()
    upper, lower, below = (image.pixelColor(round(30 * ratio), round(y * ratio)) for y in (8, 23, 45))
    assert (upper.red(), upper.blue()) == (255, 0)
    assert (lower.red(), lower.blue()) == (0, 255)
    assert below not in (upper, lower)
    picture.show_pixels(None)
    assert picture.grab().toImage().pixelColor(30, 8) != upper
