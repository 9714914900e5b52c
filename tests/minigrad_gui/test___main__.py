"""The command as a process of its own: interrupted at once, and with an output that takes no more."""

import os
import signal
import subprocess
import sys

import pytest
from forked import Forked

INTERRUPTED = """
import os, signal, sys

class Interruption:
    def find_spec(self, name, path, target=None):
        if name == "numpy":
            os.kill(os.getpid(), signal.SIGINT)

sys.meta_path.insert(0, Interruption())
from minigrad_gui.__main__ import main
main()
"""


def test_a_command_that_is_interrupted_while_modules_load_ends_without_a_traceback():
    done = subprocess.run([sys.executable, "-c", INTERRUPTED], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (-signal.SIGINT, "")


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="this system has no file that is always full")
def test_an_output_that_cannot_be_written_is_told_in_one_line():
    with open("/dev/full", "w") as full:
        process = Forked("-m", "minigrad_gui", "runs", environment=os.environ, stdout=full)
    assert process.communicate() == ("", "minigrad-gui: the output could not be written: no space left on device.\n")
    assert process.returncode == 1


def test_a_reader_that_has_read_enough_ends_the_command_in_silence():
    ours, theirs = os.pipe()
    os.close(ours)
    with os.fdopen(theirs, "w") as unread:
        process = Forked("-m", "minigrad_gui", "runs", environment=os.environ, stdout=unread)
    assert process.communicate() == ("", "")
    assert process.returncode == 1
