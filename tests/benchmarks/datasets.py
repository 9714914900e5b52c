"""Measures how long it takes to open datasets of each format, and in how much memory.

    python tests/benchmarks/datasets.py [--counts 60000 800000] [--formats npz zip ...]

Writes files of so many pictures 28 x 28 (MNIST's, again and again, with ten classes) to a temporary folder, and opens
each in a process of its own. Time is that of the processor, child processes included. Memory is the most that this
process and those that it started use at a time (Pss_Anon, every few milliseconds: what holds data, and pages that
several processes share are counted once), less what it used before, in multiples of the pictures' bytes. The libraries
are loaded before; a child process counts with all of its own. Linux only.
"""

import argparse
import gzip
import io
import json
import subprocess
import sys
import tarfile
import tempfile
import time
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from own_files import idx_bytes

from minigrad_gui.data import load_mnist

POLL_S = 0.005
OPEN = """
import os, sys
import numpy.ma, numpy.random, PIL.PngImagePlugin
from minigrad_gui import data, process
process.load_arrow()
import pyarrow.parquet
from minigrad_gui.data import opening
print("ready", flush=True)
input()
began = sum(os.times()[:4])
dataset = data.open_dataset(sys.argv[1])
print(sum(os.times()[:4]) - began, len(dataset.train_labels) + len(dataset.test_labels), flush=True)
"""

Pictures = NDArray[np.uint8]


def _encoded(x: Pictures) -> Iterator[bytes]:
    """PNG files; MNIST's are encoded once."""
    from PIL import Image

    made: list[bytes] = []
    for at in range(len(x)):
        if at < 10_000:
            stream = io.BytesIO()
            Image.fromarray(x[at]).save(stream, "PNG", compress_level=1)
            made.append(stream.getvalue())
        yield made[at % 10_000]


def write_idx(folder: Path, x: Pictures, y: Pictures) -> Path:
    for name, array in (("train-labels-idx1-ubyte.gz", y), ("train-images-idx3-ubyte.gz", x)):
        with gzip.open(folder / name, "wb", 1) as file:
            file.write(idx_bytes(array))
    return folder / "train-images-idx3-ubyte.gz"


def write_npz(folder: Path, x: Pictures, y: Pictures) -> Path:
    np.savez(folder / "a.npz", x=x, y=y)
    return folder / "a.npz"


def write_mat(folder: Path, x: Pictures, y: Pictures, *, packed: bool = True) -> Path:
    from scipy.io import savemat

    data = {"dataset": {"train": {"images": x.reshape(len(x), -1), "labels": y[:, None]}}}
    savemat(folder / "a.mat", data, do_compression=packed)
    return folder / "a.mat"


def write_hdf5(folder: Path, x: Pictures, y: Pictures) -> Path:
    import h5py

    with h5py.File(folder / "a.h5", "w") as file:
        file.create_dataset("x", data=x, compression="gzip", compression_opts=1, chunks=(min(1000, len(x)), 28, 28))
        file["y"] = y
    return folder / "a.h5"


def write_parquet(folder: Path, x: Pictures, y: Pictures) -> Path:
    import pyarrow as pa
    import pyarrow.parquet as pq

    schema = pa.schema({"image": pa.struct({"bytes": pa.binary(), "path": pa.string()}), "label": pa.int64()})
    encoded = _encoded(x)
    with pq.ParquetWriter(folder / "train-00000-of-00001.parquet", schema) as writer:
        for at in range(0, len(x), 1000):
            cells = [{"bytes": next(encoded), "path": None} for _ in x[at : at + 1000]]
            writer.write_table(pa.table({"image": cells, "label": y[at : at + 1000].astype(np.int64)}, schema))
    return folder / "train-00000-of-00001.parquet"


