#!/usr/bin/env bash
# QTest.qWait keeps the GIL while it sleeps, so that other Python threads nearly stand still.
#
# Expected: as in QApplication.exec, threads run while the event loop waits.
# Seen: a thread that counts gets less than a tenth of its speed during qWait; beside exec, or processEvents and
# time.sleep, it has all of it.
# Why it matters here: a script that waits with qWait for a run or an analysis measures qWait. Loading MNIST in a thread
# took 11 s instead of 0.4 s. Scripts wait with processEvents and a short sleep; pytest-qt's waits run an event loop.
# PySide6-Essentials 6.11.3, Python 3.11, Debian 12, 2026-11-27. Printed:
#   qWait: the thread is slowed down
#   exec: the thread runs
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/environment"
"$work/environment/bin/pip" install --quiet PySide6-Essentials==6.11.3
cat >"$work/wait.py" <<'PYTHON'
import os
import time
from threading import Thread

from PySide6.QtCore import QTimer
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

app = QApplication([])
count = 0


def work() -> None:
    global count
    while True:
        count += 1


def execute() -> None:
    QTimer.singleShot(1000, app.quit)
    app.exec()


def counted(wait) -> int:
    before = count
    wait()
    return count - before


Thread(target=work, daemon=True).start()
asleep = counted(lambda: time.sleep(1))
for name, wait in {"qWait": lambda: QTest.qWait(1000), "exec": execute}.items():
    print(f"{name}: the thread {'runs' if counted(wait) > asleep / 4 else 'is slowed down'}", flush=True)
os._exit(0)
PYTHON
seen=$(QT_QPA_PLATFORM=offscreen "$work/environment/bin/python" "$work/wait.py")
echo "$seen"
if [ "$seen" != "qWait: the thread is slowed down
exec: the thread runs" ]; then
    echo "This has changed."
    exit 1
fi
