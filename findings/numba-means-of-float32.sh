#!/usr/bin/env bash
# Compiled by Numba, the mean of many float32 numbers is wrong in the second digit.
#
# Expected: np.mean gives what NumPy gives, to a few units in the last place; fastmath is off.
# Seen: NumPy sums in pairs, and Numba adds one number after the other to a float32. Of 20 million times 0.1, the
# pixels of 25,000 digits, it makes a mean of 0.105, and of as many ones 0.84, as 16,777,216 and 1 is still 16,777,216.
# The mean is then returned as a float64, as if it were more exact. The array has to be converted first. (Known as
# numba/numba#2855 and #3702.)
# Why it matters here: the mean pixel of a training set and the mean loss over many samples are such sums. A check of
# compiled code against NumPy with few samples sees no difference.
# Numba 0.68.1, NumPy 2.4.6, Python 3.11, Debian 12, 2026-11-30. Printed:
#   1000 times 0.1: NumPy 0.100, Numba 0.100
#   20000000 times 0.1: NumPy 0.100, Numba 0.105
#   1000 times 1.0: NumPy 1.000, Numba 1.000
#   20000000 times 1.0: NumPy 1.000, Numba 0.839
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/environment"
"$work/environment/bin/pip" install --quiet numba==0.68.1 numpy==2.4.6
cat >"$work/check.py" <<'PYTHON'
import numpy as np
from numba import njit


@njit
def mean(values):
    return np.mean(values)


for value in (0.1, 1.0):
    for count in (1_000, 20_000_000):
        values = np.full(count, value, np.float32)
        print(f"{count} times {value}: NumPy {np.mean(values):.3f}, Numba {mean(values):.3f}")
PYTHON
seen=$("$work/environment/bin/python" "$work/check.py")
echo "$seen"
expected='1000 times 0.1: NumPy 0.100, Numba 0.100
20000000 times 0.1: NumPy 0.100, Numba 0.105
1000 times 1.0: NumPy 1.000, Numba 1.000
20000000 times 1.0: NumPy 1.000, Numba 0.839'
if [ "$seen" != "$expected" ]; then
    echo "This has changed."
    exit 1
fi
