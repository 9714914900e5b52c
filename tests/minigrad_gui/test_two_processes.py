"""Two programs at once on the same data folder, settings and files do no damage.

Each test starts real processes, which report when they are ready and then begin together on a signal.
"""

import json
import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from forked import Forked
from PySide6.QtCore import QByteArray, QSettings

from engine import MLP, TrainingConfig, load_model, save_checkpoint, save_model
from engine.run import TrainingRun
from minigrad_gui.handwriting import DrawingStore
from minigrad_gui.recovery import RunFolder

PATIENCE_S = 120
pytestmark = pytest.mark.skipif(os.name == "nt", reason="there, no process can be forked")

NOTEBOOK = """
import sys
from pathlib import Path
from minigrad_gui.handwriting import DrawingStore
def ready():
    print("ready", flush=True)
    sys.stdin.readline()
def opened():
    drawing_store = DrawingStore(folder)
    drawing_store.include(drawing_store.read())
    return drawing_store
folder = Path(sys.argv[1])
"""
WINDOW = """
import sys
from pathlib import Path
from PySide6.QtCore import QEventLoop, QThread
from PySide6.QtWidgets import QApplication
from engine import TrainingConfig
from minigrad_gui.main_window import MainWindow
def ready(*told):
    print("ready", *told, flush=True)
    return sys.stdin.readline()
def wait(condition):
    while not condition():
        app.processEvents(QEventLoop.ProcessEventsFlag.WaitForMoreEvents)
def leave(window):
    window.leave()
    for thread in window.findChildren(QThread):
        thread.wait()  # on a busy machine longer than a window waits
app = QApplication([])
"""


class Program:
    """A process that runs a script and answers line by line."""

    def __init__(self, script: str, *arguments: object, folder: Path) -> None:
        environment = {**os.environ, "XDG_DATA_HOME": str(folder / "data"), "XDG_CONFIG_HOME": str(folder / "config")}
        strict = f"import warnings\nwarnings.simplefilter('error')\n{script}"
        self._errors = (folder / f"stderr-{len(list(folder.glob('stderr-*')))}").open("w+")
        self.process = Forked("-c", strict, *arguments, environment=environment, stderr=self._errors)

    def told(self) -> list[str]:
        """The words of the next line, which begins with "ready"."""
        words = self.process.stdout.readline().split()
        assert words[:1] == ["ready"], self._end()
        return words[1:]

    def go(self, word: str = "go") -> None:
        self.process.stdin.write(f"{word}\n")
        self.process.stdin.flush()

    def finish(self) -> str:
        """Its output until its end, which must be successful."""
        rest, _ = self.process.communicate(timeout=PATIENCE_S)
        assert self.process.returncode == 0, self._end()
        return rest

    def _end(self) -> str:
        self.process.kill()
        self.process.wait()
        self._errors.seek(0)
        return self._errors.read()

    def close(self) -> None:
        self._end()
        self.process.close()
        self._errors.close()


Start = Callable[..., Program]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """`start(script, *arguments)`: a program whose data and settings are in `tmp_path`."""
    programs: list[Program] = []

    def run(script: str, *arguments: object) -> Program:
        programs.append(Program(script, *arguments, folder=tmp_path))
        return programs[-1]

    yield run
    for program in programs:
        program.close()


def together(*programs: Program) -> list[str]:
    """Let all begin at once, wait until they end, and return their output."""
    for program in programs:
        program.told()
    for program in programs:
        program.go()
    return [program.finish() for program in programs]


# ---------------------------------------------------------------- drawings


