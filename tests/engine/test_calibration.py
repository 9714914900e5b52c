"""Calibration: a network is as often right as its probabilities say."""

import json
from dataclasses import replace

import numpy as np
import pytest
from mnist_digits import mnist

from engine import MLP, TrainingConfig, predict
from engine.calibration import HARDER, HIGHEST, LOWEST, Calibration, calibrate, calibrate_run
from engine.run import TrainingRun
from engine.training import logits_of

COUNT = 5000


def readers(times=1.0, count=COUNT, dtype=np.float64):
    """A network, points (count, 3) and labels drawn from its own probabilities; then its logits are multiplied."""
    rng = np.random.default_rng(3)
    model = MLP(3, [], 3, rng=rng, dtype=dtype)
    (layer,) = model.layers
    layer.W.data[:], layer.b.data[:] = np.eye(3), 0.1
    points = rng.normal(0, 2, (count, 3)).astype(dtype)
    labels = (rng.random((count, 1)) > predict(model, points).cumsum(axis=1)[:, :-1]).sum(axis=1)
    for p in model.parameters():
        p.data *= times
    return model, points, labels


def probabilities_of(model, points, temperature):
    return Calibration(temperature).read(logits_of(model, points))[0]


def evidence_of(model, points):
    return np.log(np.exp(logits_of(model, points)).sum(axis=1))


def loss(model, points, labels, temperature=1.0):
    return -np.log(probabilities_of(model, points, temperature)[np.arange(len(labels)), labels]).mean()


def calibration_error(probabilities, labels, bins=10):
    """Expected calibration error: the mean distance between accuracy and confidence, over bins of confidence."""
    said, right = probabilities.max(axis=1), probabilities.argmax(axis=1) == labels
    which = np.minimum((said * bins).astype(int), bins - 1)
    return sum(abs((said - right)[which == bin].sum()) for bin in range(bins)) / len(labels)


@pytest.fixture(scope="module")
def overconfident():
    """A network that has memorised 1,000 digits, and two sets of unseen digits: images and labels."""
    digits = mnist()
    config = TrainingConfig(hidden=(64,), epochs=40, learning_rate=3e-3, validation_share=0)
    run = TrainingRun(config, digits.train_images[:1000], digits.train_labels[:1000], 10)
    *_, (step, _) = run
    assert step.loss < 0.01
    parts = np.s_[:1500], np.s_[2000:4000]
    return run.model, *((digits.test_images[part], digits.test_labels[part]) for part in parts)


# ---------------------------------------------------------------- the temperature


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_calibrated_network_gets_temperature_1(dtype):
    assert calibrate(*readers(dtype=dtype)).temperature == pytest.approx(1, rel=0.05)


@pytest.mark.parametrize("times", [0.5, 3, 10])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_temperature_scales_with_the_logits(times, dtype):
    before, after = calibrate(*readers(dtype=dtype)), calibrate(*readers(times, dtype=dtype))
    assert after.temperature == pytest.approx(times * before.temperature, rel=0.01)


def test_no_other_temperature_has_a_lower_loss():
    data = readers(3)
    best = calibrate(*data).temperature
    least = loss(*data, best)
    for other in (LOWEST, 1.0, best * 0.99, best * 1.01, HIGHEST):
        assert loss(*data, other) > least


def test_temperatures_stay_within_their_limits():
    model, points, _ = readers()
    right = predict(model, points).argmax(axis=1)
    sure = np.abs(np.sort(points, axis=1)[:, -1] - np.sort(points, axis=1)[:, -2]) > 1
    assert calibrate(model, points[sure], right[sure]).temperature == pytest.approx(LOWEST, rel=1e-6)
    assert calibrate(model, points, (right + 1) % 3).temperature == pytest.approx(HIGHEST, rel=1e-6)


@pytest.mark.parametrize("temperature", [LOWEST, 0.5, 2.0, HIGHEST])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_temperature_changes_the_confidence_but_not_the_answer(temperature, dtype):
    model, points, _ = readers(dtype=dtype)
    cold, warm = predict(model, points), probabilities_of(model, points, temperature)
    assert (warm.shape, warm.dtype) == (cold.shape, dtype)
    np.testing.assert_allclose(warm.sum(axis=1), 1, rtol=1e-6)
    np.testing.assert_array_equal(warm.argmax(axis=1), cold.argmax(axis=1))
    change = warm.max(axis=1) - cold.max(axis=1)
    assert (change <= 0).all() if temperature > 1 else (change >= 0).all()
    assert np.abs(change).mean() > 0.05


def test_a_temperature_of_1_changes_nothing():
    model, points, _ = readers()
    np.testing.assert_array_equal(probabilities_of(model, points, 1.0), predict(model, points))


# ---------------------------------------------------------------- the log_sum_exp


@pytest.mark.parametrize("share", [0.0, 0.01, 0.1, 0.5])
def test_the_limit_turns_away_the_given_share_of_correct_answers(share):
    model, points, labels = readers(3)
    found = calibrate(model, points, labels, turned_away=share)
    right = predict(model, points).argmax(axis=1) == labels
    assert (evidence_of(model, points) < found.least_log_sum_exp)[right].mean() == pytest.approx(share, abs=0.002)


