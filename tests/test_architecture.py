"""The house keeps its directions: who may import whom."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
MODULES = {
    ".".join(path.relative_to(ROOT).with_suffix("").parts): path
    for package in ("engine", "minigrad_gui")
    for path in sorted((ROOT / package).rglob("*.py"))
}
QT = {"PySide6", "pyqtgraph", "shiboken6"}
MAY_IMPORT = {
    "engine.ops": set(),
    "engine.border": {"engine.ops"},
    "engine.tensor": {"engine.ops", "engine.border"},
    "engine.functions": {"engine.ops", "engine.tensor"},
    "engine.gradcheck": {"engine.ops", "engine.tensor"},
    "engine.nn": {"engine.ops", "engine.tensor", "engine.functions"},
    "engine.losses": {"engine.ops", "engine.tensor"},
    "engine.optim": {"engine.ops", "engine.tensor"},
    "engine.samples": {"engine.ops", "engine.nn"},
    "engine.fast.memory": {"engine.ops"},
    "engine.fast.program": {"engine.ops", "engine.tensor", "engine.nn", "engine.losses"},
    "engine.fast.compiled": {"engine.ops", "engine.fast.program"},
    "engine.fast.optimizers": {"engine.ops", "engine.optim", "engine.fast.compiled", "engine.fast.memory"},
    "engine.fast.recording": {"engine.ops", "engine.tensor", "engine.nn", "engine.losses", "engine.fast.program"},
    "engine.fast.fused": {
        *("engine.ops", "engine.tensor", "engine.nn", "engine.losses", "engine.optim", "engine.samples"),
        *("engine.fast.compiled", "engine.fast.memory", "engine.fast.optimizers", "engine.fast.program"),
    },
    "engine.fast.steps": {
        *("engine.ops", "engine.tensor", "engine.nn", "engine.optim", "engine.samples"),
        *("engine.fast.optimizers", "engine.fast.fused", "engine.fast.recording"),
    },
    "engine.augment": {"engine.ops"},
    "engine.config": {"engine.ops", "engine.augment", "engine.nn", "engine.optim"},
    "engine.training": {
        *("engine.ops", "engine.augment", "engine.tensor", "engine.nn", "engine.losses", "engine.optim"),
        *("engine.samples", "engine.fast"),
    },
    "engine.run": {
        *("engine.ops", "engine.nn", "engine.losses", "engine.optim"),
        *("engine.config", "engine.samples", "engine.training"),
    },
    "engine.calibration": {"engine.ops", "engine.augment", "engine.nn", "engine.training", "engine.run"},
    "engine.record": {"engine.calibration", "engine.config", "engine.training"},
    "engine.archive": {"engine.ops"},
    "engine.checkpoint": {
        *("engine.ops", "engine.archive", "engine.nn", "engine.config", "engine.training", "engine.run"),
    },
    "minigrad_gui.data": set(),
    "minigrad_gui.hugging_face": {"minigrad_gui.data"},
    "minigrad_gui.folders": set(),
    "minigrad_gui.garbage": set(),
    "minigrad_gui.photo": set(),
    "minigrad_gui.digits": {"minigrad_gui.photo"},
    "minigrad_gui.reader": {"engine", "minigrad_gui.digits"},
    "minigrad_gui.theme": {"minigrad_gui.data"},
    "minigrad_gui.incidents": {"minigrad_gui.folders", "minigrad_gui.theme", "minigrad_gui.widgets.incident_dialog"},
    "minigrad_gui.process": set(),
    "minigrad_gui.control": set(),
    "minigrad_gui.threads": {"engine", "minigrad_gui.process"},
    "minigrad_gui.presets": {"engine"},
    "minigrad_gui.version": set(),
    "minigrad_gui.app": {"minigrad_gui.headless", "minigrad_gui.incidents", "minigrad_gui.main_window"},
    "minigrad_gui.unsaved_work": {"minigrad_gui.session", "minigrad_gui.widgets.questions"},
    "minigrad_gui.run_offer": {
        "minigrad_gui.recovery",
        "minigrad_gui.session",
        "minigrad_gui.unsaved_work",
        "minigrad_gui.widgets.banner",
        "minigrad_gui.widgets.building",
        "minigrad_gui.widgets.questions",
    },
    "minigrad_gui.runner": {
        "engine",
        "minigrad_gui.control",
        "minigrad_gui.data",
        "minigrad_gui.diagnosis",
        "minigrad_gui.process",
        "minigrad_gui.threads",
    },
    "minigrad_gui.headless": {"engine", "minigrad_gui.control", "minigrad_gui.data", "minigrad_gui.runner"},
    "minigrad_gui.handwriting": {"engine", "minigrad_gui.digits"},
    "minigrad_gui.history": {"engine"},
    "minigrad_gui.recovery": {"engine", "minigrad_gui.data"},
    "minigrad_gui.diagnosis": {"engine"},
    "minigrad_gui.worker": {"engine", "minigrad_gui.data", "minigrad_gui.runner"},
    "minigrad_gui.teaching": {"engine", "minigrad_gui.data", "minigrad_gui.handwriting", "minigrad_gui.process"},
    "minigrad_gui.session.settings": {"engine", "minigrad_gui.data"},
    "minigrad_gui.session.network": {"engine", "minigrad_gui.data", "minigrad_gui.reader", "minigrad_gui.runner"},
    "minigrad_gui.session.curves": {
        "engine",
        "minigrad_gui.data",
        "minigrad_gui.diagnosis",
        "minigrad_gui.history",
        "minigrad_gui.session.settings",
        "minigrad_gui.worker",
    },
    "minigrad_gui.session.training": {
        "engine",
        "minigrad_gui.history",
        "minigrad_gui.runner",
        "minigrad_gui.session.curves",
        "minigrad_gui.worker",
    },
    "minigrad_gui.session.teacher": {"minigrad_gui.handwriting", "minigrad_gui.teaching"},
    "minigrad_gui.session.runs": {"engine", "minigrad_gui.recovery"},
    "minigrad_gui.session.drawing": {"minigrad_gui.digits", "minigrad_gui.reader"},
    "minigrad_gui.session.drawings": {"minigrad_gui.handwriting"},
    "minigrad_gui.session.handwriting": {
        "engine",
        "minigrad_gui.handwriting",
        "minigrad_gui.session.drawings",
        "minigrad_gui.session.teacher",
        "minigrad_gui.teaching",
    },
    "minigrad_gui.session.facade": {
        "engine",
        "minigrad_gui.control",
        "minigrad_gui.digits",
        "minigrad_gui.folders",
        "minigrad_gui.handwriting",
        "minigrad_gui.process",
        "minigrad_gui.reader",
        "minigrad_gui.recovery",
        "minigrad_gui.runner",
        "minigrad_gui.session.curves",
        "minigrad_gui.session.drawing",
        "minigrad_gui.session.handwriting",
        "minigrad_gui.session.network",
        "minigrad_gui.session.runs",
        "minigrad_gui.session.settings",
        "minigrad_gui.session.training",
    },
    "minigrad_gui.session.__init__": {"minigrad_gui.session.facade", "minigrad_gui.session.settings"},
}


def imported(module: str) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(ast.parse(MODULES[module].read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{module} has a relative import"
            for alias in node.names:
                whole = f"{node.module}.{alias.name}"
                names.add(whole if whole in MODULES or f"{whole}.__init__" in MODULES else str(node.module))
    return names


def ours(module: str) -> set[str]:
    return {name for name in imported(module) if name.split(".")[0] in ("engine", "minigrad_gui")}


@pytest.mark.parametrize("module", sorted(MAY_IMPORT))
def test_imports_run_one_way(module):
    allowed = MAY_IMPORT[module]
    strangers = {name for name in ours(module) if name not in allowed and name.split(".")[0] not in allowed}
    assert not strangers


@pytest.mark.parametrize("module", [module for module in MODULES if module.startswith("engine")])
def test_the_engine_needs_numpy_alone(module):
    others = {name.split(".")[0] for name in imported(module)} - set(sys.stdlib_module_names)
    accelerator = {"numba", "scipy", "threadpoolctl"} if module == "engine.fast.compiled" else set()
    assert others <= {"numpy", "engine"} | accelerator


@pytest.mark.parametrize(
    "module",
    [
        "data",
        "hugging_face",
        "digits",
        "reader",
        "photo",
        "process",
        "control",
        "runner",
        "threads",
        "presets",
        "handwriting",
        "headless",
        "history",
        "recovery",
        "version",
        "app",
        "cli",
    ],
)
def test_qt_is_not_imported_below_the_worker(module):
    tree = ast.parse(MODULES[f"minigrad_gui.{module}"].read_text(encoding="utf-8"))
    at_top = [node for node in tree.body if isinstance(node, (ast.Import, ast.ImportFrom))]
    names = {alias.name for node in at_top if isinstance(node, ast.Import) for alias in node.names}
    names |= {str(node.module) for node in at_top if isinstance(node, ast.ImportFrom)}
    assert not {name.split(".")[0] for name in names} & QT


@pytest.mark.parametrize("module", [module for module in MODULES if module.startswith("minigrad_gui.views.")])
def test_views_know_neither_one_another_nor_the_worker(module):
    if module.endswith("__init__"):
        return
    known = {name for name in ours(module) if name.startswith(("minigrad_gui.views", "minigrad_gui.worker"))}
    assert known <= {"minigrad_gui.views.view"}


@pytest.mark.parametrize("module", [module for module in MODULES if module.startswith("minigrad_gui.widgets.")])
def test_widgets_know_nothing_of_the_session(module):
    assert not {name for name in ours(module) if name.startswith(("minigrad_gui.session", "minigrad_gui.views"))}


def test_every_module_has_its_twin_among_the_tests():
    """a/b.py is tested by tests/a/test_b.py; a test file without a module is about several."""
    files = [path.relative_to(ROOT) for path in MODULES.values() if not path.name.startswith("__")]
    twins = [Path("tests") / file.parent / f"test_{file.name}" for file in files]
    assert [str(twin) for twin in twins if not (ROOT / twin).exists()] == []


def test_there_are_no_circles():
    graph = {module: ours(module) & MODULES.keys() for module in MODULES}
    while graph:
        leaves = {module for module, needs in graph.items() if not needs}
        assert leaves, f"a circle among {sorted(graph)}"
        graph = {module: needs - leaves for module, needs in graph.items() if module not in leaves}


def test_heavy_libraries_are_imported_when_they_are_needed():
    told = "import sys, minigrad_gui.cli, minigrad_gui.main_window; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", told], cwd=ROOT, capture_output=True, text=True, check=True)
    assert not {"datasets", "numba", "PIL", "scipy"} & set(done.stdout.split())
