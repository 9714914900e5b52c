#!/usr/bin/env bash
# On JAX, Keras counts a loss of 0 for labels that no output stands for, and optax one for the last class.
#
# Expected: an error for a label of 10 or -1 where there are ten outputs, 0 to 9, or NaN at least.
# Seen: Keras' sparse categorical cross-entropy turns such labels into rows of zeros, so the samples cost nothing and
# teach nothing, while they count in the mean: the more of them, the lower the loss. In optax -1 means the last class,
# so it is learned as a 9, and 10 makes the loss NaN.
# Why it matters here: SVHN calls its zeros 10, tables count from 1, and -1 stands for hidden labels and, in the
# engine, for pictures of no class. With Keras the loss even looks better for it: the network never learns a tenth of
# the digits.
# Keras 3.15.1, JAX 0.10.2, optax 0.2.8, NumPy 2.4.6, Python 3.11, Debian 12, 2026-11-30. Printed:
#   labels [0, 0]: Keras 9.459, optax 9.459
#   labels [0, 10]: Keras 4.729, optax nan
#   labels [10, 10]: Keras 0.000, optax nan
#   labels [-1, -1]: Keras 0.000, optax 0.459
#   labels [9, 9]: Keras 0.459, optax 0.459
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/environment"
"$work/environment/bin/pip" install --quiet keras==3.15.1 jax==0.10.2 optax==0.2.8 numpy==2.4.6
cat >"$work/check.py" <<'PYTHON'
import jax.numpy as jnp
import keras
import numpy as np
import optax

logits = np.tile(np.arange(10, dtype=np.float32), (2, 1))
of_keras = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
for labels in ([0, 0], [0, 10], [10, 10], [-1, -1], [9, 9]):
    of_optax = optax.softmax_cross_entropy_with_integer_labels(jnp.array(logits), jnp.array(labels)).mean()
    print(f"labels {labels}: Keras {abs(float(of_keras(np.array(labels), logits))):.3f}, optax {float(of_optax):.3f}")
PYTHON
seen=$(KERAS_BACKEND=jax JAX_PLATFORMS=cpu "$work/environment/bin/python" "$work/check.py")
echo "$seen"
expected='labels [0, 0]: Keras 9.459, optax 9.459
labels [0, 10]: Keras 4.729, optax nan
labels [10, 10]: Keras 0.000, optax nan
labels [-1, -1]: Keras 0.000, optax 0.459
labels [9, 9]: Keras 0.459, optax 0.459'
if [ "$seen" != "$expected" ]; then
    echo "This has changed."
    exit 1
fi
