"""A run that is interrupted, saved and resumed ends with the same weights as an uninterrupted one, bit for bit."""

import json
import os
import subprocess
import sys
import time
from dataclasses import replace
from itertools import islice
from pathlib import Path

import numpy as np
import pytest
from networks import same

from engine import (
    Augmentation,
    ModelFileError,
    TrainingConfig,
    checkpoint,
    load_checkpoint,
    load_model,
    save_checkpoint,
    save_model,
)
from engine.archive import read_archive, write_archive
from engine.checkpoint import Checkpoints, _run_arrays, summarize_checkpoint
from engine.run import TrainingRun
from engine.training import EpochMeter

CONFIG = TrainingConfig(hidden=(8, 5), batch_size=16, epochs=3, validation_share=0.2, seed=3)
STEPS_PER_EPOCH = 5
TOTAL = 15


def a_run(config=CONFIG, samples=100, classes=4):
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (samples, 6, 6)).astype(np.uint8)
    return TrainingRun(config, images, rng.integers(0, 4, samples), classes)


def train(run, steps=None):
    """Train this many mini-batches, or to the end. Returns the run."""
    for _ in islice(run, steps):
        pass
    return run


def through_a_file(run, path, config=CONFIG):
    """A new run with the state of this one."""
    save_checkpoint(path, run.state(), {"note": 1})
    state, meta = load_checkpoint(path)
    assert meta == {"note": 1}
    resumed = a_run(config)
    resumed.load_state(state)
    return resumed


def test_a_run_whose_rate_is_0_is_saved(tmp_path):
    run = a_run()
    run.learning_rate = 0.0
    assert through_a_file(train(run, 2), tmp_path / "run.npz").learning_rate == 0


def assert_same(a, b):
    for p, q in zip(a.model.parameters(), b.model.parameters(), strict=True):
        np.testing.assert_array_equal(p.data, q.data)
    a, b = a.state(), b.state()
    assert a.average_updates == b.average_updates
    for p, q in zip(a.model.parameters(), b.model.parameters(), strict=True):
        np.testing.assert_array_equal(p.data, q.data)
    assert a.optimizer.keys() == b.optimizer.keys()
    for name in a.optimizer:
        np.testing.assert_array_equal(a.optimizer[name], b.optimizer[name])
    assert len(a.members) == len(b.members)
    assert all(map(same, a.members, b.members))
    np.testing.assert_array_equal(a.losses, b.losses)
    assert (a.steps_done, a.epochs, a.epoch_so_far, a.learning_rate) == (
        b.steps_done,
        b.epochs,
        b.epoch_so_far,
        b.learning_rate,
    )


@pytest.mark.parametrize("steps", [0, 1, 4, 5, 6, 10, 14, 15])
def test_interrupted_anywhere(tmp_path, steps):
    resumed = through_a_file(train(a_run(), steps), tmp_path / "run.npz")
    assert resumed.steps_done == steps
    assert resumed.is_finished == (steps == TOTAL)
    assert_same(train(resumed), train(a_run()))


@pytest.mark.parametrize(
    "changes",
    [
        {"optimizer": "sgd", "learning_rate": 0.1},
        {"optimizer": "momentum", "learning_rate": 0.1, "weight_decay": 0.01},
        {"schedule": "cosine"},
        {"augmentation": Augmentation(shift_px=2, rotation_deg=10, elastic_px=1)},
        {"augmentation": Augmentation(shift_px=2), "plain_epochs": 1},
        {"augmentation": Augmentation(shift_px=2), "plain_epochs": 2},
        {"validation_share": 0.0},
        {"training_samples": 50, "label_noise": 0.5},
        {"hidden": ()},
        {"activation": "tanh", "hidden": (3, 3, 3)},
        {"averaging": "ema", "averaged_epochs": 0.5},
        {"averaging": "last", "averaged_epochs": 2.0},
        {"keep_best": "loss", "learning_rate": 0.1},
        {"dropout": 0.3, "label_smoothing": 0.1},
        {"l1": 0.01, "l2": 0.01, "clip_norm": 0.5},
        {"patience": 1, "keep_best": "accuracy", "learning_rate": 0.1},
        {"members": 2, "schedule": "one-cycle"},
        {"normalization": "batch"},
        {"receptive_field_px": 3, "dropout": 0.2},
        {"normalization": "batch", "members": 2, "averaging": "ema", "averaged_epochs": 0.5, "dropout": 0.2},
        {"normalization": "batch", "keep_best": "loss", "learning_rate": 0.1},
        {"members": 3, "averaging": "ema", "averaged_epochs": 0.5, "dropout": 0.2},
    ],
    ids=lambda changes: "-".join(changes),
)
def test_interrupted_with_any_config(tmp_path, changes):
    config = replace(CONFIG, **changes)
    resumed = through_a_file(train(a_run(config), 7), tmp_path / "run.npz", config)
    assert_same(train(resumed), train(a_run(config)))