def test_both_add_and_remove_drawings_at_full_speed(start, tmp_path):
    """Every third one is removed again; a third process reads the newest all the time, and never a partial file."""
    folder = tmp_path / "new" / "handwriting"
    writes = f"""{NOTEBOOK}
drawing_store = DrawingStore(folder)
ready()
for index in range(150):
    drawing = drawing_store.add([[[0.01 * index, 0.1], [0.5, 0.9]]], int(sys.argv[2]))
    if index % 3 == 0:
        drawing_store.remove(drawing)
"""
    reads = f"""{NOTEBOOK}
import json, os
folder.mkdir(parents=True, exist_ok=True)
ready()
names = []
while len(names) < 200:
    names = sorted(name for name in os.listdir(folder) if name.endswith(".json"))
    for name in names[-2:]:
        try:
            content = (folder / name).read_bytes()
        except FileNotFoundError:
            continue
        assert json.loads(content)["strokes"][0][1] == [0.5, 0.9]
"""
    together(start(writes, folder, 3), start(writes, folder, 8), start(reads, folder))
    drawings = DrawingStore(folder).read()
    for label in (3, 8):
        first_points = [drawing.strokes[0][0, 0] for drawing in drawings if drawing.label == label]
        assert first_points == [round(0.01 * index, 4) for index in range(150) if index % 3]
    assert len(list(folder.iterdir())) == len(drawings) == 200


def test_one_forgets_the_handwriting_while_the_other_teaches(start, tmp_path):
    """One teaches until the other has deleted a few of its drawings; then it removes all of them."""
    folder, enough = tmp_path / "handwriting", tmp_path / "enough"
    DrawingStore(folder).add([[[0.5, 0.1], [0.5, 0.9]]], 1)
    teaches = f"""{NOTEBOOK}
drawing_store = opened()
assert len(drawing_store.drawings) == 1
ready()
while not Path(sys.argv[2]).exists():
    drawing_store.add([[[0.5, 0.1], [0.5, 0.9]]], 3)
last = [drawing_store.add([[[0.5, 0.1], [0.5, 0.9]]], 8) for _ in range(3)]
print(len(opened().drawings))
drawing_store.remove(*drawing_store.drawings[:-1])
assert drawing_store.drawings == last[-1:]
"""
    forgets = f"""{NOTEBOOK}
drawing_store = opened()
ready()
gone = 0
while gone < 30:
    before = set(folder.glob("*.json"))
    drawing_store.forget()
    assert drawing_store.drawings == []
    gone += sum(not file.exists() for file in before)
Path(sys.argv[2]).touch()
"""
    left, _ = together(start(teaches, folder, enough), start(forgets, folder, enough))
    assert int(left) >= 3, "drawings taught after the other has forgotten them stay"
    assert [drawing.label for drawing in DrawingStore(folder).read()] == [8]
    assert len(list(folder.iterdir())) == 1


# ---------------------------------------------------------------- networks


def test_both_save_to_one_file_and_a_third_always_loads_one_network_or_the_other(start, tmp_path):
    path, enough = tmp_path / "shared.npz", tmp_path / "enough"
    saves = """
import sys
from pathlib import Path
from engine import MLP, save_model
path, enough, number = Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])
model = MLP(784, (8 * number,), 10)
for parameter in model.parameters():
    parameter.data[...] = number
save_model(path, model, {"number": number})
print("ready", flush=True)
sys.stdin.readline()
while not enough.exists():
    save_model(path, model, {"number": number})
"""
    loads = """
import sys
from pathlib import Path
from engine import load_model
print("ready", flush=True)
sys.stdin.readline()
seen = []
while len(seen) < 100 or len(set(seen)) < 2:
    model, meta = load_model(sys.argv[1])
    seen.append(meta["number"])
    assert model.sizes == (784, 8 * seen[-1], 10)
    assert all((parameter.data == seen[-1]).all() for parameter in model.parameters())
Path(sys.argv[2]).touch()
"""
    together(start(saves, path, enough, 1), start(saves, path, enough, 2), start(loads, path, enough))
    assert load_model(path)[1]["number"] in (1, 2)
    assert {file.name for file in tmp_path.glob("*") if file.is_file() and "stderr" not in file.name} == {
        "shared.npz",
        "enough",
    }, "no draft is left"


# ---------------------------------------------------------------- settings and log


