#!/usr/bin/env bash
# With QFileDialog.setDefaultSuffix a file can be overwritten without confirmation, and names with a dot get no suffix.
#
# Expected: "digits" becomes digits.npz and, if that exists, the dialog asks; "digits.v2" becomes digits.v2.npz.
# Seen: Qt's own dialog asks. GTK's dialog, which GNOME uses, checks only the name as typed, before Qt appends the
# suffix. In both, a name with any dot in it is unchanged.
# Why it matters here: a trained network could be lost. `ask_where_to_save` appends the suffix and asks itself.
# PySide6-Essentials 6.11.3, Python 3.11, GTK 3.24, Debian 12 with Xvfb, 2026-11-27. Needs xvfb-run, xdotool,
# libxcb-cursor0 and libgtk-3-0. Printed, where digits.npz exists already:
#   Qt's dialog: digits is asked about, digits.npz is asked about, digits.v2 is digits.v2
#   GTK's dialog: digits is digits.npz, digits.npz is asked about, digits.v2 is digits.v2
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/environment"
"$work/environment/bin/pip" install --quiet PySide6-Essentials==6.11.3
cat >"$work/save.py" <<'PYTHON'
import os
import subprocess
import sys
import time
from pathlib import Path
from threading import Thread

from PySide6.QtWidgets import QApplication, QFileDialog

folder, name, is_native = Path(sys.argv[1]), sys.argv[2], sys.argv[3] == "GTK"
(folder / "digits.npz").touch()
app = QApplication([])
dialog = QFileDialog(None, "Save it here", str(folder), "minigrad model (*.npz)")
dialog.setOption(QFileDialog.Option.DontUseNativeDialog, not is_native)
dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
dialog.setDefaultSuffix("npz")


def x(*words: str) -> str:
    return subprocess.run(["xdotool", *words], capture_output=True, text=True).stdout


def type_it() -> None:
    time.sleep(2)
    x("windowfocus", x("search", "--onlyvisible", "--name", "Save it here").split()[0])
    time.sleep(1)
    x("key", "ctrl+a")
    x("type", name)
    time.sleep(1)
    x("key", "Return")
    time.sleep(2)
    print(f"{name} is asked about", flush=True)
    os._exit(0)


Thread(target=type_it, daemon=True).start()
dialog.exec()
print(f"{name} is {Path(dialog.selectedFiles()[0]).name}", flush=True)
os._exit(0)
PYTHON
seen=$(
    for kind in Qt GTK; do
        answers=()
        for name in digits digits.npz digits.v2; do
            mkdir -p "$work/files"
            answers+=("$(QT_QPA_PLATFORM=xcb QT_QPA_PLATFORMTHEME=gtk3 xvfb-run -a \
                "$work/environment/bin/python" "$work/save.py" "$work/files" "$name" "$kind" 2>/dev/null)")
        done
        echo "$kind's dialog: ${answers[0]}, ${answers[1]}, ${answers[2]}"
    done
)
echo "$seen"
if [ "$seen" != "Qt's dialog: digits is asked about, digits.npz is asked about, digits.v2 is digits.v2
GTK's dialog: digits is digits.npz, digits.npz is asked about, digits.v2 is digits.v2" ]; then
    echo "This has changed."
    exit 1
fi