@pytest.mark.parametrize("members", [1, 2])
def test_interrupted_after_every_step(tmp_path, members):
    config = replace(CONFIG, members=members)
    run = a_run(config)
    while not run.is_finished:
        run = through_a_file(train(run, 1), tmp_path / "run.npz", config)
    assert_same(run, train(a_run(config)))


def test_a_changed_learning_rate_is_written(tmp_path):
    def changed():
        run = train(a_run(), 7)
        run.learning_rate = 0.05
        return train(run, 2)

    assert_same(train(through_a_file(changed(), tmp_path / "run.npz")), train(changed()))


def test_a_run_that_started_from_another_network(tmp_path):
    start = train(a_run()).model
    images, labels = a_run().images, a_run().labels
    run = TrainingRun(replace(CONFIG, validation_share=0.0), images, labels, 4, start)
    again = TrainingRun(run.config, images, labels, 4)
    train(run, 4)
    save_checkpoint(tmp_path / "run.npz", run.state())
    again.load_state(load_checkpoint(tmp_path / "run.npz")[0])
    assert_same(train(again), train(run))


def test_the_state_is_a_copy():
    run = train(a_run(), 6)
    state = run.state()
    before = [parameter.data.copy() for parameter in state.model.parameters()]
    memory = {name: value.copy() for name, value in state.optimizer.items()}
    epoch_so_far = replace(state.epoch_so_far)
    train(run, 1)
    assert state.epoch_so_far == epoch_so_far
    train(run)
    assert state.steps_done == 6
    assert len(state.epochs) == 1
    for parameter, was in zip(state.model.parameters(), before, strict=True):
        np.testing.assert_array_equal(parameter.data, was)
    for name, was in memory.items():
        np.testing.assert_array_equal(state.optimizer[name], was)


def test_a_state_can_be_loaded_more_than_once():
    state = train(a_run(), 7).state()
    for _ in range(2):
        again = a_run()
        again.load_state(state)
        assert_same(train(again), train(a_run()))


@pytest.mark.parametrize(
    "other",
    [a_run(replace(CONFIG, epochs=4)), a_run(samples=99), a_run(classes=5)],
    ids=["another config", "other data", "other classes"],
)
def test_another_runs_state_is_refused(other):
    state = train(a_run(), 3).state()
    with pytest.raises(ValueError, match=r"with other settings|had 80 pictures"):
        other.load_state(state)
    assert other.steps_done == 0


def test_a_state_whose_neurons_see_beyond_their_windows_is_refused():
    config = replace(CONFIG, receptive_field_px=3)
    state = train(a_run(config), 3).state()
    a_run(config).load_state(state)
    state.model.layers[0].W.data[~config.seen(state.model.sizes[0])] = 1
    with pytest.raises(ValueError, match="with other settings"):
        a_run(config).load_state(state)


# ---------------------------------------------------------------- files from strangers


def test_a_model_says_that_it_is_one(tmp_path):
    save_model(tmp_path / "m.npz", a_run().model)
    with pytest.raises(ModelFileError, match=r"m\.npz is not a minigrad checkpoint, but a minigrad model\."):
        load_checkpoint(tmp_path / "m.npz")
    save_checkpoint(tmp_path / "run.npz", a_run().state())
    with pytest.raises(ModelFileError, match="but a minigrad checkpoint"):
        load_model(tmp_path / "run.npz")


