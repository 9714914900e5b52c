"""The lines of the sum add up, however many there are room for."""

import numpy as np
import pytest

from engine import MLP
from minigrad_gui.insight.neurons import Arithmetic, arithmetic
from minigrad_gui.widgets.sum_table import VALUES_SHARE, SumTable, figure


@pytest.fixture
def model():
    return MLP(784, (40, 12), 10, init="he", rng=np.random.default_rng(1))


@pytest.fixture
def table(qtbot):
    table = SumTable()
    qtbot.addWidget(table)
    table.resize(220, 8 * table.fontMetrics().height())
    return table


@pytest.mark.parametrize(("layer", "unit"), [(0, 7), (1, 3), (2, 9)])
def test_the_lines_add_up(table, model, mnist, layer, unit):
    sum_up = arithmetic(model, mnist.test_images[0], layer, unit)
    table.show_sum(sum_up, layer, "ReLU" if layer < 2 else "")
    lines = {line.name: line.value for line in table.lines()}
    total = lines.pop("sum")
    assert lines.pop("ReLU of it", sum_up.output) == pytest.approx(max(total, 0) if layer < 2 else total)
    assert sum(lines.values()) == pytest.approx(total)
    assert len(table.lines()) == (8 if layer < 2 else 7)


def test_the_strongest_terms_come_first_with_their_factors(table, model, mnist):
    sum_up = arithmetic(model, mnist.test_images[0], 0, 7)
    table.show_sum(sum_up, 0, "ReLU")
    first = table.lines()[0]
    pixel = int(np.argmax(np.abs(model.layers[0].W.data[7] * mnist.test_images[0].ravel())))
    assert first.name == f"pixel {pixel % 28 + 1}, {pixel // 28 + 1}"
    weight, ink = model.layers[0].W.data[7, pixel], mnist.test_images[0].ravel()[pixel] / 255
    assert first.factors == f"{weight:.2f} x {ink:.2f}"
    assert first.value == pytest.approx(weight * ink)


def test_a_narrow_table_only_numbers_the_terms(table, model, mnist):
    table.resize(170, table.height())
    table.show_sum(arithmetic(model, mnist.test_images[0], 1, 7), 1, "ReLU")
    assert table.lines()[0].name.isdigit()


def test_in_a_narrow_table_factors_are_whole(table):
    one = np.ones(1)
    table.show_sum(Arithmetic(np.zeros(1, np.intp), -0.12 * one, 10.34 * one, -1.24 * one, 0.0, -1.24, 0.0), 1, "ReLU")
    table.resize(170, table.height())
    picture = table.grab().toImage()
    line = table.fontMetrics().height()
    inked = [x for x in range(20, 120) if len({picture.pixel(x, y) for y in range(line)}) > 1]
    right = round(table.width() * (1 - VALUES_SHARE))
    assert right - min(inked) >= table.fontMetrics().tightBoundingRect("-0.12 x 10.34").width() - 2


def test_a_small_table_shows_the_sum_alone(table, model, mnist):
    table.resize(200, 3 * table.fontMetrics().height())
    table.show_sum(arithmetic(model, mnist.test_images[0], 1, 3), 1, "ReLU")
    assert [line.name.split()[-1] for line in table.lines()] == ["more", "bias", "sum", "it"]
    table.grab()
    table.show_sum(None)
    assert table.lines() == []


@pytest.mark.parametrize(
    ("value", "told"), [(0.004, "0.00"), (-0.004, "0.00"), (-1.5, "-1.50"), (123456.0, "1.2e+05"), (np.nan, "nan")]
)
def test_figures_are_short(value, told):
    assert figure(value) == told
