"""The list of all runs: whole after a kill, shared by processes, and quick with ten thousand of them."""

import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import pytest
from recorded_runs import EPOCHS, losses_of, put, run_of

from engine import MLP, Augmentation, TrainingConfig, load_model
from engine.record import TrainingRecord
from engine.training import EpochSummary
from minigrad_gui import data, runs
from minigrad_gui.runs import Run, RunsError, RunStore, arrange

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def told():
    return []


@pytest.fixture
def store(tmp_path, told):
    return RunStore(tmp_path, told.append)


def test_a_run_is_recorded_with_its_curve(store, tmp_path):
    run = run_of("a1", TrainingConfig(hidden=(8, 4), learning_rate=0.25, seed=7))
    put(store, run)
    again = RunStore(tmp_path)
    assert again.runs() == [run]
    assert again.get("a1") == run
    assert again.get("b2") is None
    assert run.config == TrainingConfig(hidden=(8, 4), learning_rate=0.25, seed=7)
    assert run.source == ("mnist", data.ALL_GUESSED)
    assert run.epochs_done == 2
    curve = again.curve("a1")
    np.testing.assert_array_equal(curve.losses, losses_of())
    assert curve.epochs == EPOCHS
    assert curve.ends[[0, -1]].tolist() == [0.1, 2.0]


def test_a_run_grows(store):
    put(store, run_of("a1", ending="", steps=20))
    later = run_of("a1", ending="", steps=25, loss=0.25)
    assert store.extend(later, 20, losses_of(5), [*EPOCHS, EpochSummary(2, 0.25, 0.9)])
    assert store.get("a1") == later
    np.testing.assert_array_equal(store.curve("a1").losses, np.concatenate([losses_of(), losses_of(5)]))
    assert store.curve("a1").epochs[2] == EpochSummary(2, 0.25, 0.9)


def test_a_resumed_run_keeps_its_name_and_adds_to_its_time(store):
    put(store, run_of("a1", began_s=5.0, training_s=2.0))
    store.rename("a1", "mine")
    store.annotate("a1", "two\nlines")
    resumed = store.begin(run_of("a1", began_s=9.0, training_s=1.0, ending=""), 0, losses_of(3), ())
    assert resumed == run_of("a1", began_s=5.0, training_s=3.0, ending="", name="mine", note="two\nlines")
    assert store.get("a1") == resumed
    assert len(store.curve("a1").losses) == 3


def test_a_deleted_run_goes_with_its_networks_and_is_not_recorded_further(store):
    put(store, run_of("a1"), run_of("b2"))
    for run_id in ("a1", "b2"):
        store.keep_network(run_id, "final", MLP(4, [3], 2), TrainingRecord())
    store.delete(["a1"])
    assert [run.id for run in store.runs()] == ["b2"]
    assert store.network("a1", "final") is None
    assert store.network("b2", "final") is not None
    assert not store.extend(run_of("a1"), 20, losses_of(5), EPOCHS)
    assert [run.id for run in store.runs()] == ["b2"]
    assert len(store.curve("a1").losses) == 0
    put(store, run_of("a1"))  # resumed from its checkpoint
    assert store.extend(run_of("a1"), 20, losses_of(5), EPOCHS)


def test_the_curve_of_a_long_run_is_averaged_once_it_has_ended(store, monkeypatch):
    monkeypatch.setattr(runs, "MAX_LOSSES", 4)
    losses = np.arange(10, dtype=np.float32)
    store.begin(run_of("a1", ending="", steps=5), 0, losses[:5], ())
    store.extend(run_of("a1", ending="", steps=10), 5, losses[5:], ())
    np.testing.assert_array_equal(store.curve("a1").losses, losses)
    store.extend(run_of("a1", steps=10, steps_per_epoch=5), 10, losses[:0], ())
    curve = store.curve("a1")
    assert curve.losses.tolist() == [1, 4, 7, 9]
    assert curve.mini_batches == 3
    assert curve.ends.tolist() == pytest.approx([0.6, 1.2, 1.8, 2.4])


# ---------------------------------------------------------------- what SQLite does silently


