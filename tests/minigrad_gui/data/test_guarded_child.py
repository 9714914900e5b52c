"""What the process that reads files stores."""

import json

import numpy as np
import pytest

from minigrad_gui.data.guarded_child import Saver, main

READER = """
import numpy as np

def read(source, save):
    save("pictures", (3, 2), np.dtype("<i2"), iter([np.ones((2, 2), "i2"), np.zeros((1, 2), "i2")]))
    return {"source": source}
"""


def test_arrays_and_what_else_there_is(tmp_path):
    (tmp_path / "reader.py").write_text(READER)
    main(str(tmp_path / "reader.py"), "a.file", str(tmp_path), 12)
    index = json.loads((tmp_path / "index.json").read_text())
    assert index == {"arrays": ["pictures"], "about": {"source": "a.file"}}
    assert np.load(tmp_path / "array0.npy").tolist() == [[1, 1], [1, 1], [0, 0]]


def test_more_than_is_allowed_is_not_written(tmp_path):
    saver = Saver(str(tmp_path), 10)
    saver("a", (5,), np.dtype("u1"), [np.ones(5, "u1")])
    with pytest.raises(MemoryError):
        saver("b", (6,), np.dtype("u1"), [np.ones(6, "u1")])
    assert [path.name for path in tmp_path.iterdir()] == ["array0.npy"]
