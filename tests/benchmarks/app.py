"""Measures the time from the command to the window and to its plots, and of an epoch with the window open.

    python tests/benchmarks/app.py [--rounds N]

Run it on a real display or under Xvfb. Each figure is the median of several rounds, each in a separate process.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time

ROUNDS = 5
EPOCHS = 3


def start_window(spawned: float, settings: str) -> dict[str, float]:
    """In the child: open the window with fresh settings, train a little, and print the times in seconds."""
    from PySide6.QtCore import QEvent, QEventLoop, QSettings
    from PySide6.QtWidgets import QApplication, QSpinBox

    QSettings.setPath(QSettings.Format.IniFormat, QSettings.Scope.UserScope, settings)
    os.environ["XDG_DATA_HOME"] = settings  # without taught drawings
    app = QApplication([])
    from minigrad_gui.main_window import MainWindow

    window = MainWindow()
    window.show()
    while not window.windowHandle().isExposed():
        app.processEvents()
    shown = time.time() - spawned
    while not window.is_complete:
        app.processEvents()
    app.processEvents()
    complete = time.time() - spawned

    session = window.session
    window.findChild(QSpinBox, "epochsSpin").setValue(EPOCHS)
    loop = QEventLoop()
    session.stateChanged.connect(lambda state: loop.quit() if state == "idle" else None)
    trained: list[float] = []
    session.prepared.connect(lambda: trained.append(time.perf_counter()))
    session.train()
    loop.exec()
    per_epoch = (time.perf_counter() - trained[0]) / EPOCHS
    session.close()
    window.deleteLater()  # before the application
    app.sendPostedEvents(None, QEvent.Type.DeferredDelete)
    return {
        "start to the window": shown,
        "start to its plots": complete,
        "epoch with the window open": per_epoch,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--child", nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        print(json.dumps(start_window(float(options.child[0]), options.child[1])))
        return
    figures: dict[str, list[float]] = {}
    for _ in range(options.rounds):
        with tempfile.TemporaryDirectory() as settings:
            command = [sys.executable, __file__, "--child", str(time.time()), settings]
            output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
        for name, seconds in json.loads(output).items():
            figures.setdefault(name, []).append(seconds)
    print(f"Python {sys.version.split()[0]}, {os.cpu_count()} cores, median of {options.rounds} rounds")
    for name, values in figures.items():
        print(f"{name:30} {statistics.median(values):6.2f} s   ({min(values):.2f} to {max(values):.2f})")


if __name__ == "__main__":
    main()
