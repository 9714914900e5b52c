"""What every format is written from: plain arrays, and what a stranger must know to use them.

A network in another program is only as good as the pictures that it gets there. So how pictures are prepared and how
logits become an answer travels along: for people as sentences, for programs as metadata.
"""

import json
import os
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from engine.archive import PathLike, printable, reason_of, replacing
from engine.calibration import Calibration
from engine.nn import ACTIVATIONS, MLP
from engine.record import TrainingRecord
from minigrad_gui.frame import CENTRE_PX, DIGIT_PX, SIDE_PX
from minigrad_gui.records import names_of_classes

FORMAT, VERSION = "minigrad network", 1
ABOUT_KEY = "minigrad"
"""Under which other formats' metadata holds ours, as JSON."""
MAX_FILE_BYTES = 1 << 29
"""Of the largest network, 50 million parameters, in float64, and then some."""
PART_BYTES = 1 << 20
MAX_NAME_CHARS = 60
"""So much of a name in a file is told in a sentence."""
LARGEST = float(np.finfo(np.float32).max)

Layers = tuple[tuple[NDArray[Any], NDArray[Any]], ...]
"""W (out, in) and b (out,) of each layer: row by row in memory, little-endian, float32 or float64."""


class ExchangeError(Exception):
    """A network that cannot be exported or imported; the message is one sentence for the user."""


@dataclass(frozen=True)
class Portable:
    """A network with all that must travel with it. activation: its name in ACTIVATIONS; classes: of the outputs."""

    layers: Layers
    activation: str
    classes: tuple[str, ...]
    calibration: Calibration
    meta: Mapping[str, Any]

    @classmethod
    def of(cls, model: MLP, meta: Mapping[str, Any]) -> "Portable":
        """A network and the `meta` of its file. Raises ExchangeError if other programs could not use it."""
        activation = type(model.activation).__name__.lower()
        if type(model) is not MLP or ACTIVATIONS.get(activation) is not type(model.activation):
            raise ExchangeError(f"Only plain MLPs can be exported, not {type(model).__name__} with {activation}.")
        layers = tuple((_plain(layer.W.data), _plain(layer.b.data)) for layer in model.layers)
        # Most programs compute in float32, where a larger number would be infinite. NaN fails the comparison, too.
        if not all((np.abs(array) <= LARGEST).all() for layer in layers for array in layer):
            raise ExchangeError("This network holds numbers that are not finite in float32; it was not exported.")
        record = TrainingRecord.from_meta(meta)
        return cls(layers, activation, names_of_classes(record, model.sizes[-1]), record.calibration, meta)

    @property
    def sizes(self) -> tuple[int, ...]:
        return (self.layers[0][0].shape[1], *(len(b) for _, b in self.layers))

    def in_float32(self) -> Layers:
        return tuple((W.astype("<f4"), b.astype("<f4")) for W, b in self.layers)

    def metadata(self) -> dict[str, Any]:
        """What a program must know, as JSON values; numbers that JSON lacks become null."""
        about = {
            "format": FORMAT,
            "version": VERSION,
            "sizes": self.sizes,
            "activation": self.activation,
            "dtype": self.layers[0][0].dtype.name,
            "classes": self.classes,
            "calibration": {
                "temperature": self.calibration.temperature,
                "least_log_sum_exp": self.calibration.least_log_sum_exp,
                "threshold": self.calibration.threshold,
            },
            "description": self.sentences(),
            "meta": dict(self.meta),
        }
        return dict(json.loads(json.dumps(about), parse_constant=lambda _: None))

    def sentences(self) -> list[str]:
        """What a person must know, a paragraph each, in ASCII and without names that others have chosen."""
        sizes = "-".join(map(str, self.sizes))
        calibration = self.calibration
        output = f"Output: {self.sizes[-1]} logits, one for each class. probabilities = softmax(logits / temperature)"
        output += f" with a temperature of {calibration.temperature:.6g}. An answer can be trusted if its probability"
        output += f" is at least {calibration.threshold:.6g}"
        if calibration.least_log_sum_exp is not None:
            output += f" and log(sum(exp(logits))) is at least {calibration.least_log_sum_exp:.6g}"
        return [
            f"A multilayer perceptron trained by minigrad: {sizes}, {self.activation} after every layer but the last.",
            _input_sentence(self.sizes[0]),
            f"{output}.",
        ]


def _input_sentence(inputs: int) -> str:
    if inputs != SIDE_PX**2:
        return f"Input: {inputs} numbers."
    return (
        f"Input: {inputs} numbers from 0 (paper) to 1 (ink), which are {SIDE_PX} x {SIDE_PX} pixels, row by row from "
        f"the top left. As in MNIST, crop the digit, scale it until its longer side measures {DIGIT_PX:g} pixels, and "
        f"place it with its centre of mass {CENTRE_PX:g} pixels from the left and from the top."
    )


def _plain(array: NDArray[Any]) -> NDArray[Any]:
    """Row by row and little-endian: writers that take the memory as it is would write other numbers."""
    return np.ascontiguousarray(array, array.dtype.newbyteorder("<"))


def name_of(path: PathLike) -> str:
    """The file's name, as it may stand in a sentence."""
    return printable(Path(path).name or path)


def missing(package: str) -> ExchangeError:
    return ExchangeError(f"This format takes the package {package}, which is not installed: pip install {package}.")


@contextmanager
def saved(path: PathLike) -> Iterator[IO[bytes]]:
    """A file that becomes the one at exactly `path` once it is complete on disk.

    Raises ExchangeError if it cannot be written; an older file is then unchanged.
    """
    target = Path(os.path.realpath(path))
    try:
        with replacing(target) as file:
            yield file
    except OSError as error:
        folder = printable(target.parent)
        raise ExchangeError(f"{name_of(target)} could not be saved in {folder}: {reason_of(error)}.") from error


def read_whole(path: Path, most_bytes: int = MAX_FILE_BYTES) -> bytes:
    """The content of a file that is to be imported. Raises ExchangeError if it is too large."""
    with open(path, "rb") as file:
        size = os.fstat(file.fileno()).st_size
        if size > most_bytes:
            raise ExchangeError(f"is larger than {most_bytes >> 20} MB.")
        return file.read(size)  # allocates what it is asked for


def read_entry(archive: zipfile.ZipFile, name: str, most_bytes: int) -> bytes:
    """The content of a file in a zip, which may claim any length. Raises ExchangeError if it is too large."""
    content = bytearray()
    with archive.open(name) as file:
        while part := file.read(PART_BYTES):  # allocates what it is asked for, whatever there is
            content += part
            if len(content) > most_bytes:
                raise ExchangeError("is too large.")
    return bytes(content)


def file_beside(folder: Path, location: str) -> Path:
    """Another file that a file in this folder names. Raises ExchangeError if it is elsewhere, with links followed."""
    file = (folder / location).resolve()
    if not file.is_relative_to(folder.resolve()) or not file.is_file():
        raise ExchangeError("takes weights from a file that is not in its folder.")
    return file


def own_metadata(text: str | None) -> dict[str, Any] | None:
    """Our metadata in a file, if it is there and sound as far as a network needs it."""
    try:
        about = json.loads(text or "null")
    except (ValueError, RecursionError):
        return None
    is_own = isinstance(about, dict) and about.get("format") == FORMAT and about.get("version") == VERSION
    return about if is_own and about.get("activation") in ACTIVATIONS and isinstance(about.get("meta"), dict) else None
