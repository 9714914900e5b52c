#!/usr/bin/env bash
# np.multiply of float16 arrays into a float32 array computes in float16 and can overflow.
#
# Expected: if out= is a float32 array, the product is computed in float32, since the result has room for it.
# Seen: only the inputs decide the dtype of the computation; 300 * 300 is inf, which is then stored as float32.
# Why it matters here: optimizers square gradients. float16 gradients have to be converted before squaring.
# NumPy 2.4.6, Python 3.11, 2026-11-27. Printed:
#   out=float32: inf; dtype=float32: 90000.0
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/environment"
"$work/environment/bin/pip" install --quiet numpy==2.4.6
cat >"$work/squares.py" <<'PYTHON'
import numpy as np

gradient, square = np.array([300], np.float16), np.empty(1, np.float32)
with np.errstate(over="ignore"):
    np.multiply(gradient, gradient, out=square)
print(f"out=float32: {square[0]}; dtype=float32: {np.multiply(gradient, gradient, dtype=np.float32)[0]}")
PYTHON
seen=$("$work/environment/bin/python" "$work/squares.py")
echo "$seen"
if [ "$seen" != "out=float32: inf; dtype=float32: 90000.0" ]; then
    echo "This has changed."
    exit 1
fi