IMPOSSIBLE = {
    "its description is incomplete": {
        "no run": lambda run: run.clear(),
        "config not a config": lambda run: run.update(config=3),
        "unknown setting": lambda run: run["config"].update(colour="red"),
        "setting out of bounds": lambda run: run["config"].update(batch_size=0),
        "setting of another kind": lambda run: run["config"].update(epochs="3"),
        "no rate": lambda run: run.update(learning_rate=None),
        "endless rate": lambda run: run.update(learning_rate=float("inf")),
        "negative rate": lambda run: run.update(learning_rate=-1.0),
        "an epoch that is a list": lambda run: run.update(epoch_so_far=[]),
    },
    "describes a run whose settings do not match its network": {
        "another network": lambda run: run["config"].update(hidden=[8]),
        "another activation": lambda run: run["config"].update(activation="tanh"),
    },
    "describes a run with impossible numbers": {
        "no samples": lambda run: run.update(training_count=0),
        "fewer samples": lambda run: run.update(training_count=20),
        "before the start": lambda run: run.update(steps_done=-1),
        "half a step": lambda run: run.update(steps_done=7.0),
        "an epoch that counts too much": lambda run: run["epoch_so_far"].update(count=81),
        "an epoch more right than it counts": lambda run: run["epoch_so_far"].update(correct=33),
        "an epoch that has no sum": lambda run: run["epoch_so_far"].update(loss_sum=float("nan")),
        "an epoch less right than nothing": lambda run: run["epoch_so_far"].update(correct=-5),
    },
    "describes a run at an impossible position": {
        "after the end": lambda run: run.update(steps_done=16),
        "too few epochs": lambda run: run.update(epochs_done=0),
        "too many epochs": lambda run: run.update(epochs_done=2),
        "an epoch that counts nothing": lambda run: run["epoch_so_far"].update(correct=0, count=0),
        "more epochs than planned": lambda run: run["config"].update(epochs=1),
    },
    "an array does not match its description": {
        "further than its losses": lambda run: run.update(steps_done=8),
        "no validation": lambda run: run.update(validates=False),
    },
}


@pytest.mark.parametrize(("reason", "what"), [(reason, what) for reason in IMPOSSIBLE for what in IMPOSSIBLE[reason]])
def test_impossible_runs_are_refused(tmp_path, reason, what):
    path = tmp_path / "run.npz"
    save_checkpoint(path, train(a_run(), 7).state())
    description, arrays = read_archive(path, "minigrad checkpoint", 1, _run_arrays)
    IMPOSSIBLE[reason][what](description["run"])
    write_archive(path, description, arrays)
    with pytest.raises(ModelFileError) as refused:
        load_checkpoint(path)
    assert str(refused.value).startswith("run.npz ")
    assert reason in str(refused.value)
    assert len(str(refused.value).splitlines()) == 1


@pytest.mark.parametrize("name", ["optimizer.mean.0", "optimizer.steps.1", "losses", "epochs", "layers.0.W"])
@pytest.mark.parametrize("change", ["missing", "longer", "whole numbers", "NaN"])
def test_arrays_that_do_not_fit_are_refused(tmp_path, name, change):
    path = tmp_path / "run.npz"
    save_checkpoint(path, train(a_run(), 7).state())
    description, arrays = read_archive(path, "minigrad checkpoint", 1, _run_arrays)
    if change == "missing":
        del arrays[name]
    elif change == "longer":
        arrays[name] = np.concatenate([np.atleast_1d(arrays[name])] * 2)
    elif change == "whole numbers":
        arrays[name] = arrays[name].astype(np.int16)
    elif arrays[name].dtype.kind == "f":
        arrays[name] = np.full_like(arrays[name], np.nan)
    else:
        arrays[name] = np.full(arrays[name].shape, np.nan)
    with open(path, "wb") as file:
        np.savez(file, meta=np.array(json.dumps(description)), **arrays)
    with pytest.raises(ModelFileError):
        load_checkpoint(path)


