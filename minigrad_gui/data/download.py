"""Downloads a dataset from the Hugging Face hub in a child process, because only a process can be stopped reliably.

The child, `hugging_face`, writes plain arrays. They are untrusted, and so is what it says.
"""

import json
import os
import subprocess
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path
from typing import IO

from minigrad_gui.data.cancelling import status_of
from minigrad_gui.data.choices import ALL_GUESSED, Choices
from minigrad_gui.data.dataset import DataError, Dataset
from minigrad_gui.data.transfer import read_dataset
from minigrad_gui.process import child_environment

MAX_REASON_CHARS = 300
CHILD_ENVIRONMENT = {
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "DO_NOT_TRACK": "1",
    "HF_UPDATE_DOWNLOAD_COUNTS": "0",
    "HF_HUB_DISABLE_IMPLICIT_TOKEN": "1",  # public digits need no token
    "HF_HUB_DISABLE_XET": "1",  # plain HTTP is enough, and its size can be bounded
    "HF_HUB_DISABLE_PROGRESS_BARS": "1",
    "HF_DATASETS_DISABLE_PROGRESS_BARS": "1",
    # Otherwise each CPU and arena reserves memory, and the child would need more on larger machines.
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "MALLOC_ARENA_MAX": "2",
    "ARROW_DEFAULT_MEMORY_POOL": "system",
}


def load_hugging_face(name: str, choices: Choices = ALL_GUESSED) -> Dataset:
    """A dataset with a column of pictures and one of labels from the Hugging Face hub or its cache.

    name: "owner/name", or "owner/name:configuration" where there are several.

    Raises DataError with one sentence if it cannot be loaded, and LoadingCancelledError as `check_cancelled` does.
    """
    with tempfile.TemporaryDirectory(prefix="minigrad-") as folder:
        target = Path(folder) / "arrays.npz"
        module = "minigrad_gui.data.hugging_face"
        command = [sys.executable, "-P", "-m", module, name, json.dumps(asdict(choices)), str(target)]
        with open(Path(folder) / "errors", "w+b") as errors:
            child = subprocess.Popen(
                command,
                env=child_environment(**CHILD_ENVIRONMENT),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=errors,
            )
            if status := status_of(child):
                raise DataError(f"{name} could not be fetched: {_told(errors, status)}")
        try:
            return read_dataset(target, name)
        except Exception as error:
            raise DataError(f"{name} could not be fetched: the download is damaged.") from error


def _told(errors: IO[bytes], status: int) -> str:
    """The last line of the child's stderr, shortened and made printable: it may quote untrusted text."""
    if status != 1:  # it was killed before it could say why
        return "it is damaged, or takes too much memory."
    errors.seek(max(0, errors.seek(0, os.SEEK_END) - 4 * MAX_REASON_CHARS))
    lines = errors.read().decode("utf-8", "replace").strip().splitlines() or ["it gave no reason"]
    text = "".join(character for character in lines[-1] if character.isprintable())
    return text if len(text) <= MAX_REASON_CHARS else text[: MAX_REASON_CHARS - 1] + "…"
