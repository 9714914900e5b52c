#!/usr/bin/env bash
# pandas writes a column of 28 x 28 arrays to CSV in full, but of 32 x 32 arrays only the corners.
#
# Expected: to_csv writes every number of each array, or refuses; what works for MNIST works for a larger picture.
# Seen: it writes what NumPy prints of an array, which shortens from 1,001 numbers on: 784 are all there, of 1,024
# there are 36 and the characters "...". No error, no warning: it shows only when the file is read.
# Why it matters here: this is how people get pictures into a table, and MNIST, at 784 pixels, is the test that passes;
# SVHN and CIFAR (3,072), MNIST padded to 32 x 32 for LeNet-5, or optdigits' bitmaps of 32 x 32 are lost.
# pandas 3.1.1, NumPy 2.4.6, Python 3.11, Debian 12, 2026-11-30. Printed:
#   28 x 28: 1568 of 1568 pixels in the file
#   31 x 31: 1922 of 1922 pixels in the file
#   32 x 32: 72 of 2048 pixels in the file
#   warnings: 0
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/environment"
"$work/environment/bin/pip" install --quiet pandas==3.1.1 numpy==2.4.6
cat >"$work/corners.py" <<'PYTHON'
import warnings

import numpy as np
import pandas as pd

with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    for size in (28, 31, 32):
        pictures = np.full((2, size, size), 255, np.uint8)
        text = pd.DataFrame({"label": [5, 0], "image": list(pictures)}).to_csv(index=False)
        print(f"{size} x {size}: {text.count('255')} of {pictures.size} pixels in the file")
print(f"warnings: {len(caught)}")
PYTHON
seen=$("$work/environment/bin/python" "$work/corners.py")
echo "$seen"
if [ "$seen" != "28 x 28: 1568 of 1568 pixels in the file
31 x 31: 1922 of 1922 pixels in the file
32 x 32: 72 of 2048 pixels in the file
warnings: 0" ]; then
    echo "This has changed."
    exit 1
fi
