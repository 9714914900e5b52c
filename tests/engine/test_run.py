"""TrainingRun: step by step or in chunks, reproducible and resumable."""

import importlib.util
import itertools
import math
from contextlib import closing
from dataclasses import replace

import numpy as np
import pytest
from mnist_digits import mnist
from networks import same
from small_runs import COUNT, VARIED, blobs, some_digits

from engine import (
    MLP,
    SGD,
    Augmentation,
    Tanh,
    TrainingConfig,
    evaluate,
    mse_loss,
    predict,
    training_steps,
)
from engine.run import TrainingRun
from engine.samples import split_validation
from engine.training import EpochSummary, logits_of

CONFIG = TrainingConfig(hidden=(8,), batch_size=16, epochs=3, learning_rate=0.01, validation_share=0.2, seed=4)


def test_a_run_counts_its_samples():
    run = TrainingRun(CONFIG, *blobs(), 3)
    assert (run.training_count, run.validation_count, run.steps_per_epoch) == (40, 10, 3)
    assert run.model.sizes == (3, 8, 3)
    assert len(list(run)) == 9


def test_a_run_sums_up_each_epoch_on_its_last_step():
    points, labels = blobs()
    run = TrainingRun(CONFIG, points, labels, 3)
    _, validation = split_validation(COUNT, 0.2, 4)
    epoch = []
    summaries = []
    for step, summary in run:
        epoch.append(step)
        assert (summary is not None) == step.is_last
        if summary:
            loss = sum(s.loss * s.count for s in epoch) / 40
            accuracy = sum(s.correct for s in epoch) / 40
            tested = evaluate(run.model, points[validation], labels[validation])
            assert summary == EpochSummary(step.epoch, loss, accuracy, *tested)
            assert run.latest_validation.epoch == step.epoch
            np.testing.assert_array_equal(run.latest_validation.logits, logits_of(run.model, points[validation]))
            summaries.append(summary)
            epoch.clear()
    assert [summary.epoch for summary in summaries] == [0, 1, 2]


def test_a_run_never_trains_on_its_validation_samples():
    points, labels = blobs()
    training, validation = split_validation(COUNT, 0.2, 4)
    spoiled = points.copy()
    spoiled[validation] = 1e6
    a, b = TrainingRun(CONFIG, points, labels, 3), TrainingRun(CONFIG, spoiled, labels, 3)
    assert [step for step, _ in a] == [step for step, _ in b]
    assert same(a.model, b.model)
    assert len(training) == a.training_count


def test_a_run_on_fewer_samples_with_noise():
    points, labels = blobs()
    run = TrainingRun(replace(CONFIG, training_samples=21, label_noise=0.5), points, labels, 3)
    assert run.training_count == len(run.training) == run.config.training_count(COUNT) == 21
    np.testing.assert_array_equal(np.flatnonzero(run.labels != labels), np.sort(run.training[wrong(run, labels)]))
    assert wrong(run, labels).sum() == 10
    _, validation = split_validation(COUNT, 0.2, 4)
    np.testing.assert_array_equal(run.validation[1], labels[validation])


def wrong(run: TrainingRun, labels: np.ndarray) -> np.ndarray:
    """Which of its training samples have another label than they should, bool (n,)."""
    return run.labels[run.training] != labels[run.training]


def test_images_are_not_copied_unless_they_are_scattered():
    points, labels = blobs()
    assert TrainingRun(CONFIG, points, labels, 3).images is points
    scattered = np.repeat(points, 2, axis=1)[:, ::2]
    assert not scattered.flags.c_contiguous
    runs = [TrainingRun(CONFIG, images, labels, 3) for images in (points, scattered)]
    assert [step for step, _ in runs[0]] == [step for step, _ in runs[1]]
    assert runs[1].images.flags.c_contiguous


def test_outliers_become_fewer_with_the_samples():
    outliers = np.zeros((8, 3))
    run = TrainingRun(replace(CONFIG, training_samples=20), *blobs(), 3, outliers=outliers)
    assert run.training_count == run.config.training_count(COUNT, len(outliers)) == 20 + 4


