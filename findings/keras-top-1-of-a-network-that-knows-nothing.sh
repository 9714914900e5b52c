#!/usr/bin/env bash
# By Keras' top-k accuracy on JAX a network that finds all digits equally likely is always right, even for k = 1, and
# one of NaN, too.
#
# Expected: the top-1 accuracy is the accuracy; of ten equal probabilities the right one is among the first three in
# 30% of the cases, or, if ties are counted against the network, never; NaN is never right.
# Seen: a class counts as long as fewer than k others are strictly better, so 100%. SparseCategoricalAccuracy, which
# takes the first of the largest, says 10% of the same answers, for it reads them all as 0. (Of NaN known as keras-
# team/keras#19995.)
# Why it matters here: an untrained network whose last layer begins at 0 and one that has exploded are the two that
# top-k accuracy calls perfect; so are coarse answers, such as those of 8-bit networks, flattered. A comparison must
# break ties as argmax does.
# Keras 3.15.1, JAX 0.10.2, NumPy 2.4.6, Python 3.11, Debian 12, 2026-11-30. Printed:
#   ten equal probabilities: top-1 100%, top-3 100%, accuracy 10%
#   NaN: top-1 100%, top-3 100%, accuracy 10%
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/environment"
"$work/environment/bin/pip" install --quiet keras==3.15.1 jax==0.10.2 numpy==2.4.6
cat >"$work/check.py" <<'PYTHON'
import keras
import numpy as np

labels = np.arange(100) % 10
for name, value in (("ten equal probabilities", 0.1), ("NaN", np.nan)):
    answers = np.full((100, 10), value, np.float32)
    seen = []
    for metric in (
        keras.metrics.SparseTopKCategoricalAccuracy(k=1),
        keras.metrics.SparseTopKCategoricalAccuracy(k=3),
        keras.metrics.SparseCategoricalAccuracy(),
    ):
        metric.update_state(labels, answers)
        seen.append(f"{float(metric.result()):.0%}")
    print(f"{name}: top-1 {seen[0]}, top-3 {seen[1]}, accuracy {seen[2]}")
PYTHON
seen=$(KERAS_BACKEND=jax JAX_PLATFORMS=cpu "$work/environment/bin/python" "$work/check.py")
echo "$seen"
expected='ten equal probabilities: top-1 100%, top-3 100%, accuracy 10%
NaN: top-1 100%, top-3 100%, accuracy 10%'
if [ "$seen" != "$expected" ]; then
    echo "This has changed."
    exit 1
fi
