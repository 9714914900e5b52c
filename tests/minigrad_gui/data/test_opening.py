"""What becomes of what a reader found, and one sentence for everything that cannot be opened."""

import json
import tracemalloc
import zipfile
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from own_files import assert_all_there, assert_same, idx_bytes, opened, write_idx
from PIL import Image
from scipy.io import savemat

from engine import MLP, save_model
from minigrad_gui.data import DataError, opening, tables


def zipped(folder):
    """A zip file of a folder."""
    path = folder.with_suffix(".zip")
    with zipfile.ZipFile(path, "w") as archive:
        for file in folder.iterdir():
            archive.write(file, file.name)
    return path


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
        (b"FEA1" + bytes(40), "it is Feather of version 1, which is not read; save it again in version 2."),
        (b"Obj\1" + bytes(40), "it is Avro, which is not read; save it as Parquet."),
        (b"SQLite format 3\0", "it is an SQLite database, which is not read; save its table as Parquet or CSV."),
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


OTHER_FILES = {
    "work.ipynb": '{"cells": [], "metadata": {}}',
    "requirements.txt": "numpy\nscipy\n",
    "LICENSE.txt": "You may do as you like,\nbut do not blame us.\n",
    "sample_submission.csv": "ImageId,Label\n1,0\n2,0\n",
    "emnist-mapping.txt": "0 48\n1 49\n",
    "k49_classmap.csv": "index,codepoint,char\n0,U+3042,あ\n1,U+3044,い\n",
}


@pytest.mark.parametrize("pack", [lambda folder: folder, zipped])
def test_other_files_beside_a_dataset_are_left_out_and_told(own, tmp_path, pack):
    """As Kaggle's Digit Recognizer and EMNIST have them, and a person's own folder of work."""
    folder = tmp_path / "own"
    folder.mkdir()
    labelled(folder / "train.csv", own.x, own.y)
    np.savetxt(folder / "test.csv", own.tx.reshape(-1, 784), "%d", ",")
    savemat(folder / "batches.meta.mat", {"label_names": np.array(["airplane", "cat"], object)})
    for name, text in OTHER_FILES.items():
        (folder / name).write_text(text)
    dataset = opened(pack(folder))
    assert_all_there(dataset, own.x, own.y)
    told = "No dataset was found in LICENSE.txt, batches.meta.mat and 5 more files."
    assert told in dataset.origin.remarks


def test_files_that_are_there_once_more_without_their_labels_are_left_out(own, tmp_path):
    """As Kaggle's hojjatk/mnist-dataset has each file in a folder of its own name, too."""
    write_idx(tmp_path, own, packed=False)
    for file in list(tmp_path.iterdir()):
        plain = file.rename(file.with_name(file.name.replace("-idx", ".idx")))
        (tmp_path / file.name).mkdir()
        (tmp_path / file.name / file.name).write_bytes(plain.read_bytes())
    assert_same(opened(tmp_path), own)


def test_a_damaged_file_does_not_hide_those_that_are_called_alike(own, tmp_path):
    (tmp_path / "digits.csv").write_text("1,2\n")
    for name in ("digits_1.csv", "other.csv"):
        labelled(tmp_path / name, own.x, own.y)
    with pytest.raises(DataError, match=r"several datasets"):
        opened(tmp_path)
    (tmp_path / "other.csv").write_text("1,2\n")
    assert_all_there(opened(tmp_path), own.x, own.y)


def test_several_datasets_are_told_without_other_files(own, tmp_path):
    for name in ("a.csv", "b.csv"):
        labelled(tmp_path / name, own.x, own.y)
    for name, text in OTHER_FILES.items():
        (tmp_path / name).write_text(text)
    with pytest.raises(DataError, match=r"several datasets; choose one of its files, such as a\.csv, b\.csv\.$"):
        opened(tmp_path)