@pytest.mark.parametrize("noise", [0.0, 0.2])
def test_a_network_learns_500_digits_by_heart(mnist, noise):
    """It overfits: all training digits are read as they are labelled, even wrongly, and far fewer of the others."""
    config = TrainingConfig((128,), learning_rate=2e-3, batch_size=50, epochs=60, training_samples=500)
    run = TrainingRun(replace(config, label_noise=noise), mnist.train_images[:6000], mnist.train_labels[:6000], 10)
    for _ in run.chunks():
        pass
    assert run.training_count == 500
    assert run.epochs[-1].accuracy == 1
    assert run.epochs[-1].validation_accuracy < (0.92 if noise == 0 else 0.8)


def test_a_run_without_validation():
    run = TrainingRun(TrainingConfig(hidden=(8,), epochs=1, validation_share=0), *blobs(), 3)
    *_, (_, summary) = run
    assert run.training_count == COUNT
    assert (summary.validation_loss, summary.validation_accuracy) == (None, None)
    assert run.latest_validation is None
    assert 0 <= summary.accuracy <= 1


def test_a_run_from_the_same_config_repeats_bit_for_bit():
    a, b = TrainingRun(CONFIG, *blobs(), 3), TrainingRun(CONFIG, *blobs(), 3)
    assert list(a) == list(b)
    assert same(a.model, b.model)


def test_a_run_continues_from_a_copy_of_a_network():
    start = CONFIG.build_model(3, 3)
    for p in start.parameters():
        p.data += 0.5
    before = start.copy()
    run = TrainingRun(CONFIG, *blobs(), 3, start_from=start)
    assert same(run.model, start)
    list(run)
    assert same(start, before)
    assert not same(run.model, start)


def test_a_network_to_continue_from_must_be_the_one_that_is_described():
    frozen = CONFIG.build_model(3, 3)
    frozen.layers[0].b.requires_grad = False
    for other in (MLP(3, [9], 3), MLP(3, [8], 3, Tanh), frozen):
        with pytest.raises(ValueError, match="the network to continue from"):
            TrainingRun(CONFIG, *blobs(), 3, start_from=other)


def test_data_that_cannot_be_trained_on_is_refused():
    points, labels = blobs()
    with pytest.raises(TypeError, match="labels are whole numbers, not float64"):
        TrainingRun(CONFIG, points, labels + 0.5, 3)
    with pytest.raises(ValueError, match="no images"):
        TrainingRun(CONFIG, points[:0], labels[:0], 3)
    for outliers in (points.astype(np.float32), np.zeros((5, 4))):
        with pytest.raises(ValueError, match="outliers are images as the others"):
            TrainingRun(CONFIG, points, labels, 3, outliers=outliers)
    with pytest.raises(ValueError, match=r"images that vary have the shape \(N, height, width\), not \(50, 3\)"):
        next(iter(TrainingRun(replace(CONFIG, augmentation=VARIED), points, labels, 3)))
    run = TrainingRun(CONFIG, points, labels, 3)
    run.threads = -1
    with pytest.raises(ValueError, match="at least one thread"):
        next(iter(run))


def test_what_was_validated_is_forgotten_with_a_new_state():
    run = TrainingRun(CONFIG, *blobs(), 3)
    beginning = run.state()
    list(run)
    assert run.latest_validation.epoch == 2
    run.load_state(beginning)
    assert run.latest_validation is None


def test_a_run_takes_images_of_bytes():
    images = np.random.default_rng(0).integers(0, 256, (COUNT, 4, 5), np.uint8)
    run = TrainingRun(CONFIG, images, blobs()[1].astype(np.uint8), 3)
    assert run.model.sizes == (20, 8, 3)
    assert all(np.isfinite(step.loss) for step, _ in run)


def test_integers_that_are_not_classes_are_not_counted():
    one_hot = np.eye(3, dtype=int)[[0, 1, 2, 0]]
    model = MLP(2, [4], 3, rng=np.random.default_rng(0))
    steps = training_steps(model, np.ones((4, 2)), one_hot, SGD(model.parameters()), mse_loss, epochs=1, batch_size=2)
    assert [step.correct for step in steps] == [0, 0]


def test_a_rehearsal_is_endless_and_does_not_change_the_network():
    run = TrainingRun(CONFIG, *blobs(), 3)
    before = [parameter.data.copy() for parameter in run.model.parameters()]
    steps = list(itertools.islice(run.rehearsal(), 3 * run.steps_per_epoch))
    assert steps[-1].loss < steps[0].loss
    for parameter, old in zip(run.model.parameters(), before, strict=True):
        np.testing.assert_array_equal(parameter.data, old)


