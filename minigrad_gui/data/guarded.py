"""Reads a file in a process of its own, with little time and memory.

Damaged files crash compiled readers, or make them loop forever. The arrays come through a temporary folder, from which
they are read block by block.
"""

import json
import os
import signal
import subprocess
import sys
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import IO, Any

from minigrad_gui.data import guarded_child, npz
from minigrad_gui.data.cancelling import status_of
from minigrad_gui.data.dataset import DataError
from minigrad_gui.data.stored import Array
from minigrad_gui.data.streams import TemporaryFolder

MAX_BYTES = 4 << 30
MAX_MEMORY_BYTES = 8 << 30
MAX_CPU_S = 60
WAIT_FACTOR = 6
"""How much longer than that it may last: other programs may be computing."""


@dataclass(frozen=True)
class Held:
    """What a file holds: its arrays by name, and what else its reader returns."""

    arrays: dict[str, Array]
    about: Any


def read_guarded(
    reader: str,
    path: Path,
    *,
    most_bytes: int = MAX_BYTES,
    most_memory_bytes: int = MAX_MEMORY_BYTES,
    most_cpu_s: int = MAX_CPU_S,
) -> Held:
    """What the `read` of a module, `reader` being its file, finds in a file. See guarded_child for what it must be.

    most_bytes: of all arrays together; most_memory_bytes: of the process, where the operating system can limit it.
    Raises DataError if they are more, or reading takes too long, fails or crashes.
    """
    folder = TemporaryFolder()
    limits = (str(most_bytes), str(most_memory_bytes), str(most_cpu_s))
    command = [sys.executable, "-P", guarded_child.__file__, reader, str(path), str(folder.path), *limits]
    child = subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "OPENBLAS_NUM_THREADS": "1"},  # each further thread would take memory
    )
    try:
        status = status_of(child, most_cpu_s * WAIT_FACTOR)
    except subprocess.TimeoutExpired as error:
        raise DataError("it takes too long to read.") from error
    if status:
        is_slow = status == -getattr(signal, "SIGXCPU", 0)
        is_large = status == guarded_child.TOO_LARGE
        raise DataError("it takes too long to read." if is_slow else f"it is {'too large' if is_large else 'damaged'}.")
    index = json.loads((folder.path / guarded_child.INDEX).read_text(encoding="ascii"))
    arrays = {name: npz.array_of(partial(_stored, folder, at)) for at, name in enumerate(index["arrays"])}
    return Held(arrays, index["about"])


def _stored(folder: TemporaryFolder, index: int) -> IO[bytes]:
    return open(folder.path / guarded_child.ARRAY.format(index), "rb")
