#!/usr/bin/env bash
# np.multiply of float16 arrays into a float32 array computes in float16, and overflows on the way.
#
# Expected: with out= a float32 array the product is computed in float32, as the result has room for it.
# Seen: only the inputs decide what is computed in; 300 * 300 is inf, and the inf is put into the float32 array.
# Why it matters here: optimizers square gradients. Those of float16 are made float32 before, not by the result.
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