@pytest.mark.parametrize("schedule", ["constant", "cosine"])
def test_a_run_in_chunks_equals_the_run_step_by_step(schedule):
    config = replace(CONFIG, schedule=schedule, batch_size=2)
    single, run = TrainingRun(config, *blobs(dtype=np.float32), 3), TrainingRun(config, *blobs(dtype=np.float32), 3)
    run.chunk_s = 60.0
    told, chunks = list(single), list(run.chunks())
    assert [step for steps, _ in chunks for step in steps] == [step for step, _ in told]
    assert [summary for _, summary in chunks if summary] == [summary for _, summary in told if summary]
    assert all((summary is not None) == steps[-1].is_last for steps, summary in chunks)
    assert same(single.model, run.model)
    assert run.is_finished
    assert run.optimizer.lr == single.optimizer.lr
    np.testing.assert_array_equal(run.losses, single.losses)


def test_a_run_can_be_interrupted_between_two_chunks():
    whole, run, rest = (TrainingRun(replace(CONFIG, batch_size=2), *blobs(dtype=np.float32), 3) for _ in range(3))
    list(whole)
    run.chunk_s = 60.0
    with closing(run.chunks()) as chunks:
        done = sum(len(steps) for steps, _ in itertools.islice(chunks, 2))
        assert run.steps_done == len(run.losses) == done
        assert run.samples_into_epoch == 2 * done % run.training_count
        rest.load_state(run.state())
    list(rest)
    assert same(rest.model, whole.model)
    assert rest.epochs == whole.epochs


def test_chunks_of_no_time_are_single_steps():
    run = TrainingRun(replace(CONFIG, batch_size=2), *blobs(dtype=np.float32), 3)
    run.chunk_s = 0.0
    with closing(run.chunks()) as chunks:
        assert [len(steps) for steps, _ in itertools.islice(chunks, 10)] == [1] * 10
        run.chunk_s = 60.0
        longer = len(next(chunks)[0])
    assert longer == (10 if importlib.util.find_spec("numba") else 1)  # the rest of the epoch, where it is compiled


def learning_rates(run):
    return [run.optimizer.lr for _ in run]


def test_a_constant_learning_rate_stays():
    assert learning_rates(TrainingRun(CONFIG, *blobs(), 3)) == [0.01] * 9


def test_a_cosine_learning_rate_decays_to_nearly_0():
    config = replace(CONFIG, schedule="cosine", epochs=20)
    rates = np.array(learning_rates(TrainingRun(config, *blobs(), 3)))
    assert rates[0] == config.learning_rate
    assert (np.diff(rates) < 0).all()
    assert 0 < rates[-1] < 0.001 * config.learning_rate
    done = np.arange(60) / 60
    np.testing.assert_allclose(rates, config.learning_rate * 0.5 * (1 + np.cos(np.pi * done)), rtol=1e-12)


def test_a_one_cycle_learning_rate_rises_and_decays():
    rates = learning_rates(TrainingRun(replace(CONFIG, schedule="one-cycle", epochs=20), *blobs(), 3))
    assert rates[0] == pytest.approx(0.04 * CONFIG.learning_rate)
    assert np.argmax(rates) == 18  # after 30% of 60 steps
    assert max(rates) == CONFIG.learning_rate
    assert (np.diff(rates[:19]) > 0).all()
    assert (np.diff(rates[18:]) < 0).all()
    assert 0 < rates[-1] < 0.002 * CONFIG.learning_rate


def test_a_step_learning_rate_falls_twice():
    rates = learning_rates(TrainingRun(replace(CONFIG, schedule="step", epochs=4), *blobs(), 3))
    assert rates == pytest.approx(6 * [0.01] + 3 * [0.001] + 3 * [0.0001])


def test_a_schedule_makes_a_difference_from_the_second_step_on():
    constant, cosine = (
        list(TrainingRun(replace(CONFIG, schedule=name), *blobs(), 3)) for name in ("constant", "cosine")
    )
    assert constant[:2] == cosine[:2]
    assert constant[2] != cosine[2]


