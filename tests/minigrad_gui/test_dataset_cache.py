"""Datasets are loaded once and shared."""

from dataclasses import replace

import pytest

from minigrad_gui import data
from minigrad_gui.dataset_cache import DatasetCache


@pytest.fixture
def loaded(monkeypatch, few):
    """The sources that were loaded, in order."""
    loaded = []
    monkeypatch.setattr(data, "load", lambda source, *_: loaded.append(source) or few)
    return loaded


def test_a_dataset_is_loaded_once(loaded, few):
    cache = DatasetCache()
    assert cache.peek("mnist") is None
    assert cache.get("mnist") is cache.get("mnist") is cache.peek("mnist") is few
    assert loaded == ["mnist"]


def test_the_one_that_was_not_used_for_longest_is_forgotten(loaded):
    cache = DatasetCache()
    for source in ("mnist", "mnist+pen", "mnist", "ylecun/mnist"):
        cache.get(source)
    assert cache.peek("mnist+pen") is None
    assert loaded == ["mnist", "mnist+pen", "ylecun/mnist"]
    cache.get("mnist")
    assert loaded[3:] == []


def test_a_dataset_is_known_by_how_it_was_read_too(loaded, few):
    cache, turned = DatasetCache(), data.Choices(orientation="transposed")
    cache.get("/own/file")
    assert cache.peek("/own/file", turned) is None
    assert cache.get("/own/file", turned) is cache.peek("/own/file", turned) is few
    assert loaded == ["/own/file"] * 2


def test_what_cannot_be_loaded_is_asked_for_again(monkeypatch):
    def fail(*_):
        raise data.DataError("no")

    cache = DatasetCache()
    with monkeypatch.context() as patched:
        patched.setattr(data, "load", fail)
        with pytest.raises(data.DataError):
            cache.get("mnist")
    assert len(cache.get("mnist").test_images) == 10_000


def test_what_was_loaded_elsewhere_is_not_loaded_again(loaded, few):
    cache = DatasetCache()
    assert cache.put("/own/file", few) is few
    assert cache.get("/own/file") is few
    assert loaded == []


def test_a_file_is_read_again_on_request(monkeypatch, few):
    cache = DatasetCache()
    old, new = replace(few, name="old"), replace(few, name="new")
    cache.put("/own/file", old)
    cache.put(data.MNIST, few)
    monkeypatch.setattr(data, "load", lambda *_: new)
    assert cache.get("/own/file") is old
    assert cache.reload("/own/file") is cache.peek("/own/file") is new
    assert cache.reload(data.MNIST) is few


def test_two_readings_of_one_file_do_not_take_twice_the_memory(loaded, few):
    cache, turned = DatasetCache(), data.Choices(orientation="transposed")
    for choices in (data.ALL_GUESSED, turned):
        assert cache.reload("/own/file", choices) is cache.peek("/own/file", choices) is few
    assert cache.peek("/own/file") is None
    assert loaded == ["/own/file"] * 2
