"""The window survives haste, long use and hostile disks without a crash, a hang, or a lost drawing or model."""

import json
import os
import shutil
import socket
import sys
import threading
import time
from contextlib import contextmanager
from itertools import pairwise

import numpy as np
import pytest
from forked import output_of
from mnist_digits import first_digits, replace_mnist
from monkey import Monkey
from networks import same
from PySide6.QtCore import QSettings
from PySide6.QtGui import QAction, QDesktopServices
from PySide6.QtWidgets import QFileDialog, QMessageBox, QSpinBox
from some_views import every_panel, every_tab

from engine import MLP, TrainingConfig, load_model, save_model
from minigrad_gui.data import bundled, load_mnist
from minigrad_gui.resources import asset_path

pytestmark = pytest.mark.panels("TrainingPanel", "DrawPanel")

BUTTONS = QMessageBox.StandardButton
PATIENCE_MS = 30_000
ACTIONS = 75
"""Of a monkey: some seconds of them."""
SEVEN = np.array([[0.25, 0.2], [0.75, 0.2], [0.45, 0.85]])
REAL_DIALOGS = [(QMessageBox, kind, getattr(QMessageBox, kind)) for kind in ("question", "warning", "exec")] + [
    (QFileDialog, kind, getattr(QFileDialog, kind)) for kind in ("getOpenFileName", "getSaveFileName")
]
posix = pytest.mark.skipif(sys.platform == "win32", reason="file size limits are POSIX")
linux = pytest.mark.skipif(sys.platform != "linux", reason="asks /proc or /sys")


def model_file(path, sizes=(784, (12,), 10)):
    save_model(path, MLP(*sizes, dtype=np.float32, init="he", rng=np.random.default_rng(1)), {})
    return path


@pytest.fixture
def choose(monkeypatch):
    """The person picks this path in the next file dialogs."""
    return lambda path: monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (str(path), ""))


# ---------------------------------------------------------------- a monkey


@pytest.fixture
def play(make_window, qtbot, tmp_path, monkeypatch):
    """`play(seed, actions=… or seconds=…)`: a monkey plays with a new window with real dialogs; returns the monkey."""
    for owner, name, real in REAL_DIALOGS:
        monkeypatch.setattr(owner, name, real)
    QSettings.setPath(QSettings.Format.NativeFormat, QSettings.Scope.UserScope, str(tmp_path / "qt"))  # file dialogs'
    monkeypatch.setattr(QDesktopServices, "openUrl", lambda *_: False)
    monkeypatch.setenv("HF_HOME", str(tmp_path / "huggingface"))
    shutil.copy(asset_path("pretrained.npz"), tmp_path / "good.npz")
    (tmp_path / "cut.npz").write_bytes((tmp_path / "good.npz").read_bytes()[:5000])
    model_file(tmp_path / "small.npz")
    model_file(tmp_path / "colour.npz", (3072, (8,), 10))
    names = (
        "good.npz",
        "small.npz",
        "cut.npz",
        "colour.npz",
        "new",
        "new.npz",
        "missing/x.npz",
        "plot.png",
        ".",
        "ä.npz",
    )

    def start(seed, **limit):
        with qtbot.capture_exceptions() as exceptions:
            window = make_window()
            monkey = Monkey(window, seed, [tmp_path / name for name in names], exceptions)
            monkey.run(**limit)
            window.session.save(tmp_path / "saved.npz")
        assert same(load_model(tmp_path / "saved.npz")[0], window.session.model)
        return monkey

    return start


@every_panel
@every_tab
def test_a_monkey(play):
    assert play(int(os.environ.get("MINIGRAD_MONKEY_SEED", "1")), actions=ACTIONS).actions_taken == ACTIONS


@every_panel
@every_tab
@pytest.mark.long
@pytest.mark.parametrize("seed", range(5))
def test_a_monkey_for_minutes(play, seed):
    seconds = 60 * float(os.environ.get("MINIGRAD_MONKEY_MINUTES", "5"))
    assert play(seed, seconds=seconds).actions_taken > seconds


# ---------------------------------------------------------------- haste and long use


@pytest.fixture(scope="module")
def tenth():
    return first_digits(6000, 1000)


@pytest.fixture
def few_digits(tenth, monkeypatch):
    """Makes MNIST so small that epochs are short."""
    replace_mnist(monkeypatch, lambda: tenth)