def test_numbers_of_numpy_are_numbers_in_the_file(store, tmp_path):
    numbers = {"training_s": np.float32(0.5), "steps": np.int64(30), "loss": np.float64(0.25)}
    store.begin(run_of("a1", **numbers), np.int64(0), losses_of(), EPOCHS)
    run = store.get("a1")
    assert [(type(value), value) for value in (run.training_s, run.steps, run.loss)] == [
        (float, 0.5),
        (int, 30),
        (float, 0.25),
    ]
    with sqlite3.connect(tmp_path / runs.FILE) as connection:
        assert connection.execute("SELECT sum(training_s), sum(steps) FROM runs").fetchone() == (0.5, 30)
    connection.close()


def test_what_is_not_a_number_is_unknown_where_it_may_be_and_an_error_elsewhere(store):
    store.begin(run_of("a1", loss=np.nan), 0, np.array([1, np.nan, np.inf], np.float32), ())
    assert store.get("a1").loss is None
    np.testing.assert_array_equal(store.curve("a1").losses, np.array([1, np.nan, np.inf], np.float32))
    with pytest.raises(RunsError, match="NOT NULL"):
        store.begin(run_of("b2", training_s=np.nan), 0, losses_of(), ())


def test_names_stay_as_they_were_written(store):
    put(store, run_of("a1"))
    for name in ("007", "1e5", "NULL", "x'00'", "O'Brien; DROP TABLE runs", "名前", "test loss", "acc (%)"):
        store.rename("a1", name)
        assert store.get("a1").name == name
    store.rename("a1", "  of\nseveral\tlines ")
    assert store.get("a1").name == "of several lines"
    store.rename("a1", os.fsdecode(b"caf\xe9"))
    assert store.get("a1").name == "caf\\udce9"


def test_what_is_written_is_committed_when_the_call_returns(store, tmp_path):
    put(store, run_of("a1"))
    code = "import sys; from pathlib import Path; from minigrad_gui.runs import RunStore;"
    code += "print(len(RunStore(Path(sys.argv[1])).runs()))"
    other = subprocess.run([sys.executable, "-c", code, tmp_path], capture_output=True, text=True, check=True, cwd=ROOT)
    assert other.stdout == "1\n"


def test_a_copy_of_the_file_alone_is_whole(store, tmp_path):
    put(store, run_of("a1"))
    assert [path.name for path in tmp_path.iterdir()] == [runs.FILE]
    (tmp_path / "copy").mkdir()
    shutil.copy(store.path, tmp_path / "copy")
    assert RunStore(tmp_path / "copy").runs() == store.runs()


def test_settings_are_not_read_by_sqlite():
    """Its JSON functions read 0.5 as 0 once QApplication has set a locale with a decimal comma."""
    statements = []
    connect = sqlite3.connect

    def traced(*arguments, **options):
        connection = connect(*arguments, **options)
        connection.set_trace_callback(statements.append)
        return connection

    with pytest.MonkeyPatch.context() as patch, tempfile.TemporaryDirectory() as folder:
        patch.setattr(sqlite3, "connect", traced)
        store = RunStore(Path(folder))
        put(store, run_of("a1", TrainingConfig(learning_rate=0.125)))
        assert store.get("a1").config.learning_rate == 0.125
    assert statements
    assert not [statement for statement in statements if "json_" in statement or "->" in statement]


# ---------------------------------------------------------------- files that are damaged, foreign or newer


def damaged(content: bytes):
    return lambda path: path.write_bytes(content)


def cut(path):
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2 - 100])


def overwrite_the_middle(path):
    content = path.read_bytes()
    path.write_bytes(content[:4096] + b"\xff" * (len(content) - 4096))


def other_program(path):
    path.unlink()
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE runs (id)")
    connection.close()


@pytest.mark.parametrize("damage", [damaged(b"no database" * 1000), cut, overwrite_the_middle, other_program])
def test_a_damaged_file_is_set_aside_with_a_sentence(damage, store, told, tmp_path):
    put(store, *(run_of(f"a{number}") for number in range(8)))
    damage(store.path)
    content = store.path.read_bytes()
    assert store.runs() == []
    (aside,) = tmp_path.glob("runs-damaged-*.sqlite3")
    assert aside.read_bytes() == content
    assert told == [f"The list of runs was damaged. It was set aside as {aside.name}, and a new list begun."]
    put(store, run_of("b2"))
    assert [run.id for run in store.runs()] == ["b2"]


