"""Writes datasets as other programs do, and opens them."""

import gzip
import io
import struct
import tarfile
import zipfile
from pathlib import Path

import numpy as np
from PIL import Image

from minigrad_gui import data

IDX_KINDS = {"u1": 8, "i1": 9, "i2": 11, "i4": 12, "f4": 13, "f8": 14}


def idx_bytes(array: np.ndarray) -> bytes:
    """The bytes of an IDX file: a magic number, the dimensions, the values, all big-endian."""
    kind = IDX_KINDS[array.dtype.str[1:]]
    shape = struct.pack(f">HBB{array.ndim}I", 0, kind, array.ndim, *array.shape)
    return shape + array.astype(array.dtype.newbyteorder(">")).tobytes()


def write_idx(folder: Path, own, prefix: str = "", *, packed: bool = True) -> Path:
    """The four files of a dataset as MNIST's are called; returns that of the training pictures."""
    arrays = {"train-images-idx3": own.x, "train-labels-idx1": own.y, "t10k-images-idx3": own.tx}
    for name, array in {**arrays, "t10k-labels-idx1": own.ty}.items():
        content = idx_bytes(array)
        path = folder / f"{prefix}{name}-ubyte"
        path = path.with_name(path.name + ".gz") if packed else path
        path.write_bytes(gzip.compress(content, 1) if packed else content)
    return folder / f"{prefix}train-images-idx3-ubyte{'.gz' if packed else ''}"


def mat_element(kind: int, content: bytes, order: str = "<") -> bytes:
    """An element of a .mat file up to version 7."""
    return np.array([kind, len(content)], f"{order}u4").tobytes() + content + bytes(-len(content) % 8)


def mat_file(elements: bytes, order: str = "<") -> bytes:
    return b"MATLAB 5.0 MAT-file".ljust(124) + (b"\1\0MI" if order == ">" else b"\0\1IM") + elements


def opened(path: Path, **choices) -> data.Dataset:
    return data.open_dataset(path, data.Choices(**choices))


def assert_same(dataset: data.Dataset, own) -> None:
    """The dataset is MNIST's own digits: upright, rightly labelled, trained on and tested on as they should be."""
    for found, wanted in zip(
        (dataset.train_images, dataset.train_labels, dataset.test_images, dataset.test_labels),
        (own.x, own.y, own.tx, own.ty),
        strict=True,
    ):
        np.testing.assert_array_equal(found, wanted)
    assert dataset.class_names == tuple("0123456789")


def assert_all_there(dataset: data.Dataset, images: np.ndarray, labels: np.ndarray) -> None:
    """Each picture is in the dataset with its label, to train on or to test on, in any order."""
    found = np.concatenate([dataset.train_images, dataset.test_images])
    theirs = np.concatenate([dataset.train_labels, dataset.test_labels])
    assert sorted(zip(map(bytes, found), theirs.tolist(), strict=True)) == sorted(
        zip(map(bytes, images), labels.tolist(), strict=True)
    )


def encoded(picture: np.ndarray, kind: str = "PNG", mode: str | None = None, **options) -> bytes:
    stream = io.BytesIO()
    image = Image.fromarray(picture)
    (image.convert(mode) if mode else image).save(stream, kind, **options)
    return stream.getvalue()


def write(root: Path, files: dict[str, bytes]) -> Path:
    """Files by their names, in a folder."""
    for name, content in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(content)
    return root


def zipped(path: Path, files: dict[str, bytes]) -> Path:
    """The same files in a zip."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return path


def tarred(path: Path, files: dict[str, bytes], mode: str = "w:gz") -> Path:
    """The same files in a tar."""
    with tarfile.open(path, mode) as archive:
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return path
