"""pyqtgraph, imported in less time: `from minigrad_gui.widgets.graphs import pg`.

pyqtgraph copies every name of QtCore, QtGui and QtWidgets into modules of its own. PySide6 makes each class when it is
first asked for, and making all 700 takes as long as the rest of the import. So pyqtgraph finds no names to copy, and
its modules ask Qt for a name when they lack it (PEP 562).

`import pyqtgraph` also runs all of its modules, by `from .module import *`, and curves need half of them. So here
`import *` finds names only in those of USED; any other runs when it is first asked for a name, as by another module.
"""

import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from types import ModuleType
from typing import Any

from PySide6 import QtCore, QtGui, QtWidgets

USED = (
    "pyqtgraph.functions",
    *(f"pyqtgraph.graphicsItems.{name}" for name in ("AxisItem", "FillBetweenItem", "InfiniteLine", "PlotDataItem")),
    "pyqtgraph.graphicsItems.ViewBox",  # by pyqtgraph itself, when the application ends
    "pyqtgraph.widgets.PlotWidget",
)
"""The modules whose names `pg` has."""
PACKAGES = ("pyqtgraph", *(f"pyqtgraph.{name}" for name in ("colors", "graphicsItems", "util", "widgets")))


class _Asleep(ModuleType):
    """A module that runs when it is first asked for a name."""

    __all__ = ()
    """What `import *` finds until then."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):  # of those, Python has set what it needs
            raise AttributeError(name)
        self.__class__ = ModuleType  # type: ignore[assignment]
        assert self.__spec__ is not None
        assert self.__spec__.loader is not None
        self.__spec__.loader.exec_module(self)
        return getattr(self, name)


class _SleepingLoader(Loader):
    def __init__(self, loader: Loader) -> None:
        self._loader = loader

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        return _Asleep(spec.name)

    def exec_module(self, module: ModuleType) -> None:
        assert module.__spec__ is not None
        module.__spec__.loader = module.__loader__ = self._loader


class _SleepingFinder(MetaPathFinder):
    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname in USED or fullname.rpartition(".")[0] not in PACKAGES:
            return None
        spec = PathFinder.find_spec(fullname, path, target)
        if spec is not None and spec.loader is not None and fullname not in PACKAGES:
            spec.loader = _SleepingLoader(spec.loader)
        return spec


@contextmanager
def _modules_on_demand() -> Iterator[None]:
    finder = _SleepingFinder()
    sys.meta_path.insert(0, finder)
    try:
        yield
    finally:
        sys.meta_path.remove(finder)


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


with _names_on_demand(), _modules_on_demand():
    import pyqtgraph as pg

__all__ = ["pg"]
