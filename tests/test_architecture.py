"""Imports go one way, heavy libraries are imported late, and tests mirror the code."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest
from importlinter import cli

ROOT = Path(__file__).resolve().parent.parent
MODULES = {
    ".".join(path.relative_to(ROOT).with_suffix("").parts): path
    for package in ("engine", "minigrad_gui")
    for path in sorted((ROOT / package).rglob("*.py"))
}
QT = {"PySide6", "pyqtgraph", "shiboken6"}


def test_imports_go_one_way(monkeypatch):
    """The contracts in pyproject.toml; violations are printed."""
    monkeypatch.chdir(ROOT)
    # import-linter (2.x) sets up logging, and with that turns off every logger there is: tests that follow miss them.
    monkeypatch.setattr(cli.logging_config, "dictConfig", lambda _: None)
    assert cli.lint_imports(no_cache=True) == 0


def imported(module: str) -> set[str]:
    """The packages that a module imports, inside its functions too."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(MODULES[module].read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            names.add(str(node.module))
    return {name.split(".")[0] for name in names}


@pytest.mark.parametrize("module", [module for module in MODULES if module.startswith("engine")])
def test_the_engine_needs_numpy_alone(module):
    others = imported(module) - set(sys.stdlib_module_names)
    accelerators = {
        "engine.fast.compiled": {"threadpoolctl"},
        "engine.fast.compiler": {"numba", "llvmlite"},
        "engine.fast.intrinsics": {"numba", "llvmlite"},
    }
    assert others <= {"numpy", "engine"} | accelerators.get(module, set())


@pytest.mark.parametrize("module", ["app", "cli"])
def test_qt_is_imported_when_a_window_is_opened(module):
    tree = ast.parse(MODULES[f"minigrad_gui.{module}"].read_text(encoding="utf-8"))
    at_top = [node for node in tree.body if isinstance(node, (ast.Import, ast.ImportFrom))]
    names = {alias.name for node in at_top if isinstance(node, ast.Import) for alias in node.names}
    names |= {str(node.module) for node in at_top if isinstance(node, ast.ImportFrom)}
    assert not {name.split(".")[0] for name in names} & QT


def test_every_module_has_its_test_file():
    """a/b.py is tested by tests/a/test_b.py; a test file without a module is about several."""
    files = [path.relative_to(ROOT) for path in MODULES.values() if not path.name.startswith("__")]
    twins = [Path("tests") / file.parent / f"test_{file.name}" for file in files]
    assert [str(twin) for twin in twins if not (ROOT / twin).exists()] == []


def test_heavy_libraries_are_imported_when_they_are_needed():
    told = "import sys, minigrad_gui.cli, minigrad_gui.main_window; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", told], cwd=ROOT, capture_output=True, text=True, check=True)
    assert not {"datasets", "numba", "PIL", "scipy", "threadpoolctl", "tqdm"} & set(done.stdout.split())
