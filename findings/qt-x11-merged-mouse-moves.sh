#!/usr/bin/env bash
# On X11, switching AA_CompressHighFrequencyEvents off before the application object is created has no effect.
#
# Expected: an attribute set before QApplication() is not changed later, since most must be set before it.
# Seen: the X11 plugin switches this one on while the application object is created; set afterwards, it stays off.
# While it is on, mouse moves that wait for a busy window are merged into one. The offscreen platform never switches it
# on, so tests that run there do not show the problem.
# Why it matters here: a circle drawn while the window is busy becomes a polygon. The canvas sets the attribute itself.
# PySide6-Essentials 6.11.3, Python 3.11, Debian 12 with Xvfb, 2026-11-27. Needs xvfb-run and libxcb-cursor0. Printed:
#   offscreen: False after the application was made
#   xcb: True after the application was made
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/environment"
"$work/environment/bin/pip" install --quiet PySide6-Essentials==6.11.3
cat >"$work/attribute.py" <<'PYTHON'
from PySide6.QtCore import QCoreApplication, Qt
from PySide6.QtWidgets import QApplication

attribute = Qt.ApplicationAttribute.AA_CompressHighFrequencyEvents
QCoreApplication.setAttribute(attribute, False)
app = QApplication([])
print(f"{app.platformName()}: {QCoreApplication.testAttribute(attribute)} after the application was made")
QCoreApplication.setAttribute(attribute, False)
assert not QCoreApplication.testAttribute(attribute)
PYTHON
seen=$(
    QT_QPA_PLATFORM=offscreen "$work/environment/bin/python" "$work/attribute.py"
    xvfb-run -a env QT_QPA_PLATFORM=xcb "$work/environment/bin/python" "$work/attribute.py"
)
echo "$seen"
if [ "$seen" != "offscreen: False after the application was made
xcb: True after the application was made" ]; then
    echo "This has changed."
    exit 1
fi
