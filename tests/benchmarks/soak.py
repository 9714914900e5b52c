"""A day of short runs in one window, as fast as possible: do threads, timers, file handles and memory stay flat?

    python tests/benchmarks/soak.py [--runs N] [--seed N]

A day means one run per minute. Each trains a small network on a few digits, to the end or until it is stopped; in
between a user draws, teaches, saves, opens, pauses, steps, restores the previous network and changes the theme. Growth
is printed per 1,000 runs, as the slope of a line through all but the first fifth of the figures. The last line is JSON,
for the tests.
"""

import argparse
import ctypes
import gc
import json
import os
import random
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import numpy as np
from PySide6.QtCore import QCoreApplication, QEvent, QEventLoop, QObject, QSettings, QThread, QTimer
from PySide6.QtGui import QAction, QPixmapCache
from PySide6.QtWidgets import QApplication, QLineEdit, QSpinBox

from minigrad_gui import data
from minigrad_gui.main_window import MainWindow

RUNS_A_DAY = 24 * 60
REPORTS = 20
WARM_UP_SHARE = 0.2
TRAINING_DIGITS, TEST_DIGITS = 6000, 1000
PATIENCE_S = 60
TRIANGLE = np.array([[0.5, 0.15], [0.85, 0.85], [0.15, 0.85], [0.5, 0.15]])


class Soak:
    def __init__(self, window: MainWindow, folder: Path, seed: int) -> None:
        self._window, self._session, self._folder = window, window.session, folder
        self._random = random.Random(seed)

    def run_once(self, number: int) -> None:
        """A short run, and some of what people do between runs."""
        session, chance = self._session, self._random
        self._window.findChild(QLineEdit, "hiddenLayersEdit").setText(chance.choice(("8", "16", "16, 8")))
        self._window.findChild(QSpinBox, "epochsSpin").setValue(chance.randint(1, 3))
        self._window.findChild(QSpinBox, "batchSizeSpin").setValue(512)
        session.train()
        if number % 3 == 0:
            self._wait(lambda: len(session.history) > 0 or session.state == "idle")
            session.pause()
            session.step()
            session.resume()
        if number % 4 == 0:
            session.stop()
        self._wait(lambda: session.state == "idle")
        session.set_drawing([TRIANGLE * chance.uniform(0.5, 1)])
        if number % 10 == 1:
            session.teach(chance.randrange(10))
        if number % 20 == 11:
            session.forget_handwriting()
        if number % 5 == 0:
            session.save(self._folder / "model.npz")
            session.open(self._folder / "model.npz")
        if number % 7 == 0:
            session.restore_previous()
        if number % 50 == 0:
            themes = [action for action in self._window.findChildren(QAction) if action.data() in ("light", "dark")]
            chance.choice(themes).trigger()
        self._wait(lambda: not session.is_learning)

    def _wait(self, condition: Callable[[], bool]) -> None:
        loop, tick, end = QEventLoop(), QTimer(interval=1), time.monotonic() + PATIENCE_S
        tick.timeout.connect(loop.quit)  # QTimer.singleShot(1, loop.quit) would leak a few bytes each time
        tick.start()
        while not condition():
            if time.monotonic() > end:
                raise TimeoutError("the window came to no end")
            loop.exec()

    def figures(self) -> dict[str, float]:
        """Counts what must not grow, while everything is idle."""
        timers = self._window.findChildren(QTimer)
        self._wait(lambda: not any(timer.isSingleShot() and timer.isActive() for timer in timers))
        QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
        QPixmapCache.clear()  # Qt caches up to 10 MB of pictures there, which is not a leak
        gc.collect()
        with suppress(AttributeError):  # glibc retains varying amounts of freed memory
            ctypes.CDLL(None).malloc_trim(0)
        timers = {each for each in gc.get_objects() if isinstance(each, QTimer)} | {*self._window.findChildren(QTimer)}
        return {
            "Python threads": threading.active_count(),
            "QThreads running": sum(thread.isRunning() for thread in self._window.findChildren(QThread)),
            "threads of the process": len(os.listdir("/proc/self/task")),
            "timers active": sum(timer.isActive() for timer in timers),
            "file handles": len(os.listdir("/proc/self/fd")),
            "QObjects of the window": len(self._window.findChildren(QObject)),
            "widgets": len(QApplication.allWidgets()),
            "Python objects": len(gc.get_objects()),
            "memory, MB": int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6,
        }


def few_digits() -> data.Dataset:
    whole = data.load_mnist()
    training = whole.train_images[:TRAINING_DIGITS].copy(), whole.train_labels[:TRAINING_DIGITS].copy()
    test = whole.test_images[:TEST_DIGITS].copy(), whole.test_labels[:TEST_DIGITS].copy()
    return data.Dataset(*training, *test, whole.name, whole.class_names)


def growth(rows: list[dict[str, float]]) -> dict[str, dict[str, float]]:
    """Print and return each figure's range after the warm-up and its growth."""
    measured, result = rows[int(WARM_UP_SHARE * len(rows)) :], {}
    thousands, hours = ([row[name] / unit for row in measured] for name, unit in (("run", 1000), ("s", 3600)))
    for name in [*measured[0]][2:]:
        values = [float(row[name]) for row in measured]
        by_run, by_hour = (float(np.polyfit(passed, values, 1)[0]) for passed in (thousands, hours))
        print(
            f"{name:25} {min(values):10,.1f} to {max(values):10,.1f}   "
            f"{by_run:+9.2f} in 1,000 runs   {by_hour:+9.1f} in an hour of this"
        )
        result[name] = {"least": min(values), "most": max(values), "in 1,000 runs": by_run}
    return result


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=RUNS_A_DAY)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    digits, errors = few_digits(), []
    data.SOURCES[data.MNIST] = replace(data.SOURCES[data.MNIST], load=lambda: digits)
    sys.excepthook = lambda *error: errors.append(error) or sys.__excepthook__(*error)
    with tempfile.TemporaryDirectory() as folder:
        QSettings.setPath(QSettings.Format.IniFormat, QSettings.Scope.UserScope, folder)
        os.environ["XDG_DATA_HOME"] = folder
        app = QApplication([])
        window = MainWindow()
        window.show()
        soak, rows, begun = Soak(window, Path(folder), options.seed), [], time.perf_counter()
        interval = max(options.runs // REPORTS, 1)
        for number in range(1, options.runs + 1):
            soak.run_once(number)
            if number % interval == 0:
                rows.append({"run": number, "s": time.perf_counter() - begun, **soak.figures()})
                print("  ".join(f"{name} {value:,.0f}" for name, value in rows[-1].items()), flush=True)
        window.leave()
        for thread in window.findChildren(QThread):
            thread.wait()
        window.deleteLater()  # before the application
        app.sendPostedEvents(None, QEvent.Type.DeferredDelete)
    print(json.dumps(growth(rows)))
    return 1 if errors else 0


if __name__ == "__main__":
    sys.exit(main())
