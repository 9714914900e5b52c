#!/usr/bin/env bash
# pyqtgraph's "peak" downsampling, which is there so that no peak is lost, leaves out the last points of a curve.
#
# Expected: downsample=10 with the method "peak" shows the highest and the lowest of each ten points, up to the last.
# Seen: whatever is left over after the last full ten is dropped, in "mean", too; only "subsample" keeps it. Of 1,009
# points the last nine are missing, also from dataBounds, so that the axes do not make room for them either.
# Why it matters here: the newest points of a loss curve are those that matter while a run goes on. A loss that
# explodes at the last mini-batch is not drawn until enough others have followed.
# pyqtgraph 0.14.0, NumPy 2.4.6, PySide6-Essentials 6.11.3, Python 3.11, Debian 12, 2026-11-30. Printed:
#   subsample: 101 points up to step 1000, highest 0, bounds 0
#   mean: 100 points up to step 995, highest 0, bounds 0
#   peak: 200 points up to step 995, highest 0, bounds 0
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/environment"
"$work/environment/bin/pip" install --quiet pyqtgraph==0.14.0 numpy==2.4.6 PySide6-Essentials==6.11.3
cat >"$work/check.py" <<'PYTHON'
import numpy as np
import pyqtgraph as pg

app = pg.mkQApp()
steps, loss = np.arange(1009.0), np.zeros(1009)
loss[1002] = 5
for method in ("subsample", "mean", "peak"):
    curve = pg.PlotDataItem(steps, loss, downsample=10, downsampleMethod=method)
    x, y = curve.getData()
    highest = f"highest {y.max():.0f}, bounds {curve.dataBounds(1)[1]:.0f}"
    print(f"{method}: {len(x)} points up to step {x[-1]:.0f}, {highest}")
PYTHON
seen=$(QT_QPA_PLATFORM=offscreen "$work/environment/bin/python" "$work/check.py")
echo "$seen"
expected='subsample: 101 points up to step 1000, highest 0, bounds 0
mean: 100 points up to step 995, highest 0, bounds 0
peak: 200 points up to step 995, highest 0, bounds 0'
if [ "$seen" != "$expected" ]; then
    echo "This has changed."
    exit 1
fi
