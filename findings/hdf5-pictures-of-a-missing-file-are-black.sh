#!/usr/bin/env bash
# HDF5 reads a virtual dataset whose source file is not there as zeros: all digits are black, and nothing is said.
#
# Expected: reading pictures that lie in another file fails if there is no such file, as it does for external storage.
# Seen: no error and no warning: every picture has the right shape and is 0 throughout, the fill value of what was never
# written. The labels, stored as usual, are there. Of raw bytes in a file beside it (external storage), reading fails.
# Why it matters here: sets are joined by virtual datasets, and one file is sent or downloaded without the other. A
# network then learns from black pictures with plausible labels.
# h5py 3.16.0 with HDF5 2.0.0, NumPy 2.4.6, Python 3.11, Debian 12, 2026-11-30. Printed:
#   both files: largest pixel 255, labels [5, 0, 4]
#   source renamed: largest pixel 0, labels [5, 0, 4]
#   raw bytes renamed: OSError
#   warnings: 0
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/environment"
"$work/environment/bin/pip" install --quiet h5py==3.16.0 numpy==2.4.6
cat >"$work/virtual.py" <<'PYTHON'
import os
import sys
import warnings

import h5py
import numpy as np

os.chdir(sys.argv[1])
pictures = np.full((3, 28, 28), 255, np.uint8)

with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    with h5py.File("part.h5", "w") as part:
        part["pixels"] = pictures
    with h5py.File("digits.h5", "w") as digits:
        layout = h5py.VirtualLayout(pictures.shape, pictures.dtype)
        layout[:] = h5py.VirtualSource("part.h5", "pixels", pictures.shape)
        digits.create_virtual_dataset("images", layout)
        digits["labels"] = [5, 0, 4]
    for state in ("both files", "source renamed"):
        with h5py.File("digits.h5") as digits:
            largest, labels = digits["images"][:].max(), digits["labels"][:].tolist()
        print(f"{state}: largest pixel {largest}, labels {labels}")
        if state == "both files":
            os.rename("part.h5", "part-1.h5")
    pictures.tofile("part.raw")
    with h5py.File("raw.h5", "w") as raw:
        raw.create_dataset("images", pictures.shape, np.uint8, external=[("part.raw", 0, h5py.h5f.UNLIMITED)])
    os.rename("part.raw", "part-1.raw")
    with h5py.File("raw.h5") as raw:
        try:
            print(f"raw bytes renamed: largest pixel {raw['images'][:].max()}")
        except OSError:
            print("raw bytes renamed: OSError")
print(f"warnings: {len(caught)}")
PYTHON
seen=$("$work/environment/bin/python" "$work/virtual.py" "$work")
echo "$seen"
if [ "$seen" != "both files: largest pixel 255, labels [5, 0, 4]
source renamed: largest pixel 0, labels [5, 0, 4]
raw bytes renamed: OSError
warnings: 0" ]; then
    echo "This has changed."
    exit 1
fi
