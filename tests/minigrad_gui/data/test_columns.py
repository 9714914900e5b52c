"""Blocks of rows are gathered from all columns."""

import numpy as np
import pytest

from minigrad_gui.data import columns
from minigrad_gui.data.columns import Columns, last_first
from minigrad_gui.data.stored import Array

X = np.random.default_rng(0).integers(0, 1000, (101, 4, 3)).astype(np.uint16)


@pytest.fixture
def stored(tmp_path):
    (tmp_path / "x").write_bytes(b"head" + X.tobytes(order="F"))
    return Columns(tmp_path / "x", 4, X.dtype, X.shape)


def test_blocks_have_a_few_rows_of_all_columns(stored, monkeypatch):
    monkeypatch.setattr(columns, "COLUMN_BYTES", 16)
    blocks = list(stored.as_it_is().blocks())
    assert [len(block) for block in blocks] == [8] * 12 + [5]
    np.testing.assert_array_equal(np.concatenate(blocks), X)


def test_rows_of_many_columns_come_in_smaller_blocks(stored, monkeypatch):
    monkeypatch.setattr(columns, "MAX_BLOCK_BYTES", 12 * 2 * 5)
    assert [len(block) for block in stored.as_it_is().blocks()] == [5] * 20 + [1]


def test_the_last_dimension_may_come_first(stored):
    array = stored.last_first()
    assert array.shape == (3, 101, 4)
    np.testing.assert_array_equal(array.whole(), np.moveaxis(X, -1, 0))


def test_rows_become_columns_as_often_as_they_are_read():
    turned = last_first(Array.of(X))
    assert turned.shape == (3, 101, 4)
    for _ in range(2):
        np.testing.assert_array_equal(turned.whole(), np.moveaxis(X, -1, 0))