def test_both_windows_close_at_once_and_the_settings_can_be_read(start, tmp_path):
    script = f"""{WINDOW}
for round in range(2):
    window = MainWindow()
    window.show()
    window.open(Path(sys.argv[1]))
    ready()
    leave(window)
"""
    networks = [tmp_path / "a.npz", tmp_path / "b.npz"]
    for path in networks:
        save_model(path, MLP(784, (4,), 10))
    programs = [start(script, path) for path in networks]
    for _ in range(2):
        for program in programs:
            program.told()
        for program in programs:
            program.go()
    for program in programs:
        program.finish()
    (file,) = (tmp_path / "config").rglob("*.ini")
    assert len(list(file.parent.iterdir())) == 1, "neither a lock nor a draft is left"
    settings = QSettings(str(file), QSettings.Format.IniFormat)
    recent = settings.value("recent")
    assert settings.status() == QSettings.Status.NoError
    assert {recent} if isinstance(recent, str) else set(recent) <= set(map(str, networks))
    assert isinstance(settings.value("geometry"), QByteArray)
    assert "width" in json.loads(settings.value("columns"))


def test_both_rotate_one_log(start, tmp_path):
    path = tmp_path / "log" / "minigrad.log"
    script = """
import sys
from pathlib import Path
from PySide6.QtWidgets import QApplication
from minigrad_gui import incidents
incidents.MAX_LOG_BYTES = 2000
app = QApplication([])
watch = incidents.Incidents(Path(sys.argv[1]))
watch.install()
print("ready", flush=True)
sys.stdin.readline()
for number in range(2000):
    incidents.LOGGER.error("record %d of %s, whole", number, sys.argv[2])
    assert watch._log.problem == "", watch._log.problem
watch.uninstall()
"""
    together(start(script, path, "one"), start(script, path, "other"))
    logs = list(path.parent.glob("minigrad.log*"))
    lines = [line for log in logs for line in log.read_text().splitlines()]
    assert lines
    assert all(re.fullmatch(r"[-0-9]+ [:,0-9]+ ERROR record \d+ of (one|other), whole", line) for line in lines)
    assert 2 <= len(logs) <= 4


# ---------------------------------------------------------------- runs


def test_both_train_and_neither_offers_the_others_run(start, tmp_path):
    script = f"""{WINDOW}
window = MainWindow()
window.session.set_config(TrainingConfig(hidden=(16,), epochs=1000), "mnist")
window.session.train()
wait(lambda: len(window.session.history) > 20)
ready()
window.session.look_for_runs()
ready(len(window.session.left_behind))
leave(window)
"""
    programs = [start(script), start(script)]
    runs = tmp_path / "data" / "minigrad" / "runs"
    for program in programs:
        program.told()
    assert len(list(runs.glob("*.npz"))) == 2
    for program in programs:
        program.go()
    assert [program.told() for program in programs] == [["0"], ["0"]]
    for program in programs:
        program.go()
    for program in programs:
        program.finish()
    folder = RunFolder(runs)
    assert len(folder.left_behind()) == 2
    folder.release()


def test_both_start_at_once_and_only_one_offers_the_run_left_behind(start, tmp_path):
    runs = tmp_path / "data" / "minigrad" / "runs"
    runs.mkdir(parents=True)
    config = TrainingConfig(hidden=(4,), batch_size=8, epochs=2, validation_share=0.0)
    run = TrainingRun(config, np.zeros((64, 28, 28), np.uint8), np.zeros(64, np.intp), 10)
    next(iter(run))
    save_checkpoint(runs / "left.npz", run.state(), {"dataset": "mnist", "blas_threads": 1})
    script = f"""{WINDOW}
for round in range(2):
    ready()
    window = MainWindow()
    ready(len(window.session.left_behind))
    leave(window)
"""
    programs = [start(script), start(script)]
    for _ in range(2):
        for program in programs:
            program.told()
        for program in programs:
            program.go()
        assert sorted(program.told() for program in programs) == [["0"], ["1"]]
        for program in programs:
            program.go()
    for program in programs:
        program.finish()
    assert sorted(file.name for file in runs.glob("*.npz")) == ["left.npz"]
