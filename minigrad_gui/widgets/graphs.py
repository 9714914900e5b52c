"""pyqtgraph, imported in less time: `from minigrad_gui.widgets.graphs import pg`.

pyqtgraph copies every name of QtCore, QtGui and QtWidgets into modules of its own. PySide6 makes each class when it is
first asked for, and making all 700 takes as long as the rest of the import. So pyqtgraph finds no names to copy, and
its modules ask Qt for a name when they lack it (PEP 562).
"""

import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from types import ModuleType
from typing import Any

from PySide6 import QtCore, QtGui, QtWidgets


@contextmanager
def _names_on_demand() -> Iterator[None]:
    sources: tuple[ModuleType, ...] = QtCore, QtGui, QtWidgets
    before = [source.__dir__ for source in sources]
    for source, names in zip(sources, before, strict=True):
        vars(source)["__dir__"] = partial(_names_to_copy, source, names)
    try:
        yield
    finally:
        for source, names in zip(sources, before, strict=True):
            vars(source)["__dir__"] = names


def _names_to_copy(source: ModuleType, names: Callable[[], Iterable[str]]) -> Iterable[str]:
    """What `dir` of a module of Qt gives: nothing, once the module that would get the copies asks for them itself."""
    copy = sys.modules.get(source.__name__.replace("PySide6", "pyqtgraph.Qt"))
    if copy is None:
        return names()
    vars(copy)["__getattr__"] = partial(_copy, source, copy)
    return ()


def _copy(source: ModuleType, copy: ModuleType, name: str) -> Any:
    value = getattr(source, name)
    setattr(copy, name, value)
    return value


with _names_on_demand():
    import pyqtgraph as pg

__all__ = ["pg"]