def test_damage_that_is_found_while_a_run_is_written_is_raised(store, tmp_path):
    put(store, *(run_of(f"a{number}") for number in range(8)))
    overwrite_the_middle(store.path)
    with pytest.raises(RunsError, match="was set aside"):
        put(store, run_of("b2"))
    put(store, run_of("b2"))
    assert len(list(tmp_path.glob("runs-damaged-*"))) == 1


def test_a_file_that_another_process_has_replaced_is_not_set_aside(store, tmp_path):
    put(store, run_of("a1"))
    assert "another window has begun a new one" in store._set_aside()
    assert list(tmp_path.glob("runs-damaged-*")) == []
    assert len(store.runs()) == 1


def test_a_run_goes_on_in_the_file_that_takes_the_place_of_a_damaged_one(store):
    put(store, run_of("a1", ending=""))
    store.path.write_bytes(b"damage" * 1000)
    assert store.extend(run_of("a1", ending="", steps=25), 20, losses_of(5), EPOCHS)
    assert store.get("a1").steps == 25
    curve = store.curve("a1")
    assert np.isnan(curve.losses[:20]).all()
    np.testing.assert_array_equal(curve.losses[20:], losses_of(5))


def test_the_file_of_a_newer_version_is_left_alone(store):
    put(store, run_of("a1"))
    with sqlite3.connect(store.path) as connection:
        connection.execute(f"PRAGMA user_version = {runs.VERSION + 1}")
    connection.close()
    content = store.path.read_bytes()
    with pytest.raises(RunsError, match="written by a newer version"):
        store.runs()
    assert store.path.read_bytes() == content


def test_damaged_arrays_and_settings_count_as_unknown(store):
    put(store, run_of("a1", settings="{"), run_of("b2", settings='["no object"]'))
    with sqlite3.connect(store.path) as connection:
        connection.execute("UPDATE runs SET epoch_summaries = x'00'")
        connection.execute("UPDATE pieces SET losses = x'789c'")
    connection.close()
    assert [run.config for run in store.runs()] == [None, None]
    curve = store.curve("a1")
    assert np.isnan(curve.losses).all()
    assert curve.epochs == ()


def test_a_folder_that_cannot_be_written_is_told(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(RunsError, match=r"runs\.sqlite3 cannot be used: "):
        put(RunStore(tmp_path / "file"), run_of("a1"))
    assert RunStore(tmp_path / "nowhere").runs() == []
    assert not (tmp_path / "nowhere").exists()


# ---------------------------------------------------------------- several processes, and killed ones

WRITER = """
import sys
from pathlib import Path
sys.path.insert(0, sys.argv[3])
from recorded_runs import EPOCHS, losses_of, run_of
from minigrad_gui.runs import RunStore
store = RunStore(Path(sys.argv[1]))
run = run_of(sys.argv[2], ending="", steps=0)
store.begin(run, 0, losses_of(0), EPOCHS)
print("ready", flush=True)
for number in range(int(sys.stdin.readline())):
    store.extend(run._replace(steps=5 * number + 5), 5 * number, losses_of(5), EPOCHS)
    print(number + 1, flush=True)
"""


def writer(folder: Path, name: str) -> subprocess.Popen:
    pipe = subprocess.PIPE
    command = [sys.executable, "-c", WRITER, folder, name, ROOT / "tests" / "helpers"]
    child = subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True, cwd=ROOT)
    assert child.stdout.readline() == "ready\n"
    return child


def test_two_processes_write_at_once(store, tmp_path):
    children = [writer(tmp_path, name) for name in ("a1", "b2")]
    for child in children:
        child.stdin.write("40\n")
        child.stdin.flush()
    for child in children:
        child.communicate(timeout=60)
        assert child.returncode == 0
    assert sorted(run.id for run in store.runs()) == ["a1", "b2"]
    for run in store.runs():
        assert run.steps == 200
        np.testing.assert_array_equal(store.curve(run.id).losses, np.tile(losses_of(5), 40))


