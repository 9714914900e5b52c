#!/usr/bin/env bash
# A widget does not hear of a pen in the air unless it asks for that by setTabletTracking.
#
# Expected: a tabletEvent for every move of the pen, as each event is to be accepted or ignored by the widget.
# Seen: moves without a pressed button are dropped before tabletEvent, setMouseTracking or not; setTabletTracking(True)
# brings them.
# Why it matters here: that a pen moves in the air is what tells that the event of its lifting was lost, and where its
# eraser is.
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
