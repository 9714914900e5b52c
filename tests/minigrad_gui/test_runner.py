"""A run from its data to its record, without a window."""

import os
import threading
from contextlib import closing
from dataclasses import replace

import numpy as np
import pytest
from mnist_digits import first_digits

from engine import Adam, ModelFileError, TrainingConfig, cross_entropy_loss, evaluate, load_checkpoint
from engine.checkpoint import save_checkpoint, summarize_checkpoint
from engine.ending import best_epoch
from engine.nn import is_finite
from engine.record import LearningRateChange
from engine.run import TrainingRun
from minigrad_gui import data, process
from minigrad_gui.control import TrainingControl
from minigrad_gui.machine_code import MachineCode
from minigrad_gui.runner import DivergedError, RunCache, TrainingJob, open_run

CONFIG = TrainingConfig(hidden=(16,), learning_rate=0.01, epochs=2, batch_size=100, validation_share=0.1)


@pytest.fixture(scope="module")
def digits():
    return first_digits()


@pytest.fixture(autouse=True)
def few_digits(digits, monkeypatch):
    monkeypatch.setattr(data, "load", lambda *_: digits)


def job_of(config=CONFIG, **others):
    return TrainingJob(config, "mnist", TrainingControl(config.learning_rate), **{"threads": 1, **others})


def refuse(error):
    raise AssertionError(f"a checkpoint that could not be written: {error}")


def opened(job, cache=None, failed=refuse):
    return open_run(job, cache or RunCache(), failed)


def weights(model):
    return np.concatenate([parameter.data.ravel() for parameter in model.parameters()])


def test_a_run_is_trained_tested_and_recorded():
    job = job_of(taught_drawings=3)
    with opened(job) as runner:
        epochs = [epoch for _, epoch in runner.chunks() if epoch is not None]
        result = runner.finish()
        record = runner.record(result)
    assert [epoch.epoch for epoch in epochs] == [0, 1]
    assert result.error is None
    loss, accuracy = result.test
    assert accuracy > 0.7
    assert result.calibration.least_log_sum_exp is not None
    assert (record.test_loss, record.test_accuracy) == (loss, accuracy)
    assert record.calibration == result.calibration
    assert (record.config, record.dataset, record.blas_threads) == (CONFIG, "mnist", 1)
    assert record.taught_drawings == 3
    assert list(record.epochs) == epochs
    assert record.learning_rate_changes == ()
    assert record.versions["numpy"] == np.__version__


def test_the_best_epoch_is_tested_and_given():
    config = replace(CONFIG, epochs=5, learning_rate=0.02, keep_best="loss", averaging="ema", validation_share=0.2)
    with opened(job_of(config)) as runner:
        networks = [runner.frozen_model() for _, epoch in runner.chunks() if epoch is not None]
        best = networks[best_epoch(config, runner.run.epochs).epoch]
        assert best is not networks[-1]
        result, images, labels = runner.finish(), runner.dataset.test_images, runner.dataset.test_labels
        assert result.test == evaluate(best, images, labels)  # here with the same number of threads
    np.testing.assert_array_equal(weights(runner.frozen_model()), weights(best))


def test_a_run_is_calibrated_only_on_request():
    with opened(job_of()) as runner:
        list(runner.chunks())
        result = runner.finish(calibrates=False)
    assert result.calibration is None
    assert result.test is not None


def test_another_learning_rate_is_recorded_once_and_used():
    job = job_of()
    with opened(job) as runner:
        runner.run.chunk_s = 0
        chunks = runner.chunks()
        next(chunks)
        runner.change_learning_rate(CONFIG.learning_rate)
        runner.change_learning_rate(0.25)
        runner.change_learning_rate(0.25)
        chunks.close()
        assert runner.run.learning_rate == 0.25
        assert job.rate_changes == [LearningRateChange(1, 0.25)]
        assert job.record(1).learning_rate_changes == (LearningRateChange(1, 0.25),)


