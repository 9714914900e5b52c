"""The documents: links and names exist, and the README is short."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
DOCUMENTS = [ROOT / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md")] + sorted(ROOT.glob("docs/*.md"))
MAX_LINES, MAX_WORDS = 120, 1000


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_links_lead_to_files(document):
    links = re.findall(r"\]\(([^):#]+)(?:#[^)]*)?\)", document.read_text(encoding="utf-8"))
    assert [link for link in links if not (document.parent / link).exists()] == []


def test_the_architecture_names_existing_files():
    text = (ROOT / "docs/architecture.md").read_text(encoding="utf-8")
    folders, missing = [""], []
    for indent, name in re.findall(r"^( *)([\w/]+\.py|\w+/)(?: |$)", text.split("```")[1], re.MULTILINE):
        depth = len(indent) // 2
        path = ROOT.joinpath(*folders[1 : depth + 1], name)
        folders[depth + 1 :] = [name]
        missing += [] if path.exists() else [str(path.relative_to(ROOT))]
    assert len(folders) > 1
    assert missing == []


def test_the_architecture_names_existing_functions():
    """In prose `reader.predict` is a name in a module called reader."""
    prose = (ROOT / "docs/architecture.md").read_text(encoding="utf-8").split("```")[2]
    code: dict[str, str] = {"fast": (ROOT / "engine/fast/__init__.py").read_text(encoding="utf-8")}
    for path in (path for package in ("engine", "minigrad_gui") for path in (ROOT / package).rglob("*.py")):
        code[path.stem] = code.get(path.stem, "") + path.read_text(encoding="utf-8")
    named = re.findall(r"`(\w+)\.(\w+)", prose)
    assert len(named) > 10
    unknown = [f"{module}.{name}" for module, name in named if not re.search(rf"\b{name}\b", code.get(module, ""))]
    assert unknown == []


def test_the_architecture_lists_every_module():
    tree = (ROOT / "docs/architecture.md").read_text(encoding="utf-8").split("```")[1]
    modules = [*ROOT.glob("engine/*.py"), *ROOT.glob("engine/fast/*.py"), *ROOT.glob("minigrad_gui/*.py")]
    assert [path.name for path in modules if f" {path.name} " not in tree and not path.name.startswith("__")] == []


def test_the_readme_has_two_pages():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    assert len(text.splitlines()) <= MAX_LINES
    assert len(text.split()) <= MAX_WORDS
