"""Feeds damaged and malicious files to the readers of datasets for a given time.

    python tests/benchmarks/fuzz_datasets.py --seconds 60 [--seed N]

For every file, `open_dataset` must return a valid dataset or raise DataError with one sentence: quickly, in little
memory, and without executing anything. A file that breaks the rules is saved, and its path printed.
"""

import bz2
import gzip
import io
import json
import sys
import tarfile
import zipfile
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from fuzzing import Fuzzer, Outcome, Rules, with_strange_text
from numpy.typing import NDArray
from own_files import idx_bytes
from torch_bytes import pair, pt_bytes

from minigrad_gui import data

RULES = Rules(data.DataError, seconds=5.0, bytes=96 << 20, in_child=frozenset({".h5"}))
"""A picture file of few bytes may hold many pixels; model files have less of an excuse."""
COUNT, SIDE = 24, 8
INK = '<ink><annotation type="truth">{0}</annotation><trace>0 0, 5 {0}, 9 9</trace></ink>'


def seeds() -> dict[str, bytes]:
    """A small valid file of each format, by name."""
    rng = np.random.default_rng(0)
    x, y = rng.integers(0, 256, (COUNT, SIDE, SIDE)).astype(np.uint8), np.arange(COUNT, dtype=np.uint8) % 3
    rows = x.reshape(COUNT, -1)
    table = "".join(f"{label},{','.join(map(str, row))}\n" for label, row in zip(y, rows, strict=True))
    lines = [f"{line[2:]},{line[0]}\n" for line in table.splitlines()]
    header = "".join(f"@attribute p{at} real\n" for at in range(SIDE * SIDE)) + "@attribute class {0,1,2}\n@data\n"
    sparse = "".join(
        f"{label} {' '.join(f'{at + 1}:{v}' for at, v in enumerate(row))}\n" for label, row in zip(y, rows, strict=True)
    )
    strokes = [{"word": f"w{label}", "drawing": [[[0, 9, int(label)], [0, 9, 5]]]} for label in y]
    characters = [f'.SEGMENT CHARACTER {at} OK "{y[at]}"\n.PEN_DOWN\n1 {at}\n5 9\n.PEN_UP' for at in range(COUNT)]
    return {
        "own.npz": _npz(x, y, np.savez),
        "packed.npz": _npz(x, y, np.savez_compressed),
        "table.csv": table.encode(),
        "table.csv.gz": gzip.compress(table.encode()),
        "a.arff": f"@relation a\n{header}{''.join(lines)}".encode(),
        "a.svm": sparse.encode(),
        "a.svm.bz2": bz2.compress(sparse.encode()),
        "a.zip": _zip(_pictures(x, y)),
        "a.tar": _tar(_pictures(x, y)),
        "tables.zip": _zip({"a_train.csv": table.encode(), "a_test.csv": table.encode()}, zipfile.ZIP_DEFLATED),
        "arrays.tgz": gzip.compress(_tar({"own/own.npz": _npz(x, y, np.savez), "README.md": b"Digits."})),
        "a.mat": _mat(x, y, packed=False),
        "packed.mat": _mat(x, y, packed=True),
        "cells.mat": _mat_of_cells(x, y),
        "old.mat": _old_mat(x, y),
        "a.parquet": _parquet({"image": list(_pictures(x, y).values()), "label": y}),
        "pixels.parquet": _parquet({"label": y, **{f"pixel{at}": column for at, column in enumerate(rows.T)}}),
        "a.arrow": _arrow(x, y),
        "a.json": json.dumps(
            [{"image": image.tolist(), "label": int(label)} for image, label in zip(x, y, strict=True)]
        ).encode(),
        **({"a.h5": _hdf5(x, y)} if find_spec("h5py") else {}),
        "a.npy": _npy(np.column_stack([y, rows])),
        "a.inkml": INK.format(1).encode(),
        "optdigits-orig.tra": "".join(
            "\n".join("".join(map(str, row)) for row in picture // 128) + f"\n{label}\n"
            for picture, label in zip(x, y, strict=True)
        ).encode(),
        "split.json": json.dumps(
            {"columns": ["label", "image"], "data": [[int(y[at]), x[at].tolist()] for at in range(COUNT)]}
        ).encode(),
        "columns.json": json.dumps({"images": x.tolist(), "labels": y.tolist()}).encode(),
        "drawings.zip": _drawings(y),
        "shard-0.tar": _shard(x, y),
        "a.pt": pt_bytes(pair(x, y.astype(np.int64)), [x, y.astype(np.int64)]),
        "pixels.csv": "".join(
            f'{label},"{" ".join(map(str, row))}"\n' for label, row in zip(y, rows, strict=True)
        ).encode(),
        "a.ndjson": "".join(json.dumps(drawing) + "\n" for drawing in strokes).encode(),
        "a.unipen": "\n".join([".VERSION 1", *characters]).encode(),
        "train-images-idx3-ubyte": idx_bytes(x),
    }


def _npy(table: NDArray[np.uint8]) -> bytes:
    """Labels among the pixels."""
    stream = io.BytesIO()
    np.save(stream, table)
    return stream.getvalue()


def _hdf5(x: NDArray[np.uint8], y: NDArray[np.uint8]) -> bytes:
    import h5py

    stream = io.BytesIO()
    with h5py.File(stream, "w") as file:
        file.create_dataset("train/data", data=x, compression="gzip")
        file["train/target"] = y
    return stream.getvalue()


def _npz(x: NDArray[np.uint8], y: NDArray[np.uint8], save: object) -> bytes:
    stream = io.BytesIO()
    assert callable(save)
    save(stream, x=x, y=y)
    return stream.getvalue()


def _pictures(x: NDArray[np.uint8], y: NDArray[np.uint8]) -> dict[str, bytes]:
    from PIL import Image

    files = {}
    for at, kind in zip(range(COUNT), ("PNG", "JPEG", "BMP", "GIF") * COUNT, strict=False):
        stream = io.BytesIO()
        Image.fromarray(x[at]).save(stream, kind)
        files[f"{y[at]}/{at}.png"] = stream.getvalue()
    return files


def _zip(files: dict[str, bytes], packing: int = zipfile.ZIP_STORED) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", packing) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return stream.getvalue()


def _tar(files: dict[str, bytes]) -> bytes:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as archive:
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return stream.getvalue()


def _drawings(y: NDArray[np.uint8]) -> bytes:
    """SVG in folders."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for at, label in enumerate(y):
            shape = f'<path fill="none" d="M{at} 0 C 1 2, 3 {label}, 5 6 s1-1 2-3L9,9z a2 3 4 015 6"/>'
            shape = f'<g transform="rotate(5) scale(2, 3)">{shape}</g>'
            archive.writestr(f"{label}/{at}.svg", f"<svg>{shape}</svg>")
    return stream.getvalue()


def _shard(x: NDArray[np.uint8], y: NDArray[np.uint8]) -> bytes:
    """WebDataset."""
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as archive:
        for number, content in enumerate(_pictures(x, y).values()):
            for suffix, part in (("png", content), ("cls", str(y[number]).encode())):
                info = tarfile.TarInfo(f"{number:04}.{suffix}")
                info.size = len(part)
                archive.addfile(info, io.BytesIO(part))
    return stream.getvalue()


def _old_mat(x: NDArray[np.uint8], y: NDArray[np.uint8]) -> bytes:
    from scipy.io import savemat

    stream = io.BytesIO()
    savemat(stream, {"x": x.reshape(COUNT, -1), "y": y[:, None]}, format="4")
    return stream.getvalue()


def _mat_of_cells(x: NDArray[np.uint8], y: NDArray[np.uint8]) -> bytes:
    """A picture in each cell, and labels in characters and in cells."""
    from scipy.io import savemat

    pictures, words = np.empty((2, COUNT), object)
    for at in range(COUNT):
        pictures[at], words[at] = x[at], f"class {y[at]}"
    stream = io.BytesIO()
    savemat(stream, {"x_train": pictures, "y_train": words, "x_test": pictures[:6], "y_test": words[:6].astype(str)})
    return stream.getvalue()


def _mat(x: NDArray[np.uint8], y: NDArray[np.uint8], *, packed: bool) -> bytes:
    from scipy.io import savemat

    stream = io.BytesIO()
    images = x.reshape(COUNT, -1)
    savemat(stream, {"dataset": {"train": {"images": images, "labels": y[:, None]}}}, do_compression=packed)
    return stream.getvalue()


def _parquet(columns: dict[str, Any]) -> bytes:
    import pyarrow as pa
    import pyarrow.parquet as pq

    stream = io.BytesIO()
    pq.write_table(pa.table(columns), stream)
    return stream.getvalue()


def _arrow(x: NDArray[np.uint8], y: NDArray[np.uint8]) -> bytes:
    import pyarrow as pa

    stream, table = io.BytesIO(), pa.table({"image": x.tolist(), "label": y})
    with pa.ipc.new_stream(stream, table.schema) as writer:
        writer.write_table(table)
    return stream.getvalue()


def _read(path: Path) -> Outcome:
    return "opened", _false(data.open_dataset(path))


def _false(dataset: data.Dataset) -> str | None:
    """What is wrong with a dataset that was opened."""
    for images, labels in (
        (dataset.train_images, dataset.train_labels),
        (dataset.test_images, dataset.test_labels),
    ):
        if images.dtype != np.uint8 or labels.dtype != np.uint8 or images.shape != (len(labels), 28, 28):
            return f"pictures {images.shape} of {images.dtype}, labels {labels.shape} of {labels.dtype}"
        if not len(labels) or labels.max() >= len(dataset.class_names):
            return "no labels, or labels without a name"
    return None


FUZZER = Fuzzer(
    seeds,
    with_strange_text,
    lambda path, watch: RULES.outcome(_read, path, watch),
    {"train-labels-idx1-ubyte": idx_bytes(np.arange(COUNT, dtype=np.uint8) % 3), "other.inkml": INK.format(2).encode()},
)

if __name__ == "__main__":
    sys.exit(FUZZER.main(__doc__))
