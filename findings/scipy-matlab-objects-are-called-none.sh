#!/usr/bin/env bash
# SciPy reads all of MATLAB's categories and strings under one name, "None", so that of several only the last one is left.
#
# Expected: loadmat gives the training and the test labels under the names that MATLAB shows, or says that it cannot.
# Seen: both names are gone. There is one "None", which holds what the file says of the last variable itself: its name, the
# words MCOS and categorical, and six numbers, none of which is a label. The labels lie undecoded in
# "__function_workspace__". There is no error, but a warning that the variable name "None" is a duplicate.
# Why it matters here: networks of MATLAB's toolbox learn from labels that are categories, so these are in its users' files.
# SciPy 1.17.1, mat-io 1.0.2 (which writes the file as MATLAB does), Python 3.11, 2026-11-29. Printed:
#   written: YTest, YTrain; read: None, numbers (6, 1) for 40 labels; warned: Duplicate variable name "None"
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/environment"
"$work/environment/bin/pip" install --quiet scipy==1.17.1 mat-io==1.0.2 pandas==3.1.1
cat >"$work/objects.py" <<'PYTHON'
import sys
import warnings

import pandas as pd
from matio import save_to_mat
from scipy.io import loadmat

labels = {name: pd.Categorical([str(number % 10) for number in range(40)]) for name in ("YTest", "YTrain")}
save_to_mat(sys.argv[1], labels, version="v7")
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    read = loadmat(sys.argv[1])
(name,) = (name for name in read if not name.startswith("__"))
shape = read[name]["arr"][0].shape
warned = sorted({str(warning.message).split(" in stream")[0] for warning in caught})
print(f"written: {', '.join(labels)}; read: {name}, numbers {shape} for 40 labels; warned: {', '.join(warned)}")
PYTHON
seen=$("$work/environment/bin/python" "$work/objects.py" "$work/a.mat")
echo "$seen"
if [ "$seen" != 'written: YTest, YTrain; read: None, numbers (6, 1) for 40 labels; warned: Duplicate variable name "None"' ]; then
    echo "This has changed."
    exit 1
fi
