#!/usr/bin/env bash
# scikit-learn's log_loss of the very same probabilities is more than twice as large in float64 as in float32.
#
# Expected: probabilities of exactly 0 and 1 have the same loss in every floating dtype, or an infinite one.
# Seen: they are clipped to the epsilon of their own dtype, so that an answer that is certain and wrong costs 36.0 in
# float64 and 15.9 in float32. If 1% of the answers are such, that is 0.36 or 0.16: more than all others together.
# Why it matters here: networks compute in float32, and softmax makes such zeros of logits that lie 104 apart. A
# library that hands on float64 (as MLPClassifier does, if it learned from float64) then looks twice as bad as an
# exported copy of the same network, and who compares calibrations compares dtypes.
# scikit-learn 1.9.1, NumPy 2.4.6, Python 3.11, Debian 12, 2026-11-30. Printed:
#   float64: 0.360
#   float32: 0.159
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/environment"
"$work/environment/bin/pip" install --quiet scikit-learn==1.9.1 numpy==2.4.6
cat >"$work/check.py" <<'PYTHON'
import numpy as np
from sklearn.metrics import log_loss

labels = np.arange(1000) % 10
for dtype in (np.float64, np.float32):
    probabilities = np.eye(10, dtype=dtype)[labels]
    probabilities[:10] = probabilities[9::-1]  # ten of 1,000 are wrong
    print(f"{dtype.__name__}: {log_loss(labels, probabilities):.3f}")
PYTHON
seen=$("$work/environment/bin/python" "$work/check.py")
echo "$seen"
expected='float64: 0.360
float32: 0.159'
if [ "$seen" != "$expected" ]; then
    echo "This has changed."
    exit 1
fi
