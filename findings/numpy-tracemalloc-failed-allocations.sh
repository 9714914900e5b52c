#!/usr/bin/env bash
# tracemalloc counts NumPy arrays that could not be allocated, and never forgets them.
#
# Expected: after a MemoryError the traced memory is what it was before.
# Seen: it is larger by the size of the array that does not exist, here by 80 TB.
# Why it matters here: the fuzzers bound the memory of readers with tracemalloc, and a refused file looked like 417 TB.
# NumPy 2.4.6, Python 3.11, 2026-11-27. Printed:
#   traced after the MemoryError: 80 TB
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/environment"
"$work/environment/bin/pip" install --quiet numpy==2.4.6
cat >"$work/failed.py" <<'PYTHON'
import tracemalloc

import numpy as np

tracemalloc.start()
try:
    np.empty(10**13, object)
except MemoryError:
    print(f"traced after the MemoryError: {tracemalloc.get_traced_memory()[0] / 1e12:.0f} TB")
PYTHON
seen=$("$work/environment/bin/python" "$work/failed.py")
echo "$seen"
if [ "$seen" != "traced after the MemoryError: 80 TB" ]; then
    echo "This has changed."
    exit 1
fi
