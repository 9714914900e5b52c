#!/usr/bin/env bash
# polars lays a square array down if it is the transpose of another and its columns get names.
#
# Expected: a frame made of an array has the array's rows, whatever their order in memory and whether columns are
# named.
# Seen: where columns are named and are as many as the rows, polars guesses from the order in memory: an array with
# columns first is taken for columns. So the transpose of a lying picture, a view, lies again, while its copy does not,
# nor does it without names. What to_numpy gives is such an array, too: a picture that goes to NumPy and back is
# turned. Known as pola-rs/polars#17918.
# Why it matters here: EMNIST's pictures lie and are put upright by .T; 28 x 28 and 8 x 8 pictures are square.
# No error follows: some pictures lie and others stand, and the network learns both.
# polars 2.1.0, NumPy 2.4.6, Python 3.11, Debian 12, 2026-11-30. Printed:
#   rows kept, columns without names: picture True, transpose True, copy of the transpose True
#   rows kept, columns with names: picture True, transpose False, copy of the transpose True
#   there and back, with names: False
#   warnings: 0
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/environment"
"$work/environment/bin/pip" install --quiet polars==2.1.0 numpy==2.4.6
cat >"$work/square.py" <<'PYTHON'
import warnings

import numpy as np
import polars as pl

seven = np.zeros((28, 28), np.uint8)
seven[4:6, 6:22] = 255
seven[6:24, 20:22] = 255
upright = np.ascontiguousarray(seven.T).T  # as a lying picture is put upright
assert np.array_equal(seven, upright)
names = [f"x{column}" for column in range(28)]
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    for word, schema in (("without", None), ("with", names)):
        kept = [np.array_equal(pl.DataFrame(array, schema), seven) for array in (seven, upright, upright.copy())]
        told = "picture {}, transpose {}, copy of the transpose {}".format(*kept)
        print(f"rows kept, columns {word} names: {told}")
    back = pl.DataFrame(pl.DataFrame(seven, names).to_numpy(), names)
    print(f"there and back, with names: {np.array_equal(back, seven)}")
print(f"warnings: {len(caught)}")
PYTHON
seen=$("$work/environment/bin/python" "$work/square.py")
echo "$seen"
if [ "$seen" != "rows kept, columns without names: picture True, transpose True, copy of the transpose True
rows kept, columns with names: picture True, transpose False, copy of the transpose True
there and back, with names: False
warnings: 0" ]; then
    echo "This has changed."
    exit 1
fi
