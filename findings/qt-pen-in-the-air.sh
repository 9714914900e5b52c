#!/usr/bin/env bash
# A widget gets no events from a hovering pen unless setTabletTracking is on.
#
# Expected: a tabletEvent for every move of the pen, since the widget should decide whether to accept the event.
# Seen: moves without a pressed button never reach tabletEvent, with or without setMouseTracking;
# setTabletTracking(True) enables them.
# Why it matters here: a hover event shows that a release event was lost, and where the pen's eraser is.
# PySide6-Essentials 6.11.3, Python 3.11, 2026-11-27. Printed:
#   mouse tracking alone: 0 events; with tablet tracking: 1
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/environment"
"$work/environment/bin/pip" install --quiet PySide6-Essentials==6.11.3
cat >"$work/pen.py" <<'PYTHON'
from PySide6.QtCore import QEvent, QPointF, Qt
from PySide6.QtGui import QInputDevice, QPointingDevice, QTabletEvent
from PySide6.QtWidgets import QApplication, QWidget


class Paper(QWidget):
    heard = 0

    def tabletEvent(self, event):
        self.heard += 1
        event.accept()


app = QApplication([])
kinds = QInputDevice.DeviceType.Stylus, QPointingDevice.PointerType.Pen, QInputDevice.Capability.Position
pen = QPointingDevice("pen", 1, *kinds, 1, 3)
heard = []
for tracking in (False, True):
    paper = Paper()
    paper.setMouseTracking(True)
    paper.setTabletTracking(tracking)
    paper.show()
    at, none = QPointF(5, 5), Qt.MouseButton.NoButton
    keys = Qt.KeyboardModifier.NoModifier
    app.sendEvent(paper, QTabletEvent(QEvent.Type.TabletMove, pen, at, at, 0, 0, 0, 0, 0, 0, keys, none, none))
    heard.append(paper.heard)
print(f"mouse tracking alone: {heard[0]} events; with tablet tracking: {heard[1]}")
PYTHON
seen=$(QT_QPA_PLATFORM=offscreen "$work/environment/bin/python" "$work/pen.py")
echo "$seen"
if [ "$seen" != "mouse tracking alone: 0 events; with tablet tracking: 1" ]; then
    echo "This has changed."
    exit 1
fi