@pytest.mark.parametrize(("name", "value"), [("steps.0", -1), ("steps.2", 8), ("square.1", -1e-9)])
def test_an_impossible_optimizer_state_is_rejected(tmp_path, name, value):
    path, state = tmp_path / "run.npz", train(a_run(), 7).state()
    save_checkpoint(path, state)
    load_checkpoint(path)
    state.optimizer[name][...] = value
    save_checkpoint(path, state)
    with pytest.raises(ModelFileError, match=r"run\.npz describes an impossible optimizer state\."):
        load_checkpoint(path)


def test_an_exploded_run_is_not_written(tmp_path):
    path, run = tmp_path / "run.npz", train(a_run(), 3)
    save_checkpoint(path, run.state())
    before = path.read_bytes()
    run.model.layers[0].W.data[0, 0] = np.nan
    with pytest.raises(ModelFileError, match="not finite"):
        save_checkpoint(path, run.state())
    assert path.read_bytes() == before


def test_of_a_very_long_run_the_last_losses_are_written(tmp_path, monkeypatch):
    monkeypatch.setattr("engine.run.MAX_KEPT_LOSSES", 4)
    monkeypatch.setattr("engine.checkpoint.MAX_KEPT_LOSSES", 4)
    run = a_run()
    losses = [step.loss for step, _ in islice(run, 7)]
    save_checkpoint(tmp_path / "run.npz", run.state())
    state, _ = load_checkpoint(tmp_path / "run.npz")
    np.testing.assert_array_equal(state.losses, np.float32(losses[-4:]))
    assert state.steps_done == 7
    again = a_run()
    again.load_state(state)
    assert train(again).steps_done == TOTAL


def test_checkpoints_of_version_1_always_open():
    state, meta = load_checkpoint(Path(__file__).parent / "files" / "checkpoint-1.npz")
    assert meta == {"note": "kept since version 1"}
    assert state.config == CONFIG
    assert (state.steps_done, len(state.epochs), len(state.losses)) == (7, 1, 7)
    run = a_run()
    run.load_state(state)
    assert_same_nearly(train(run), train(a_run()))


def assert_same_nearly(a, b):
    """The file was written on another machine, where the last digits of sums may differ."""
    for p, q in zip(a.model.parameters(), b.model.parameters(), strict=True):
        np.testing.assert_allclose(p.data, q.data, rtol=1e-3, atol=1e-5)
    assert a.state().epoch_so_far == b.state().epoch_so_far == EpochMeter()


# ---------------------------------------------------------------- when it is written


@pytest.fixture
def written(tmp_path, monkeypatch):
    """`written(takes_s)`: checkpoints that take this long to write, by a fake clock, and a function that trains a step
    of the given seconds and returns the number of mini-batches in the file."""

    def make(takes_s):
        now, run = [0.0], a_run()
        steps = iter(run)
        real_save = checkpoint.save_checkpoint

        def slow_save(*arguments):
            real_save(*arguments)
            now[0] += takes_s

        monkeypatch.setattr(checkpoint, "save_checkpoint", slow_save)
        checkpoints = Checkpoints(tmp_path / "run.npz", lambda: {"note": 1}, lambda: now[0])
        checkpoints.write(run)

        def step(seconds):
            _, epoch = next(steps)
            now[0] += seconds
            checkpoints.after_step(run, milestone=epoch is not None)
            return load_checkpoint(tmp_path / "run.npz")[0].steps_done

        return checkpoints, run, step

    return make


def test_it_is_written_at_the_end_of_each_epoch_and_every_30_seconds(written):
    _, _, step = written(0.01)
    assert [step(1) for _ in range(6)] == [0, 0, 0, 0, 5, 5]
    assert [step(10) for _ in range(4)] == [5, 5, 9, 10]


def test_slow_checkpoints_are_written_less_often(written):
    _, _, step = written(5)
    assert [step(8) for _ in range(9)] == [0, 0, 0, 0, 0, 0, 7, 7, 7]


