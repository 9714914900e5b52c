"""Compiling, and the fallback if loops cannot be compiled."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from engine.fast import compiler
from engine.fast.compiled import adam, cross_entropy
from engine.fast.products import SPARE

ROWS = (*np.ones((4, 3)), np.ones(6))
NO_ARRAYS = (1.0,) * len(ROWS)


@pytest.fixture
def compiled_anew():
    """Clears the cache of compiled loops before and after the test."""
    compiler._compiled.cache_clear()
    yield
    compiler._compiled.cache_clear()


@pytest.mark.usefixtures("compiled_anew")
def test_without_numba_there_is_no_machine_code(monkeypatch, caplog):
    monkeypatch.setitem(sys.modules, "numba", None)  # what an import of a missing package finds
    assert compiler.machine_code(adam, *ROWS) is None
    assert caplog.records == []


@pytest.mark.usefixtures("compiled_anew")
def test_a_compiler_error_is_logged_once(caplog):
    pytest.importorskip("numba")
    compiler._log_failure.cache_clear()
    for _ in range(2):
        assert compiler.machine_code(adam, *NO_ARRAYS) is None
    (record,) = caplog.records
    assert (record.name, record.levelname) == ("minigrad", "WARNING")
    assert "'adam' cannot be compiled: TypingError" in record.message


@pytest.mark.usefixtures("compiled_anew")
def test_without_a_folder_for_the_compiled_loop_it_is_compiled_anew(monkeypatch, caplog):
    pytest.importorskip("numba")
    compiler._log_anew.cache_clear()
    monkeypatch.setattr("numba.core.caching.CompileResultCacheImpl._locator_classes", [])
    compiled = compiler.machine_code(adam, *ROWS)
    assert compiled is not None
    data = np.ones(3)
    compiled(data, *np.ones((3, 3)), np.ones(6))
    assert (data < 1).all()
    (record,) = caplog.records
    assert "compiled anew each time, as it cannot be cached: RuntimeError" in record.message


@pytest.mark.usefixtures("compiled_anew")
def test_a_damaged_cache_is_ignored(monkeypatch, tmp_path, caplog):
    pytest.importorskip("numba")
    monkeypatch.setattr("numba.config.CACHE_DIR", str(tmp_path))
    compiler._log_anew.cache_clear()

    def step():
        compiler._compiled.cache_clear()
        data, *others = np.ones((4, 3))
        assert compiler.machine_code(adam, data, *others, np.ones(6)) is not None
        return data

    first = step()
    assert (first < 1).all()
    cached = [file for file in tmp_path.rglob("*") if file.is_file()]
    assert len(cached) == 2
    np.testing.assert_array_equal(step(), first)
    assert caplog.records == []
    for file in cached:
        file.write_bytes(file.read_bytes()[:-20])
    np.testing.assert_array_equal(step(), first)
    (record,) = caplog.records
    assert "compiled anew each time" in record.message


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_loop_that_is_compiled_apart_is_called_by_its_symbol(dtype):
    numba = pytest.importorskip("numba")
    compiler._compiled(True).link(dtype)
    product = compiler._compiled(True).loops["varied"].py_func.__globals__["product"]
    caller = numba.njit(lambda a, b, out, spare: product(a, b, False, out, spare))
    a, b = np.random.default_rng(0).normal(size=(2, 20, 20)).astype(dtype)
    out = np.empty_like(a)
    caller(a, b, out, np.empty(SPARE, dtype))
    np.testing.assert_allclose(out, a @ b, rtol=1e-3, atol=1e-4)
    (code,) = caller.inspect_llvm().values()
    assert f"minigrad.product.{np.dtype(dtype).name}" in code
    assert "fmul" not in code
    with pytest.raises(ValueError, match="size of new array"):  # its errors arrive
        caller(a, b, out, np.empty(5, dtype))


def test_a_loop_that_is_compiled_apart_returns_what_its_annotation_says(monkeypatch):
    pytest.importorskip("numba")
    monkeypatch.setitem(cross_entropy.__annotations__, "return", None)
    with pytest.raises(TypeError, match="cross_entropy returns int64, not none"):
        compiler._Compiler(is_cached=True).link_loop(cross_entropy, np.float32)


@pytest.mark.long
def test_callers_are_compiled_without_the_loops_that_are_compiled_apart(tmp_path):
    pytest.importorskip("numba")
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])}

    def compiled_by(function, folder):
        code = f"from engine import fast; fast.{function}()"
        subprocess.run([sys.executable, "-c", code], env={**environment, "NUMBA_CACHE_DIR": str(folder)}, check=True)
        return {file.name for file in folder.rglob("*.nb[ci]")}

    loops = compiled_by("prepare_loops", tmp_path / "loops")
    callers = compiled_by("prepare_callers", tmp_path / "callers")
    assert any("product" in name for name in loops)
    assert any("work" in name for name in callers)
    assert not loops & callers, "both have compiled it"
    for name in ("loops", "callers"):
        shutil.copytree(tmp_path / name, tmp_path / "both", dirs_exist_ok=True)
    assert compiled_by("prepare", tmp_path / "both") == loops | callers, "neither has compiled it"
