#!/usr/bin/env bash
# The accessible name of a combo box is its current text, regardless of setAccessibleName.
#
# Expected: QComboBox.setAccessibleName("Activation") makes its accessible name "Activation", as for other widgets.
# Seen: except on Windows and macOS both name and value are the current text; the given name is not used.
# Why it matters here: "ReLU" does not say what it is a setting of. Each combo box therefore has a buddy label, which
# assistive technology finds through the label relation, and tests check that relation instead of the name.
# PySide6-Essentials 6.11.3, Python 3.11, Debian 12, 2026-11-27. Printed:
#   combo box: name ReLU, value ReLU; button: name Activation
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/environment"
"$work/environment/bin/pip" install --quiet PySide6-Essentials==6.11.3
cat >"$work/name.py" <<'PYTHON'
from PySide6.QtGui import QAccessible
from PySide6.QtWidgets import QApplication, QComboBox, QPushButton

app = QApplication([])
box, button = QComboBox(), QPushButton("ReLU")
box.addItems(["ReLU", "Tanh"])
for widget in (box, button):
    widget.setAccessibleName("Activation")
heard, other = (QAccessible.queryAccessibleInterface(widget) for widget in (box, button))
name, value = (heard.text(kind) for kind in (QAccessible.Text.Name, QAccessible.Text.Value))
print(f"combo box: name {name}, value {value}; button: name {other.text(QAccessible.Text.Name)}")
PYTHON
seen=$(QT_QPA_PLATFORM=offscreen "$work/environment/bin/python" "$work/name.py")
echo "$seen"
if [ "$seen" != "combo box: name ReLU, value ReLU; button: name Activation" ]; then
    echo "This has changed."
    exit 1
fi