def test_files_none_of_which_is_a_dataset_are_told_by_the_largest(tmp_path):
    for name, text in OTHER_FILES.items():
        (tmp_path / name).write_text(text)
    (tmp_path / "scores.csv").write_text("1,2\n" * 50)
    told = r"none of its files can be read as a dataset; scores\.csv: each row holds 2 numbers, but not a label"
    with pytest.raises(DataError, match=told):
        opened(tmp_path)


def test_bytes_that_only_begin_like_a_format_are_no_datasets(tmp_path):
    """As CIFAR's data_batch_1.bin may begin like a line of libsvm's."""
    for name in ("train.bin", "noise.bin"):
        (tmp_path / name).write_bytes(b"\6 ;:\n" + bytes(range(256)) * 9)
    told = r"none of its files can be read as a dataset; noise\.bin: a line holds something other than numbers\.$"
    with pytest.raises(DataError, match=told):
        opened(tmp_path)
    (tmp_path / "noise.bin").unlink()
    with pytest.raises(DataError, match=r"cannot be opened: train\.bin: a line holds something other than numbers\.$"):
        opened(tmp_path)


@pytest.mark.parametrize("name", ["{:05}.txt", "digit {} of Ann.txt", "a_{}.txt"])
def test_many_files_called_alike_are_each_read_a_few_times_at_most(tmp_path, monkeypatch, name):
    for number in range(1000):
        (tmp_path / name.format(number)).write_text("7\n")
    reads = []
    read = tables.read
    monkeypatch.setattr(
        opening,
        "FORMATS",
        [replace(kind, read=lambda files: reads.extend(files) or read(files)) for kind in opening.FORMATS],
    )
    with pytest.raises(DataError, match=r"none of its files, of which at most 16 .* were tried, can be read"):
        opened(tmp_path)
    assert 0 < len(reads) < 1000


def test_more_shards_than_can_be_read_are_told(own, tmp_path):
    for number in range(100):
        labelled(tmp_path / f"a-{number:05}.csv", own.x[number::100], own.y[number::100])
    with pytest.raises(
        DataError, match=r"it holds 100 files called like a-\d{5}.csv; join them, as at most 64 are read"
    ):
        opened(tmp_path)
    remarks = opened(tmp_path / "a-00000.csv").origin.remarks
    assert "At most 64 files that are called alike are looked at, so that 36 more were not." in remarks


def test_a_plot_beside_a_table_does_not_hide_it(own, tmp_path):
    labelled(tmp_path / "mnist_train.csv", own.x, own.y)
    Image.fromarray(own.x[0]).save(tmp_path / "loss.png")
    dataset = opened(tmp_path)
    assert_all_there(dataset, own.x, own.y)
    assert dataset.origin.remarks[0] == "Its pictures have no labels and are left out."
    (tmp_path / "mnist_train.csv").write_text("1,2\n")
    with pytest.raises(DataError, match="its pictures have no labels: there is no folder for each class"):
        opened(tmp_path)


def test_digits_that_do_not_occur_are_told(own, tmp_path):
    kept = ~np.isin(own.y, (2, 5))
    np.savez(tmp_path / "a.npz", x=own.x[kept], y=own.y[kept])
    dataset = opened(tmp_path / "a.npz")
    assert dataset.class_names == tuple("0123456789")
    assert "No picture shows 2, 5, which count as classes nevertheless." in dataset.origin.remarks


def labelled(path, x, y):
    """Write pictures with their labels, in the format of the suffix."""
    match path.suffix:
        case ".npz":
            np.savez(path, images=x, labels=y)
        case ".csv":
            np.savetxt(path, np.column_stack([y, x.reshape(len(x), -1)]), "%d", ",")
        case ".parquet":
            pq.write_table(pa.table({"image": x.tolist(), "label": y}), path)
        case ".json":
            path.write_text(json.dumps({"image": x.tolist(), "label": y.tolist()}))
        case ".mat":
            savemat(path, {"X": x, "y": y})
        case ".zip":
            with zipfile.ZipFile(path, "w") as archive:
                for at, (picture, label) in enumerate(zip(x, y, strict=True)):
                    with archive.open(f"{label}/{at}.png", "w") as file:
                        Image.fromarray(picture).save(file, "PNG")


