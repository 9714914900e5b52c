"""Reads networks of other programs. A file is recognised by its content, and nothing in it is ever run."""

import zipfile
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np

from engine.archive import PathLike, reason_of
from engine.nn import ACTIVATIONS, MLP, is_finite
from minigrad_gui.data import DataError
from minigrad_gui.exchange.chain import checked
from minigrad_gui.exchange.formats import IMPORTS, Import, module_of
from minigrad_gui.exchange.measuring import measured
from minigrad_gui.exchange.portable import ExchangeError, name_of
from minigrad_gui.frame import SIDE_PX

START_BYTES = 512


def import_model(path: PathLike, input: str | None = None) -> tuple[MLP, dict[str, Any]]:  # noqa: A002
    """Read a network in another program's format: the network, and the `meta` for its file.

    It reads pictures as this program makes them, whatever it was trained with: what suits it best is measured on MNIST,
    and told by meta["imported"]; input: one of INPUTS, if it is known. A file that minigrad exported has the meta of
    its network and takes no input. Raises ExchangeError, with one sentence, if the file cannot be read, is damaged, or
    holds anything but an MLP that reads 28 x 28 pixels, or if it takes no input.
    """
    name = name_of(path)
    try:
        with np.errstate(all="ignore"):  # what overflows is refused as infinite
            return _imported(Path(path), input)
    except (ExchangeError, DataError) as error:
        text = str(error)
        raise ExchangeError(f"{name} {text.removeprefix('it ')}") from error.__cause__
    except OSError as error:
        raise ExchangeError(f"{name} could not be opened: {reason_of(error)}.") from error
    except MemoryError as error:
        raise ExchangeError(f"{name} needs more memory than there is.") from error
    except Exception as error:  # damaged bytes raise nearly anything
        raise ExchangeError(f"{name} is damaged, or holds no network of layers.") from error


def _imported(path: Path, input: str | None) -> tuple[MLP, dict[str, Any]]:  # noqa: A002
    format = _format_of(path)
    found = checked(module_of(format).read(path), SIDE_PX**2)
    if found.about is not None:
        if input is not None:
            raise ExchangeError("was exported by minigrad, which knows what it expects of pictures: it needs no input.")
        meta = {name: value for name, value in found.about["meta"].items() if name != "imported"}  # that is history
        return MLP.from_parameters(found.layers, ACTIVATIONS[str(found.activation)]), meta
    result = measured(found, input)
    if not is_finite(result.model):
        raise ExchangeError("holds numbers that are too large for such pictures.")
    meta = {"imported": {"format": format.name, "input": result.input}}
    if result.calibration is not None:
        meta |= {"calibration": result.calibration.to_dict(), "test_accuracy": result.accuracy}
    return result.model, meta


def _format_of(path: Path) -> Import:
    if not path.is_file() and path.exists():  # opening a pipe would block
        raise ExchangeError("is not a file.")
    with open(path, "rb") as file:
        start = file.read(START_BYTES)
    for candidate in IMPORTS:
        with suppress(zipfile.BadZipFile):
            if module_of(candidate).recognises(path, start):
                return candidate
    raise ExchangeError("is in no format that can be imported.")
