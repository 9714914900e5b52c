"""Nothing leaves the machine: whatever the app does, Python makes no internet socket, unless Hugging Face is asked for.

Each scenario runs in a process of its own, and every Python process that it starts is watched as well. What the app
imports is watched once; the processes of the longer scenarios are forked from one that has imported it.
"""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from forked import output_of

WATCH = """
import os
import socket
import sys

INTERNET = socket.AF_INET, socket.AF_INET6

def watch(event, arguments):
    if event in ("socket.connect", "socket.bind", "socket.sendto"):
        used = arguments[0].family in INTERNET
    elif event == "socket.__new__":
        used = arguments[1] in INTERNET
    else:
        used = event.startswith("socket.get") and event != "socket.gethostname"
    if used:
        with open(os.environ["WATCHED"], "a") as file:
            print(event, arguments[1:], file=file)

sys.addaudithook(watch)
"""

IMPORTS = "from minigrad_gui import app, cli, main_window, session, views"

WINDOW = """
import sys
import time
from pathlib import Path
from PySide6.QtCore import QEventLoop, QPoint, Qt, QTimer
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from minigrad_gui.main_window import MainWindow

def wait(condition):
    started = time.monotonic()
    while not condition():
        assert time.monotonic() < started + 60
        loop = QEventLoop()  # QTest.qWait would block the other threads
        QTimer.singleShot(20, loop.quit)
        loop.exec()

folder = Path(sys.argv[1])
app = QApplication(["minigrad-gui"])
window = MainWindow()
window.show()
window.findChild(object, "hiddenLayersEdit").setText("8")
window.findChild(object, "batchSizeSpin").setValue(1000)
window.findChild(object, "epochsSpin").setValue(1)
window.findChild(object, "trainButton").click()
wait(lambda: window.session.state != "idle")
wait(lambda: window.session.state == "idle")
canvas = window.findChild(object, "drawingCanvas")
QTest.mousePress(canvas, Qt.MouseButton.LeftButton, pos=QPoint(60, 20))
QTest.mouseMove(canvas, QPoint(60, 90))
QTest.mouseRelease(canvas, Qt.MouseButton.LeftButton, pos=QPoint(60, 90))
wait(lambda: window.session.prediction is not None)
window.session.save(folder / "model.npz")
window.open(folder / "model.npz")
assert window.statusBar().currentMessage() == "Opened model.npz"
window.close()
assert "PySide6.QtNetwork" not in sys.modules
"""

COMMANDS = """
import sys
from pathlib import Path
import numpy as np
from PIL import Image
from minigrad_gui.cli import main

folder = Path(sys.argv[1])
model, picture = str(folder / "model.npz"), str(folder / "picture.png")
Image.fromarray(np.tri(28, dtype=np.uint8) * 255).save(picture)
assert main(["train", "--epochs", "1", "--hidden", "4", "--batch-size", "1000", "--save", model]) == 0
assert main(["evaluate", model]) == 0
assert main(["predict", model, picture]) == 0
"""


def internet_use(folder: Path, code: str, *, is_forked: bool = False, **environment: str) -> list[str]:
    """The internet access that code, with the folder as its argument, and its child processes attempted."""
    (folder / "sitecustomize.py").write_text(WATCH)
    log = folder / "watched"
    log.touch()
    environment = {
        **os.environ,
        "PYTHONPATH": str(folder),
        "WATCHED": str(log),
        "XDG_CONFIG_HOME": str(folder / "settings"),
        "XDG_DATA_HOME": str(folder / "data"),
        "HF_HOME": str(folder / "cache"),
        **environment,
    }
    if is_forked:
        output_of("-c", WATCH + code, folder, environment=environment)
    else:
        command = [sys.executable, "-c", code, folder]
        subprocess.run(command, env=environment, check=True, capture_output=True, timeout=60)
    return log.read_text().splitlines()


@pytest.mark.parametrize("scenario", [IMPORTS, WINDOW, COMMANDS], ids=["imports", "window", "commands"])
def test_nothing_leaves_the_machine(tmp_path, scenario):
    assert internet_use(tmp_path, scenario, is_forked=scenario != IMPORTS, HF_HUB_OFFLINE="0") == []


@pytest.mark.parametrize(
    ("code", "event"),
    [
        ("socket.create_server(('127.0.0.1', 0)).close()", "socket.bind"),
        ("socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b'', ('127.0.0.1', 9))", "socket.sendto"),
        ("socket.socket(socket.AF_INET6).close()", "socket.__new__"),
        ("socket.getaddrinfo('localhost', 80)", "socket.getaddrinfo"),
    ],
)
def test_the_watch_sees_what_it_should(tmp_path, code, event):
    assert any(line.startswith(event) for line in internet_use(tmp_path, f"import socket; {code}"))


def test_the_watch_sees_what_a_forked_process_and_its_children_do(tmp_path):
    code = "import socket, subprocess, sys; socket.socket(socket.AF_INET{}).close()"
    started = f"subprocess.run([sys.executable, '-c', {code.format('6')!r}], check=True)"
    lines = internet_use(tmp_path, f"{code.format('')}; {started}", is_forked=True)
    assert [line.startswith("socket.__new__") for line in lines] == [True, True]


def test_only_hugging_face_is_asked_and_only_when_it_should_be(tmp_path):
    """The downloading child is watched, too; its attempts end at the given address."""
    code = "from minigrad_gui.cli import main; assert main(['train', '--dataset', 'ylecun/mnist']) == 2"
    environment = {"HF_ENDPOINT": "http://127.0.0.1:1", "HF_HUB_OFFLINE": "0"}
    lines = internet_use(tmp_path, code, is_forked=True, **environment)
    connected = [line for line in lines if line.startswith("socket.connect")]
    assert connected
    assert all("'127.0.0.1', 1" in line for line in connected)
