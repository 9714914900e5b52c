"""Colours are readable."""

import pytest
from PySide6.QtWidgets import (
    QApplication,
)

from minigrad_gui import theme

pytestmark = pytest.mark.tabs()


def contrast(first, second):
    """Contrast as defined by the Web Content Accessibility Guidelines 2.1, from 1 to 21."""

    def luminance(color):
        parts = (c / 12.92 if c <= 0.03928 else ((c + 0.055) / 1.055) ** 2.4 for c in color.getRgbF()[:3])
        return sum(weight * part for weight, part in zip((0.2126, 0.7152, 0.0722), parts, strict=True))

    light, dark = sorted((luminance(first), luminance(second)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("dark", [False, True])
def test_every_row_of_an_open_list_can_be_read(user, dark):
    theme.apply(QApplication.instance(), dark=dark)
    combo = user.widget("activationCombo")
    combo.showPopup()
    rows = combo.view()
    user.wait(rows.isVisible)
    for row in range(combo.count()):
        rows.setCurrentIndex(rows.model().index(row, 0))
        image = rows.viewport().grab().toImage()
        place = rows.visualRect(rows.currentIndex()) & image.rect()
        behind = image.pixelColor(place.right() - 3, place.center().y())
        pixels = [image.pixelColor(x, y) for x in range(place.width()) for y in range(place.top(), place.bottom())]
        assert max(contrast(behind, pixel) for pixel in pixels) >= 4.5
        assert behind.name() == theme.colors().accent, "the row under test is the highlighted one"
    combo.hidePopup()
