"""EMNIST as Kaggle has it; its IDX files are in test_idx.py."""

import numpy as np
from own_files import opened


def test_tables_of_letters_lie_on_their_sides_and_another_file_names_them(own, tmp_path):
    """As Kaggle has it; letters do not tell how they lie."""
    for name, images, labels in (("train", own.x, own.y), ("test", own.tx, own.ty)):
        table = np.column_stack([labels + 1, images.swapaxes(1, 2).reshape(len(images), -1)])
        np.savetxt(tmp_path / f"emnist-letters-{name}.csv", table, "%d", delimiter=",")
    (tmp_path / "emnist-letters-mapping.txt").write_text("".join(f"{at + 1} {65 + at} {97 + at}\n" for at in range(10)))
    dataset = opened(tmp_path / "emnist-letters-train.csv")
    assert dataset.class_names == tuple("ABCDEFGHIJ")
    np.testing.assert_array_equal(dataset.train_images, own.x)
    np.testing.assert_array_equal(dataset.test_labels, own.ty)