@pytest.mark.parametrize("suffix", [".npz", ".csv", ".parquet", ".json", ".mat", ".zip"])
def test_a_file_that_has_all_is_opened_alone(own, tmp_path, suffix):
    """What has its own pictures and labels, too, may be a copy, somebody else's, or anything."""
    for name in ("digits", "data", "digits (1)", "digits_2"):
        labelled(tmp_path / f"{name}{suffix}", own.tx, own.ty)
    (tmp_path / f"class{suffix}").write_text("name;age\nAnna;12\n")
    labelled(tmp_path / f"digits_1{suffix}", own.x, own.y)
    dataset = opened(tmp_path / f"digits_1{suffix}")
    assert_all_there(dataset, own.x, own.y)
    others = f"digits (1){suffix}, digits{suffix} and digits_2{suffix}"
    reason = "because only a number tells the names apart; if they belong to it, choose Files: all alike"
    assert f"Not read with it: {others}, {reason}." in dataset.origin.remarks
    assert dataset.origin.choices.files == "alone"
    with pytest.raises(DataError, match="several datasets; choose one of its files, such as "):
        opened(tmp_path)


@pytest.mark.parametrize("suffix", [".npz", ".csv", ".parquet", ".json", ".mat", ".zip"])
def test_files_that_only_numbers_tell_apart_are_one_dataset_if_that_is_chosen(own, tmp_path, suffix):
    for number, part in enumerate(np.array_split(np.arange(len(own.x)), 3)):
        labelled(tmp_path / f"digits_{number + 1}{suffix}", own.x[part], own.y[part])
    for source in (tmp_path / f"digits_2{suffix}", tmp_path):
        dataset = opened(source, files="all alike")
        assert_all_there(dataset, own.x, own.y)
        names = f"digits_1{suffix}, digits_2{suffix} and digits_3{suffix}"
        assert dataset.origin.remarks[0] == f"Read together: {names}."
        assert dataset.origin.choices.files == "all alike"
    labelled(tmp_path / f"digits_test{suffix}", own.tx, own.ty)
    dataset = opened(tmp_path / f"digits_2{suffix}", files="all alike")
    assert len(dataset.train_images) == len(own.x)
    np.testing.assert_array_equal(dataset.test_labels, own.ty)
    dataset = opened(tmp_path / f"digits_test{suffix}", files="alone")
    assert_all_there(dataset, own.tx, own.ty)
    assert dataset.origin.remarks == (f"For the test, {len(dataset.test_images)} at random are held out.",)


