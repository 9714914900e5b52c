#!/usr/bin/env bash
# scikit-image's resize turns a picture of whole numbers from 0 to 255 black, unless they are bytes.
#
# Expected: pixels of 0 to 255 give the same picture whatever integer type holds them, or stay 0 to 255.
# Seen: every integer is divided by the largest of its type: uint8 by 255, but int64 by 9.2e18, so that white becomes
# 2.8e-17. There is neither a warning nor an error, and rotate and gaussian do the same (the user guide says how types
# are converted, the functions do not). Floats remain as they are, so one and the same picture comes out as 0 to 1, 0
# to 255 or nothing.
# Why it matters here: pixels from a table of text are int64. Who makes 28 x 28 of them in this way trains on blank
# pictures, and a program that scales by the highest value restores them, so that it does not show in a preview.
# scikit-image 0.26.0, NumPy 2.4.6, Python 3.11, Debian 12, 2026-11-30. Printed:
#   uint8: 1, 1, 1
#   int16: 0.0078, 0.0078, 0.0078
#   int32: 1.2e-07, 1.2e-07, 1.2e-07
#   int64: 2.8e-17, 2.8e-17, 2.8e-17
#   float32: 2.6e+02, 2.6e+02, 2.6e+02
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/environment"
"$work/environment/bin/pip" install --quiet scikit-image==0.26.0 numpy==2.4.6
cat >"$work/check.py" <<'PYTHON'
import numpy as np
from skimage.filters import gaussian
from skimage.transform import resize, rotate

picture = np.full((8, 8), 255)
for dtype in (np.uint8, np.int16, np.int32, np.int64, np.float32):
    whole = picture.astype(dtype)
    seen = (resize(whole, (28, 28)), rotate(whole, 90), gaussian(whole, 1))
    print(f"{dtype.__name__}: " + ", ".join(f"{pixels[4, 4]:.2g}" for pixels in seen))
PYTHON
seen=$("$work/environment/bin/python" "$work/check.py")
echo "$seen"
expected='uint8: 1, 1, 1
int16: 0.0078, 0.0078, 0.0078
int32: 1.2e-07, 1.2e-07, 1.2e-07
int64: 2.8e-17, 2.8e-17, 2.8e-17
float32: 2.6e+02, 2.6e+02, 2.6e+02'
if [ "$seen" != "$expected" ]; then
    echo "This has changed."
    exit 1
fi
