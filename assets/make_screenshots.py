"""Take the pictures of README and tour in a real window in which a real network trains and reads a drawing.

    python assets/make_screenshots.py

They are written to assets/screenshots/. Without a display, set QT_QPA_PLATFORM=offscreen.
"""

import os
import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

os.environ.setdefault("QT_SCALE_FACTOR", "1.5")

import numpy as np
from PySide6.QtCore import QEvent, QEventLoop, QPoint, QSettings, Qt, QTimer
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QCheckBox, QComboBox, QDockWidget, QPushButton, QSlider, QSpinBox, QWidget

from minigrad_gui import data, theme
from minigrad_gui.main_window import MainWindow
from minigrad_gui.widgets.runs_table import RunsTable

TARGET = Path(__file__).with_name("screenshots")
EPOCHS = 12
SHOWN_EPOCH = 7
SIZE_PX = (1280, 820)
VIEWS = ("confusion", "network", "weights", "why", "nearest")
DATA_COUNT = 6000
STEPS_BEFORE_THE_END = 2
STILL_MS = 4000
"""A view that has not changed for so long shows all that it has to show."""


def wait(condition: Callable[[], bool]) -> None:
    while not condition():
        pause(20)


def pause(milliseconds: int) -> None:
    loop = QEventLoop()  # QTest.qWait would hold up the other threads
    QTimer.singleShot(milliseconds, loop.quit)
    loop.exec()


def draw_three(canvas: QWidget) -> None:
    upper, lower = np.radians(np.linspace(-150, 90, 40)), np.radians(np.linspace(-90, 140, 40))
    x = np.concatenate([0.48 + 0.19 * np.cos(upper), 0.48 + 0.22 * np.cos(lower)])
    y = np.concatenate([0.31 + 0.16 * np.sin(upper), 0.67 + 0.2 * np.sin(lower)])
    points = [QPoint(round(a * canvas.width()), round(b * canvas.height())) for a, b in zip(x, y, strict=True)]
    QTest.mousePress(canvas, Qt.MouseButton.LeftButton, pos=points[0])
    for point in points[1:]:
        QTest.mouseMove(canvas, point)
    QTest.mouseRelease(canvas, Qt.MouseButton.LeftButton, pos=points[-1])


def take_views(window: MainWindow) -> None:
    """Each view with the pretrained network and the drawing."""
    for name in VIEWS:
        take_view(window, name)
    window.findChild(QDockWidget, "curvesViewDock").raise_()


def take_data(window: MainWindow, folder: Path) -> None:
    """A file whose pictures lie like EMNIST's, are dark on light, and call zero 10."""
    mnist, session = data.load_mnist(), window.session
    images, labels = mnist.train_images[:DATA_COUNT], mnist.train_labels[:DATA_COUNT]
    path = folder / "digits.npz"
    np.savez(path, images=255 - images.swapaxes(1, 2), labels=np.where(labels == 0, 10, labels))
    session.open_dataset(path)
    wait(lambda: not session.opening_source)
    take_view(window, "dataset")
    session.set_config(session.config, data.MNIST)
    window.findChild(QDockWidget, "curvesViewDock").raise_()


def take_graph(window: MainWindow) -> None:
    """The pretrained network's gradients on their way to the drawing."""
    window.findChild(QDockWidget, "graphViewDock").raise_()
    wait(lambda: window.findChild(QSlider, "graphSlider") is not None)
    slider = window.findChild(QSlider, "graphSlider")
    wait(lambda: slider.maximum() > 0)
    slider.setValue(slider.maximum() - STEPS_BEFORE_THE_END)
    take_view(window, "graph")


def take_runs(window: MainWindow) -> None:
    """The means of two learning rates over five seeds each."""
    session = window.session
    config = replace(session.config, epochs=5, training_samples=4000, hidden=(64,))
    rates, seeds = (1e-3, 1e-4), range(5)
    session.train_several([replace(config, learning_rate=rate, seed=seed) for rate in rates for seed in seeds])
    count = len(rates) * len(seeds)
    wait(lambda: len(session.sweep_runs) == count and session.state == "idle")
    window.findChild(QDockWidget, "runsViewDock").raise_()
    window.findChild(QCheckBox, "runsMeanCheck").setChecked(True)
    table = window.findChild(RunsTable)
    wait(lambda: len(table.runs.shown) >= count)
    table.choose(session.sweep_runs)
    take_view(window, "runs")
    window.findChild(QDockWidget, "curvesViewDock").raise_()


def take_view(window: MainWindow, name: str, file: str = "") -> None:
    """Once it no longer changes. file: its name; by default, the view's."""
    dock = window.findChild(QDockWidget, f"{name}ViewDock")
    dock.raise_()
    images = [dock.grab()]
    pause(STILL_MS)
    images.append(dock.grab())
    while images[-1].toImage() != images[-2].toImage():
        pause(STILL_MS)
        images.append(dock.grab())
    images[-1].save(str(TARGET / f"{file or name}.png"))


def main() -> None:
    app = QApplication([])
    with tempfile.TemporaryDirectory() as settings:
        QSettings.setPath(QSettings.Format.IniFormat, QSettings.Scope.UserScope, settings)
        os.environ["XDG_DATA_HOME"] = settings  # no drawings that somebody taught
        window = MainWindow()
        window.resize(*SIZE_PX)
        window.show()
        session = window.session
        window.findChild(QSpinBox, "epochsSpin").setValue(EPOCHS)
        draw_three(window.findChild(QWidget, "drawingCanvas"))
        TARGET.mkdir(exist_ok=True)
        take_views(window)
        take_graph(window)
        take_data(window, Path(settings))
        take_runs(window)
        window.findChild(QPushButton, "trainButton").click()
        wait(lambda: len(session.history.epochs) >= SHOWN_EPOCH and session.samples_per_second > 0)
        session.pause()  # it would be over before the view is still
        wait(lambda: session.state == "paused")
        take_view(window, "time")
        window.findChild(QComboBox, "timeShownCombo").setCurrentIndex(1)
        take_view(window, "time", "landscape")
        window.findChild(QDockWidget, "curvesViewDock").raise_()
        session.resume()
        for name, dark in (("light", False), ("dark", True)):
            theme.apply(app, dark=dark)
            shown = len(session.history)
            wait(lambda shown=shown: len(session.history) > shown + 20)
            window.grab().save(str(TARGET / f"{name}.png"))
        session.close()
        window.deleteLater()  # before the application
        app.sendPostedEvents(None, QEvent.Type.DeferredDelete)


if __name__ == "__main__":
    main()
