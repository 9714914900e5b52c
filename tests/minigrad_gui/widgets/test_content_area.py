"""A very small window scrolls its contents."""

import pytest
from layout import resized

pytestmark = pytest.mark.tabs()


@pytest.mark.parametrize(("width", "height"), [(911, 484), (683, 356)])
def test_a_very_small_window_scrolls(user, width, height):
    resized(user.window, width, height)
    area = user.window.centralWidget()
    content = area.widget()
    assert content.width() >= content.minimumSizeHint().width()
    assert content.height() >= content.minimumSizeHint().height()
    for part in ("trainButton", "drawingCanvas", "probabilityBars", "accuracyLabel"):
        widget = user.widget(part)
        assert widget.minimumSizeHint().width() <= widget.width()
