"""The landscape against the loss of networks put together by hand, and its directions against a full decomposition."""

import numpy as np
import pytest
from networks import small_network

from engine.config import TrainingConfig
from engine.nn import MLP, ReLU, Tanh
from engine.run import TrainingRun
from engine.training import evaluate
from minigrad_gui.insight.landscape import SIDE, Surface, Survey, filter_normalised, plane_of

MOMENTS = (0, 1, 3, 7, 20)


def vector(model):
    return np.concatenate([each.data.ravel() for each in model.parameters()])


@pytest.fixture(scope="module")
def models(few):
    """Networks of one run, from its beginning on."""
    config = TrainingConfig(hidden=(12, 8), activation="tanh", epochs=1, batch_size=64, validation_share=0)
    run = TrainingRun(config, few.train_images, few.train_labels, 10)
    kept = [run.model.copy()]
    for number, _ in enumerate(run, 1):
        if number in MOMENTS:
            kept.append(run.model.copy())
    return kept


def of_length(direction):
    return np.sqrt(sum((part**2).sum() for part in direction))


def test_the_directions_are_the_principal_components_and_the_path_lies_on_them(models):
    plane = plane_of(models, "path")
    matrix = np.array([vector(model) for model in models], np.float64)
    _, values, components = np.linalg.svd(matrix - matrix.mean(axis=0), full_matrices=False)
    found = np.array([np.concatenate([part.ravel() for part in each]) for each in plane.directions])
    np.testing.assert_allclose(np.abs(np.sum(found * components[:2], axis=1)), 1, atol=1e-4)
    np.testing.assert_allclose(plane.path, (matrix - matrix[-1]) @ found.T, atol=1e-4)
    np.testing.assert_allclose(plane.shares, values[:2] ** 2 / (values**2).sum(), atol=1e-4)
    np.testing.assert_allclose(plane.path[-1], 0, atol=1e-12)
    assert (plane.span[:, 0] < plane.path.min(axis=0)).all()
    assert (plane.span[:, 1] > plane.path.max(axis=0)).all()


def test_the_path_comes_from_the_left_and_is_mostly_above_its_end(models):
    chosen = [models, models[1:], models[2:], models[:3], models[:4], [*models[:2], models[-1]], models[::-1]]
    for each in chosen:  # the signs of eigenvectors are arbitrary
        path = plane_of(each, "path").path
        assert path[0, 0] < 0
        assert path[:, 1].sum() >= 0


@pytest.mark.parametrize("activation", [ReLU, Tanh])
def test_random_directions_have_the_norm_of_each_filter(activation):
    model = small_network(activation)
    direction = filter_normalised(model, np.random.default_rng(0))
    for layer, W, b in zip(model.layers, direction[::2], direction[1::2], strict=True):
        norms = np.linalg.norm(layer.W.data, axis=1)
        np.testing.assert_allclose(np.linalg.norm(W, axis=1), norms, rtol=1e-5)
        cosines = (W * layer.W.data).sum(axis=1) / norms**2
        assert np.abs(cosines).mean() < 0.5  # they are not the weights themselves
        assert W.dtype == layer.W.dtype
        assert not b.any()


def test_a_random_direction_leaves_out_what_is_no_connection():
    config = TrainingConfig(hidden=(12, 8), receptive_field_px=10)
    model = config.build_model(784, 10)
    model.layers[0].W.data[3] = 0  # a neuron without connections
    direction = filter_normalised(model, np.random.default_rng(0))[0]
    assert not direction[~config.seen(784)].any()
    norms = np.linalg.norm(model.layers[0].W.data, axis=1)
    np.testing.assert_allclose(np.linalg.norm(direction, axis=1), norms, rtol=1e-5)


def test_random_planes_differ_by_their_seed_only(models):
    first, again, other = (plane_of(models, "random", seed) for seed in (0, 0, 1))
    np.testing.assert_array_equal(first.directions[0][0], again.directions[0][0])
    assert not np.array_equal(first.directions[0][0], other.directions[0][0])
    np.testing.assert_array_equal(first.span, [[-1, 1], [-1, 1]])
    # The nearest place: what remains is at right angles to the plane.
    flat = np.array([np.concatenate([part.ravel() for part in each]) for each in first.directions], np.float64)
    remains = np.array([vector(model) - vector(models[-1]) for model in models]) - first.path @ flat
    np.testing.assert_allclose(remains @ flat.T / np.linalg.norm(flat, axis=1), 0, atol=1e-4)


