#!/usr/bin/env bash
# Flax writes the bytes of a big-endian array into its msgpack files, but not that they are big-endian.
#
# Expected: to_bytes and from_bytes give back what went in, as they do for float64 and transposed arrays, and as Orbax
# does for the same array.
# Seen: the name of the type is stored, which is "float32" in either order, beside the bytes as they are. Reading
# takes them for little-endian: 1.0 becomes 4.6e-41. There is no error, although jax.numpy.asarray refuses the same
# array.
# Why it matters here: weights out of IDX, FITS or old HDF5 files are big-endian. Weights that are as good as 0 raise
# no error when they are used. An importer of these files cannot put it right either, as nothing in them tells.
# flax 0.12.8, jax 0.10.2, orbax-checkpoint 0.12.8, NumPy 2.4.6, Python 3.11, Debian 12, 2026-11-30. Printed:
#   msgpack, <f4: [1.0, 2.0, 0.5] was read back as [1.0, 2.0, 0.5]
#   msgpack, >f4: [1.0, 2.0, 0.5] was read back as [0.0, 0.0, 0.0]
#   msgpack, >i4: [1, 2, 5] was read back as [16777216, 33554432, 83886080]
#   Orbax, >f4: [1.0, 2.0, 0.5] was read back as [1.0, 2.0, 0.5]
#   jax.numpy.asarray, >f4: TypeError
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/environment"
"$work/environment/bin/pip" install --quiet flax==0.12.8 jax==0.10.2 orbax-checkpoint==0.12.8 numpy==2.4.6
cat >"$work/order.py" <<'PYTHON'
import sys

import jax.numpy as jnp
import numpy as np
import orbax.checkpoint
from flax import serialization


def show(how, array, read):
    print(f"{how}, {array.dtype.str}: {array.tolist()} was read back as {np.abs(read.round(6)).tolist()}")


for array in (np.array([1, 2, 0.5], "<f4"), np.array([1, 2, 0.5], ">f4"), np.array([1, 2, 5], ">i4")):
    target = {"bias": np.zeros_like(array, array.dtype.newbyteorder("="))}
    show("msgpack", array, serialization.from_bytes(target, serialization.to_bytes({"bias": array}))["bias"])
array = np.array([1, 2, 0.5], ">f4")
with orbax.checkpoint.StandardCheckpointer() as checkpointer:
    checkpointer.save(sys.argv[1], {"bias": array})
    checkpointer.wait_until_finished()
    show("Orbax", array, checkpointer.restore(sys.argv[1])["bias"])
try:
    print("jax.numpy.asarray, >f4:", jnp.asarray(array))
except TypeError as error:
    print("jax.numpy.asarray, >f4:", type(error).__name__)
PYTHON
seen=$(JAX_PLATFORMS=cpu "$work/environment/bin/python" "$work/order.py" "$work/checkpoint" 2>"$work/errors") || {
    cat "$work/errors"
    exit 1
}
echo "$seen"
if [ "$seen" != "$(sed -n 's/^#   //p' "$0")" ]; then
    echo "This has changed."
    exit 1
fi
