#!/usr/bin/env bash
# Compiled by Numba, the mean of two uint8 pictures depends on whether it is written in one line or in two.
#
# Expected: Numba computes as NumPy does, where the sum of two uint8 arrays is uint8 and wraps around at 256.
# Seen: an expression of arrays is fused into one loop, in which the values between are 64 bits wide; only what is
# given a name is uint8. So (a + b) // 2 of 200 and 100 is 150, and 22 if the sum is assigned to a variable first. The
# difference of two single pixels is unsigned and 64 bits wide: 3 - 5 is 2 to the power of 64 less 2, and 1.8e19 as
# soon as a float is made of it (in NumPy 254).
# Why it matters here: pictures are uint8, and the engine compiles its loops with Numba from formulas that NumPy must
# be able to check. Naming an intermediate result to make a line shorter changes the pictures; bytes have to be
# converted first.
# Numba 0.68.1, NumPy 2.4.6, Python 3.11, Debian 12, 2026-11-30. Printed:
#   one_line: NumPy [4, 22], Numba [4, 150]
#   two_lines: NumPy [4, 22], Numba [4, 22]
#   distance: NumPy 354, Numba 1.84e+19
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/environment"
"$work/environment/bin/pip" install --quiet numba==0.68.1 numpy==2.4.6
cat >"$work/check.py" <<'PYTHON'
import numpy as np
from numba import njit


def one_line(a, b):
    return (a + b) // 2


def two_lines(a, b):
    total = a + b
    return total // 2


def distance(a, b):
    total = 0.0
    for i in range(len(a)):
        total += abs(a[i] - b[i])
    return total


a, b = np.array([3, 200], np.uint8), np.array([5, 100], np.uint8)
with np.errstate(over="ignore"):
    for function in (one_line, two_lines):
        print(f"{function.__name__}: NumPy {function(a, b).tolist()}, Numba {njit(function)(a, b).tolist()}")
    print(f"distance: NumPy {distance(a, b):.0f}, Numba {njit(distance)(a, b):.2e}")
PYTHON
seen=$("$work/environment/bin/python" "$work/check.py")
echo "$seen"
expected='one_line: NumPy [4, 22], Numba [4, 150]
two_lines: NumPy [4, 22], Numba [4, 22]
distance: NumPy 354, Numba 1.84e+19'
if [ "$seen" != "$expected" ]; then
    echo "This has changed."
    exit 1
fi
