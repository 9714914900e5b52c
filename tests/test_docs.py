"""The documents lead where they say, and the README stays short."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
DOCUMENTS = [ROOT / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md")] + sorted(ROOT.glob("docs/*.md"))
MAX_LINES, MAX_WORDS = 120, 1000


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_links_lead_to_files(document):
    links = re.findall(r"\]\(([^)#:]+)\)", document.read_text(encoding="utf-8"))
    assert [link for link in links if not (document.parent / link).exists()] == []


def test_the_architecture_names_what_is_there():
    text = (ROOT / "docs/architecture.md").read_text(encoding="utf-8")
    folders, missing = [""], []
    for indent, name in re.findall(r"^( *)([\w/]+\.py|\w+/)(?: |$)", text.split("```")[1], re.MULTILINE):
        depth = len(indent) // 2
        path = ROOT.joinpath(*folders[1 : depth + 1], name)
        folders[depth + 1 :] = [name]
        missing += [] if path.exists() else [str(path.relative_to(ROOT))]
    assert len(folders) > 1
    assert missing == []


def test_the_readme_has_two_pages():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    assert len(text.splitlines()) <= MAX_LINES
    assert len(text.split()) <= MAX_WORDS
