"""Measures what the views cost: the speed of a run and the pauses of the window while they are visible, how soon each
follows a stroke, and memory.

    python tests/benchmarks/views.py [--rounds N] [--seconds S] [--hidden "256, 128"] [--batch-size 128]

Run it on a real display or under Xvfb. One window, one run; in turns nothing is visible, each view alone, and four
side by side. Speeds are medians of the rounds, relative to nothing visible.
"""

import argparse
import os
import statistics
import sys
import tempfile
import time
from dataclasses import replace

import numpy as np
from PySide6.QtCore import QElapsedTimer, QEvent, QObject, QSettings, Qt, QTimer, Slot
from PySide6.QtWidgets import QApplication, QComboBox

SEVEN = [np.array([[0.25, 0.2], [0.75, 0.2], [0.45, 0.85]])]
SIDE_BY_SIDE = 4
SETTLE_S, PREPARED_S = 1.0, 5.0
STROKES = 20
QUIET = 10
"""So often in succession an analyst must be found idle: a view may ask for one piece of work after the other."""
HIDDEN_NOTHING, LANDSCAPE = "nothing", "Time, landscape"


class Gaps(QObject):
    """Measures how long the event loop was away from a timer that is always due."""

    def __init__(self) -> None:
        super().__init__()
        self.gaps_ms: list[float] = []
        self._clock = QElapsedTimer()
        self._timer = QTimer(self, interval=1)
        self._timer.timeout.connect(self._on_timeout)

    def start(self) -> None:
        self.gaps_ms = []
        self._clock.start()
        self._timer.start()

    def stop(self) -> float:
        """The 99th percentile in milliseconds."""
        self._timer.stop()
        return float(np.percentile(self.gaps_ms, 99)) if self.gaps_ms else float("nan")

    @Slot()
    def _on_timeout(self) -> None:
        self.gaps_ms.append(self._clock.nsecsElapsed() / 1e6)
        self._clock.restart()


def wait(seconds: float) -> None:
    until = time.perf_counter() + seconds
    while (left := until - time.perf_counter()) > 0:
        QApplication.processEvents()
        time.sleep(min(left, 0.001))


def wait_for_analyses(window) -> None:  # type: ignore[no-untyped-def]
    analyst, quiet = window.session._analyst, 0
    while quiet < QUIET:
        wait(0.05)
        quiet = 0 if analyst._waiting or analyst._current is not None else quiet + 1


def resident_mb() -> float:
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6


def show_only(window, docks) -> None:  # type: ignore[no-untyped-def]
    """Only these docks, side by side if there are several."""
    areas = Qt.DockWidgetArea.TopDockWidgetArea, Qt.DockWidgetArea.BottomDockWidgetArea
    for dock in window._docks.docks:
        dock.close()
    for index, dock in enumerate(docks):
        window._docks.addDockWidget(areas[index % 2], dock, Qt.Orientation.Horizontal)
        dock.bring_to_front()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=4.0)
    parser.add_argument("--hidden", default="256, 128")
    parser.add_argument("--batch-size", type=int, default=128)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        QSettings.setPath(QSettings.Format.IniFormat, QSettings.Scope.UserScope, folder)
        os.environ["XDG_DATA_HOME"] = folder
        app = QApplication([])
        from minigrad_gui.layer_sizes import parse_hidden
        from minigrad_gui.main_window import MainWindow

        window = MainWindow()
        window.resize(1366, 768)
        window.show()
        session = window.session
        session.set_drawing(SEVEN)  # after which teaching is prepared, with views or without
        wait(PREPARED_S)
        print(f"Python {sys.version.split()[0]}, {os.cpu_count()} cores, {options.rounds} rounds")

        before_mb = resident_mb()
        for dock in window._docks.docks:
            dock.bring_to_front()
            session.set_drawing(SEVEN)
            wait_for_analyses(window)
        print(f"memory: {before_mb:.0f} MB, {resident_mb() - before_mb:+.0f} MB once each view was opened")

        print("after a stroke, until the view has followed, ms (median, most)")
        rng = np.random.default_rng(0)
        views = {dock.action.text(): (dock, dock.widget().view) for dock in window._docks.docks}
        for title, (dock, view) in views.items():
            show_only(window, [dock])
            wait_for_analyses(window)
            done: list[float] = []
            refresh = view.refresh

            def timed(refresh=refresh, view=view, done=done) -> None:  # type: ignore[no-untyped-def]
                refresh()
                view.repaint()
                done.append(time.perf_counter())

            view.refresh = timed
            took = []
            for _ in range(STROKES):
                done.clear()
                began = time.perf_counter()
                session.set_drawing([SEVEN[0] + rng.normal(0, 0.01, (3, 2))])
                until = began + 1
                while not done and time.perf_counter() < until:
                    app.processEvents()
                took += [1e3 * (done[0] - began)] if done else []
                wait(0.05)
            del view.refresh
            told = f"{statistics.median(took):6.1f} {max(took):6.1f}" if took else "  does not show the drawing"
            print(f"  {title:16} {told}")

        config = replace(
            session.config, hidden=parse_hidden(options.hidden), batch_size=options.batch_size, epochs=100_000
        )
        session.set_config(config, "mnist")
        session.train()
        while len(session.history) == 0:
            wait(0.05)
        sets = {HIDDEN_NOTHING: [], **{title: [dock] for title, (dock, _) in views.items()}}
        sets[LANDSCAPE] = sets["Time"]
        sets[f"{SIDE_BY_SIDE} at once"] = [dock for dock, _ in list(views.values())[1 : 1 + SIDE_BY_SIDE]]
        speeds: dict[str, list[float]] = {name: [] for name in sets}
        gaps: dict[str, list[float]] = {name: [] for name in sets}
        meter = Gaps()
        for _ in range(options.rounds):
            for name, docks in sets.items():
                show_only(window, docks)
                window.findChild(QComboBox, "timeShownCombo").setCurrentIndex(int(name == LANDSCAPE))
                wait(SETTLE_S)
                steps, began = len(session.history), time.perf_counter()
                meter.start()
                wait(options.seconds)
                gaps[name].append(meter.stop())
                speeds[name].append((len(session.history) - steps) / (time.perf_counter() - began))
        session.close()
        session.wait(30_000)
        window.deleteLater()  # before the application
        app.sendPostedEvents(None, QEvent.Type.DeferredDelete)
        base = speeds[HIDDEN_NOTHING]
        print(f"a run of {options.hidden}, batch {options.batch_size}: {statistics.median(base):.0f} mini-batches/s")
        print("visible            speed   pauses of the window, 99th percentile, ms")
        for name in sets:
            ratios = [mine / none for mine, none in zip(speeds[name], base, strict=True)]
            print(f"  {name:16} {statistics.median(ratios):6.1%}   {statistics.median(gaps[name]):6.1f}")


if __name__ == "__main__":
    main()
