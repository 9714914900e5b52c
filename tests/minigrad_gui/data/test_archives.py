"""Archives of other files than pictures are unpacked, within bounds and nowhere else."""

import bz2
import gc
import gzip
import io
import tarfile
import tempfile
import zipfile

import numpy as np
import pytest
from own_files import assert_all_there, assert_same, opened, tarred, write_idx, zipped
from PIL import Image
from scipy.io import savemat

from minigrad_gui.data import DataError, archives


@pytest.fixture(autouse=True)
def temporary(tmp_path, monkeypatch):
    """The folder of temporary files, in which nothing may be left."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    yield
    gc.collect()  # tests hold the errors that they expect
    assert not list(folder.iterdir())


def saved(save, *arguments, **arrays) -> bytes:
    stream = io.BytesIO()
    save(stream, *arguments, **arrays)
    return stream.getvalue()


def table(x, y):
    return saved(np.savetxt, np.column_stack([y, x.reshape(len(x), -1)]), "%d", ",")


@pytest.fixture(scope="module")
def contents(own, tmp_path_factory):
    """The files of a dataset, by the family of formats."""
    raw = tmp_path_factory.mktemp("idx")
    write_idx(raw, own)
    pairs = {"train": (own.x, own.y), "test": (own.tx, own.ty)}
    arrays = {"x_train": own.x, "y_train": own.y, "x_test": own.tx, "y_test": own.ty}
    return {
        "tables": {f"mnist/mnist_{split}.csv": table(*pair) for split, pair in pairs.items()},
        "IDX": {f"MNIST/raw/{file.name}": file.read_bytes() for file in raw.iterdir()},
        ".npz": {"mnist.npz": saved(np.savez, **arrays)},
        ".mat": {f"{split}.mat": saved(savemat, {"X": x, "y": y}) for split, (x, y) in pairs.items()},
    }


@pytest.mark.parametrize("pack", [zipped, tarred, lambda path, files: tarred(path, files, "w")])
@pytest.mark.parametrize("family", ["tables", "IDX", ".npz", ".mat"])
def test_other_files_than_pictures(own, contents, tmp_path, pack, family):
    """Every download from Kaggle is an archive.zip."""
    leavings = {"__MACOSX/._mnist.csv": b"\0", ".DS_Store": b"\0", "README.md": b"Digits."}
    dataset = opened(pack(tmp_path / "archive", {**contents[family], **leavings}))
    assert_same(dataset, own)
    assert dataset.name == "archive"
    assert dataset.origin.format.endswith(" in an archive")


def test_archives_that_belong_together(own, tmp_path):
    """As Kaggle gives single files."""
    zipped(tmp_path / "train.csv.zip", {"train.csv": table(own.x, own.y)})
    zipped(tmp_path / "test.csv.zip", {"test.csv": table(own.tx, own.ty)})
    for path in (tmp_path / "train.csv.zip", tmp_path / "test.csv.zip"):
        dataset = opened(path)
        assert_same(dataset, own)
        assert dataset.origin.remarks[0] == "Read together: test.csv.zip and train.csv.zip."
    alone = opened(tmp_path / "train.csv.zip", files="alone")
    assert_all_there(alone, own.x, own.y)
    assert opened(tmp_path / "train.csv.zip", **vars(alone.origin.choices)).origin == alone.origin


@pytest.mark.parametrize("pack", [zipped, tarred])
def test_an_archive_beside_its_files_is_left_out_and_told(own, contents, tmp_path, pack):
    for name, content in contents["tables"].items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(content)
    pack(tmp_path / "archive", contents["tables"])
    dataset = opened(tmp_path)
    assert_same(dataset, own)
    assert dataset.origin.remarks[0] == "Left out, as files of the same name and size are in it: archive."
    pack(tmp_path / "archive", {"mnist_test.csv": table(own.x, own.y)})
    with pytest.raises(
        DataError, match=r"several datasets; choose one of its files, such as archive, mnist/mnist_test"
    ):
        opened(tmp_path)


def test_other_archives_are_not_unpacked_to_choose_among_files(own, tmp_path, monkeypatch):
    zipped(tmp_path / "a.zip", {"a.csv": table(own.x, own.y)})
    (tmp_path / "b.csv").write_bytes(table(own.tx, own.ty))
    monkeypatch.setattr(archives, "TemporaryFolder", None)
    with pytest.raises(DataError, match=r"several datasets; choose one of its files, such as a\.zip, b\.csv\."):
        opened(tmp_path)


@pytest.mark.parametrize("inside", ["train.csv", "test/7.png"])
def test_archives_that_do_not_fit_each_other_are_not_read_together(own, tmp_path, inside):
    zipped(tmp_path / "train.zip", {"train.csv": table(own.x, own.y)})
    zipped(tmp_path / "test.zip", {inside: saved(Image.fromarray(own.x[0]).save, "PNG")})
    dataset = opened(tmp_path / "train.zip")
    assert_all_there(dataset, own.x, own.y)
    reason = f"“{inside}” is in it twice." if inside == "train.csv" else "some archives hold pictures, others do not."
    assert dataset.origin.remarks[0] == f"Not read with it: test.zip, because {reason}"


@pytest.mark.parametrize("name", ["../stolen.csv", "a/../../stolen.csv", "/stolen.csv", "..\\stolen.csv"])
@pytest.mark.parametrize("pack", [zipped, tarred])
def test_names_that_lead_out_of_the_folder_are_refused(own, tmp_path, pack, name):
    with pytest.raises(DataError, match="leads out of its folder"):
        opened(pack(tmp_path / "a", {name: table(own.x, own.y)}))
    assert not list(tmp_path.rglob("stolen.csv"))


def test_links_are_not_followed(own, tmp_path):
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "mine.csv").write_bytes(table(own.x, own.y))
    link = zipfile.ZipInfo("mine.csv")
    link.external_attr = 0o120777 << 16
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr(link, "../../elsewhere/mine.csv")
    with tarfile.open(tmp_path / "a.tar", "w") as archive:
        for name, kind in (("mine.csv", tarfile.SYMTYPE), ("hard.csv", tarfile.LNKTYPE)):
            info = tarfile.TarInfo(name)
            info.type, info.linkname = kind, str(tmp_path / "elsewhere" / "mine.csv")
            archive.addfile(info)
    for name in ("a.zip", "a.tar"):
        with pytest.raises(DataError, match="it holds neither pictures nor"):
            opened(tmp_path / name)


def test_archive_bombs_are_refused(tmp_path, monkeypatch):
    blank = bytes(1 << 25)
    for path in (zipped(tmp_path / "a.zip", {"a.csv": blank}), tarred(tmp_path / "a.tgz", {"a.csv": blank})):
        with pytest.raises(DataError, match="unpacked, it is more than 500 times larger"):
            opened(path)
    monkeypatch.setattr(archives, "MAX_FILES", 3)
    many = {f"{number}.csv": b"1" for number in range(4)}
    for path in (zipped(tmp_path / "b.zip", many), tarred(tmp_path / "b.tgz", many)):
        with pytest.raises(DataError, match="more than 3 files"):
            opened(path)
    monkeypatch.setattr(archives, "MAX_GB", 0)
    with pytest.raises(DataError, match="more than 3 files or 0 GB"):
        opened(zipped(tmp_path / "c.zip", {"a.csv": b"1"}))


def test_a_zip_that_lies_about_a_size_is_damaged(tmp_path):
    path = zipped(tmp_path / "a.zip", {"a.csv": bytes(1 << 25)})
    content = path.read_bytes()
    for size in (b"\0\0\0\2", b"\1\0\0\0"):
        content = content.replace(b"\0\0\0\2", size)
    path.write_bytes(content)
    with pytest.raises(DataError, match="is damaged"):
        opened(path)


@pytest.mark.parametrize(
    ("files", "reason"),
    [
        ({"[Content_Types].xml": b"x", "xl/workbook.xml": b"x"}, "it is an Excel file; save it as CSV."),
        ({"0/a.png": b"x", "1/media/b.png": b"x", "xl/workbook.xml": b"x"}, "it is an Excel file; save it as CSV."),
        ({"a.csv": b"1,2\n"}, "each row holds 2 numbers, but not a label and the pixels of a picture."),
        ({"README.md": b"x"}, "it holds neither pictures nor a dataset that can be read."),
    ],
)
def test_what_is_in_other_zips_is_told(tmp_path, files, reason):
    with pytest.raises(DataError) as caught:
        opened(zipped(tmp_path / "a.zip", files))
    assert reason in str(caught.value)


def test_pictures_without_labels_are_left_out_and_told(own, tmp_path):
    picture = saved(Image.fromarray(own.x[0]).save, "PNG")
    dataset = opened(zipped(tmp_path / "a.zip", {"loss.png": picture, "a.csv": table(own.x, own.y)}))
    assert_all_there(dataset, own.x, own.y)
    assert dataset.origin.remarks[0] == "Its pictures have no labels and are left out."
    with pytest.raises(DataError, match="its pictures have no labels: there is no folder for each class"):
        opened(zipped(tmp_path / "b.zip", {"loss.png": picture, "a.csv": b"1,2\n"}))


def test_an_archive_in_an_archive_is_named(own, tmp_path):
    inner = zipped(tmp_path / "inner.zip", {"a.csv": table(own.x, own.y)}).read_bytes()
    with pytest.raises(DataError, match=r"it holds another archive, inner\.zip; unpack it and open that\."):
        opened(zipped(tmp_path / "outer.zip", {"README.md": b"", "inner.zip": inner}))


def test_several_datasets_are_to_be_unpacked(own, tmp_path):
    files = {"a.csv": table(own.x, own.y), "b.csv": table(own.tx, own.ty)}
    with pytest.raises(DataError, match=r"unpack it and choose one of its files, such as a\.csv, b\.csv\."):
        opened(zipped(tmp_path / "a.zip", files))


def test_what_is_encrypted_is_told(own, tmp_path):
    path = zipped(tmp_path / "a.zip", {"a.csv": table(own.x, own.y)})
    content = bytearray(path.read_bytes())
    content[6] |= 1
    content[content.rindex(b"PK\1\2") + 8] |= 1
    path.write_bytes(content)
    with pytest.raises(DataError, match=r"a\.csv is packed in a way that cannot be read, or encrypted\."):
        opened(path)


def test_compressed_files_in_archives(own, tmp_path):
    x, y = own.x, own.y
    for name, pack in (("a.csv.gz", gzip.compress), ("a.csv.bz2", bz2.compress)):
        assert_all_there(opened(zipped(tmp_path / f"{name}.zip", {name: pack(table(x, y))})), x, y)
