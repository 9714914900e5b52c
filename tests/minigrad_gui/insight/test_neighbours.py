"""The nearest pictures: the index finds exactly what looking at all finds."""

from dataclasses import replace

import numpy as np
import pytest

from engine import MLP
from minigrad_gui.insight import nearest
from minigrad_gui.insight.neighbours import NearestIndex, _Codes, _features, _Shadows
from minigrad_gui.insight.trace import SAMPLES_AT_ONCE, activations

SPACES = ["hidden", "pixels"]


@pytest.fixture(scope="module")
def model():
    return MLP(784, (250, 230), 10, dtype=np.float32, init="he", rng=np.random.default_rng(0))


@pytest.fixture(scope="module")
def images(mnist):
    return mnist.train_images[:3000]


@pytest.fixture
def pictures(mnist):
    return (mnist.test_images[:8] / 255).astype(np.float32)


def built(*arguments):
    *_, index = NearestIndex.build(*arguments)
    return index


@pytest.mark.parametrize("space", SPACES)
def test_nearest_are_those_at_the_smallest_distances(model, images, pictures, space):
    def place(picture):
        return activations(model, picture)[-2] if space == "hidden" else picture.ravel()

    query = place(pictures[0])
    expected = [np.linalg.norm(place((image / 255).astype(np.float32)) - query) for image in images[:300]]
    indices, distances = nearest(model, pictures[0], images[:300], 7, space)
    np.testing.assert_array_equal(indices, np.argsort(expected)[:7])
    np.testing.assert_allclose(distances, np.sort(expected)[:7], rtol=1e-4)


@pytest.mark.parametrize("space", SPACES)
@pytest.mark.parametrize("count", [1, 12])
def test_the_index_finds_the_same(model, images, pictures, space, count):
    index = built(model, images, space)
    for picture in (*pictures, np.zeros((28, 28), np.float32), np.ones((28, 28), np.float32)):
        indices, distances = index.nearest(picture, count)
        expected, at = nearest(model, picture, images, count, space)
        np.testing.assert_allclose(distances, at, rtol=1e-4)
        np.testing.assert_array_equal(indices, expected)


@pytest.mark.parametrize("space", SPACES)
def test_shadows_are_never_further_apart_than_what_casts_them(model, images, pictures, space):
    index = built(model, images, space)
    everything = np.arange(len(images))
    for picture in pictures:
        order, distances = nearest(model, picture, images, len(images), space)
        squares = distances[np.argsort(order)].astype(np.float64) ** 2
        shadow = _Shadows.cast(_features(index.model, picture[np.newaxis]), index.mean, index.directions)
        coarse, fine = index._coarse_bounds(shadow), index._fine_bounds(everything, shadow)
        for bounds, least_share in ((coarse, 0.5), (fine, 0.8)):
            assert (bounds <= squares).all()
            assert (bounds >= least_share * squares).mean() > 0.9


@pytest.mark.parametrize("hidden", [(5,), (60,), ()])
def test_narrow_networks_have_an_index_too(images, pictures, hidden):
    model = MLP(784, hidden, 10, dtype=np.float32, init="he", rng=np.random.default_rng(0))
    index = built(model, images, "hidden")
    for picture in pictures:
        expected, at = nearest(model, picture, images, 5, "hidden")
        indices, distances = index.nearest(picture, 5)
        np.testing.assert_array_equal(indices, expected)
        np.testing.assert_allclose(distances, at, rtol=1e-4, atol=1e-5)


def rougher(part):
    """Codes that are stored less exactly."""
    codes, scales, errors = part
    rough = np.clip(np.rint(codes / 64) * 64, -64, 64)
    lost = np.linalg.norm((codes - rough) * scales, axis=1)
    return _Codes(rough.astype(np.int8), scales, errors + lost)


def test_bounds_allow_for_the_errors_of_the_codes(model, images):
    index = built(model, images, "pixels")
    coarse, fine = rougher(index.coarse), rougher(index.fine)
    squares = np.linalg.norm(coarse.codes * coarse.scales, axis=1) ** 2
    index = replace(index, coarse=coarse, fine=fine, squares=squares)
    for number in range(20):
        assert index.nearest(images[number], 3)[0][0] == number
        shadow = _Shadows.cast(_features(None, images[[number]]), index.mean, index.directions)
        assert index._coarse_bounds(shadow)[number] <= 0
        assert index._fine_bounds(np.array([number]), shadow) <= 0


def test_pictures_of_noise_which_cast_poor_shadows_are_found_too(model):
    noise = np.random.default_rng(0).integers(0, 256, (2500, 28, 28), np.uint8)
    index = built(model, noise, "pixels")
    for picture in np.random.default_rng(1).random((5, 28, 28), np.float32):
        np.testing.assert_array_equal(index.nearest(picture, 12)[0], nearest(model, picture, noise, 12, "pixels")[0])


def test_an_image_is_nearest_to_itself(model, images):
    index = built(model, images, "pixels")
    indices, distances = index.nearest(images[77], 3)
    assert indices[0] == 77
    assert distances[0] == 0 < distances[1]


def test_few_images_are_all_found(model, images, pictures):
    index = built(model, images[:4], "hidden")
    assert sorted(index.nearest(pictures[0], 12)[0]) == [0, 1, 2, 3]
    assert len(index.nearest(pictures[0], 0)[0]) == 0


class Watched(np.ndarray):
    """Images that count how many of them are fetched."""

    fetched = 0

    def __getitem__(self, chosen):
        Watched.fetched += np.size(chosen)
        return np.asarray(self)[chosen]


def test_few_of_many_images_are_compared(model, mnist, pictures):
    index = built(model, mnist.train_images[:20_000], "hidden")
    watched = replace(index, images=index.images.view(Watched))
    for picture in pictures:
        watched.nearest(picture, 12)
    assert 12 * len(pictures) <= Watched.fetched < 1000 * len(pictures)


def test_an_index_of_all_of_mnist_would_take_10_mb(model, images):
    index = built(model, images, "hidden")
    stored = [*index.coarse, *index.fine, index.rest, index.further, index.squares]
    assert sum(array.nbytes for array in stored) / len(images) * 60_000 < 10e6


@pytest.mark.parametrize("space", SPACES)
def test_only_chosen_images_are_found_by_their_own_indices(model, images, pictures, space):
    chosen = np.random.default_rng(0).permutation(len(images))[:1200]
    index = built(model, images, space, chosen)
    for picture in pictures:
        expected = chosen[nearest(model, picture, images[chosen], 12, space)[0]]
        np.testing.assert_array_equal(index.nearest(picture, 12)[0], expected)


def test_it_is_built_in_many_pieces(model, images):
    *pieces, index = NearestIndex.build(model, images, "pixels")
    assert pieces == [None] * (1 + len(images) // SAMPLES_AT_ONCE)
    assert index.model is None, "it would hold on to a network that it does not need"