def test_harder_images_set_the_limit_but_not_the_temperature():
    model, points, labels = readers()
    harder = points / 2
    easily, found = calibrate(model, points, labels), calibrate(model, points, labels, harder)
    assert found.temperature == easily.temperature
    right = predict(model, harder).argmax(axis=1) == labels
    assert (evidence_of(model, harder) < found.least_log_sum_exp)[right].mean() == pytest.approx(0.03, abs=0.002)
    assert found.least_log_sum_exp != easily.least_log_sum_exp


def test_three_in_a_hundred_are_turned_away_by_default():
    data = readers()
    assert calibrate(*data) == calibrate(*data, turned_away=0.03)


def test_without_correct_answers_there_is_no_limit():
    model, points, _ = readers(count=500)
    assert calibrate(model, points, predict(model, points).argmin(axis=1)).least_log_sum_exp is None


LOGITS = np.array([[5.0, 0.0, 0.0], [0.2, 0.1, 0.0], [-4.0, -9.0, -9.0]])


def test_an_answer_needs_more_than_half():
    probabilities, accepted = Calibration().read(LOGITS)
    np.testing.assert_array_equal(accepted, [True, False, True])
    np.testing.assert_allclose(probabilities.sum(axis=1), 1)


def test_an_answer_needs_the_log_sum_exp_if_there_is_a_limit():
    assert Calibration(least_log_sum_exp=-3.0).read(LOGITS)[1].tolist() == [True, False, False]
    assert Calibration(least_log_sum_exp=6.0).read(LOGITS)[1].tolist() == [False, False, False]


@pytest.mark.parametrize("logits", [[np.inf, 1, 2], [np.nan, 1, 2], [-np.inf] * 3, [3e38, -3e38, 0]])
def test_logits_that_are_not_finite_or_enormous_are_read_without_warnings(logits):
    probabilities, _ = Calibration(temperature=0.3, least_log_sum_exp=5.0).read(np.array([logits], np.float32))
    assert probabilities.shape == (1, 3)


def test_huge_logits_do_not_overflow():
    probabilities, accepted = Calibration(least_log_sum_exp=0.0).read(np.array([[1e30, 0, 0]], np.float32))
    assert probabilities.tolist() == [[1, 0, 0]]
    assert accepted.tolist() == [True]


@pytest.mark.parametrize(
    "stored",
    [
        None,
        3,
        [],
        {"temperature": 0.0},
        {"temperature": -1.0},
        {"temperature": float("nan")},
        {"temperature": 1e9},
        {"temperature": "2"},
        {"threshold": 1.5},
        {"least_evidence": float("inf")},
        {"least_evidence": "much"},
        {"something": 1.0},
    ],
)
def test_invalid_calibrations_are_rejected(stored):
    with pytest.raises((TypeError, ValueError)):
        Calibration.from_dict(stored)


def test_a_calibration_fits_json():
    found = Calibration(1.4, 5.2, 0.6)
    assert Calibration.from_dict(json.loads(json.dumps(found.to_dict()))) == found
    assert Calibration.from_dict({}) == Calibration()


# ---------------------------------------------------------------- a network that reads digits


def test_an_overconfident_network_becomes_less_confident(overconfident):
    model, held_back, (images, labels) = overconfident
    found = calibrate(model, *held_back)
    assert 1.2 < found.temperature < 5
    assert loss(model, *held_back, found.temperature) < loss(model, *held_back)
    assert loss(model, images, labels, found.temperature) < loss(model, images, labels)
    before, after = (calibration_error(probabilities_of(model, images, t), labels) for t in (1.0, found.temperature))
    assert before > 0.03
    assert after < before / 2


def test_pictures_without_a_digit_are_turned_away_more_often_than_digits(overconfident):
    model, held_back, (images, labels) = overconfident
    found = calibrate(model, *held_back)
    right = predict(model, images).argmax(axis=1) == labels
    digits = found.read(logits_of(model, images[right]))[1]
    pieces = np.random.default_rng(0).permuted(images.reshape(-1, 4, 7, 28), axis=1).reshape(-1, 28, 28)
    nonsense = found.read(logits_of(model, pieces))[1]
    assert (~digits).mean() < 0.1
    assert (~nonsense).mean() > 2 * (~digits).mean()


def test_the_network_is_not_changed(overconfident):
    model, held_back, _ = overconfident
    before = [p.data.copy() for p in model.parameters()]
    calibrate(model, *held_back)
    for p, old in zip(model.parameters(), before, strict=True):
        np.testing.assert_array_equal(p.data, old)


def test_bytes_and_labels_of_any_whole_dtype(overconfident):
    model, (images, labels), _ = overconfident
    found = calibrate(model, images, labels)
    assert calibrate(model, images / 255, labels.astype(np.int64)) == found


def test_a_fitted_calibration_has_plain_numbers(overconfident):
    model, held_back, _ = overconfident
    assert {type(value) for value in calibrate(model, *held_back).to_dict().values()} == {float}


