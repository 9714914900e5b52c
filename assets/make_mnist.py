"""Build assets/mnist.npz from the four original IDX files of MNIST, plain or gzipped.

    python assets/make_mnist.py FOLDER_WITH_IDX_FILES

Each file's MD5 must be that of the published original; the same files always give the same bytes.
"""

import argparse
import gzip
import hashlib
from pathlib import Path

import numpy as np

ORIGINALS = {
    "train_images": ("train-images-idx3-ubyte", "6bbc9ace898e44ae57da46a324031adb", (60_000, 28, 28)),
    "train_labels": ("train-labels-idx1-ubyte", "a25bea736e30d166cdddb491f175f624", (60_000,)),
    "test_images": ("t10k-images-idx3-ubyte", "2646ac647ad5339dbf082846283269ea", (10_000, 28, 28)),
    "test_labels": ("t10k-labels-idx1-ubyte", "27ae3e4e09519cfbb04c329615203637", (10_000,)),
}


def read_original(folder: Path, name: str, md5: str, shape: tuple[int, ...]) -> np.ndarray:
    plain, zipped = folder / name, folder / f"{name}.gz"
    content = plain.read_bytes() if plain.exists() else gzip.decompress(zipped.read_bytes())
    if hashlib.md5(content).hexdigest() != md5:
        raise SystemExit(f"{name} is not the published original: its MD5 is not {md5}.")
    header_bytes = 4 + 4 * len(shape)  # a magic number, then one uint32 for each dimension
    return np.frombuffer(content, np.uint8, offset=header_bytes).reshape(shape)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="where the IDX files are")
    folder = parser.parse_args().folder
    target = Path(__file__).with_name("mnist.npz")
    arrays = {key: read_original(folder, *original) for key, original in ORIGINALS.items()}
    np.savez_compressed(target, **arrays)
    print(f"{target}: {target.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
