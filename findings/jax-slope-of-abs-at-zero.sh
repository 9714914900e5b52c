#!/usr/bin/env bash
# In JAX the slope of abs at 0 is 1, so that an L1 penalty moves weights away from 0.
#
# Expected: 0, as jnp.sign(0) is and as other autodiff libraries have it: then a weight of 0 stays where it is.
# Seen: 1. A step of the penalty makes each weight of exactly 0 negative, and the next step takes it back to 0 only if
# the rate is the same; biases that begin at 0, and weights that were pruned, all move down together. jnp.maximum(x,
# -x) is flat at 0, though it is the same function. (Known as jax-ml/jax#37820.)
# Why it matters here: how many weights L1 turns into 0 is what one looks for after training. The engine's own penalty
# uses the sign; a run that is repeated in JAX ends with fewer zeros.
# JAX 0.10.2, autograd 1.9.1, NumPy 2.4.6, Python 3.11, Debian 12, 2026-11-30. Printed:
#   jnp.abs: [1.0, 1.0, 1.0, -1.0], zeros after a step: 0
#   jnp.maximum(w, -w): [1.0, 0.0, 0.0, -1.0], zeros after a step: 2
#   autograd: [1.0, 0.0, 0.0, -1.0], zeros after a step: 2
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/environment"
"$work/environment/bin/pip" install --quiet jax==0.10.2 autograd==1.9.1 numpy==2.4.6
cat >"$work/check.py" <<'PYTHON'
import autograd
import autograd.numpy as anp
import jax
import jax.numpy as jnp
import numpy as np

weights = np.array([0.5, 0.0, 0.0, -0.5], np.float32)
of_jax = jax.grad(lambda w: jnp.abs(w).sum())(weights)
flat = jax.grad(lambda w: jnp.maximum(w, -w).sum())(weights)
of_autograd = autograd.grad(lambda w: anp.sum(anp.abs(w)))(weights)
for name, slopes in (("jnp.abs", of_jax), ("jnp.maximum(w, -w)", flat), ("autograd", of_autograd)):
    print(f"{name}: {np.asarray(slopes).tolist()}, zeros after a step: {np.sum(weights - 0.25 * slopes == 0)}")
PYTHON
seen=$(JAX_PLATFORMS=cpu "$work/environment/bin/python" "$work/check.py")
echo "$seen"
expected='jnp.abs: [1.0, 1.0, 1.0, -1.0], zeros after a step: 0
jnp.maximum(w, -w): [1.0, 0.0, 0.0, -1.0], zeros after a step: 2
autograd: [1.0, 0.0, 0.0, -1.0], zeros after a step: 2'
if [ "$seen" != "$expected" ]; then
    echo "This has changed."
    exit 1
fi
