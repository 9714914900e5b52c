"""The version that is told."""

import tomllib
from pathlib import Path

import pytest

from minigrad_gui.cli import main


def test_the_version_is_that_of_the_project(capsys):
    with pytest.raises(SystemExit) as leaving:
        main(["--version"])
    assert leaving.value.code == 0
    project = tomllib.loads((Path(__file__).resolve().parents[2] / "pyproject.toml").read_text(encoding="utf-8"))
    assert capsys.readouterr().out == f"minigrad {project['project']['version']}\n"
