#!/usr/bin/env bash
# scikit-learn's "invscaling" divides the learning rate by the root of the number of samples seen, not of steps or
# epochs.
#
# Expected: its manual divides by a power of "the time step t", so after the first epoch of 18 mini-batches by the root
# of 18 at most, about 4.
# Seen: after each epoch t grows by the number of samples, so it depends neither on the mini-batches nor on the epochs.
# The first epoch runs at the full rate, the second at a 42nd of it (with MNIST's 60,000 digits at a 245th), and mini-
# batches of 10 get the same rates as those of 600.
# Why it matters here: who repeats such a run elsewhere, from the settings in an exported network, has to divide by the
# root of 1 + epochs * samples. A rate that suits the first epoch leaves hardly any for the others.
# scikit-learn 1.9.1, NumPy 2.4.6, Python 3.11, Debian 12, 2026-11-30. Printed:
#   mini-batches of 10: after 1, 2 and 3 epochs the rate is divided by 42.4, 60.0, 73.4
#   mini-batches of 100: after 1, 2 and 3 epochs the rate is divided by 42.4, 60.0, 73.4
#   mini-batches of 600: after 1, 2 and 3 epochs the rate is divided by 42.4, 60.0, 73.4
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/environment"
"$work/environment/bin/pip" install --quiet scikit-learn==1.9.1 numpy==2.4.6
cat >"$work/check.py" <<'PYTHON'
import warnings

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPClassifier

warnings.simplefilter("ignore", ConvergenceWarning)
images, labels = np.random.default_rng(0).random((1797, 4)), np.arange(1797) % 10
for size in (10, 100, 600):
    settings = {"solver": "sgd", "learning_rate": "invscaling", "learning_rate_init": 1.0, "batch_size": size}
    divided = []
    for epochs in (1, 2, 3):
        network = MLPClassifier((2,), max_iter=epochs, random_state=0, **settings).fit(images, labels)
        divided.append(f"{1 / network._optimizer.learning_rate:.1f}")
    print(f"mini-batches of {size}: after 1, 2 and 3 epochs the rate is divided by {', '.join(divided)}")
PYTHON
seen=$("$work/environment/bin/python" "$work/check.py")
echo "$seen"
expected='mini-batches of 10: after 1, 2 and 3 epochs the rate is divided by 42.4, 60.0, 73.4
mini-batches of 100: after 1, 2 and 3 epochs the rate is divided by 42.4, 60.0, 73.4
mini-batches of 600: after 1, 2 and 3 epochs the rate is divided by 42.4, 60.0, 73.4'
if [ "$seen" != "$expected" ]; then
    echo "This has changed."
    exit 1
fi