def test_the_same_state_is_not_written_twice(written, tmp_path):
    checkpoints, run, step = written(0)
    step(40)
    before = (tmp_path / "run.npz").stat().st_mtime_ns
    checkpoints.write(run)
    assert (tmp_path / "run.npz").stat().st_mtime_ns == before
    run.learning_rate = 0.5
    checkpoints.write(run)
    assert load_checkpoint(tmp_path / "run.npz")[0].learning_rate == 0.5


def test_a_failed_checkpoint_is_tried_again_when_the_next_is_due(written, tmp_path):
    _, _, step = written(0.01)
    path = tmp_path / "run.npz"
    path.unlink()
    path.mkdir()
    with pytest.raises(ModelFileError, match="could not be saved"):
        step(40)
    path.rmdir()
    with pytest.raises(ModelFileError, match="no such file"):
        step(1)
    assert step(40) == 3


def test_a_failed_checkpoint_is_tried_again_at_the_same_position(written, tmp_path):
    checkpoints, run, step = written(0.01)
    path = tmp_path / "run.npz"
    path.unlink()
    path.mkdir()
    with pytest.raises(ModelFileError):
        step(40)
    path.rmdir()
    checkpoints.write(run)
    assert load_checkpoint(path)[0].steps_done == 1


def test_a_summary_is_read_without_the_arrays(tmp_path):
    path = tmp_path / "run.npz"
    save_checkpoint(path, train(a_run(), 7).state(), {"note": 1})
    summary = summarize_checkpoint(path)
    assert (summary.config, summary.epochs_done, summary.meta) == (CONFIG, 1.4, {"note": 1})
    assert not summary.is_finished
    run = train(a_run())
    run.learning_rate = 0.25
    save_checkpoint(path, run.state())
    assert summarize_checkpoint(path).is_finished
    assert summarize_checkpoint(path).learning_rate == 0.25
    content = bytearray(path.read_bytes())
    weights = run.model.layers[0].W.data.tobytes(order="A")
    content[content.index(weights[:40])] ^= 1
    path.write_bytes(content)
    with pytest.raises(ModelFileError):
        load_checkpoint(path)
    assert summarize_checkpoint(path).is_finished


# ---------------------------------------------------------------- kills

KEEP_SAVING = """
import sys
import numpy as np
from engine import MLP, save_model
from itertools import count
path = sys.argv[1]
networks = [MLP(50, (200,), 10, rng=np.random.default_rng(seed), dtype=np.float32) for seed in (1, 2)]
for index in count(int(sys.argv[2])):
    save_model(path, networks[index % 2], {"index": index})
    print(index, flush=True)
"""


def kill_while_saving(path, rng, kills):
    """Kill a process that saves in a loop, this many times. Returns the number of complete saves."""
    index = 0
    for _ in range(kills):
        command = [sys.executable, "-c", KEEP_SAVING, str(path), str(index)]
        child = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[2])
        for _ in range(1 + rng.integers(4)):
            said = child.stdout.readline()
        last_said = int(said)
        time.sleep(rng.uniform(0, 0.02))  # somewhere within the next save or two
        child.kill()
        child.communicate()
        model, meta = load_model(path)
        index = meta["index"]
        assert index >= last_said, "an older file is back"
        expected = {1: 0, 0: 1}[index % 2]
        weights = model.layers[0].W.data
        assert weights[0, 0] == FIRST_WEIGHTS[1 - expected]
        for left_over in path.parent.glob(".*.tmp"):
            left_over.unlink()  # a killed process cannot tidy up
    return index


FIRST_WEIGHTS = [np.float32(np.random.default_rng(seed).normal(0, 0.01)) for seed in (1, 2)]


@pytest.mark.skipif(os.name == "nt", reason="SIGKILL")
def test_a_kill_during_a_save_leaves_the_old_file_or_the_new_one(tmp_path):
    assert kill_while_saving(tmp_path / "m.npz", np.random.default_rng(0), kills=5) >= 5


@pytest.mark.long
def test_many_kills_during_a_save(tmp_path):
    assert kill_while_saving(tmp_path / "m.npz", np.random.default_rng(1), kills=200) >= 200