# ---------------------------------------------------------------- a run that held digits back


def small_run(**settings):
    digits = mnist()
    settings = {"validation_share": 0.4, "epochs": 10, **settings}
    config = TrainingConfig(hidden=(32,), learning_rate=3e-3, batch_size=32, seed=6, **settings)
    run = TrainingRun(config, digits.train_images[:2500], digits.train_labels[:2500], 10)
    list(run)
    return run


def test_a_run_is_calibrated_on_its_validation_samples():
    run = small_run()
    images, labels = run.validation
    assert (len(images), len(labels)) == (1000, 1000)
    found = calibrate_run(run)
    assert found == calibrate_run(run)
    assert found.temperature == calibrate(run.model, images, labels).temperature
    harder = [HARDER(images, np.random.default_rng(seed)) for seed in range(3)]
    expected = [calibrate(run.model, images, labels, pictures).least_log_sum_exp for pictures in harder]
    assert found.least_log_sum_exp == pytest.approx(np.mean(expected), abs=0.5)
    assert found.least_log_sum_exp != calibrate(run.model, images, labels).least_log_sum_exp


@pytest.fixture(scope="module")
def nothing_held_back():
    """A run that was trained on all training digits until it is overconfident."""
    digits = mnist()
    config = TrainingConfig(hidden=(128,), epochs=9, learning_rate=2e-3, validation_share=0, seed=1)
    run = TrainingRun(config, digits.train_images, digits.train_labels, 10)
    for _ in run.chunks():
        pass
    return run


@pytest.fixture(scope="module")
def on_varied_digits(nothing_held_back):
    return calibrate_run(nothing_held_back)


def test_a_run_without_validation_is_calibrated_on_varied_training_digits(nothing_held_back, on_varied_digits):
    """Its confidence on unseen digits is nearly as accurate as if it had been calibrated on those."""
    run, images, labels = nothing_held_back, mnist().test_images, mnist().test_labels
    found = on_varied_digits
    right = calibrate(run.model, images, labels, HARDER(images, np.random.default_rng(8)))
    assert found.temperature == pytest.approx(right.temperature, rel=0.15)
    assert found.least_log_sum_exp == pytest.approx(right.least_log_sum_exp, abs=0.5)
    before, after = (calibration_error(probabilities_of(run.model, images, t), labels) for t in (1, found.temperature))
    assert after < 0.0065 < before
    # It has memorised its training digits: these ask for more confidence, not less.
    memorised = calibrate(run.model, run.images[:10_000], run.labels[:10_000])
    assert memorised.temperature < 0.7 * right.temperature


def test_few_validation_digits_are_not_used(nothing_held_back, on_varied_digits):
    digits, nothing = mnist(), nothing_held_back
    few = TrainingRun(replace(nothing.config, validation_share=0.001), digits.train_images, digits.train_labels, 10)
    assert few.validation_count == 60
    assert calibrate_run(few, nothing.model).temperature == pytest.approx(on_varied_digits.temperature, rel=0.15)


@pytest.mark.parametrize("share", [0, 0.2])
def test_a_network_that_knows_its_few_digits_by_heart_is_not_believed(share):
    digits = mnist()
    config = TrainingConfig(epochs=30, batch_size=32, validation_share=share)
    run = TrainingRun(config, digits.train_images[:100], digits.train_labels[:100], 10)
    list(run)
    temperature = calibrate_run(run).temperature
    images, labels = digits.test_images, digits.test_labels
    assert calibration_error(probabilities_of(run.model, images, temperature), labels) < 0.08
    assert calibration_error(probabilities_of(run.model, images, 0.3), labels) > 0.15, "as on its digits, varied"


def test_sorted_samples_are_calibrated_on_all_their_classes():
    digits = mnist()
    order = np.argsort(digits.train_labels[:10000], kind="stable")
    images, labels = digits.train_images[order], digits.train_labels[order]
    config = TrainingConfig(hidden=(16,), epochs=1, batch_size=500, validation_share=0)
    run = TrainingRun(config, images, labels, 10)
    list(run)
    run.model.layers[-1].b.data[:4] += 9  # every digit is read as one of the first, which are rightly read
    assert calibrate_run(run).temperature > 3


@pytest.mark.parametrize("share", [0, 0.4])
def test_a_run_is_calibrated_without_its_outliers(share):
    digits = mnist()
    samples = digits.train_images[:1500], digits.train_labels[:1500]
    config = TrainingConfig(hidden=(32,), learning_rate=3e-3, batch_size=32, epochs=3, validation_share=share)
    run = TrainingRun(config, *samples, 10, outliers=255 - digits.train_images[1500:1700])
    list(run)
    found = calibrate_run(run)
    assert found.read(logits_of(run.model, digits.test_images))[1].mean() > 0.9
    assert found.read(logits_of(run.model, 255 - digits.test_images[:500]))[1].mean() < 0.1
    run.training = run.training[run.labels[run.training] >= 0]
    assert calibrate_run(run) == found