@pytest.mark.usefixtures("few_digits")
@pytest.mark.parametrize("cycles", [9, pytest.param(100, marks=pytest.mark.long)])
def test_many_starts_and_stops(user, cycles):
    """With digits held out; otherwise, each stop would calibrate for a second."""
    user.train(hidden="8")
    user.configure(hidden="8", epochs=1000)
    threads = threading.enumerate()
    for cycle in range(cycles):
        user.click("trainButton")
        if cycle % 3 != 1:  # otherwise it is stopped before it begins
            user.wait(lambda: len(user.session.history) > 0)
        user.click("stopButton")
        user.wait(lambda: user.session.state == "idle")
    assert threading.enumerate() == threads
    assert len(user.session.history) > 0
    assert user.widget("trainButton").isEnabled()


@pytest.mark.parametrize("count", [100, pytest.param(1000, marks=pytest.mark.long)])
def test_a_digit_of_many_strokes_is_read_undone_and_redone(user, count):
    canvas = user.widget("drawingCanvas")
    walked = np.linspace(0, 2, count + 1)
    points = np.column_stack([np.interp(walked, (0, 1, 2), SEVEN[:, axis]) for axis in (0, 1)])
    for start, end in pairwise(points):
        user.stroke(np.array([start, end]))
    strokes = canvas.strokes
    assert len(strokes) == count
    canvas.grab()
    user.wait(lambda: user.session.prediction is not None and user.session.prediction.digit == 7)
    for _ in range(count):
        user.trigger("undoAction")
    assert canvas.strokes == ()
    assert not user.widget("undoButton").isEnabled()
    user.wait(lambda: user.session.prediction is None)
    for _ in range(count):
        user.trigger("redoAction")
    assert all(redone is drawn for redone, drawn in zip(canvas.strokes, strokes, strict=True))
    user.wait(lambda: user.session.prediction is not None and user.session.prediction.digit == 7)


def soak(runs):
    """The figures of tests/benchmarks/soak.py, from a separate process so that nothing else affects them."""
    told = output_of("-m", "tests.benchmarks.soak", "--runs", runs, environment=os.environ, patience_s=3600)
    return json.loads(told.splitlines()[-1])


def assert_flat(figures):
    for name in ("Python threads", "QThreads running", "threads of the process", "timers active", "widgets"):
        assert figures[name]["least"] == figures[name]["most"], name
    files = figures["file handles"]
    assert files["most"] - files["least"] <= 1, "a recoverable run has its lock"


@linux
def test_threads_timers_and_files_stay_flat_over_short_runs():
    assert_flat(soak(6))


@linux
@pytest.mark.long
def test_a_day_of_short_runs():
    figures = soak(24 * 60)
    assert_flat(figures)
    assert figures["memory, MB"]["in 1,000 runs"] < 10
    assert figures["Python objects"]["in 1,000 runs"] < 1000


# ---------------------------------------------------------------- closing


def leave(user):
    """Close the window, and wait for what its thread is still computing."""
    user.window.close()
    assert not user.window.isVisible()
    assert user.session.wait(PATIENCE_MS)


@pytest.mark.parametrize("moment", ["it has just begun", "it prepares", "it trains"])
def test_closing_does_not_wait_for_the_end_of_a_run(user, answer, moment):
    user.configure(hidden="256, 128", epochs=1000, batch_size=128)
    questions = answer(BUTTONS.Discard)
    user.click("trainButton")
    if moment == "it prepares":
        user.qtbot.wait(300)  # at some point during the run
    elif moment == "it trains":
        user.wait(lambda: len(user.session.history) > 20)
    has_trained = len(user.session.history) > 0
    leave(user)
    assert len(questions) == has_trained, "a run that has not trained yet cannot be kept"
    assert len(user.session.history.epochs) < 20  # of 1,000


@pytest.mark.long
def test_closing_during_a_run_takes_a_second_at_most(user, answer):
    user.configure(hidden="256, 128", epochs=1000, batch_size=128)
    answer(BUTTONS.Discard)
    user.click("trainButton")
    user.wait(lambda: len(user.session.history) > 20)
    begun = time.perf_counter()
    leave(user)
    assert time.perf_counter() - begun < 1.5, "a second, plus the time to check the clock"