def test_a_resumed_run_ends_like_an_uninterrupted_one(tmp_path):
    with opened(job_of()) as runner:
        list(runner.chunks())
        whole = weights(runner.run.model)
    path = tmp_path / "run.npz"
    with opened(job_of(checkpoint_path=path, taught_drawings=2)) as runner:
        runner.run.chunk_s = 0
        chunks = runner.chunks()
        for _ in range(7):
            next(chunks)
        chunks.close()
        runner.checkpoint.write()
    again = TrainingJob.resuming(path, summarize_checkpoint(path), path)
    assert again.taught_drawings == 2
    with opened(again) as runner:
        assert (runner.run.steps_done, runner.threads) == (7, 1)
        list(runner.chunks())
        np.testing.assert_array_equal(weights(runner.run.model), whole)
        runner.checkpoint.write()
    assert load_checkpoint(path)[1]["taught_drawings"] == 2


def test_the_checkpoint_follows_the_run_until_it_is_abandoned(tmp_path):
    job = job_of(replace(CONFIG, epochs=1000), checkpoint_path=tmp_path / "run.npz")
    with opened(job) as runner, closing(runner.chunks()) as chunks:
        runner.checkpoint.write()
        assert any(summarize_checkpoint(job.checkpoint_path).epochs_done for _ in chunks)
        job.control.abandon(keep=False)
        job.checkpoint_path.unlink()
        runner.checkpoint.write()
    assert not job.checkpoint_path.exists()


def test_a_failed_checkpoint_is_reported_once_and_training_continues(tmp_path):
    told = []
    folder = tmp_path / "gone"
    with opened(job_of(checkpoint_path=folder / "run.npz"), failed=told.append) as runner:
        with pytest.raises(ModelFileError):
            runner.checkpoint.write()
        runner.checkpoint.try_to_write()
        for _ in runner.chunks():
            runner.checkpoint.try_to_write()
        assert runner.run.is_finished
        assert len(told) == 1
        folder.mkdir()
        runner.checkpoint.try_to_write()
    assert summarize_checkpoint(folder / "run.npz").is_finished


def test_a_diverged_run_reports_its_last_finite_steps():
    config = replace(CONFIG, optimizer="sgd", learning_rate=1000)
    with opened(job_of(config)) as runner:
        seen = []
        with pytest.raises(DivergedError) as diverged:
            seen.extend(step for steps, _ in runner.chunks() for step in steps)
        sound = [*seen, *diverged.value.steps]
        assert 0 < len(sound) < runner.run.steps_done
        assert not any(step.diverged for step in sound)
        assert "exploded" in runner.diagnose(diverged=True).finding


def test_a_run_that_explodes_ends_with_the_network_that_is_kept(tmp_path):
    config = replace(CONFIG, optimizer="sgd", learning_rate=0.1, keep_best="loss", epochs=4)
    with opened(job_of(config, checkpoint_path=tmp_path / "run.npz")) as runner:
        seen = []
        for steps, epoch in runner.chunks():
            seen.extend(steps)
            if epoch is not None and epoch.epoch == 1:
                kept = runner.run.state().best
                runner.checkpoint.write()
                runner.change_learning_rate(1000)
        assert 0 < len(seen) <= runner.run.steps_done
        assert not any(step.diverged for step in seen)
        assert runner.run.is_finished
        np.testing.assert_array_equal(weights(runner.frozen_model()), weights(kept))
        result = runner.finish()
        assert result.test == pytest.approx(evaluate(kept, runner.dataset.test_images, runner.dataset.test_labels))
        told = "After epoch 2, the best one, whose network is kept, the loss exploded. Try a learning rate of 0.1."
        assert str(result.diagnosis) == told, "a tenth of the rate that made it explode would be too much"
        runner.checkpoint.write()
    assert is_finite(load_checkpoint(tmp_path / "run.npz")[0].model), "what has exploded is of no use"


