#!/usr/bin/env bash
# liac-arff writes 0.7 into a column of the type INTEGER as it is, and reads it as 0.
#
# Expected: what dumps wrote, loads reads; or one of both says that 0.7 is no integer.
# Seen: the text holds 0.7; loads cuts it to 0 without a word, so that a picture scaled to 0 to 1 keeps nothing but its
# pixels of full ink. In Weka, INTEGER is another word for NUMERIC and takes decimals, and SciPy reads 0.7.
# Why it matters here: INTEGER suits pixels of 0 to 255, and a scaled copy is easily written with the same attributes.
# liac-arff 2.5.0, SciPy 1.17.1, NumPy 2.4.6, Python 3.11, Debian 12, 2026-11-30. Printed:
#   written: 0.0,0.25,0.7,0.996,1.0,7
#   liac-arff: [0, 0, 0, 0, 1, '7']
#   SciPy: [0.0, 0.25, 0.7, 0.996, 1.0]
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/environment"
"$work/environment/bin/pip" install --quiet liac-arff==2.5.0 scipy==1.17.1 numpy==2.4.6
cat >"$work/integer.py" <<'PYTHON'
import io

import arff
from scipy.io.arff import loadarff

pixels = [0.0, 0.25, 0.7, 0.996, 1.0]
names = [f"pixel{number}" for number in range(5)]
attributes = [*((name, "INTEGER") for name in names), ("class", list("0123456789"))]
text = arff.dumps({"relation": "digits", "attributes": attributes, "data": [[*pixels, "7"]]})
print(f"written: {text.split('@DATA')[1].split()[0]}")
print(f"liac-arff: {arff.loads(text)['data'][0]}")
print(f"SciPy: {[float(loadarff(io.StringIO(text))[0][name][0]) for name in names]}")
PYTHON
seen=$("$work/environment/bin/python" "$work/integer.py")
echo "$seen"
if [ "$seen" != "written: 0.0,0.25,0.7,0.996,1.0,7
liac-arff: [0, 0, 0, 0, 1, '7']
SciPy: [0.0, 0.25, 0.7, 0.996, 1.0]" ]; then
    echo "This has changed."
    exit 1
fi
