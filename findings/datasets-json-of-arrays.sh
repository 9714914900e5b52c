#!/usr/bin/env bash
# datasets writes a column of arrays to JSON as the first column of the first array, and nothing else.
#
# Expected: to_json writes a line for each row, with the array as nested lists, or refuses.
# Seen: of 100 pictures of 28 x 28 it writes 28 lines. In them are the first pixels of the rows of the first picture,
# and beside them the labels of the first 28. No error, no warning; the number of bytes is returned as usual.
# Why it matters here: such a file opens, and 99 pictures are lost.
# datasets 5.2.0, pandas 3.1.1, Python 3.11, 2026-11-28. Printed:
#   written: 100 pictures
#   read: 28 rows, the second is {'image': 28, 'label': 1}
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/environment"
"$work/environment/bin/pip" install --quiet datasets==5.2.0 pandas==3.1.1
cat >"$work/arrays.py" <<'PYTHON'
import json
import sys

import numpy as np
from datasets import Array2D, Dataset, Features, Value, disable_progress_bars

disable_progress_bars()
features = Features({"image": Array2D((28, 28), "uint8"), "label": Value("int64")})
pictures = np.arange(100 * 784).reshape(100, 28, 28).astype(np.uint8)
written = Dataset.from_dict({"image": list(pictures), "label": list(range(100))}, features)
written.to_json(sys.argv[1])
print(f"written: {len(written)} pictures")
with open(sys.argv[1]) as file:
    rows = [json.loads(line) for line in file]
print(f"read: {len(rows)} rows, the second is {rows[1]}")
PYTHON
seen=$("$work/environment/bin/python" "$work/arrays.py" "$work/a.json")
echo "$seen"
if [ "$seen" != "written: 100 pictures
read: 28 rows, the second is {'image': 28, 'label': 1}" ]; then
    echo "This has changed."
    exit 1
fi
