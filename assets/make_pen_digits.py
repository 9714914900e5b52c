"""Build assets/pen_digits.npz from an .npz of the pen strokes that 30 people wrote.

    python assets/make_pen_digits.py FILE

FILE holds the unnormalised training recording of UCI's "Pen-Based Recognition of Handwritten Digits" (E. Alpaydin and
F. Alimoglu, 1998): points (P, 2), x right and y up; stroke_start (S + 1,): where each stroke's points begin, and the
end; digit_start (N + 1,): the same for each drawing's strokes; label (N,); writer (N,). Every point is stored, with y
pointing down. The same file always gives the same bytes.
"""

import argparse
from pathlib import Path

import numpy as np

COUNT, WRITERS = 7_494, 30


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", type=Path, help="the strokes")
    with np.load(parser.parse_args().file, allow_pickle=False) as arrays:
        points = arrays["points"].astype(np.int16) * np.array([1, -1], np.int16)
        stroke_start, digit_start = (arrays[name].astype(np.int32) for name in ("stroke_start", "digit_start"))
        labels, writers = arrays["label"].astype(np.uint8), arrays["writer"].astype(np.uint8)
    if len(labels) != COUNT or len(np.unique(writers)) != WRITERS:
        raise SystemExit(f"These are not the {COUNT:,} drawings of {WRITERS} people.")
    target = Path(__file__).with_name("pen_digits.npz")
    np.savez_compressed(
        target, points=points, stroke_start=stroke_start, digit_start=digit_start, labels=labels, writers=writers
    )
    print(f"{target}: {target.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
