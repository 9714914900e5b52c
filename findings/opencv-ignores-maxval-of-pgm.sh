#!/usr/bin/env bash
# OpenCV does not scale a PGM by the largest grey that it declares: ink of 15 out of 15 is read as 15 out of 255.
#
# Expected: imread with IMREAD_GRAYSCALE gives 0 to 255 for white paper and black ink, as for PNG of any depth.
# Seen: the 15 in the header changes nothing. With 1023, of sensors and scanners of ten bits, the upper byte is left:
# full ink is 3 of 255. PNG of one, two and four bits is scaled. Pillow, and imageio and scikit-image by it, scale PGM,
# too.
# Why it matters here: PGM is what small programs write, with 15 or 16 greys as scikit-learn's digits have, or 1 for
# bits; such pictures are almost black, and a network that knows 0 to 1 sees next to nothing.
# OpenCV 5.0.0, Pillow 13.0.0, NumPy 2.4.6, Python 3.11, Debian 12, 2026-11-30. Printed:
#   full ink of a PGM up to 1: OpenCV 1 of 255, Pillow 100%
#   full ink of a PGM up to 15: OpenCV 15 of 255, Pillow 100%
#   full ink of a PGM up to 255: OpenCV 255 of 255, Pillow 100%
#   full ink of a PGM up to 1023: OpenCV 3 of 255, Pillow 100%
#   full ink of a PGM up to 65535: OpenCV 255 of 255, Pillow 100%
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/environment"
"$work/environment/bin/pip" install --quiet opencv-python-headless==5.0.0.93 pillow==13.0.0 numpy==2.4.6
cat >"$work/maxval.py" <<'PYTHON'
import sys

import cv2
import numpy as np
from PIL import Image

ink = np.zeros((28, 28), np.uint16)
ink[4:24, 13:15] = 1
for largest in (1, 15, 255, 1023, 65535):
    numbers = (ink * largest).astype(">u2" if largest > 255 else np.uint8)
    with open(sys.argv[1], "wb") as file:
        file.write(b"P5\n28 28\n%d\n" % largest + numbers.tobytes())
    opencv = cv2.imread(sys.argv[1], cv2.IMREAD_GRAYSCALE).max()
    with Image.open(sys.argv[1]) as picture:
        pillow = np.asarray(picture).max() / (65535 if largest > 255 else 255)
    print(f"full ink of a PGM up to {largest}: OpenCV {opencv} of 255, Pillow {pillow:.0%}")
PYTHON
seen=$("$work/environment/bin/python" "$work/maxval.py" "$work/a.pgm")
echo "$seen"
if [ "$seen" != "full ink of a PGM up to 1: OpenCV 1 of 255, Pillow 100%
full ink of a PGM up to 15: OpenCV 15 of 255, Pillow 100%
full ink of a PGM up to 255: OpenCV 255 of 255, Pillow 100%
full ink of a PGM up to 1023: OpenCV 3 of 255, Pillow 100%
full ink of a PGM up to 65535: OpenCV 255 of 255, Pillow 100%" ]; then
    echo "This has changed."
    exit 1
fi
