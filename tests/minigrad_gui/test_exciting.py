"""What excites neurons is found piece by piece, among the digits that the network learned from."""

import numpy as np
import pytest

from engine import MLP, TrainingConfig
from minigrad_gui import exciting
from minigrad_gui.analysis import Desk, TrainedOn
from minigrad_gui.dataset_cache import DatasetCache
from minigrad_gui.exciting import excite
from minigrad_gui.insight import activations

LEARNED_FROM = TrainedOn("mnist", TrainingConfig(validation_share=0.5, seed=3))


@pytest.fixture
def model():
    return MLP(784, [6], 10, dtype=np.float32, init="he", rng=np.random.default_rng(0))


@pytest.fixture
def desk(few_digits):  # noqa: ARG001
    return Desk(DatasetCache(), lambda: False)


def test_pieces_lead_to_the_best_of_all(model, desk, few, monkeypatch):
    monkeypatch.setattr(exciting, "PRODUCTS_AT_ONCE", 600 * 4786)
    pieces = [excite(model, LEARNED_FROM, None, desk)]
    while not pieces[-1].is_complete:
        pieces.append(excite(model, LEARNED_FROM, pieces[-1], desk))
    learned_from = pieces[0].digits.indices
    assert set(learned_from) != set(range(3000))
    assert [piece.seen for piece in pieces] == [600, 1200, len(learned_from)]
    outputs = {int(index): activations(model, few.train_images[index])[0][2] for index in learned_from}
    best = pieces[-1].of(0, 2)
    assert len(best) == exciting.COUNT
    np.testing.assert_allclose(
        [output for _, output in best], sorted(outputs.values())[: -exciting.COUNT - 1 : -1], rtol=1e-5
    )
    for index, output in best:
        assert output == pytest.approx(outputs[index], rel=1e-5)


def test_a_very_large_network_sees_fewer_digits(model, desk, monkeypatch):
    monkeypatch.setattr(exciting, "PRODUCTS_AT_ONCE", 100 * 4786)
    monkeypatch.setattr(exciting, "MOST_PRODUCTS", 150 * 4786)
    first = excite(model, LEARNED_FROM, None, desk)
    assert not first.is_complete
    assert excite(model, LEARNED_FROM, first, desk).is_complete


def test_a_search_that_is_cancelled_finds_nothing(model, few_digits):  # noqa: ARG001
    assert excite(model, LEARNED_FROM, None, Desk(DatasetCache(), lambda: True)) is None
