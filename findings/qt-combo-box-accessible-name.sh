#!/usr/bin/env bash
# A combo box is heard by its chosen text, whatever setAccessibleName says.
#
# Expected: QComboBox.setAccessibleName("Activation") makes its accessible name "Activation", as for other widgets.
# Seen: outside Windows and macOS the name is the current text, as is the value; the given name is nowhere.
# Why it matters here: "ReLU" says nothing of what is set by it. Each combo box has a label as its buddy, which assistive
# technology finds by the relation, and tests compare that relation in place of the name.
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
