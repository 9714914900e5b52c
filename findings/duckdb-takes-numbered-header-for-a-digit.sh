#!/usr/bin/env bash
# DuckDB takes the header that pandas writes of an array for a first digit.
#
# Expected: of a CSV with a header and 100 digits, read_csv gives 100 rows, as pandas does.
# Seen: pandas calls columns without names 0, 1, 2 ..., and these numbers are the header. DuckDB looks whether the
# first line could be data, and it could: there are 101 rows, of which one is a 0 with the pixels 1, 2, 3 ... 784. With
# a header of words the same table has 100. Told header=True, it reads both right.
# Why it matters here: an array of labels and pixels is mostly saved so. One picture more, a gradient that is called 0,
# does not disturb training enough to be noticed, but from then on rows do not agree with those of other files.
# DuckDB 2.0.1, pandas 3.1.1, NumPy 2.4.6, Python 3.11, Debian 12, 2026-11-30. Printed:
#   header of numbers: pandas 100 rows, DuckDB 101, told 100; DuckDB's first is the header
#   header of words: pandas 100 rows, DuckDB 100, told 100; DuckDB's first is a digit
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/environment"
"$work/environment/bin/pip" install --quiet duckdb==2.0.1 pandas==3.1.1 numpy==2.4.6
cat >"$work/header.py" <<'PYTHON'
import sys

import duckdb
import numpy as np
import pandas as pd

digits = np.random.default_rng(0).integers(0, 256, (100, 785))
digits[:, 0] = np.arange(100) % 10
for kind, names in (("numbers", None), ("words", ["label", *(f"pixel{pixel}" for pixel in range(784))])):
    pd.DataFrame(digits, columns=names).to_csv(sys.argv[1], index=False)
    rows = duckdb.read_csv(sys.argv[1]).fetchall()
    told = duckdb.read_csv(sys.argv[1], header=True).fetchall()
    print(f"header of {kind}: pandas {len(pd.read_csv(sys.argv[1]))} rows, DuckDB {len(rows)}, told {len(told)}; "
          f"DuckDB's first {'is the header' if rows[0][:3] == (0, 1, 2) else 'is a digit'}")
PYTHON
seen=$("$work/environment/bin/python" "$work/header.py" "$work/a.csv")
echo "$seen"
if [ "$seen" != "header of numbers: pandas 100 rows, DuckDB 101, told 100; DuckDB's first is the header
header of words: pandas 100 rows, DuckDB 100, told 100; DuckDB's first is a digit" ]; then
    echo "This has changed."
    exit 1
fi
