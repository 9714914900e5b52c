#!/usr/bin/env bash
# scikit-learn's MLPClassifier divides its L2 penalty by the size of each mini-batch, so a short last one shrinks the
# weights most.
#
# Expected: its manual says that the term is divided by the sample size. With 1,000 samples a step multiplies the
# weights by 1 - rate * alpha / 1000, whatever the mini-batches, or each epoch does so as much.
# Seen: by 1 - rate * alpha / size of the mini-batch. The same alpha is a hundred times as strong in mini-batches of 10
# as in those of 1,000; and if a single sample is left over for the last mini-batch, that one step shrinks the weights
# as much as a hundred steps of 100 samples do. loss_ contains the penalty, divided in the same way.
# Why it matters here: an L2 penalty or a weight decay that is to repeat such a run must be alpha / batch_size, not
# alpha, and "auto" makes the size 200 or, for fewer samples, their number.
# scikit-learn 1.9.1, NumPy 2.4.6, Python 3.11, Debian 12, 2026-11-30. Printed:
#   a step of 10 samples keeps 0.9900 of the weights
#   a step of 100 samples keeps 0.9990 of the weights
#   a step of 1000 samples keeps 0.9999 of the weights
#   ten of 100 keep 0.9900; ten of 100 and one of 1 keep 0.8910
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/environment"
"$work/environment/bin/pip" install --quiet scikit-learn==1.9.1 numpy==2.4.6
cat >"$work/check.py" <<'PYTHON'
import numpy as np
from sklearn.neural_network import MLPClassifier


def kept(samples: int, size: int) -> float:
    """What an epoch leaves of the first weights, if all pictures are blank, so that only the penalty changes them."""
    network = MLPClassifier(
        (3,), solver="sgd", momentum=0, alpha=1.0, learning_rate_init=0.1, batch_size=size, random_state=0
    )
    images, labels = np.zeros((samples, 4)), np.arange(samples) % 2
    network.partial_fit(images[:size], labels[:size], classes=[0, 1])
    before = network.coefs_[0].copy()
    network.partial_fit(images, labels)
    return float((network.coefs_[0] / before).mean())


for size in (10, 100, 1000):
    print(f"a step of {size} samples keeps {kept(size, size):.4f} of the weights")
print(f"ten of 100 keep {kept(1000, 100):.4f}; ten of 100 and one of 1 keep {kept(1001, 100):.4f}")
PYTHON
seen=$("$work/environment/bin/python" "$work/check.py")
echo "$seen"
expected='a step of 10 samples keeps 0.9900 of the weights
a step of 100 samples keeps 0.9990 of the weights
a step of 1000 samples keeps 0.9999 of the weights
ten of 100 keep 0.9900; ten of 100 and one of 1 keep 0.8910'
if [ "$seen" != "$expected" ]; then
    echo "This has changed."
    exit 1
fi
