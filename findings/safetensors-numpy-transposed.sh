#!/usr/bin/env bash
# safetensors writes a transposed NumPy array in the order of its memory, so that another matrix is read back.
#
# Expected: the array that was saved, as with safetensors 0.7 and np.save, or an error, as from safetensors.torch.
# Seen: the shape is right and the numbers are in other places. There is no error, neither then nor when it is read.
# Since version 0.8 the writer takes the address of the array and goes on from there; so it does with every second
# column of an array, too, where it writes columns that were not asked for. The docstring says "need to be
# contiguous", yet a Fortran-ordered array, which is what W.T is, counts as contiguous in NumPy's own words and is
# written just as wrongly. Known as safetensors/safetensors#825.
# Why it matters here: Keras and scikit-learn keep weights as inputs x outputs, PyTorch as outputs x inputs, so
# that whoever moves them from one to the other writes W.T. np.ascontiguousarray(W.T) is written rightly.
# safetensors 0.8.0 and 0.7.0, NumPy 2.4.6, Python 3.11, Debian 12, 2026-11-30. Printed:
#   safetensors 0.7.0: [[0, 3], [1, 4], [2, 5]] was read back as [[0, 3], [1, 4], [2, 5]]
#   safetensors 0.7.0: [[0, 2], [3, 5]] was read back as [[0, 2], [3, 5]]
#   safetensors 0.8.0: [[0, 3], [1, 4], [2, 5]] was read back as [[0, 1], [2, 3], [4, 5]]
#   safetensors 0.8.0: [[0, 2], [3, 5]] was read back as [[0, 1], [2, 3]]
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/environment"
cat >"$work/transposed.py" <<'PYTHON'
from importlib.metadata import version

import numpy as np
from safetensors.numpy import load, save

weights = np.arange(6, dtype=np.float32).reshape(2, 3)
for array in (weights.T, weights[:, ::2]):
    read = load(save({"0.weight": array}))["0.weight"].astype(int).tolist()
    print(f"safetensors {version('safetensors')}: {array.astype(int).tolist()} was read back as {read}")
PYTHON
seen=$(for version in 0.7.0 0.8.0; do
    "$work/environment/bin/pip" install --quiet safetensors==$version numpy==2.4.6
    "$work/environment/bin/python" "$work/transposed.py"
done)
echo "$seen"
if [ "$seen" != "$(sed -n 's/^#   //p' "$0")" ]; then
    echo "This has changed."
    exit 1
fi
