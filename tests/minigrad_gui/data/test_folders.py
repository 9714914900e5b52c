"""Folders, zips and tars of pictures; nothing that systems leave behind becomes a class."""

import numpy as np
import pytest
from own_files import assert_all_there, assert_same, encoded, opened, tarred, write, zipped

from minigrad_gui.data import DataError


@pytest.fixture(scope="module")
def files(own):
    """Names and contents: a folder for each digit."""
    return {f"{label}/{at:03}.png": encoded(image) for at, (image, label) in enumerate(zip(own.x, own.y, strict=True))}


@pytest.fixture(scope="module")
def split_files(own, files):
    tests = enumerate(zip(own.tx, own.ty, strict=True))
    return {f"train/{name}": content for name, content in sorted(files.items(), key=lambda file: file[0][2:])} | {
        f"t10k-images/{label}/{at:03}.png": encoded(image) for at, (image, label) in tests
    }


@pytest.mark.parametrize(
    "pack",
    [
        write,
        lambda p, f: zipped(p / "a.zip", f),
        lambda p, f: tarred(p / "a.tgz", f),
        lambda p, f: tarred(p / "a.tar", f, "w"),
    ],
)
def test_a_folder_for_each_class(own, files, tmp_path, pack):
    assert_all_there(
        opened(pack(tmp_path, {f"digits/{name}": content for name, content in files.items()})), own.x, own.y
    )


def test_training_and_test_folders_in_a_zip(own, split_files, tmp_path):
    assert_same(opened(zipped(tmp_path / "5.zip", split_files)), own)


@pytest.mark.parametrize(
    "pack", [lambda p, f: zipped(p.with_suffix(".zip"), f), lambda p, f: tarred(p.with_suffix(".tgz"), f)]
)
def test_archives_for_training_and_test_belong_together(own, split_files, tmp_path, pack):
    """One alone would be opened in place of the folder that holds both, and the other lost without a word."""
    for split in ("train", "t10k-images"):
        inside = {name.partition("/")[2]: c for name, c in split_files.items() if name.startswith(split)}
        pack(tmp_path / split.partition("-")[0], inside)
    assert_same(opened(tmp_path), own)


def test_what_systems_leave_behind_is_no_class(own, files, tmp_path):
    content = next(iter(files.values()))
    others = {".ipynb_checkpoints/a.png": content, "__MACOSX/0/._a.png": b"", "0/._b.png": b"", "Thumbs.db": b""}
    others |= {"3/notes.txt": b"hello", "metadata.csv": b"file_name,label\n3/notes.txt,9\n"}
    dataset = opened(write(tmp_path, {**files, **others}))
    assert dataset.class_names == tuple("0123456789")
    assert_all_there(dataset, own.x, own.y)


def test_a_stray_picture_costs_no_labels(own, files, tmp_path):
    dataset = opened(write(tmp_path, {**files, "cover.png": encoded(own.tx[0])}))
    assert_all_there(dataset, own.x, own.y)
    assert "Pictures outside of the classes' folders are left out: 1." in dataset.origin.remarks


def test_folders_of_one_name_are_one_class_and_told_of(own, files, tmp_path):
    by_writer = {f"writer{number % 2}/{name}": content for number, (name, content) in enumerate(files.items())}
    dataset = opened(write(tmp_path, by_writer))
    assert_all_there(dataset, own.x, own.y)
    assert "Several folders are called “0” and count as one class." in dataset.origin.remarks


def test_a_file_called_test_makes_no_split(own, files, tmp_path):
    renamed = {name.replace("/", "/test_") if name.startswith("3") else name: c for name, c in files.items()}
    assert_all_there(opened(write(tmp_path, renamed)), own.x, own.y)


def test_one_class_alone_is_refused(own, tmp_path):
    files = {f"7/{number}.png": encoded(image) for number, image in enumerate(own.x[own.y == 7])}
    with pytest.raises(DataError, match="no labels"):
        opened(write(tmp_path, files))


def test_10_is_the_eleventh_class(own, tmp_path):
    files = {f"{at % 11}/{at}.png": encoded(own.x[at]) for at in range(110)}
    dataset = opened(write(tmp_path, files), orientation="upright")
    assert dataset.class_names == (*"0123456789", "10")
    assert_all_there(dataset, own.x[:110], np.arange(110) % 11)


@pytest.mark.parametrize(
    ("kind", "suffix", "mode"),
    [
        *[("TIFF", "tif", None), ("PNG", "png", "P"), ("PNG", "png", "RGB"), ("BMP", "bmp", "L")],
        *[("PPM", "pgm", None), ("PPM", "ppm", "RGB")],
    ],
)
def test_palettes_colours_and_other_formats_give_the_same(own, tmp_path, kind, suffix, mode):
    files = {f"{own.y[at]}/{at}.{suffix}": encoded(own.x[at], kind, mode) for at in range(60)}
    assert_all_there(opened(write(tmp_path, files), orientation="upright"), own.x[:60], own.y[:60])


def test_the_noise_of_jpeg_is_told(own, tmp_path):
    files = {f"{own.y[at]}/{at:02}.jpg": encoded(own.x[at], "JPEG") for at in range(60)}
    dataset = opened(write(tmp_path, files), orientation="upright")
    assert "Its pictures are JPEG, in which paper is not quite blank." in dataset.origin.remarks
    found = np.concatenate([dataset.train_images, dataset.test_images])
    assert (found > 0).sum() > 1.5 * (own.x[:60] > 0).sum()
    assert abs((found > 127).sum() / (own.x[:60] > 127).sum() - 1) < 0.05, "the ink is where it was"


def bitmap(image):
    return "".join("".join(map(str, row)) + "\r\n" for row in (image > 127).astype(int)).encode()


