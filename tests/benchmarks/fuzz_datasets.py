"""Feeds damaged and malicious files to the readers of datasets for a given time.

    python tests/benchmarks/fuzz_datasets.py --seconds 60 [--seed N]

For every file, `open_dataset` must return a valid dataset or raise DataError with one sentence: quickly, in little
memory, and without executing anything. A file that breaks the rules is saved, and its path printed.
"""

import argparse
import bz2
import gzip
import io
import json
import random
import resource
import sys
import tarfile
import tempfile
import time
import tracemalloc
import zipfile
from collections import Counter
from pathlib import Path

import numpy as np
from fuzz import Watch, change_bytes
from numpy.typing import NDArray
from own_files import idx_bytes
from torch_bytes import pair, pt_bytes

from minigrad_gui import data

MAX_SECONDS = 5.0
MAX_BYTES = 96 << 20
"""A picture file of few bytes may hold many pixels; model files have less of an excuse."""
MAX_RESIDENT_BYTES = 1 << 30
"""Of the whole process, for .mat files: SciPy reserves what they claim to hold, without touching it."""
COUNT, SIDE = 24, 8
INK = '<ink><annotation type="truth">{0}</annotation><trace>0 0, 5 {0}, 9 9</trace></ink>'
BY_A_CHILD = (".mat", ".h5")
STRANGE_TEXT = (b"nan", b"1e999", b"-1", b"{", b"0:1", b"\n", b",", b"\x00", b"999999999999999999999", b'"')


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
        "a.zip": _zip(x, y),
        "a.tar": _tar(x, y),
        "a.mat": _mat(x, y, packed=False),
        "packed.mat": _mat(x, y, packed=True),
        "a.parquet": _parquet(x, y),
        "a.arrow": _arrow(x, y),
        "a.json": json.dumps(
            [{"image": image.tolist(), "label": int(label)} for image, label in zip(x, y, strict=True)]
        ).encode(),
        "a.h5": _hdf5(x, y),
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


def _zip(x: NDArray[np.uint8], y: NDArray[np.uint8]) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for name, content in _pictures(x, y).items():
            archive.writestr(name, content)
    return stream.getvalue()


def _tar(x: NDArray[np.uint8], y: NDArray[np.uint8]) -> bytes:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as archive:
        for name, content in _pictures(x, y).items():
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


def _mat(x: NDArray[np.uint8], y: NDArray[np.uint8], *, packed: bool) -> bytes:
    from scipy.io import savemat

    stream = io.BytesIO()
    images = x.reshape(COUNT, -1)
    savemat(stream, {"dataset": {"train": {"images": images, "labels": y[:, None]}}}, do_compression=packed)
    return stream.getvalue()


def _parquet(x: NDArray[np.uint8], y: NDArray[np.uint8]) -> bytes:
    import pyarrow as pa
    import pyarrow.parquet as pq

    stream = io.BytesIO()
    pq.write_table(pa.table({"image": list(_pictures(x, y).values()), "label": y}), stream)
    return stream.getvalue()


def _arrow(x: NDArray[np.uint8], y: NDArray[np.uint8]) -> bytes:
    import pyarrow as pa

    stream, table = io.BytesIO(), pa.table({"image": x.tolist(), "label": y})
    with pa.ipc.new_stream(stream, table.schema) as writer:
        writer.write_table(table)
    return stream.getvalue()


def mutated(rng: random.Random, name: str, files: dict[str, bytes]) -> bytes:
    """The file `name` after one or more mutations; in some of them text that numbers should not be."""
    file = files[name]
    for _ in range(rng.choice((1, 1, 2, 5, 20))):
        if rng.random() < 0.3:
            at, strange = rng.randrange(len(file) + 1), rng.choice(STRANGE_TEXT)
            file = file[:at] + strange + file[at + rng.choice((0, len(strange))) :]
        else:
            file = change_bytes(rng, file, list(files.values()))
    return file


def broken_rule(path: Path, watch: Watch | None = None) -> tuple[str, str | None]:
    """The outcome for a file ("opened" or "refused"), and the rule that opening it broke, if any."""
    outcome, fault = "refused", None
    tracemalloc.reset_peak()
    resident_before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss << 10
    before, started = tracemalloc.get_traced_memory()[0], time.perf_counter()
    try:
        if watch is not None:
            watch.looking = path.suffix not in BY_A_CHILD
        dataset = data.open_dataset(path)
    except data.DataError as error:
        if len(str(error).splitlines()) != 1 or not str(error).endswith("."):
            fault = f"said: {error}"
    except BaseException as error:
        fault = f"raised {error!r}"
    else:
        outcome, fault = "opened", _false(dataset)
    finally:
        if watch is not None:
            watch.looking = False
    if (seconds := time.perf_counter() - started) > MAX_SECONDS:
        fault = f"took {seconds:.1f} s"
    taken = tracemalloc.get_traced_memory()[1] - before
    if path.suffix not in BY_A_CHILD and taken > MAX_BYTES:
        fault = f"took {taken:,} bytes"
    if (resident := resource.getrusage(resource.RUSAGE_SELF).ru_maxrss << 10) - resident_before > MAX_RESIDENT_BYTES:
        fault = f"made the process take {resident:,} bytes"
    return outcome, fault


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


def fuzz(seconds: float, seed: int, most: int | None = None) -> tuple[Counter[str], str | None]:
    """The number of files by outcome and format, and the first fault with the path of a copy of its file."""
    rng, files, fates, watch = random.Random(seed), seeds(), Counter[str](), Watch()
    labels = idx_bytes(np.arange(COUNT, dtype=np.uint8) % 3)
    deadline = time.monotonic() + seconds
    tracemalloc.start()
    try:
        with tempfile.TemporaryDirectory() as folder:
            for name, content in files.items():
                (Path(folder) / name).mkdir()
                path = Path(folder) / name / name
                path.write_bytes(content)
                (path.parent / "train-labels-idx1-ubyte").write_bytes(labels)
                (path.parent / "other.inkml").write_text(INK.format(2))
                broken_rule(path)  # so that late imports are done
            while time.monotonic() < deadline and (most is None or fates.total() < most):
                name = rng.choice(list(files))
                path = Path(folder) / name / name
                path.write_bytes(mutated(rng, name, files))
                outcome, fault = broken_rule(path, watch)
                fates[f"{name} {outcome}"] += 1
                if fault is not None:
                    saved = Path(tempfile.gettempdir()) / f"fuzz-{seed}-{fates.total()}-{name}"
                    saved.write_bytes(path.read_bytes())
                    return fates, f"{fault} ({saved})"
    finally:
        tracemalloc.stop()
    return fates, None


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    fates, fault = fuzz(options.seconds, options.seed)
    print(f"{fates.total():,} files")
    for fate, count in sorted(fates.items()):
        print(f"{fate:32} {count:>7,}")
    print(fault or "no rule was broken")
    return 1 if fault else 0


if __name__ == "__main__":
    sys.exit(main())
