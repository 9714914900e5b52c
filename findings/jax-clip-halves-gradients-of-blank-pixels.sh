#!/usr/bin/env bash
# JAX's jnp.clip(x, 0, 1) lets half of the gradient through where x is exactly 0 or 1, and jax.lax.clamp none.
#
# Expected: one function with two names has one gradient, all or nothing at its bounds.
# Seen: jnp.clip is a maximum and a minimum, which share the gradient of a tie; so the slope is 1/2 at the bounds.
# lax.clamp has 0 there, as autograd and MyGrad have. For x beyond them all agree on 0. (Of jnp.maximum known as jax-
# ml/jax#37821.)
# Why it matters here: four fifths of a digit's pixels are exactly 0 and many strokes exactly 1, so ties are the rule.
# A saliency map or an adversarial picture whose changes are clipped to 0..1 gets blank paper at half weight or not at
# all.
# JAX 0.10.2, autograd 1.9.1, MyGrad 2.5.0, NumPy 2.4.6, Python 3.11, Debian 12, 2026-11-30. Printed:
#   jnp.clip: [0.0, 0.5, 1.0, 0.5, 0.0]
#   lax.clamp: [0.0, 0.0, 1.0, 0.0, 0.0]
#   autograd: [0.0, 0.0, 1.0, 0.0, 0.0]
#   MyGrad: [0.0, 0.0, 1.0, 0.0, 0.0]
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/environment"
"$work/environment/bin/pip" install --quiet jax==0.10.2 autograd==1.9.1 mygrad==2.5.0 numpy==2.4.6
cat >"$work/check.py" <<'PYTHON'
import autograd
import autograd.numpy as anp
import jax
import jax.numpy as jnp
import mygrad
import numpy as np

pixels = np.array([-0.5, 0.0, 0.5, 1.0, 1.5], np.float32)
tensor = mygrad.tensor(pixels)
mygrad.clip(tensor, 0, 1).sum().backward()
slopes = {
    "jnp.clip": jax.grad(lambda x: jnp.clip(x, 0, 1).sum())(pixels),
    "lax.clamp": jax.grad(lambda x: jax.lax.clamp(0.0, x, 1.0).sum())(pixels),
    "autograd": autograd.grad(lambda x: anp.sum(anp.clip(x, 0, 1)))(pixels),
    "MyGrad": tensor.grad,
}
for name, slope in slopes.items():
    print(f"{name}: {np.asarray(slope).tolist()}")
PYTHON
seen=$(JAX_PLATFORMS=cpu "$work/environment/bin/python" "$work/check.py")
echo "$seen"
expected='jnp.clip: [0.0, 0.5, 1.0, 0.5, 0.0]
lax.clamp: [0.0, 0.0, 1.0, 0.0, 0.0]
autograd: [0.0, 0.0, 1.0, 0.0, 0.0]
MyGrad: [0.0, 0.0, 1.0, 0.0, 0.0]'
if [ "$seen" != "$expected" ]; then
    echo "This has changed."
    exit 1
fi
