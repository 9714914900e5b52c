import builtins
import importlib
import linecache
import sys

import pytest

from minigrad_gui import plain_imports


@pytest.fixture(autouse=True)
def pyside_import(monkeypatch):
    """PySide6's own `__import__`, which this process may have lost already."""
    monkeypatch.setattr(builtins, "__import__", builtins.__feature_import__)


@pytest.fixture
def is_read(tmp_path, monkeypatch):
    """Imports a new module by name; whether its source has been read."""
    monkeypatch.syspath_prepend(tmp_path)

    def imported(name):
        (tmp_path / f"{name}.py").write_text("answer = 42\n")
        importlib.invalidate_caches()
        exec(f"import {name}")
        return str(tmp_path / f"{name}.py") in linecache.cache

    yield imported
    for name in ("read_by_pyside", "not_read"):
        sys.modules.pop(name, None)


def test_pyside_reads_no_source_of_a_module_that_is_imported_afterwards(is_read):
    assert is_read("read_by_pyside")  # otherwise a new PySide6 does not need this any more
    plain_imports.restore()
    assert not is_read("not_read")
    assert builtins.__import__ is builtins.__orig_import__


def test_an_import_that_somebody_else_replaced_stays(monkeypatch):
    theirs = lambda *args: builtins.__orig_import__(*args)
    monkeypatch.setattr(builtins, "__import__", theirs)
    plain_imports.restore()
    assert builtins.__import__ is theirs


def test_nothing_happens_without_pysides_import(monkeypatch):
    monkeypatch.setattr(builtins, "__import__", builtins.__orig_import__)
    monkeypatch.delattr(builtins, "__feature_import__")
    monkeypatch.delattr(builtins, "__orig_import__")
    before = builtins.__import__
    plain_imports.restore()
    assert builtins.__import__ is before