def test_closing_does_not_wait_for_a_download(user, answer, monkeypatch, tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        monkeypatch.setenv("HF_HOME", str(tmp_path / "huggingface"))
        monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
        monkeypatch.setenv("HF_ENDPOINT", f"http://127.0.0.1:{silent.getsockname()[1]}")
        user.session.set_config(user.session.config, "ylecun/mnist")
        user.click("trainButton")
        silent.settimeout(60)
        connection, _ = silent.accept()
        with connection:
            answer(BUTTONS.Discard)
            leave(user)


# ---------------------------------------------------------------- a hostile disk


@contextmanager
def full_disk():
    """No file can grow any more: writes fail as on a full disk."""
    import resource

    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, limits[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)


@pytest.fixture
def drawings(tmp_path):
    """The folder where taught drawings are stored."""
    return tmp_path / "data" / "minigrad" / "handwriting"


def teach(user, digit, label):
    user.click("clearButton")
    user.draw(digit)
    user.wait(lambda: user.window.findChild(QAction, "teach0Action").isEnabled())
    user.trigger(f"teach{label}Action")
    user.session.drawing_store.flush()
    user.wait(lambda: not user.session.is_learning)


@posix
@pytest.mark.usefixtures("few_digits", "short_teaching")
def test_on_a_full_disk_a_drawing_is_learnt_and_the_others_stay(user, drawings, warnings):
    teach(user, 7, 7)
    (file,) = drawings.iterdir()
    content = file.read_bytes()
    with full_disk():
        teach(user, 3, 3)
    assert len(warnings) == 1
    assert "will be lost when you quit" in warnings[0]
    assert [drawing.label for drawing in user.session.drawing_store.drawings] == [7, 3]
    assert [*drawings.iterdir()] == [file], "no partial file is left"
    assert file.read_bytes() == content
    teach(user, 1, 1)
    assert len([*drawings.iterdir()]) == 3, "the drawing that failed before is written, too"
    assert len(warnings) == 1


@every_panel
@posix
def test_on_a_full_disk_the_window_closes_and_the_old_settings_survive(make_window, tmp_path):
    make_window().close()
    (file,) = (tmp_path / "settings").rglob("*.ini")
    before = file.read_bytes()
    window = make_window()
    window.findChild(QSpinBox, "epochsSpin").setValue(77)
    with full_disk():
        window.close()
    assert not window.isVisible()
    assert file.read_bytes() == before
    make_window().close()
    assert b"77" in file.read_bytes()


@posix
@pytest.mark.usefixtures("few_digits")
@pytest.mark.parametrize("export", ["exportPngAction", "exportCsvAction"])
@pytest.mark.tabs("curvesView")
def test_on_a_full_disk_a_failed_export_is_reported_and_leaves_no_file(user, choose, tmp_path, warnings, export):
    user.train()
    path = tmp_path / ("curves.png" if "Png" in export else "curves.csv")
    path.write_text("an older one")
    choose(path)
    user.wait(lambda: user.window.findChild(QAction, export).isEnabled())
    with full_disk():
        user.trigger(export)
    assert warnings == [f"Could not write {path.name}."]
    assert path.read_text() == "an older one"
    assert [each.name for each in tmp_path.glob("curves*")] == [path.name]


@pytest.fixture
def no_writing(monkeypatch):
    """Not even root can create a folder in /sys."""
    monkeypatch.setenv("XDG_DATA_HOME", "/sys")
    QSettings.setPath(QSettings.Format.IniFormat, QSettings.Scope.UserScope, "/sys")


@linux
@pytest.mark.usefixtures("no_writing", "few_digits", "short_teaching")
def test_the_window_works_without_write_permission(user, warnings):
    teach(user, 7, 3)
    assert len(warnings) == 1
    assert "/sys/minigrad/handwriting cannot be written to" in warnings[0]
    user.wait(lambda: user.session.prediction.digit == 3)
    user.window.close()
    assert not user.window.isVisible()


@pytest.mark.usefixtures("few_digits", "short_teaching")
def test_a_deleted_data_folder_is_created_again(user, drawings, warnings):
    teach(user, 7, 7)
    shutil.rmtree(drawings.parents[1])
    teach(user, 3, 3)
    assert [drawing.label for drawing in user.session.drawing_store.drawings] == [7, 3]
    assert len([*drawings.iterdir()]) == 1
    shutil.rmtree(drawings.parents[1])
    user.trigger("undoTeachingAction")
    user.session.drawing_store.flush()
    assert [drawing.label for drawing in user.session.drawing_store.drawings] == [7]
    assert warnings == []


@every_panel
@pytest.mark.usefixtures("few_digits")
def test_a_model_whose_folder_is_gone_can_be_saved_elsewhere(user, choose, tmp_path, warnings):
    (tmp_path / "models").mkdir()
    user.window.open(model_file(tmp_path / "models" / "mine.npz"))
    user.click("continueCheck")
    user.session.train()
    user.wait(lambda: user.session.state == "idle")
    shutil.rmtree(tmp_path / "models")
    trained = user.session.model
    user.trigger("saveAction")
    assert len(warnings) == 1
    assert "mine.npz could not be saved" in warnings[0]
    assert user.window.isWindowModified()
    assert user.session.model is trained
    choose(tmp_path / "elsewhere.npz")
    user.trigger("saveAsAction")
    assert same(load_model(tmp_path / "elsewhere.npz")[0], trained)
    assert not user.window.isWindowModified()


@pytest.fixture
def digits_file(monkeypatch, tmp_path):
    """Where the digits are read from: nothing is there yet."""
    path = tmp_path / "mnist.npz"
    monkeypatch.setattr(bundled, "asset_path", lambda name: path if name == path.name else asset_path(name))
    replace_mnist(monkeypatch, load_mnist)
    return path


def test_damaged_digits_are_reported_and_drawing_still_works(digits_file, user, warnings):
    before, whole = user.session.model, asset_path("mnist.npz").read_bytes()
    for share in (0, 0.5, 0.999):
        warnings.clear()
        digits_file.write_bytes(whole[: int(share * len(whole))])
        user.train()
        assert len(warnings) == 1, share
        assert "are missing or damaged; install minigrad again" in warnings[0], share
        user.click("clearButton")
        user.wait(lambda: user.session.prediction is None)
        user.draw(7)
        user.wait(lambda: user.session.prediction is not None and user.session.prediction.digit == 7)
        user.trigger("teach3Action")
        user.wait(lambda: not user.session.is_learning and len(warnings) == 2)
        assert user.session.model is before, share
        user.trigger("undoTeachingAction")  # else it would be learnt after the next run, too
    digits_file.write_bytes(whole)
    user.train()
    assert len(user.session.history) > 0
    assert len(warnings) == 2


GARBAGE = {
    "bytes": bytes(range(256)) * 20,
    "text": b"[General]\ntheme=dark\nconfig\n===\n[[[\n",
    "cut": b'[General]\ngeometry=@ByteArray(\\x1\\xd9\\xd0\\xcb\\0\\x3\ntheme="da',
    "other types": b"[General]\ncolumns=@Rect(0 0 9 9)\nconfig=@Point(1 2)\ngeometry=true\nrecent=@Size(3 4)\ntheme=7\n"
    b"[plot]\nlog=@Point(1 2)\n",
    "variants of no type": b"[General]\n"
    + b"".join(key + rb"=@Variant(\0\0\0\x7f\0\0\0\x2X\0\xff)" + b"\n" for key in (b"columns", b"config", b"theme")),
    "huge numbers": b"[General]\ncolumns=99999999999999999999\ngeometry=1e999\nrecent=" + b"9" * 5000 + b"\nconfig="
    + rb'"{\"config\": {\"epochs\": 1e30, \"batch_size\": ' + b"9" * 400 + rb'}, \"source\": \"mnist\"}"',
    "a thousand recent files": b"[General]\nrecent=" + b", ".join([b"x.npz"] * 1000),
}  # fmt: skip


@every_panel
@pytest.mark.parametrize("content", GARBAGE.values(), ids=GARBAGE)
def test_a_damaged_settings_file_is_ignored(make_window, tmp_path, content):
    file = tmp_path / "settings" / "minigrad" / "minigrad.ini"
    file.parent.mkdir(parents=True)
    file.write_bytes(content)
    window = make_window()
    assert window.session.config == TrainingConfig()
    window._recent.aboutToShow.emit()
    window.findChild(QSpinBox, "epochsSpin").setValue(77)
    window.close()
    assert make_window().session.config.epochs == 77, "and the next start works again"


@every_panel
def test_a_window_remembered_beyond_the_screen_is_moved_onto_it(make_window):
    window = make_window()
    screen = window.screen().availableGeometry()
    window.move(screen.right() + 50_000, -50_000)
    window.resize(9000, 7000)
    window.close()
    assert screen.intersects(make_window().frameGeometry())


# ---------------------------------------------------------------- another display scale


SCREEN = {"y": 0, "logicalBaseDpi": 96, "dpr": 1}
SCREENS = [
    {**SCREEN, "name": "plain", "x": 0, "width": 1920, "height": 1080, "logicalDpi": 96},
    {**SCREEN, "name": "fine", "x": 1920, "width": 3840, "height": 2160, "logicalDpi": 192},
]


def test_on_a_screen_with_more_pixels_the_drawing_is_the_same_and_sharp(tmp_path):
    (tmp_path / "screens.json").write_text(json.dumps({"screens": SCREENS}))
    platform = f"offscreen:configfile={tmp_path / 'screens.json'}"
    environment = {**os.environ, "QT_QPA_PLATFORM": platform, "XDG_CONFIG_HOME": str(tmp_path)}
    output_of("-m", "two_screens", environment=environment, patience_s=120)
