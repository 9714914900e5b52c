"""Distributions over time on one scale, and a layer in words."""

from dataclasses import replace

import numpy as np
import pytest

from engine import MLP
from minigrad_gui.insight.layer_statistics import BINS, histogram, layer_statistics
from minigrad_gui.widgets.layer_table import LayerTable, Look, over_time


@pytest.fixture
def table(qtbot):
    table = LayerTable()
    qtbot.addWidget(table)
    table.resize(420, 200)
    return table


@pytest.fixture
def look():
    rng = np.random.default_rng(0)
    model = MLP(784, [20], 10, rng=rng, dtype=np.float32, init="he")
    model.layers[0].W.data[:5] = model.layers[0].b.data[:5] = 0
    model.layers[0].b.data[:5] = -1
    images, labels = rng.random((50, 28, 28), np.float32), rng.integers(10, size=50)
    return Look(layer_statistics(model, images, labels), [1.23e-3, None])


def test_distributions_of_different_width_are_on_one_scale():
    narrow, wide = np.full(1000, 0.5), np.linspace(-4, 4, 1000)
    found = over_time([histogram(narrow), histogram(wide)])
    assert found.shape == (BINS, 2)
    rows = np.flatnonzero(found[:, 0] > 0.5)
    values = 4 - (rows + 0.5) * 8 / BINS  # from the top down
    assert values == pytest.approx(0.5, abs=8 / BINS)
    assert (found[:, 1] > 0.9).all()


def test_where_all_has_become_0_what_was_before_stays_in_sight(table, look):
    found = over_time([histogram(np.full(1000, 0.5)), histogram(np.zeros(1000))])
    assert found[0, 0] == 1, "at the limit, 0.5"
    assert found[BINS // 2 - 1, 1] == 1
    nothing = replace(look.layers[0], activations=histogram(np.zeros(5)))
    table.show_series([replace(look, layers=[nothing, look.layers[1]], moved=[0.0, None])])
    assert "activations up to 0," in table.row_text(0)
    assert table.row_text(0).endswith(" dead, moved 0 per mini-batch.")


def test_large_numbers_are_told_without_powers_of_ten(table, look):
    large = replace(look.layers[0], activations=histogram(np.array([-261_234.5])))
    table.show_series([replace(look, layers=[large, look.layers[1]])])
    assert "activations up to 260,000," in table.row_text(0)


def test_a_layer_is_told_in_words(table, look):
    table.show_series([look])
    assert table.row_text(0).startswith("Hidden 1: weights up to ")
    dead = look.layers[0].dead
    assert dead >= 0.25
    assert table.row_text(0).endswith(f"{dead:.0%} dead, moved 1.2e-03 per mini-batch.")
    assert table.row_text(1).startswith("Output: ")
    assert "dead" not in table.row_text(1)
    assert table.accessibleDescription() == f"{table.row_text(0)} {table.row_text(1)}"


def test_it_has_room_for_each_layer_and_paints_it(table, look):
    table.set_layer_count(2)
    height = table.height()
    empty = table.grab().toImage()
    table.show_series([look, look])
    assert table.height() == height
    assert table.grab().toImage() != empty
    table.show_series([])
    assert table.accessibleDescription() == ""
    assert table.grab().toImage().height() < height
