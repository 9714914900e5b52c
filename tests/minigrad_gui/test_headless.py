"""Training in a terminal survives kills, stops and full disks: nothing is lost and the network is the same."""

import os
import re
import shlex
import signal
import time
from pathlib import Path

import numpy as np
import pytest
from filelock import FileLock
from forked import Forked
from mnist_digits import mnist

from engine import load_checkpoint, load_model
from engine.checkpoint import save_checkpoint
from minigrad_gui import cli, machine_code

EPOCHS, STEPS_PER_EPOCH = 4, 675
RUN = ["--hidden", "24", "--batch-size", "16", "--epochs", str(EPOCHS), "--threads", "1", "--schedule", "cosine"]
RUN += ["--validation", "0.1", "--seed", "5"]
pytestmark = pytest.mark.skipif(os.name == "nt", reason="signals of POSIX")


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """The arguments of a run on 12,000 of MNIST's digits, a tenth of which it is validated on."""
    whole, path = mnist(), tmp_path_factory.mktemp("digits") / "digits.npz"
    arrays = {f"train_{kind}": getattr(whole, f"train_{kind}")[:12_000] for kind in ("images", "labels")}
    arrays |= {f"test_{kind}": getattr(whole, f"test_{kind}")[:1000] for kind in ("images", "labels")}
    np.savez(path, **arrays)
    return [*RUN, "--data", str(path)]


@pytest.fixture(scope="module")
def long_run(run: list[str]) -> list[str]:
    """The same for many epochs: it goes on until it is stopped."""
    return [*run, "--epochs", "400"]


def start(*arguments: object, **environment: str) -> Forked:
    return Forked("-m", "minigrad_gui", "train", *arguments, environment={**os.environ, **environment})


def finish(child: Forked) -> str:
    out, err = child.communicate(timeout=120)
    assert child.returncode == 0, err
    return out


def wait_for(condition, child) -> None:
    while not condition():
        assert child.poll() is None, child.communicate()[1]
        time.sleep(0.005)


def weights(path: Path) -> list[np.ndarray]:
    return [parameter.data for parameter in load_model(path)[0].parameters()]


def assert_same_network(a: Path, b: Path) -> None:
    for one, other in zip(weights(a), weights(b), strict=True):
        np.testing.assert_array_equal(one, other)
    (_, one), (_, other) = load_model(a), load_model(b)
    assert one == other


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory: pytest.TempPathFactory, run: list[str]) -> Path:
    """The network of the run without an interruption."""
    folder = tmp_path_factory.mktemp("whole")
    path = folder / "whole.npz"
    finish(start(*run, "--save", path, XDG_DATA_HOME=str(folder)))
    return path


def kill_and_resume(folder: Path, run: list[str], kills: int, rng: np.random.Generator) -> Path:
    """The network of the run, killed this many times at random moments and resumed each time."""
    checkpoint, saved = folder / "run.npz", folder / "network.npz"
    survived = 0
    while not saved.exists():
        begun = ["--resume", checkpoint] if checkpoint.exists() else [*run, "--checkpoint", checkpoint]
        before = checkpoint.stat().st_mtime_ns if checkpoint.exists() else 0
        child = start(*begun, "--save", saved)
        if survived < kills:
            # It writes a checkpoint when it is ready to train, and after each epoch.
            wait_for(lambda seen=before: checkpoint.exists() and checkpoint.stat().st_mtime_ns != seen, child)
            if survived:
                wait_for(lambda: load_checkpoint(checkpoint)[0].steps_done > 0, child)
            time.sleep(rng.uniform(0, 0.5))
            child.kill()
            child.communicate()
            survived += 1
            load_checkpoint(checkpoint)
        else:
            finish(child)
    return saved


def test_a_run_killed_twice_gives_the_same_network(tmp_path, run, uninterrupted):
    assert_same_network(kill_and_resume(tmp_path, run, 2, np.random.default_rng(0)), uninterrupted)


@pytest.mark.long
def test_a_run_killed_many_times_gives_the_same_network(tmp_path, run, uninterrupted):
    for number in range(12):
        folder = tmp_path / str(number)
        folder.mkdir()
        assert_same_network(kill_and_resume(folder, run, 10, np.random.default_rng(number)), uninterrupted)


