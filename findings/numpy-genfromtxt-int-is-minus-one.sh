#!/usr/bin/env bash
# np.genfromtxt with dtype=int reads every number that np.savetxt wrote as -1; with dtype=np.int32 it reads them right.
#
# Expected: savetxt writes 5 as 5.000000000000000000e+00, so that genfromtxt gives 5 or, as np.loadtxt does, an error.
# Seen: all labels and all pixels are -1, without a warning. int (also np.int64) has a converter of its own, which
# takes no decimal point and puts -1, its word for a missing value, for whatever it cannot read. np.int32, np.uint8 and
# others go by way of float, and are right; they cut decimals off. By the same -1, the header of a table becomes a
# sample.
# Why it matters here: people bring tables written by savetxt, and ask for whole numbers as labels and grey levels are.
# NumPy 2.4.6, Python 3.11, Debian 12, 2026-11-30. Printed:
#   written: [[5, 0, 128], [3, 17, 255]]
#   genfromtxt, int: [[-1, -1, -1], [-1, -1, -1]]
#   genfromtxt, int64: [[-1, -1, -1], [-1, -1, -1]]
#   genfromtxt, int32: [[5, 0, 128], [3, 17, 255]]
#   genfromtxt, uint8: [[5, 0, 128], [3, 17, 255]]
#   loadtxt, int: ValueError
#   genfromtxt, int, with a header: [[-1, -1, -1], [5, 0, 128]]
#   warnings: 0
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/environment"
"$work/environment/bin/pip" install --quiet numpy==2.4.6
cat >"$work/table.py" <<'PYTHON'
import io
import sys
import warnings

import numpy as np

table = np.array([[5, 0, 128], [3, 17, 255]])  # a label and two pixels
np.savetxt(sys.argv[1], table)
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    print(f"written: {table.tolist()}")
    for dtype in (int, np.int64, np.int32, np.uint8):
        print(f"genfromtxt, {dtype.__name__}: {np.genfromtxt(sys.argv[1], dtype=dtype).tolist()}")
    try:
        print(f"loadtxt, int: {np.loadtxt(sys.argv[1], dtype=int).tolist()}")
    except ValueError:
        print("loadtxt, int: ValueError")
    headed = io.StringIO("label,pixel0,pixel1\n5,0,128\n")
    print(f"genfromtxt, int, with a header: {np.genfromtxt(headed, dtype=int, delimiter=',').tolist()}")
print(f"warnings: {len(caught)}")
PYTHON
seen=$("$work/environment/bin/python" "$work/table.py" "$work/a.txt")
echo "$seen"
if [ "$seen" != "written: [[5, 0, 128], [3, 17, 255]]
genfromtxt, int: [[-1, -1, -1], [-1, -1, -1]]
genfromtxt, int64: [[-1, -1, -1], [-1, -1, -1]]
genfromtxt, int32: [[5, 0, 128], [3, 17, 255]]
genfromtxt, uint8: [[5, 0, 128], [3, 17, 255]]
loadtxt, int: ValueError
genfromtxt, int, with a header: [[-1, -1, -1], [5, 0, 128]]
warnings: 0" ]; then
    echo "This has changed."
    exit 1
fi
