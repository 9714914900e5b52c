#!/usr/bin/env bash
# Once PySide6 is imported, every further import reads the source of the imported module, and linecache holds its text.
#
# Expected: importing NumPy takes as long after PySide6 as before it, and reads no .py file whose .pyc is up to date.
# Seen: builtins.__import__ is PySide6's function. It calls inspect.getsource on each new module to search for "PySide6",
# which tells `from __feature__ import snake_case` where it applies, even if nobody imports __feature__.
# Why it matters here: this took 60 of the 500 ms until the window was shown. minigrad_gui/plain_imports.py gives Python
# its own __import__ back.
# PySide6-Essentials 6.11.3, NumPy 2.4.6, Python 3.11, Debian 12, 2026-11-28. Printed:
#   before PySide6: no source is read
#   after PySide6: sources are read
#   with Python's own __import__: no source is read
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/environment"
"$work/environment/bin/pip" install --quiet PySide6-Essentials==6.11.3 numpy==2.4.6
look='import linecache, numpy; print(any("numpy" in name for name in linecache.cache))'
restore='import builtins; builtins.__import__ = builtins.__orig_import__'
told() {
    case $("$work/environment/bin/python" -c "$2
$look") in
        True) echo "$1: sources are read" ;;
        False) echo "$1: no source is read" ;;
    esac
}
seen=$(
    told "before PySide6" ""
    told "after PySide6" "import PySide6.QtCore"
    told "with Python's own __import__" "import PySide6.QtCore
$restore"
)
echo "$seen"
if [ "$seen" != "before PySide6: no source is read
after PySide6: sources are read
with Python's own __import__: no source is read" ]; then
    echo "This has changed."
    exit 1
fi
