#!/usr/bin/env bash
# pyqtgraph gives even a very short axis two or three labels, so that they overlap.
#
# Expected: AxisItem.tickSpacing returns a spacing with enough room for each label.
# Seen: for an axis of 40 pixels from 89.5 to 99.1 it returns 2, which is 8 pixels; a line of text needs 15.
# Why it matters here: the accuracy plot is that short in a small window. Our axis omits labels that do not fit.
# pyqtgraph 0.14.0, NumPy 2.4.6, PySide6-Essentials 6.11.3, Python 3.11, 2026-11-27. Printed:
#   400 px: labels every 83 px; 40 px: labels every 8 px; 20 px: labels every 4 px
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/environment"
"$work/environment/bin/pip" install --quiet pyqtgraph==0.14.0 numpy==2.4.6 PySide6-Essentials==6.11.3
cat >"$work/axis.py" <<'PYTHON'
import pyqtgraph as pg

app = pg.mkQApp()
axis = pg.AxisItem("left")
low, high = 89.5, 99.1
spacing_px = {size: axis.tickSpacing(low, high, size)[0][0] * size / (high - low) for size in (400, 40, 20)}
print("; ".join(f"{size} px: labels every {spacing:.0f} px" for size, spacing in spacing_px.items()))
PYTHON
seen=$(QT_QPA_PLATFORM=offscreen "$work/environment/bin/python" "$work/axis.py")
echo "$seen"
if [ "$seen" != "400 px: labels every 83 px; 40 px: labels every 8 px; 20 px: labels every 4 px" ]; then
    echo "This has changed."
    exit 1
fi
