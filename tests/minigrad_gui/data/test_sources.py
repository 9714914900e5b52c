"""The datasets to choose from match their descriptions."""

import pytest
from mnist_digits import replace_mnist

from minigrad_gui import data
from minigrad_gui.data import bundled


def test_a_source_is_loaded_by_its_key(few, monkeypatch):
    replace_mnist(monkeypatch, lambda: few)
    assert data.load(data.MNIST) is few


def test_a_source_is_asked_whether_loading_was_cancelled():
    with pytest.raises(data.LoadingCancelledError):
        data.load(data.MNIST_AND_PEN, cancelled=lambda: True)


def test_the_description_of_mnist_with_pen_strokes_is_true():
    source = data.SOURCES[data.MNIST_AND_PEN]
    assert len(bundled._pen_strokes().drawings) == bundled.PEN_COUNT
    assert source.training_count == 60_000 + bundled.PEN_COPIES * bundled.PEN_COUNT
    assert source.outlier_count == bundled.OUTLIER_COUNT


def test_only_what_is_neither_bundled_nor_on_disk_is_downloaded(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert [data.is_downloaded(key) for key in data.SOURCES] == [False, False, True]
    assert data.is_downloaded("owner/name")
    assert not data.is_downloaded("/gone/digits.csv")
    (tmp_path / "owner").mkdir()
    (tmp_path / "owner" / "name").touch()
    assert not data.is_downloaded("owner/name")


@pytest.mark.parametrize(
    ("source", "title"),
    [("mnist", "MNIST"), ("/home/me/digits.csv", "digits.csv"), ("owner/name", "owner/name"), ("/a/b/", "b")],
)
def test_a_source_has_a_short_title(source, title):
    assert data.title_of(source) == title


def test_a_mistyped_path_is_told_as_such_even_if_it_may_be_a_name_on_the_hub(tmp_path, monkeypatch):
    monkeypatch.setenv("HF_HOME", str(tmp_path))
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    told = "There is no file or folder data/nothere, and data/nothere could not be fetched: the hub cannot be reached"
    with pytest.raises(data.DataError, match=told):
        data.open_dataset("data/nothere")
