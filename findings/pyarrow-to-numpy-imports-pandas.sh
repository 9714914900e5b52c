#!/usr/bin/env bash
# pyarrow imports the whole of pandas to hand out numbers as a NumPy array, where pandas is installed.
#
# Expected: a column of integers without nulls becomes a view of the same memory, and nothing else is loaded.
# Seen: `to_numpy` imports pandas before it returns the view, and so do `np.asarray(column)` and `pa.array([1])`: tens of
# megabytes, and half a second. `np.from_dlpack(column)` gives the same view without it.
# Why it matters here: opening a Parquet file of digits took 28 MB more, of which none was used.
# pyarrow 26.0.1, pandas 3.1.1, NumPy 2.4.6, Python 3.11, 2026-11-28. Printed (the megabytes vary, Linux):
#   np.from_dlpack: [0 1 2], pandas imported: False
#   to_numpy: [0 1 2], pandas imported: True, 30 MB more in use
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/environment"
"$work/environment/bin/pip" install --quiet pyarrow==26.0.1 pandas==3.1.1 numpy==2.4.6
cat >"$work/column.py" <<'PYTHON'
import sys

import numpy as np
import pyarrow as pa


def in_use_mb() -> int:
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("RssAnon")) // 1024


numbers = np.arange(3)
column = pa.Array.from_buffers(pa.int64(), 3, [None, pa.py_buffer(numbers)])
assert "pandas" not in sys.modules
print(f"np.from_dlpack: {np.from_dlpack(column)}, pandas imported: {'pandas' in sys.modules}")
is_lazy = "pandas" not in sys.modules
before = in_use_mb()
print(f"to_numpy: {column.to_numpy()}, pandas imported: {'pandas' in sys.modules}, {in_use_mb() - before} MB more in use")
if not is_lazy or "pandas" not in sys.modules:
    sys.exit("this has changed: to_numpy does not import pandas any more, or from_dlpack does")
PYTHON
"$work/environment/bin/python" "$work/column.py"