def test_numbered_halves_are_read_by_their_numbers(own, tmp_path):
    for number, part in enumerate(np.array_split(np.arange(len(own.x)), 2)):
        np.save(tmp_path / f"x_{number}.npy", own.x[part])
        np.save(tmp_path / f"y_{number}.npy", own.y[part])
    half = opened(tmp_path / "x_0.npy")
    assert_all_there(half, *(each[: len(own.x) // 2] for each in (own.x, own.y)))
    assert half.origin.choices.files == "its halves"
    assert half.origin.remarks[0] == "Read together: x_0.npy and y_0.npy."
    assert_all_there(opened(tmp_path / "x_0.npy", files="all alike"), own.x, own.y)
    with pytest.raises(DataError, match=r"several datasets; choose one of its files, such as x_0\.npy, x_1\.npy\."):
        opened(tmp_path)


def test_numbered_shards_are_read_one_by_one_where_their_format_has_none(own, tmp_path):
    for number, part in enumerate(np.array_split(np.arange(len(own.x)), 2)):
        labelled(tmp_path / f"digits-0000{number}-of-00002.csv", own.x[part], own.y[part])
    assert_all_there(opened(tmp_path / "digits-00000-of-00002.csv"), own.x, own.y)
    assert_all_there(opened(tmp_path), own.x, own.y)


def test_a_part_that_cannot_be_read_is_named(own, tmp_path):
    for number in (1, 2):
        labelled(tmp_path / f"digits_{number}.csv", own.x, own.y)
    (tmp_path / "digits_2.csv").write_text("1,2\n")
    assert_all_there(opened(tmp_path / "digits_1.csv"), own.x, own.y)
    with pytest.raises(
        DataError, match=r"digits_1\.csv cannot be opened: with digits_2\.csv, each row holds 2 numbers"
    ):
        opened(tmp_path / "digits_1.csv", files="all alike")


@pytest.mark.parametrize("first", [65, 66])
def test_files_that_name_their_classes_differently_are_no_parts(own, tmp_path, first):
    """As EMNIST's do: class 1 is a letter of its own in each."""
    for number, start in ((1, 65), (2, first)):
        names = np.array([[label, start + label] for label in range(10)])
        savemat(tmp_path / f"letters_{number}.mat", {"X": own.x, "y": own.y, "mapping": names})
    if first == 65:
        assert opened(tmp_path / "letters_1.mat", files="all alike").class_names == tuple("ABCDEFGHIJ")
        return
    with pytest.raises(DataError, match="name their classes differently"):
        opened(tmp_path / "letters_1.mat", files="all alike")


def test_a_model_file_is_no_part_of_a_dataset(own, tmp_path):
    """File > Save suggests "digits.npz" for a network, and a person's file may be called data.npz."""
    np.savez(tmp_path / "data.npz", x=own.x, y=own.y)
    for name in ("digits.npz", "data_test.npz"):
        save_model(tmp_path / name, MLP(784, [4], 10))
    for path in (tmp_path / "data.npz", tmp_path):
        dataset = opened(path)
        assert_all_there(dataset, own.x, own.y)
        assert len(dataset.origin.remarks) == 1
    with pytest.raises(DataError, match="it is a network, not a dataset"):
        opened(tmp_path / "digits.npz")


@pytest.mark.parametrize("fault", ["damaged", "other labels"])
def test_what_fails_together_is_opened_alone_and_told(own, tmp_path, fault):
    np.savez(tmp_path / "digits.npz", x=own.x, y=own.y)
    np.savez(tmp_path / "digits_test.npz", x=own.tx, y=own.ty.astype(str) + "?")
    reason = "its training and test labels are of different kinds."
    if fault == "damaged":
        (tmp_path / "digits_test.npz").write_bytes((tmp_path / "digits_test.npz").read_bytes()[:-50])
        reason = "it is damaged."
    dataset = opened(tmp_path / "digits.npz")
    assert_all_there(dataset, own.x, own.y)
    assert dataset.origin.remarks[0] == f"Not read with it: digits_test.npz, because {reason}"


def test_what_was_read_together_is_told(own, tmp_path):
    write_idx(tmp_path, own)
    told = "Read together: t10k-images-idx3-ubyte, t10k-labels-idx1-ubyte and 2 more files."
    assert opened(tmp_path / "train-images-idx3-ubyte.gz").origin.remarks == (told,)


def test_a_file_with_its_own_test_pictures_takes_no_others(own, tmp_path):
    np.savez(tmp_path / "mnist.npz", x_train=own.x, y_train=own.y, x_test=own.tx, y_test=own.ty)
    np.savez(tmp_path / "mnist_test.npz", x=own.x, y=own.y)
    dataset = opened(tmp_path / "mnist.npz")
    assert_same(dataset, own)
    assert dataset.origin.remarks == ()


def test_an_error_of_files_that_belong_together_names_them(own, tmp_path):
    path = write_idx(tmp_path, own, packed=False)
    labels = tmp_path / "train-labels-idx1-ubyte"
    labels.write_bytes(labels.read_bytes()[:-1])
    with pytest.raises(DataError) as caught:
        opened(path)
    others = "t10k-images-idx3-ubyte, t10k-labels-idx1-ubyte and train-labels-idx1-ubyte"
    assert str(caught.value).endswith(f": its pictures have no labels; with {others}, it ends too early.")


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
