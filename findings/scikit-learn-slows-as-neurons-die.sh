#!/usr/bin/env bash
# Training scikit-learn's MLPClassifier takes ever longer, on Intel's processors, as neurons die.
#
# Expected: each epoch takes as long as the first, since it has as many samples.
# Seen: the gradient of a dead ReLU neuron is 0, so Adam's mean of it is multiplied by 0.9 in each step and nothing is
# added. After some 800 steps it is subnormal (below 1e-38), and there it stays: 0.9 times the smallest such numbers
# rounds to themselves. Intel's processors take many times as long for them. scikit-learn, as NumPy beneath it, leaves
# them as they are. Of a network that learns the digits of scikit-learn, a fifth of the means are subnormal after 120
# epochs, and an epoch takes some three times as long as the first ones (Intel Xeon; other processors may not mind).
# Why it matters here: runs that demonstrate something are long, and at high rates, where neurons die; the engine's own
# training had this fault: a factor of four, and of eleven with sigmoids. Now its workers take such numbers for 0, and
# its NumPy formulas avoid them.
# scikit-learn 1.9.1, NumPy 2.4.6, Python 3.11, 2026-11-29. Printed, the times differing:
#   epochs 2 to 11: 0.12 s each, 0% of Adam's means subnormal
#   epochs 111 to 120: 0.34 s each, 20% of Adam's means subnormal
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/environment"
"$work/environment/bin/pip" install --quiet scikit-learn==1.9.1 numpy==2.4.6
cat >"$work/slower.py" <<'PYTHON'
import statistics
import sys
import time

import numpy as np
from sklearn.datasets import load_digits
from sklearn.neural_network import MLPClassifier

images, labels = load_digits(return_X_y=True)
images = (images / 16).astype(np.float32)
network = MLPClassifier((512, 512), learning_rate_init=0.02, batch_size=100, random_state=0)
seconds = []
for epoch in range(1, 121):
    start = time.perf_counter()
    network.partial_fit(images, labels, classes=range(10))
    seconds.append(time.perf_counter() - start)
    if epoch in (11, 120):
        means = np.concatenate([np.abs(array).ravel() for array in network._optimizer.ms])
        share = np.mean((means > 0) & (means < np.finfo(means.dtype).tiny))
        median = statistics.median(seconds[-10:])
        print(f"epochs {epoch - 9} to {epoch}: {median:.2f} s each, {share:.0%} of Adam's means subnormal")
sys.exit(int(share < 0.05))
PYTHON
if ! OPENBLAS_NUM_THREADS=1 "$work/environment/bin/python" "$work/slower.py"; then
    echo "This has changed."
    exit 1
fi
