"""How well pictures are read: photographs, scans and drawings, and those that the project draws itself.

    python tests/benchmarks/pictures.py [FOLDER ...] [--model MODEL] [--count 100] [--seed 0] [--digits test] [--list]

Each FOLDER holds pictures, in folders of their own or not. What a picture shows is the name of its folder, or else the
beginning of its own name, up to "_": a digit, a number such as 2026, or "none" ("7/scan.png", "7_3.jpg", "none_5.png");
other pictures are left out. Without a FOLDER the project's own sets are read: MNIST's digits disturbed, digits drawn
with a pen, digits of fonts, numbers, and pictures without any digit. Everything goes through the code that the command
`predict` uses. Printed are, of pictures of one digit: read right, read wrong (accepted), and not recognised; of
numbers: read wholly right, and read as one digit; of pictures that show no digit: how many were read as one.
"""

import argparse
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import sample_pictures
from numpy.typing import NDArray

from engine import ModelFileError
from minigrad_gui.data import load_mnist
from minigrad_gui.pictures import PICTURE_SUFFIXES, PictureError, read_image
from minigrad_gui.reader import Reader, load_network, written_number
from minigrad_gui.resources import asset_path

Named = tuple[str, NDArray[Any], str]


def shown_by(path: Path) -> str | None:
    """What a picture shows according to its names: "7", "2026", "" for no digit, None if unknown."""
    for name in (path.parent.name, path.stem.split("_")[0]):
        if name == "none":
            return ""
        if name.isdecimal():
            return name
    return None


def of_folder(folder: Path) -> Iterator[Named]:
    for path in sorted(folder.rglob("*")):
        shown = shown_by(path)
        if path.suffix.lower() in PICTURE_SUFFIXES and shown is not None:
            try:
                yield str(path.relative_to(folder)), read_image(path), shown
            except PictureError as error:
                print(f"pictures.py: {error}", file=sys.stderr)


def numbered(samples: Iterable[sample_pictures.Sample]) -> Iterator[Named]:
    return ((str(number), picture, shown) for number, (picture, shown) in enumerate(samples))


def own_sets(count: int, seed: int, part: str) -> Iterator[tuple[str, Iterator[Named]]]:
    """The project's own sets; part: MNIST's "test" or "train"ing digits."""
    mnist = load_mnist()
    rng = np.random.default_rng([seed, part == "test"])
    chosen = rng.permutation(len(getattr(mnist, f"{part}_labels")))[:count]
    images, labels = getattr(mnist, f"{part}_images")[chosen], getattr(mnist, f"{part}_labels")[chosen]
    yield "one of each kind", numbered(sample_pictures.kinds().values())
    for name in sample_pictures.DISTURBED:
        yield name, numbered(sample_pictures.disturbed(name, images, labels, rng))
    for name in ("hair_thin", "uneven", "broken"):
        yield name.replace("_", " "), numbered(getattr(sample_pictures, name)(count, rng))
    yield "fonts", numbered(sample_pictures.rendered(fonts(count // 10), rng))
    yield "numbers", numbered(sample_pictures.numbers(count, images, labels, rng))
    yield "numbers, touching", numbered(sample_pictures.touching(count, images, labels, rng))
    yield "no digit", numbered(sample_pictures.none_at_all(count, rng))


def fonts(count: int) -> list[str]:
    """Some of the fonts on this machine, or only Pillow's default font."""
    found = sorted(Path("/usr/share/fonts").rglob("*.?tf"))
    usual = [str(path) for path in found if not any(word in path.stem for word in ("D050000L", "Symbol", "Dingbats"))]
    return usual[:: max(1, len(usual) // max(1, count))][:count] or [sample_pictures.FONT]


class Tally:
    """The results for one set of pictures."""

    def __init__(self) -> None:
        self.counts: dict[str, int] = {}
        self.seconds = 0.0

    def add(self, kind: str) -> None:
        self.counts[kind] = self.counts.get(kind, 0) + 1

    def row(self, name: str) -> str:
        total = sum(self.counts.values()) or 1
        told = ", ".join(f"{kind} {count}" for kind, count in sorted(self.counts.items()))
        return f"{name:<32} {total:>5}  {1000 * self.seconds / total:6.1f} ms  {told}"


def outcome(shown: str, read: str) -> str:
    """read: the number that was read; "" for nothing, "?" for what was not recognised."""
    if not shown:
        return "no digit, taken for a digit" if read.isdecimal() else "no digit, and told so"
    if len(shown) > 1:
        if read == shown:
            return "number right"
        return "number read as one digit" if len(read) == 1 and read.isdecimal() else "number wrong"
    return "right" if read == shown else "wrong" if read.isdecimal() else "not recognised"


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", type=Path, nargs="*", metavar="FOLDER")
    parser.add_argument("--model", type=Path, default=asset_path("pretrained.npz"))
    parser.add_argument("--count", type=int, default=100, help="pictures of each of the project's own sets")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--digits", choices=("train", "test"), default="test", help="which of MNIST's to disturb")
    parser.add_argument("--list", action="store_true", help="name every picture that was not read right")
    options = parser.parse_args(arguments)
    try:
        model, record = load_network(options.model)
    except ModelFileError as error:
        print(f"pictures.py: {error}", file=sys.stderr)
        return 2
    own = own_sets(options.count, options.seed, options.digits)
    sets = ((folder.name, of_folder(folder)) for folder in options.folders) if options.folders else own
    whole = Tally()
    for name, samples in sets:
        tally = Tally()
        for sample, picture, shown in samples:
            started = time.perf_counter()
            found = Reader(model, record.calibration).read_picture(picture)
            tally.seconds += time.perf_counter() - started
            read = written_number(found).replace(" ", "")
            kind = outcome(shown, read)
            tally.add(kind)
            whole.add(kind)
            if options.list and kind not in ("right", "number right", "no digit, and told so"):
                print(f"    {name}/{sample}: {shown or 'none'} read as {read or 'none'}")
        whole.seconds += tally.seconds
        print(tally.row(name), flush=True)
    print(whole.row("all"))
    return 0


if __name__ == "__main__":
    sys.exit(main())