@pytest.mark.parametrize("pack", [write, lambda p, f: zipped(p / "digits.zip", f)])
def test_pictures_of_0_and_1_in_text(own, tmp_path, pack):
    """As in Machine Learning in Action: the label is in the name, and trainingDigits in one word."""
    files = {f"trainingDigits/{own.y[at]}_{at}.txt": bitmap(own.x[at]) for at in range(60)}
    files |= {f"testDigits/{own.ty[at]}_{at}.txt": bitmap(own.tx[at]) for at in range(30)}
    dataset = opened(pack(tmp_path, {**files, "README.txt": b"hello"}), orientation="upright")
    assert (len(dataset.train_labels), len(dataset.test_labels)) == (60, 30)
    black = np.where(np.concatenate([own.x[:60], own.tx[:30]]) > 127, 255, 0).astype(np.uint8)
    assert_all_there(dataset, black, np.concatenate([own.y[:60], own.ty[:30]]))
    files["testDigits/3_77.txt"] = b"01\n012\n"
    with pytest.raises(DataError, match=r"3_77\.txt is not a picture of 0 and 1"):
        opened(pack(tmp_path, files))


def test_16_bit_pictures_are_not_clipped(own, tmp_path):
    files = {f"{own.y[at]}/{at}.png": encoded(own.x[at].astype(np.uint16) * 256) for at in range(60)}
    assert_all_there(opened(write(tmp_path, files), orientation="upright"), own.x[:60], own.y[:60])


def test_ink_on_a_transparent_sheet(own, tmp_path):
    pictures = np.zeros((60, 28, 28, 4), np.uint8)
    pictures[..., 3] = own.x[:60]
    files = {f"{own.y[at]}/{at}.png": encoded(pictures[at]) for at in range(60)}
    assert_all_there(opened(write(tmp_path, files), orientation="upright"), own.x[:60], own.y[:60])


@pytest.mark.parametrize("name", ["{label}_{at:03}.png", "img{at:05}-num{label}.png"])
def test_labels_in_the_names_of_files(own, tmp_path, name):
    files = {name.format(at=at, label=own.y[at]): encoded(own.x[at]) for at in range(200)}
    assert_all_there(opened(write(tmp_path, files)), own.x[:200], own.y[:200])


def test_pictures_of_several_sizes(own, tmp_path):
    sizes = [own.x[at] if at % 2 else own.x[at].repeat(2, 0).repeat(2, 1) for at in range(60)]
    files = {f"{own.y[at]}/{at}.png": encoded(picture) for at, picture in enumerate(sizes)}
    dataset = opened(write(tmp_path, files), orientation="upright", sizing="scaled")
    assert_all_there(dataset, own.x[:60], own.y[:60])


@pytest.mark.parametrize(
    ("files", "reason"),
    [
        ({"a.txt": b""}, "no pictures|neither pictures nor"),
        ({"a.png": b"", "b.png": b""}, "no labels"),
        ({"0/a.png": b"x", "0/b.png": b"x"}, "no labels"),
        ({"0/a.png": b"broken", "1/b.png": b"broken"}, "0/a.png is not a picture"),
    ],
)
def test_unsuitable_folders_are_refused(tmp_path, files, reason):
    with pytest.raises(DataError, match=reason):
        opened(write(tmp_path, files))
    with pytest.raises(DataError, match=reason):
        opened(zipped(tmp_path / "a.zip", files))


def test_a_picture_cut_in_half_is_named(own, tmp_path):
    files = {f"{label}/a.png": encoded(own.x[label]) for label in range(3)}
    with pytest.raises(DataError, match=r"1/a\.png could not be read"):
        opened(write(tmp_path, {**files, "1/a.png": files["1/a.png"][:90]}))


@pytest.mark.parametrize(
    ("head", "row", "table"),
    [
        ("filename,label\n", "img_{at:04}.png,{label}\n", "labels.csv"),
        ("", "images/img_{at:04}.png;{label}\r\n", "a/labels.csv"),
        ("\ufeffid\tdigit\n", 'img_{at:04}\t"{label}"\n', "train.tsv"),
        ("", "img_{at:04}.png {label}\n", "labels.txt"),
    ],
)
@pytest.mark.parametrize("pack", [write, lambda root, files: tarred(root / "a.tgz", files)])
def test_labels_in_a_table(own, tmp_path, pack, head, row, table):
    """As Kaggle has them; some pictures are for the competition, without a label."""
    files = {f"images/img_{at:04}.png": encoded(image) for at, image in enumerate(own.x)}
    rows = [row.format(at=at, label=label) for at, label in enumerate(own.y[:190])]
    dataset = opened(
        pack(tmp_path, {**files, table: (head + "".join(rows)).encode(), "notes.txt": b"1," + b"2" * 200_000})
    )
    assert_all_there(dataset, own.x[:190], own.y[:190])
    assert f"Its labels are from {table.rpartition('/')[2]}." in dataset.origin.remarks
    assert "Pictures without a label are left out: 10." in dataset.origin.remarks


def test_tables_for_training_and_test_pictures_that_are_called_alike(own, tmp_path):
    files = {}
    for split, x, y in (("train", own.x, own.y), ("test", own.tx, own.ty)):
        files |= {f"{split}/{at:03}.png": encoded(image) for at, image in enumerate(x)}
        files[f"{split}_labels.csv"] = "".join(f"{at:03},{label}\n" for at, label in enumerate(y)).encode()
    assert_same(opened(write(tmp_path / "own", files)), own)
    files["labels.csv"] = files["test_labels.csv"]
    with pytest.raises(DataError, match="several of its pictures are called “000”"):
        opened(write(tmp_path / "own", files))
