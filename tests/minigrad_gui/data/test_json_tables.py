"""JSON row by row."""

import json

import pytest

from minigrad_gui.data import DataError, json_text
from minigrad_gui.data.json_tables import label_key, records

ROWS = [{"label": 5, "a": 1}, {"label": 0, "a": 2}, {"label": 4, "a": 3}]
TABLES = {
    "records": ROWS,
    "index": {"x": ROWS[0], "y": ROWS[1], "z": ROWS[2]},
    "split": {"columns": ["label", "a"], "index": ["x", "y", "z"], "data": [[5, 1], [0, 2], [4, 3]]},
    "split without names of rows": {"columns": ["label", "a"], "data": [[5, 1], [0, 2], [4, 3]]},
    "table": {"schema": {"fields": ["…"]}, "data": [{"index": at, **row} for at, row in enumerate(ROWS)]},
}


@pytest.mark.parametrize("layout", TABLES)
@pytest.mark.parametrize("chunk_bytes", [1, 1000])
def test_the_rows_of_a_table_have_the_names_of_its_columns(tmp_path, monkeypatch, layout, chunk_bytes):
    monkeypatch.setattr(json_text, "CHUNK_BYTES", chunk_bytes)
    (tmp_path / "a.json").write_text(json.dumps(TABLES[layout]))
    assert list(records(tmp_path / "a.json")) == ROWS


@pytest.mark.parametrize(
    "text",
    [
        '{"image": {"bytes": "abc"}, "label": 1}',
        '{"columns": 3, "a": 1}',
        '{"columns": 3, "data": [1]}',
        '{"index": [1], "data": [1]}',
        '{"data": [1, 2]}',
        '{"one": {"label": [1, 2]}}',
        "{}",
    ],
)
def test_other_objects_are_records(tmp_path, text):
    (tmp_path / "a.json").write_text(f"{text}\n{text}\n")
    assert list(records(tmp_path / "a.json")) == [json.loads(text)] * 2


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('{"columns": ["label", "a"], "data": [[1, 2], [3]]}', "not of one length"),
        ('{"columns": ["label", "a"], "data": [[1, 2], 3]}', "not of one length"),
        ('{"columns": ["label", "a"], "data": [[1, 2], [3', "is cut"),
        ('{"x": {"label": 1}, "y": {"la', "is cut"),
    ],
)
def test_damaged_tables_are_refused(tmp_path, text, told):
    (tmp_path / "a.json").write_text(text)
    with pytest.raises(DataError, match=told):
        list(records(tmp_path / "a.json"))


def test_the_key_of_a_label():
    assert label_key({"id": 1, "Label": 5}) == "Label"
    assert label_key({"id": 1}) is None