@pytest.mark.skipif(os.name == "nt", reason="signals of POSIX")
def test_what_was_written_survives_a_kill(store, tmp_path):
    """Killed in the middle of writing, whatever it had reported as written is there and readable."""
    for number in range(3):
        child = writer(tmp_path, f"a{number}")
        child.stdin.write("100000\n")
        child.stdin.flush()
        reported = 0
        for _ in range(8 + 3 * number):
            reported = int(child.stdout.readline())
        child.send_signal(signal.SIGKILL)
        child.communicate()
        run = store.get(f"a{number}")
        assert run.steps >= 5 * reported
        curve = store.curve(run.id)
        assert len(curve.losses) == run.steps
        np.testing.assert_array_equal(curve.losses, np.tile(losses_of(5), run.steps // 5))


# ---------------------------------------------------------------- ten thousand runs


def test_ten_thousand_runs_are_listed_filtered_and_sorted(store):
    """How soon is measured through the window, in views/test_runs.py."""
    put(store, run_of("a1"))
    with sqlite3.connect(store.path) as connection:
        names = ", ".join(Run._fields)
        rows = [run_of(f"{n:05}", TrainingConfig(seed=n), test_accuracy=n % 997 / 997) for n in range(10_000)]
        places = ", ".join("?" * len(Run._fields))
        insert = f"INSERT INTO runs ({names}, mini_batches, epoch_summaries) VALUES ({places}, 1, x'')"
        connection.executemany(insert, rows)
    connection.close()
    listed = store.runs()
    found = arrange(listed, "adam seed=77", "test_accuracy")
    in_order = arrange(listed, "mnist", "test_accuracy")
    assert [run.seed for run in found] == [77]
    assert len(in_order) == 10_001
    assert in_order[0].test_accuracy == 996 / 997


def test_runs_are_arranged():
    listed = [
        run_of("a1", TrainingConfig(seed=3), name="Zoo", test_accuracy=None, began_s=3.0),
        run_of("b2", TrainingConfig(seed=30), name="ant", note="too Wide", test_accuracy=0.5, began_s=1.0),
        run_of("c3", TrainingConfig(hidden=(), optimizer="sgd"), name="bee", test_accuracy=0.9, began_s=2.0),
    ]

    def ids(*arguments, **options):
        return [run.id for run in arrange(listed, *arguments, **options)]

    assert ids() == ["a1", "c3", "b2"]
    assert ids(sort="name", descending=False) == ["b2", "c3", "a1"]
    assert ids(sort="test_accuracy") == ["c3", "b2", "a1"]
    assert ids(sort="test_accuracy", descending=False) == ["b2", "c3", "a1"]
    assert ids("WIDE adam") == ["b2"]
    assert ids("seed=3") == ["a1"]
    assert ids("sgd zoo") == []


def test_runs_are_found_by_each_setting_that_is_not_the_usual_one():
    varied = Augmentation(shift_px=1.5)
    listed = [
        run_of("a1", TrainingConfig(schedule="one-cycle", dropout=0.2, members=3)),
        run_of("b2", TrainingConfig(label_smoothing=0.1, augmentation=varied)),
        run_of("c3"),
        run_of("d4", settings="damaged"),
        run_of("e5", settings='{"config": {"schedule": "cosine", "snow": 3}}'),
    ]
    for words, found in (
        ("one-cycle", ["a1"]),
        ("dropout members=3", ["a1"]),
        ("members=30", []),
        ("shift_px=1.5", ["b2"]),
        ("label_smoothing", ["b2"]),
        ("cosine", ["e5"]),
        ("snow", []),
    ):
        assert [run.id for run in arrange(listed, words)] == found, words


# ---------------------------------------------------------------- networks


def test_networks_of_the_newest_runs_are_kept_within_a_bound(store, monkeypatch):
    model = MLP(4, [3], 2)
    store.keep_network("a1", "final", model, TrainingRecord(dataset="mnist"))
    network, meta = load_model(store.network("a1", "final"))
    np.testing.assert_array_equal(network.layers[0].W.data, model.layers[0].W.data)
    assert meta == {"dataset": "mnist"}
    assert store.network("a1", "best") is None
    os.utime(store.network("a1", "final"), (0, 0))
    size = store.network("a1", "final").stat().st_size
    monkeypatch.setattr(runs, "MAX_NETWORKS_BYTES", 3 * size)
    for number in range(4):
        store.keep_network(f"b{number}", "best", model, TrainingRecord(dataset="mnist"))
        os.utime(store.network(f"b{number}", "best"), (number, 1e9 + number))
    assert sorted(path.name for path in store.networks.iterdir()) == [f"b{number}-best.npz" for number in (1, 2, 3)]


def test_a_large_network_is_not_kept(monkeypatch):
    model = MLP(4, [3], 2)
    assert runs.can_keep(model)
    monkeypatch.setattr(runs, "MAX_NETWORK_BYTES", 20)
    assert not runs.can_keep(model)