def test_a_run_that_explodes_before_a_network_can_be_kept_has_none():
    with opened(job_of(replace(CONFIG, optimizer="sgd", keep_best="loss"))) as runner:
        runner.run.trained.layers[-1].b.data[...] = np.nan
        with pytest.raises(DivergedError):
            list(runner.chunks())
        assert "grew without bound" in runner.diagnose(diverged=True).finding


def test_a_network_that_is_not_finite_is_not_a_result():
    with opened(job_of()) as runner:
        assert runner.frozen_model() is not None
        runner.run.model.layers[0].W.data[0, 0] = np.inf
        assert runner.frozen_model() is None
        with pytest.raises(DivergedError):
            runner.finish()


def test_a_checkpoint_of_other_data_is_refused(tmp_path, digits):
    run = TrainingRun(CONFIG, digits.train_images[:100], digits.train_labels[:100], 10)
    save_checkpoint(tmp_path / "run.npz", run.state(), {"dataset": "mnist"})
    job = TrainingJob.resuming(tmp_path / "run.npz", summarize_checkpoint(tmp_path / "run.npz"), None)
    with pytest.raises(ModelFileError, match="The run cannot be resumed: its run had 90 pictures"), opened(job):
        pass
    save_checkpoint(tmp_path / "run.npz", run.state(), {"dataset_choices": {"orientation": "transposed"}})
    with pytest.raises(ModelFileError, match="does not say what its run was trained on"):
        TrainingJob.resuming(tmp_path / "run.npz", summarize_checkpoint(tmp_path / "run.npz"), None)


@pytest.mark.parametrize(
    ("before", "threads"), [(1, 1), (10**6, os.cpu_count()), (0, None), ("many", None), (None, None)]
)
def test_a_resumed_run_gets_its_number_of_threads_up_to_the_processors(tmp_path, digits, before, threads):
    run = TrainingRun(CONFIG, digits.train_images, digits.train_labels, 10)
    save_checkpoint(tmp_path / "run.npz", run.state(), {"dataset": "mnist", "blas_threads": before})
    job = TrainingJob.resuming(tmp_path / "run.npz", summarize_checkpoint(tmp_path / "run.npz"), None)
    available = process.max_blas_threads()
    with opened(job) as runner:
        assert process.max_blas_threads() <= runner.threads
        assert runner.threads == threads if threads else runner.threads >= 1
    assert process.max_blas_threads() == available


@pytest.mark.skipif(process.max_blas_threads() < 2, reason="this BLAS has one thread")
def test_the_number_of_threads_is_measured_once_for_a_shape():
    cache = RunCache()
    with opened(job_of(threads=None), cache) as runner:
        measured, run = runner.threads, runner.run
    rehearsed = []
    run.rehearsal = rehearsed.append
    assert process.max_blas_threads() > 1
    assert cache.threads(run, runner.job.control) == measured
    assert rehearsed == []


def test_a_run_that_is_stopped_while_it_waits_for_machine_code_does_not_compile():
    class Busy(MachineCode):
        def wait(self, cancelled):
            job.control.stop()
            return not cancelled()

    job = job_of()
    with pytest.raises(data.LoadingCancelledError), opened(job, RunCache(machine_code=Busy())):
        pass


def test_other_threads_wait_until_a_run_has_finished_with_blas():
    order = []

    def learn():
        with process.blas_threads(1):
            order.append("learnt")

    with opened(job_of()):
        other = threading.Thread(target=learn)
        other.start()
        other.join(0.05)
        order.append("trained")
    other.join(10)
    assert order == ["trained", "learnt"]


def test_a_run_continues_from_a_copy_of_a_network():
    model = CONFIG.build_model(784, 10)
    optimizer = Adam(model.parameters())
    cross_entropy_loss(model(np.ones((1, 784), np.float32)), [3]).backward()
    optimizer.step()
    before = weights(model)
    with opened(job_of(start_from=model)) as runner:
        np.testing.assert_array_equal(weights(runner.run.model), before)
        next(runner.chunks())
        np.testing.assert_array_equal(weights(model), before)
        assert (weights(runner.run.model) != before).any()