def write_parquet_by_pixel(folder: Path, x: Pictures, y: Pictures) -> Path:
    """As pandas' to_parquet."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    columns = {"label" if at == 0 else f"pixel{at}": pa.int64() for at in range(1 + x[0].size)}
    with pq.ParquetWriter(folder / "a.parquet", pa.schema(columns)) as writer:
        for at in range(0, len(x), 60_000):
            numbers = np.column_stack([y[at : at + 60_000], x[at : at + 60_000].reshape(-1, x[0].size)])
            writer.write_table(pa.table([column.astype(np.int64) for column in numbers.T], list(columns)))
    return folder / "a.parquet"


def write_zip(folder: Path, x: Pictures, y: Pictures) -> Path:
    with zipfile.ZipFile(folder / "a.zip", "w") as archive:
        for at, content in enumerate(_encoded(x)):
            archive.writestr(f"{y[at]}/{at}.png", content)
    return folder / "a.zip"


def write_tar(folder: Path, x: Pictures, y: Pictures) -> Path:
    with tarfile.open(folder / "a.tar", "w") as archive:
        for at, content in enumerate(_encoded(x)):
            info = tarfile.TarInfo(f"{y[at]}/{at}.png")
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
            archive.members = []
    return folder / "a.tar"


def write_folder(folder: Path, x: Pictures, y: Pictures) -> Path:
    for label in np.unique(y):
        (folder / str(label)).mkdir()
    for at, content in enumerate(_encoded(x)):
        (folder / str(y[at]) / f"{at}.png").write_bytes(content)
    return folder


def write_texts(folder: Path, x: Pictures, y: Pictures) -> Path:
    """Pictures in one folder, with a text beside each that holds its label."""
    for at, (content, label) in enumerate(zip(_encoded(x), y, strict=True)):
        (folder / f"{at:06}.png").write_bytes(content)
        (folder / f"{at:06}.txt").write_text(f"{label}\n")
    return folder


def write_csv(folder: Path, x: Pictures, y: Pictures) -> Path:
    rows: list[str] = []
    with open(folder / "a.csv", "w") as file:
        for at, (image, label) in enumerate(zip(x, y, strict=True)):
            if at < 10_000:
                rows.append(",".join(map(str, image.ravel().tolist())) + "\n")
            file.write(f"{label},{rows[at % 10_000]}")
    return folder / "a.csv"


def write_json_columns(folder: Path, x: Pictures, y: Pictures) -> Path:
    rows = [json.dumps(image.tolist()) for image in x[:10_000]]
    with open(folder / "a.json", "w") as file:
        file.write('{"images": [' + ", ".join(rows[at % 10_000] for at in range(len(x))))
        file.write(f'], "labels": {json.dumps(y.tolist())}}}')
    return folder / "a.json"


def write_json_rows(folder: Path, x: Pictures, y: Pictures) -> Path:
    """As pandas' to_json(orient="split")."""
    rows = [", ".join(map(str, image.ravel().tolist())) for image in x[:10_000]]
    with open(folder / "a.json", "w") as file:
        names = ["label", *map(str, range(x[0].size))]
        file.write(f'{{"columns": {json.dumps(names)}, "index": {json.dumps(list(range(len(x))))}, "data": [')
        for at, label in enumerate(y):
            file.write(f"{', ' if at else ''}[{label}, {rows[at % 10_000]}]")
        file.write("]}")
    return folder / "a.json"


def write_json_by_pixel(folder: Path, x: Pictures, y: Pictures) -> Path:
    """As pandas' to_json(orient="columns")."""
    with open(folder / "a.json", "w") as file:
        for name, column in enumerate([y, *x.reshape(len(x), -1).T]):
            cells = ",".join(f'"{at}":{cell}' for at, cell in enumerate(column.tolist()))
            file.write(f'{"," if name else "{"}"{name or "label"}":{{{cells}}}')
        file.write("}")
    return folder / "a.json"


WRITERS: dict[str, Callable[[Path, Pictures, Pictures], Path]] = {
    "idx": write_idx,
    "npz": write_npz,
    "mat": write_mat,
    "hdf5": write_hdf5,
    "parquet": write_parquet,
    "parquet-by-pixel": write_parquet_by_pixel,
    "zip": write_zip,
    "tar": write_tar,
    "folder": write_folder,
    "texts": write_texts,
    "csv": write_csv,
    "json": write_json_columns,
    "json-rows": write_json_rows,
    "json-by-pixel": write_json_by_pixel,
}


def _in_use(pid: int) -> int:
    """Bytes in use by a process and those that it started."""
    try:
        rollup = Path(f"/proc/{pid}/smaps_rollup").read_text()
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except OSError:
        return 0  # it has just ended
    own = sum(int(line.split()[1]) << 10 for line in rollup.splitlines() if line.startswith("Pss_Anon:"))
    return own + sum(_in_use(int(child)) for child in children)


def opened(path: Path) -> tuple[float, int, int]:
    """Seconds of the processor, pictures, and the most bytes in use, of opening a dataset."""
    with subprocess.Popen(
        [sys.executable, "-c", OPEN, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdout.readline()
        before = most = _in_use(process.pid)
        process.stdin.write("\n")
        process.stdin.flush()
        while process.poll() is None:
            most = max(most, _in_use(process.pid))
            time.sleep(POLL_S)
        seconds, count = process.stdout.read().split()
    return float(seconds), int(count), most - before


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--counts", type=int, nargs="+", default=[60_000, 800_000])
    parser.add_argument("--formats", nargs="+", choices=WRITERS, default=list(WRITERS))
    options = parser.parse_args()
    mnist = load_mnist()
    for count in options.counts:
        order = np.arange(count) % 10_000
        x, y = mnist.train_images[order], mnist.train_labels[order]
        for name in options.formats:
            with tempfile.TemporaryDirectory() as folder:
                path = WRITERS[name](Path(folder), x, y)
                seconds, found, taken = opened(path)
            assert found == count
            print(f"{name:<16} {count:>8,} pictures {seconds:8.1f} s {taken / x.nbytes:6.2f} x their bytes", flush=True)


if __name__ == "__main__":
    main()