@pytest.mark.parametrize("schedule", ["constant", "cosine"])
def test_a_new_learning_rate_takes_effect_at_once_and_the_schedule_continues(schedule):
    run = TrainingRun(replace(CONFIG, schedule=schedule), *blobs(), 3)
    rates = []
    for index, _ in enumerate(run):
        rates.append(run.optimizer.lr)
        if index == 3:
            run.learning_rate = 0.5
    parts = [0.5 * (1 + math.cos(math.pi * step / 9)) if schedule == "cosine" else 1 for step in range(9)]
    assert rates == pytest.approx([(0.01 if step <= 3 else 0.5) * part for step, part in enumerate(parts)])


def test_an_augmented_run_repeats_bit_for_bit():
    config = replace(CONFIG, augmentation=VARIED, schedule="cosine")
    a, b, plain = (
        TrainingRun(c, *some_digits(), 10) for c in (config, config, replace(config, augmentation=Augmentation()))
    )
    taken = list(a)
    assert taken == list(b)
    assert same(a.model, b.model)
    assert taken[0] != next(iter(plain))


def test_the_last_epochs_are_plain():
    varied = replace(CONFIG, augmentation=VARIED, schedule="cosine", epochs=3)
    plain = replace(varied, augmentation=Augmentation())
    steps = {
        name: [step for step, _ in TrainingRun(config, *some_digits(), 10)]
        for name, config in (
            ("varied", varied),
            ("one plain", replace(varied, plain_epochs=1)),
            ("all plain", replace(varied, plain_epochs=7)),
            ("plain", plain),
            ("plain anyway", replace(plain, plain_epochs=1)),
        )
    }
    last = [index for index, step in enumerate(steps["varied"]) if step.epoch == 2]
    assert steps["one plain"][: last[0]] == steps["varied"][: last[0]]
    assert all(steps["one plain"][index].loss != steps["varied"][index].loss for index in last)
    assert np.mean([steps["one plain"][index].loss for index in last]) < np.mean(
        [steps["varied"][index].loss for index in last]
    )
    assert steps["all plain"] == steps["plain anyway"] == steps["plain"]


def test_a_rehearsal_has_the_runs_augmentation():
    run = TrainingRun(replace(CONFIG, augmentation=VARIED), *some_digits(), 10)
    rehearsed = next(run.rehearsal())
    assert rehearsed == next(iter(run))[0]


def test_an_augmented_run_learns_to_read_unchanged_digits():
    config = TrainingConfig(
        hidden=(64,), learning_rate=3e-3, batch_size=32, epochs=8, schedule="cosine", augmentation=VARIED
    )
    run = TrainingRun(config, *some_digits(2000), 10)
    epochs = [summary for _, summary in run if summary]
    assert epochs[-1].loss < 0.7 * epochs[0].loss
    assert epochs[-1].validation_accuracy > 0.85
    assert epochs[-1].validation_loss < epochs[-1].loss
    digits = mnist()
    assert evaluate(run.model, digits.test_images, digits.test_labels)[1] > 0.85


def test_a_run_learns_to_be_unsure_of_outliers():
    points, labels = blobs(200)
    outliers = np.random.default_rng(3).normal(0, 1, (60, 3)) - 4
    config = replace(CONFIG, epochs=60)
    unsure = TrainingRun(config, points, labels, 3, outliers=outliers)
    assert (unsure.training_count, unsure.validation_count) == (160 + 60, 40)
    summary = [epoch for _, epoch in unsure if epoch][-1]
    sure = TrainingRun(config, points, labels, 3)
    list(sure)
    others = np.random.default_rng(4).normal(0, 1, (100, 3)) - 4
    confidence = [np.median(predict(run.model, others).max(axis=1)) for run in (unsure, sure)]
    assert confidence[0] < 0.5 < 0.9 < confidence[1]
    assert evaluate(unsure.model, points, labels)[1] > 0.98
    assert summary.accuracy > 0.9, "an outlier counts as classified correctly if it is none of the classes"


def test_a_run_without_outliers_is_what_it_was():
    plain, empty = (TrainingRun(CONFIG, *blobs(), 3, outliers=none) for none in (None, np.empty((0, 3))))
    assert [step.loss for step, _ in plain] == [step.loss for step, _ in empty]
    assert same(plain.model, empty.model)


def test_a_run_with_outliers_is_resumed_to_the_same_network():
    def run():
        return TrainingRun(CONFIG, *blobs(), 3, outliers=np.ones((20, 3)))

    whole, first, second = run(), run(), run()
    list(whole)
    for _ in itertools.islice(first, 5):
        pass
    second.load_state(first.state())
    list(second)
    assert same(whole.model, second.model)
