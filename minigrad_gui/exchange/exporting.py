"""Writes a network in one of many formats."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from engine.archive import PathLike
from engine.nn import MLP
from minigrad_gui.exchange.formats import EXPORTS, module_of
from minigrad_gui.exchange.portable import ExchangeError, Portable, name_of, saved


def export_model(path: PathLike, model: MLP, meta: Mapping[str, Any]) -> None:
    """Write a network and the `meta` of its file to exactly `path`, in the format of its suffix.

    The file is complete on disk before it replaces an older one. Raises ExchangeError, with one sentence, if the format
    is unknown or cannot hold this network, a package is missing, or the file cannot be written; an older file is then
    unchanged. Raises TypeError if `meta` is not JSON-serialisable.
    """
    export = EXPORTS.get(Path(path).suffix.lower())
    if export is None:
        raise ExchangeError(f"{name_of(path)} is in no format for export; its suffix must be {_suffixes()}.")
    portable = Portable.of(model, meta)
    with saved(path) as file:
        module_of(export).write(portable, file)


def _suffixes() -> str:
    *others, last = EXPORTS
    return f"{', '.join(others)} or {last}"
