import tracemalloc

import pytest

from minigrad_gui.data.names import Names


def test_gives_back_what_was_added():
    texts = ["0/a.png", "", "é/ü.png", "cut\udcff.png"]
    names = Names(texts)
    assert len(names) == 4
    assert list(names) == texts == [names[at] for at in range(4)]
    assert names[-1] == texts[-1]
    assert list(names[1:3]) == texts[1:3]
    with pytest.raises(IndexError):
        names[4]


def test_they_take_little_memory():
    tracemalloc.start()
    names = Names(f"{number}.png" for number in range(20_000))
    taken = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    assert taken < 25 * len(names)
