"""What becomes of what a reader found, and one sentence for everything that cannot be opened."""

import tracemalloc

import numpy as np
import pytest
from own_files import assert_all_there, assert_same, idx_bytes, opened, write_idx
from PIL import Image

from minigrad_gui.data import DataError, LoadingCancelledError, open_dataset


def test_sorted_files_give_test_pictures_of_every_class(own, tmp_path):
    order = np.argsort(own.y, kind="stable")
    np.savez(tmp_path / "a.npz", x=own.x[order], y=own.y[order])
    dataset = opened(tmp_path / "a.npz")
    assert_all_there(dataset, own.x, own.y)
    shares = np.bincount(dataset.test_labels) / np.bincount(own.y)
    assert shares.min() > 0.1
    assert shares.max() < 0.18
    assert "at random are held out" in dataset.origin.remarks[0]


def test_the_choices_that_were_made_give_the_same_again(own, tmp_path):
    np.savez(tmp_path / "a.npz", x=255 - own.x.swapaxes(1, 2), y=own.y.astype(int) + 1)
    first = opened(tmp_path / "a.npz")
    again = opened(tmp_path / "a.npz", **vars(first.origin.choices))
    np.testing.assert_array_equal(first.train_images, again.train_images)
    assert again.origin == first.origin


def test_the_size_of_the_pictures_in_the_file_is_told_if_they_have_one(own, tmp_path):
    np.savez(tmp_path / "a.npz", x=own.x[:, 4:24, 4:20], y=own.y)
    assert opened(tmp_path / "a.npz").origin.size_px == (20, 16)


@pytest.mark.parametrize("blocks", [0, 1])
def test_opening_ends_soon_once_it_is_cancelled(own, tmp_path, blocks):
    np.savez(tmp_path / "a.npz", x=own.x, y=own.y)
    answers = iter([*[False] * blocks, True])
    with pytest.raises(LoadingCancelledError):
        open_dataset(tmp_path / "a.npz", cancelled=lambda: next(answers))


def test_a_class_that_is_only_tested_is_refused(own, tmp_path):
    kept = own.y != 7
    np.savez(tmp_path / "a.npz", x_train=own.x[kept], y_train=own.y[kept], x_test=own.tx, y_test=own.ty)
    with pytest.raises(DataError, match="test pictures show “7”, its training pictures do not"):
        opened(tmp_path / "a.npz")


def test_a_class_that_is_not_tested_is_remarked_on(own, tmp_path):
    kept = own.ty != 7
    np.savez(tmp_path / "a.npz", x_train=own.x, y_train=own.y, x_test=own.tx[kept], y_test=own.ty[kept])
    assert opened(tmp_path / "a.npz").origin.remarks == ("No test picture shows 7.",)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "it is empty."),
        (b"hello", "it is in no format that can be read."),
        (b"\x1f\x8b\x08broken", "it is damaged."),
    ],
)
def test_other_files_are_refused_in_one_sentence(tmp_path, content, reason):
    (tmp_path / "a").write_bytes(content)
    with pytest.raises(DataError) as caught:
        opened(tmp_path / "a")
    assert str(caught.value) == f"{tmp_path / 'a'} cannot be opened: {reason}"


def test_a_single_picture_is_refused_as_what_it_is(own, tmp_path):
    path = tmp_path / "seven.PNG"
    Image.fromarray(own.x[0]).save(path)
    with pytest.raises(DataError) as caught:
        opened(path)
    assert str(caught.value) == f"{path} cannot be opened: it is a single picture; open a folder of them."


def test_a_folder_of_other_files_opens_the_one_dataset_in_it(own, tmp_path):
    (tmp_path / "MNIST" / "raw").mkdir(parents=True)
    write_idx(tmp_path / "MNIST" / "raw", own)
    (tmp_path / "MNIST" / "README.md").write_text("Digits.")
    assert_same(opened(tmp_path), own)
    np.savez(tmp_path / "other.npz", x=own.x, y=own.y)
    with pytest.raises(DataError, match=r"several datasets; choose one of its files, such as .*other\.npz"):
        opened(tmp_path)


def test_an_empty_folder_is_refused(tmp_path):
    with pytest.raises(DataError, match="holds neither pictures nor a dataset"):
        opened(tmp_path)


@pytest.mark.parametrize(("number", "told"), [(np.nan, "not finite"), (1e300, "too large"), (-1e300, "too large")])
def test_numbers_that_are_no_pixels_are_refused(own, tmp_path, number, told):
    images = own.x.astype(np.float64)
    images[7, 7, 7] = number
    np.savez(tmp_path / "a.npz", x=images, y=own.y)
    with pytest.raises(DataError, match=told):
        opened(tmp_path / "a.npz")


@pytest.mark.parametrize("kind", ["idx", "npz", "npz by columns"])
def test_memory_is_hardly_more_than_the_pictures(own, tmp_path, kind):
    """NumPy itself would read all of an .npz file, even with `mmap_mode`."""
    count = 30_000
    images, labels = np.resize(own.x, (count, 28, 28)), (np.arange(count) % 10).astype(np.uint8)
    path = tmp_path / ("a-images-idx3-ubyte" if kind == "idx" else "a.npz")
    if kind == "idx":
        path.write_bytes(idx_bytes(images))
        (tmp_path / "a-labels-idx1-ubyte").write_bytes(idx_bytes(labels))
    else:
        np.savez(path, x=np.asfortranarray(images) if kind == "npz by columns" else images, y=labels)
    del images
    tracemalloc.start()
    opened(path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 1.15 * count * 784
