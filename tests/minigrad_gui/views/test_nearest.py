"""The digits that resemble the drawing follow the pen, the network and the run."""

import re
from functools import cache

import numpy as np
import pytest
from mnist_digits import first_digits
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest

from engine import MLP, load_model, save_model
from minigrad_gui import analyst
from minigrad_gui.insight import nearest
from minigrad_gui.insight.neighbours import COARSE, FINE
from minigrad_gui.resembling import COUNT
from minigrad_gui.resources import asset_path
from minigrad_gui.views import nearest as nearest_view
from minigrad_gui.widgets.maps import ink

pytestmark = [pytest.mark.tabs("nearestView"), pytest.mark.panels("TrainingPanel", "DrawPanel")]

SPACES = {"hidden": "Hidden", "pixels": "Pixels"}
DIGITS = 1500
"""More than the candidates that an index looks at in any case."""


@pytest.fixture(scope="module")
def few():
    """Fewer than for others, as all are looked at again and again."""
    return first_digits(DIGITS, 200)


@pytest.fixture(scope="module")
def network(tmp_path_factory):
    """A file of a network with more neurons than an index stores of a digit, and fewer than the pretrained one."""
    path = tmp_path_factory.mktemp("nearest") / "network.npz"
    save_model(path, MLP(784, [COARSE + FINE + 32], 10, dtype=np.float32, init="he", rng=np.random.default_rng(1)))
    return path


@pytest.fixture
def shows(user, few_digits, network):
    """`shows(model)`: whether both rows show what resembles the drawing to this network: found by looking at all.

    Without a model, to the current one, and no other digits are being prepared. The window has opened `network`.
    """
    user.window.open(network)

    @cache  # a test looks again and again, until both rows show this
    def expected(model, picture, learned, space):
        among = few_digits.train_images[np.frombuffer(learned, np.intp)]
        found, distances = nearest(model, np.frombuffer(picture, np.float32).reshape(28, 28), among, COUNT, space)
        return found, distances, ink(among[found])

    def shows(model=None):
        session, labels = user.session, few_digits.train_labels
        for space, name in reversed(SPACES.items()):  # to compare pixels takes less
            search = user.widget("nearestView")._searches[space]
            if search.index is None or (model is None and search.builder is not None):
                return False
            learned = search.index.digits.indices
            mosaic = user.widget(f"nearest{name}Digits")
            asked = model or session.reading_model, session.picture.tobytes(), learned.tobytes(), space
            found, distances, pictures = expected(*asked)
            told = zip(learned[found], labels[learned][found], distances, strict=True)
            called = [f"Training digit {index:,}, labelled {label}, distance {far:.2f}" for index, label, far in told]
            if not np.array_equal(mosaic._pixels, pictures) or mosaic._descriptions != called:
                return False  # the same digits may be found by another network, at other distances
            assert mosaic._captions == [str(label) for label in labels[learned][found]]
            summary, most = user.widget(f"nearest{name}Summary").text(), np.bincount(labels[learned][found]).max()
            assert summary.startswith("All 12 are " if most == COUNT else f"{most} of 12 are ")
        return True

    return shows


@pytest.fixture
def view(user, shows):
    """In front, with a digit drawn and the digits found that resemble it."""
    user.draw(7)
    user.reading()
    user.trigger("showNearestAction")
    user.wait(shows)
    return user.widget("nearestView")


def is_empty(user):
    return user.widget("nearestOfferButton").isVisible()


def notes(user):
    return [user.widget(f"nearest{name}Note").text() for name in SPACES.values()]


def test_it_follows_the_pen_and_offers_a_digit_if_there_is_none(user, view, shows, few_digits):
    before = user.session.picture
    user.draw(1)
    user.wait(lambda: user.session.picture is not before)
    user.wait(shows)
    _, *rows = view.table()
    captions = [caption for name in SPACES.values() for caption in user.widget(f"nearest{name}Digits")._captions]
    assert [(space, label) for space, _, _, label, _ in rows] == [
        *zip(["hidden"] * COUNT + ["pixels"] * COUNT, captions, strict=True)
    ]
    user.click("clearButton")
    user.wait(lambda: is_empty(user))
    user.click("nearestOfferButton")
    user.wait(shows)
    assert not is_empty(user)
    index, label = re.fullmatch(r"Test digit (\d+), labelled (\d)", user.session.shown.name).groups()
    assert np.array_equal(user.session.picture, few_digits.test_images[int(index)] / np.float32(255))
    assert int(label) == few_digits.test_labels[int(index)]