@pytest.mark.parametrize("kind", ["path", "random"])
def test_the_losses_are_those_of_the_networks_there(models, few, kind):
    images, labels = few.test_images[:60], few.test_labels[:60]
    plane = plane_of(models, kind)
    survey = Survey(plane, images, labels)
    while survey.surface is None:
        survey.advance(0.01)
    surface = survey.surface
    assert surface.losses.shape == (9, 9)
    for row, column in [(0, 0), (8, 0), (0, 8), (3, 5), (8, 8)]:
        model = plane.model(surface.x[column], surface.y[row])
        assert surface.losses[row, column] == pytest.approx(evaluate(model, images, labels)[0], rel=1e-4)
    x, y = plane.path[-1]
    expected = evaluate(models[-1], images, labels)[0]
    assert evaluate(plane.model(x, y), images, labels)[0] == pytest.approx(expected, rel=1e-4)


def test_a_network_without_hidden_layers_has_a_landscape(few):
    networks = [MLP(784, [], 10, rng=np.random.default_rng(seed)) for seed in (0, 1)]
    plane = plane_of(networks, "path")
    survey = Survey(plane, few.test_images[:20], few.test_labels[:20])
    survey.advance(10)
    surface = survey.surface
    model = plane.model(surface.x[3], surface.y[4])
    assert surface.losses[4, 3] == pytest.approx(evaluate(model, few.test_images[:20], few.test_labels[:20])[0])


def test_a_coarse_grid_comes_first_and_finer_ones_contain_it(models, few):
    survey = Survey(plane_of(models, "path"), few.test_images[:5], few.test_labels[:5])
    surfaces = []
    while not survey.is_done:
        survey.advance(0)
        if survey.surface is not None and (not surfaces or survey.surface.losses.shape != surfaces[-1].losses.shape):
            surfaces.append(survey.surface)
    assert [surface.losses.shape for surface in surfaces] == [(9, 9), (17, 17), (SIDE, SIDE)]
    np.testing.assert_array_equal(surfaces[2].losses[::4, ::4], surfaces[0].losses)
    np.testing.assert_array_equal(surfaces[1].x, surfaces[2].x[::2])
    assert np.isfinite(surfaces[2].losses).all()


def test_it_stops_between_two_places_when_it_is_cancelled(models, few):
    survey = Survey(plane_of(models, "path"), few.test_images[:5], few.test_labels[:5])
    asked = []
    survey.advance(60, lambda: bool(asked.append(1)) or len(asked) == 3)
    assert len(asked) == 3
    assert survey.surface is None


@pytest.mark.parametrize("count", [2, 1])
def test_a_run_that_hardly_moved_has_a_plane(models, count):
    """Two networks have one main direction, one network (or several equal ones) has none."""
    plane = plane_of([models[0], models[-1]] if count == 2 else [models[-1]] * 3, "path")
    lengths = [of_length(direction) for direction in plane.directions]
    np.testing.assert_allclose(lengths, 1, rtol=1e-4)
    assert (np.diff(plane.span, axis=1) > 0).all()
    if count == 2:
        distance = np.linalg.norm(vector(models[0]) - vector(models[-1]))
        assert plane.path[0, 0] == pytest.approx(-distance, rel=1e-3)


def test_between_the_places_of_a_grid_the_loss_is_linear():
    x, y = np.linspace(-1, 1, 5), np.linspace(0, 4, 5)
    surface = Surface(x, y, np.exp(2 * x + y[:, np.newaxis]))
    assert surface.at(0.5, 3) == pytest.approx(np.exp(4))
    assert surface.at(0.75, 3) == pytest.approx((np.exp(4) + np.exp(5)) / 2)
    assert surface.at(9, 9) == pytest.approx(np.exp(6))  # the nearest one
    inner = np.linspace(-1, 1, 17), np.linspace(0, 4, 17)
    np.testing.assert_allclose(surface.resampled(17), 2 * inner[0] + inner[1][:, np.newaxis])
    surface.losses[0, 0], surface.losses[1, 1] = np.inf, np.nan
    assert surface.resampled(5)[[0, 1], [0, 1]] == pytest.approx([6, 6])
    assert surface.at(1, 4) == pytest.approx(np.exp(6))
