"""JSON, read value by value."""

import pytest

from minigrad_gui.data import DataError
from minigrad_gui.data.json_text import JsonText, values
from minigrad_gui.data.streams import open_plain


@pytest.mark.parametrize("chunk_bytes", [1, 3, 1000])
def test_an_object_is_read_key_by_key(tmp_path, monkeypatch, chunk_bytes):
    monkeypatch.setattr("minigrad_gui.data.json_text.CHUNK_BYTES", chunk_bytes)
    (tmp_path / "a.json").write_text('{ "one": [1, 23.5],"b": "c"} ')
    with open_plain(tmp_path / "a.json") as file:
        text = JsonText(file)
        assert text.skip("{")
        assert (text.key(), text.next(), text.value()) == ("one", "[", [1, 23.5])
        assert (text.key(), text.value(), text.skip("]"), text.skip("}")) == ("b", "c", False, True)
        assert text.next() == ""
        with pytest.raises(DataError, match="is cut"):
            text.value()


@pytest.mark.parametrize("content", ["{1: 2}", '{"a" 1}', '{"a"', '{"a'])
def test_a_key_is_text_before_a_colon(tmp_path, content):
    (tmp_path / "a.json").write_text(content)
    with open_plain(tmp_path / "a.json") as file:
        text = JsonText(file)
        assert text.skip("{")
        with pytest.raises(DataError, match="not JSON, or is cut"):
            text.key()


def test_values_are_read_across_chunks(tmp_path, monkeypatch):
    monkeypatch.setattr("minigrad_gui.data.json_text.CHUNK_BYTES", 3)
    (tmp_path / "a.json").write_text('\ufeff [ {"é": [1, 23]}, [45, 6] ]')
    assert list(values(tmp_path / "a.json")) == [{"é": [1, 23]}, [45, 6]]
    (tmp_path / "a.json").write_text('{"a": 1}\n\n{"a": 2}\n')
    assert list(values(tmp_path / "a.json")) == [{"a": 1}, {"a": 2}]