@pytest.mark.parametrize("number", [signal.SIGTERM, pytest.param(signal.SIGINT, marks=pytest.mark.long)])
def test_a_stop_during_an_epoch_says_how_to_resume(tmp_path, run, uninterrupted, number):
    checkpoint, saved = tmp_path / "my run.npz", tmp_path / "network.npz"
    child = start(*run, "--checkpoint", checkpoint, "--save", saved)
    wait_for(lambda: checkpoint.exists() and load_checkpoint(checkpoint)[0].steps_done > 0, child)
    child.send_signal(number)
    _, err = child.communicate(timeout=30)
    assert child.returncode == 128 + number
    last = err.strip().splitlines()[-1]
    state, _ = load_checkpoint(checkpoint)
    assert re.match(
        r".*minigrad-gui: stopped after [0-9.]+ of 4 epochs; resume with: minigrad-gui train --resume", last
    )
    assert state.steps_done % STEPS_PER_EPOCH, "it stopped during an epoch"
    said = shlex.split(last.partition("resume with: minigrad-gui train ")[2])
    assert "resuming after" in finish(start(*said))
    assert_same_network(saved, uninterrupted)


def test_a_run_says_that_it_waits_for_machine_code_and_can_be_stopped(tmp_path, long_run):
    pytest.importorskip("numba")
    with FileLock(tmp_path / machine_code._LOCK):  # what compiles cannot begin
        child = start(*long_run, NUMBA_CACHE_DIR=str(tmp_path), MINIGRAD_COMPILE_AHEAD="1")
        said = child.stderr.readline()
        child.terminate()
        _, err = child.communicate(timeout=30)
    assert said == "minigrad-gui: preparing machine code for training, once after installation …\n"
    assert err == "minigrad-gui: stopped before training began.\n"
    assert child.returncode == 128 + signal.SIGTERM


def test_a_stop_without_a_checkpoint_says_so(long_run):
    child = start(*long_run)
    child.stdout.readline()  # the first epoch has ended
    child.terminate()
    _, err = child.communicate(timeout=30)
    assert child.returncode == 128 + signal.SIGTERM
    assert "nothing was saved (--checkpoint FILE would have saved the run)." in err
    assert "Traceback" not in err


@pytest.mark.parametrize("second", [signal.SIGINT, signal.SIGTERM])
def test_two_simultaneous_signals_count_as_one(tmp_path, long_run, second):
    checkpoint = tmp_path / "run.npz"
    child = start(*long_run, "--checkpoint", checkpoint)
    wait_for(lambda: checkpoint.exists() and load_checkpoint(checkpoint)[0].steps_done > 0, child)
    child.send_signal(signal.SIGTERM)
    child.send_signal(second)
    _, err = child.communicate(timeout=30)
    assert child.returncode in (128 + signal.SIGTERM, 128 + second)  # POSIX leaves the order open
    told = re.search(r"stopped after ([0-9.]+) of 400 epochs; resume with: minigrad-gui train --resume", err)
    assert told[1] == f"{load_checkpoint(checkpoint)[0].steps_done / STEPS_PER_EPOCH:.4g}"
    assert "Traceback" not in err


def start_and_fill_the_disk(checkpoint: Path, *arguments: object) -> Forked:
    """Train while the operating system refuses every checkpoint from the second one on."""
    import resource

    before = checkpoint.stat().st_mtime_ns if checkpoint.exists() else 0
    child = start(*arguments)
    wait_for(lambda: checkpoint.exists() and checkpoint.stat().st_mtime_ns != before, child)
    resource.prlimit(child.pid, resource.RLIMIT_FSIZE, (10_000, 10_000_000))
    return child


def test_the_network_is_tested_although_the_disk_stays_full(tmp_path, run):
    checkpoint = tmp_path / "run.npz"
    # So many epochs that the disk is full long before the last one, even where this process is kept waiting.
    child = start_and_fill_the_disk(checkpoint, *run, "--epochs", 20, "--checkpoint", checkpoint)
    out, err = child.communicate(timeout=60)
    assert err.count("run.npz could not be saved in") == 2, "once during the run, once at its end"
    assert "test accuracy" in out


def test_on_a_full_disk_a_stop_says_how_to_resume_from_the_last_checkpoint(tmp_path, long_run):
    checkpoint = tmp_path / "run.npz"
    child = start_and_fill_the_disk(checkpoint, *long_run, "--checkpoint", checkpoint)
    child.stdout.readline()  # an epoch
    child.terminate()
    _, err = child.communicate(timeout=60)
    assert child.returncode == 128 + signal.SIGTERM
    assert "run.npz could not be saved in" in err
    assert "resume with: minigrad-gui train --resume" in err
    assert load_checkpoint(checkpoint)[0].steps_done % STEPS_PER_EPOCH == 0


