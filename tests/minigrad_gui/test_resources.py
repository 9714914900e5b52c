"""The project's own files are found in a checkout and in an installation."""

import pytest

from minigrad_gui import resources


@pytest.mark.parametrize("name", ["mnist.npz", "pen_digits.npz", "pretrained.npz", "icons/minigrad.svg"])
def test_what_comes_with_the_project_is_there(name):
    assert resources.asset_path(name).is_file()


def test_an_installation_has_them_inside_the_package(monkeypatch, tmp_path):
    monkeypatch.setattr(resources, "__file__", str(tmp_path / "resources.py"))
    (tmp_path / "assets").mkdir()
    assert resources.asset_path("mnist.npz") == tmp_path / "assets" / "mnist.npz"