def test_a_digit_that_is_clicked_takes_the_drawings_place(user, view, shows):
    mosaic = user.widget("nearestHiddenDigits")
    name = mosaic._descriptions[3].rpartition(",")[0]
    QTest.mouseClick(mosaic, Qt.MouseButton.LeftButton, pos=mosaic.rect_of(3).center())
    assert user.session.shown.name == name
    user.wait(shows)
    other = user.widget("nearestPixelsDigits")
    for row in (mosaic, other):
        assert row._descriptions[0] == f"{name}, distance 0.00"
        assert row.current == 0
    name = other._descriptions[2].rpartition(",")[0]
    QTest.mouseClick(other, Qt.MouseButton.LeftButton, pos=other.rect_of(2).center())
    assert user.session.shown.name == name
    user.draw(1)
    user.wait(lambda: user.session.shown is None and mosaic.current == -1)
    assert view.isVisible()


def test_it_follows_another_network(user, view, shows, tmp_path):
    hidden, pixels = view._searches.values()
    compared = []
    for neurons in (8, 6):
        save_model(tmp_path / "small.npz", MLP(784, [neurons], 10, init="he"))
        user.window.open(tmp_path / "small.npz")
        assert user.session.model.sizes == (784, neurons, 10)
        user.wait(lambda: hidden.index.subject[0] is user.session.model and shows())
        assert notes(user) == ["", ""]
        compared.append(pixels.index)
    assert compared[0] is compared[1], "to the eye nothing has changed"


def test_in_training_the_pen_is_followed_by_the_network_of_the_note(user, view, shows, monkeypatch):
    monkeypatch.setattr(analyst, "TIME_SHARE", 0.5)
    before = user.session.picture
    model = view._searches["hidden"].index.subject[0]
    user.configure(epochs=1000, batch_size=10)
    user.click("trainButton")
    user.wait(lambda: len(user.session.history) > 50 and notes(user) == ["before the run", ""])
    user.draw(1)
    user.wait(lambda: user.session.picture is not before)
    user.wait(lambda: shows(model))
    user.click("pauseButton")
    user.wait(lambda: user.session.state == "paused" and shows() and notes(user) == ["", ""])
    model = user.session.reading_model
    user.click("pauseButton")
    user.wait(lambda: notes(user)[0].startswith("after "))
    old = view._searches["hidden"].index
    monkeypatch.setattr(nearest_view, "RENEWAL_S", 0)
    user.wait(lambda: view._searches["hidden"].index is not old)
    assert user.session.state == "training", "the digits were compared again meanwhile"
    user.click("stopButton")
    user.wait(lambda: user.session.state == "idle" and shows())


def test_behind_another_view_it_does_nothing_and_catches_up(user, shows):
    user.draw(7)
    user.reading()
    user.trigger("showNearestAction")
    view = user.widget("nearestView")
    user.wait(lambda: view._is_built)
    for behind in (True, False, True, False):  # the first time, digits are being prepared
        if behind:
            user.trigger("showCurvesAction")
            user.wait(lambda: not view._is_seen)
            user.draw(1)
            user.reading()
            assert view._asked is None
            assert [search.builder for search in view._searches.values()] == [None, None]
        else:
            user.trigger("showNearestAction")
            user.wait(shows)


def test_a_network_with_numbers_too_large_to_compare_says_so(user, view, shows, tmp_path):
    huge, _ = load_model(asset_path("pretrained.npz"))
    for layer in huge.layers[:-1]:
        layer.W.data = layer.W.data * 1e15
    save_model(tmp_path / "huge.npz", huge)
    user.window.open(tmp_path / "huge.npz")
    user.wait(lambda: "too large" in user.widget("nearestHiddenSummary").text())
    assert user.widget("nearestHiddenDigits").count == 0
    assert user.widget("nearestPixelsDigits").count == COUNT
    answered = []
    user.session.analysed.connect(lambda answer: answered.append(answer.key))
    user.draw(1)
    user.wait(lambda: "nearestView/found" in answered)
    assert "nearestView/hidden" not in answered, "it would be in vain"
    user.session.open_pretrained()
    user.wait(shows)
    assert view._searches["hidden"].failed is None