def test_a_temporarily_full_disk_does_not_end_the_run(tmp_path, run):
    import resource

    checkpoint, saved = tmp_path / "run.npz", tmp_path / "network.npz"
    child = start_and_fill_the_disk(checkpoint, *run, "--epochs", 12, "--checkpoint", checkpoint, "--save", saved)
    before = ""
    while "could not be saved" not in before:
        line = child.stderr.readline()
        assert line, before
        before += line
    for _ in range(5):  # writing fails after more epochs, which is not reported again
        child.stdout.readline()
    resource.prlimit(child.pid, resource.RLIMIT_FSIZE, (10_000_000, 10_000_000))
    err = before + child.communicate(timeout=120)[1]
    assert child.returncode == 0, err
    assert err.count("run.npz could not be saved in") == 1
    assert "Training continues, and writing is tried again later." in err
    assert load_checkpoint(checkpoint)[0].steps_done == 12 * STEPS_PER_EPOCH
    assert saved.exists()


# ---------------------------------------------------------------- usage errors


@pytest.fixture
def checkpoint(tmp_path: Path) -> Path:
    """The checkpoint of a finished run."""
    path = tmp_path / "run.npz"
    quick = ["--hidden", "", "--batch-size", "1000", "--epochs", "1", "--threads", "1"]
    assert cli.main(["train", *quick, "--checkpoint", str(path)]) == 0
    return path


def refusal(capsys: pytest.CaptureFixture[str], *arguments: object) -> str:
    capsys.readouterr()
    assert cli.main(["train", *map(str, arguments)]) == 2
    said = capsys.readouterr().err.strip()
    assert len(said.splitlines()) == 1
    return said


def test_what_cannot_be_resumed_is_reported_in_one_line(tmp_path, capsys, checkpoint):
    assert "no such file" in refusal(capsys, "--resume", tmp_path / "none.npz")
    assert "only --save" in refusal(capsys, "--resume", checkpoint, "--epochs", 3)
    assert "only --save" in refusal(capsys, "--resume", checkpoint, "--preset", "quick")
    model = Path(__file__).parents[1] / "engine" / "files" / "model-1.npz"
    assert "but a minigrad model" in refusal(capsys, "--resume", model)
    other = Path(__file__).parents[1] / "engine" / "files" / "checkpoint-1.npz"
    assert "does not say what its run was trained on" in refusal(capsys, "--resume", other)
    assert "no folder" in refusal(capsys, "--checkpoint", tmp_path / "none" / "run.npz")
    assert "is a folder" in refusal(capsys, "--checkpoint", tmp_path)


def test_a_checkpoint_overwrites_no_file(tmp_path, capsys, checkpoint):
    diary = tmp_path / "diary.npz"
    diary.write_text("dear diary")
    other = tmp_path / "other.npz"
    other.write_bytes(checkpoint.read_bytes())
    before = checkpoint.read_bytes()
    for begin in (), ("--resume", other):
        said = refusal(capsys, *begin, "--checkpoint", diary)
        assert "diary.npz already exists and is not a checkpoint; name another file." in said
        said = refusal(capsys, *begin, "--checkpoint", checkpoint)
        assert "run.npz already holds a run; resume it with: minigrad-gui train --resume" in said
        assert "cannot hold both the run and its network" in refusal(
            capsys, *begin, "--checkpoint", tmp_path / "new.npz", "--save", tmp_path / "new.npz"
        )
    assert "cannot hold both" in refusal(capsys, "--resume", checkpoint, "--save", checkpoint)
    assert (diary.read_text(), checkpoint.read_bytes()) == ("dear diary", before)
    assert cli.main(["train", "--resume", str(checkpoint), "--checkpoint", str(checkpoint)]) == 0


def test_resuming_a_finished_run_tests_and_saves_it(tmp_path, capsys, checkpoint):
    capsys.readouterr()
    assert cli.main(["train", "--resume", str(checkpoint), "--save", str(tmp_path / "n.npz")]) == 0
    assert "resuming after 1 of 1 epoch\n" in capsys.readouterr().out
    assert load_model(tmp_path / "n.npz")[1]["epochs"][0]["epoch"] == 0


def test_a_resumed_run_still_records_taught_drawings_in_its_file(tmp_path, checkpoint):
    state, about = load_checkpoint(checkpoint)
    changes = [{"mini_batches": 3, "learning_rate": 0.25}]
    save_checkpoint(checkpoint, state, {**about, "taught_drawings": 4, "learning_rate_changes": changes})
    assert cli.main(["train", "--resume", str(checkpoint), "--save", str(tmp_path / "n.npz")]) == 0
    for meta in load_model(tmp_path / "n.npz")[1], load_checkpoint(checkpoint)[1]:
        assert meta["taught_drawings"] == 4
        assert meta["learning_rate_changes"] == changes
