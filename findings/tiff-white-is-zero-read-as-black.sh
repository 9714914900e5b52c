#!/usr/bin/env bash
# scikit-image and imageio read a TIFF in which 0 is white as its own negative; Pillow and OpenCV read it as it looks.
#
# Expected: the tag “0 is white” of a scanned or faxed page is obeyed by imread, as by programs that show it.
# Seen: both hand TIFF to tifffile, which returns what is stored: ink on white paper comes out as light strokes on
# black, of eight bits or of one, without a warning. The same picture as PNG is right in all four. Known as
# scikit-image/scikit-image#1940, there since 2016.
# Why it matters here: digits are cut from scanned forms; a network that knows one polarity reads a few per cent of the
# other and looks certain, and nobody sees which of two readers was used.
# scikit-image 0.26.0, imageio 2.38.1, tifffile 2026.3.3, Pillow 13.0.0, OpenCV 5.0.0, Python 3.11, Debian 12,
# 2026-11-30. Printed:
#   the corner of the paper, 8 bits: Pillow white, OpenCV white, scikit-image black, imageio black
#   the corner of the paper, 1 bit: Pillow white, OpenCV white, scikit-image black, imageio black
#   warnings: 0
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/environment"
"$work/environment/bin/pip" install --quiet scikit-image==0.26.0 imageio==2.38.1 tifffile==2026.3.3 pillow==13.0.0 \
    opencv-python-headless==5.0.0.93 numpy==2.4.6
cat >"$work/polarity.py" <<'PYTHON'
import sys
import warnings

import cv2
import imageio.v3
import numpy as np
import skimage.io
import tifffile
from PIL import Image

readers = {
    "Pillow": lambda name: Image.open(name).convert("L"),
    "OpenCV": lambda name: cv2.imread(name, cv2.IMREAD_GRAYSCALE),
    "scikit-image": skimage.io.imread,
    "imageio": imageio.v3.imread,
}
one = np.zeros((28, 28), bool)
one[4:24, 13:15] = True
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    warnings.simplefilter("ignore", ResourceWarning)
    for bits, ink in (("8 bits", one.astype(np.uint8) * 255), ("1 bit", one)):
        tifffile.imwrite(sys.argv[1], ink, photometric="miniswhite")  # 0 is the paper
        corners = {name: np.asarray(read(sys.argv[1]))[0, 0] for name, read in readers.items()}
        told = ", ".join(f"{name} {'white' if corner else 'black'}" for name, corner in corners.items())
        print(f"the corner of the paper, {bits}: {told}")
print(f"warnings: {len(caught)}")
PYTHON
seen=$("$work/environment/bin/python" "$work/polarity.py" "$work/a.tif")
echo "$seen"
if [ "$seen" != "the corner of the paper, 8 bits: Pillow white, OpenCV white, scikit-image black, imageio black
the corner of the paper, 1 bit: Pillow white, OpenCV white, scikit-image black, imageio black
warnings: 0" ]; then
    echo "This has changed."
    exit 1
fi
