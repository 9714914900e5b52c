"""The child process with malicious datasets from a hub on loopback."""

import io
import json
import os
import struct
import subprocess
import sys
from pathlib import Path
from typing import Any

import hub
import numpy as np
import pytest
from hub import BLANK, pictures, png_chunk, repository

from minigrad_gui.data import DIGIT_NAMES
from minigrad_gui.data.download import CHILD_ENVIRONMENT

ROOT = Path(__file__).resolve().parents[3]
NOISE = hub.png(np.random.default_rng(0).integers(0, 256, (28, 28), np.uint8))
COLOURED = hub.png(np.random.default_rng(0).integers(0, 256, (32, 32, 3), np.uint8))


def enormous_png() -> bytes:
    header = png_chunk(b"IHDR", struct.pack(">IIBBBBB", 9000, 9000, 8, 0, 0, 0, 0))
    return BLANK[:8] + header + BLANK[8 + len(header) :]


def gif() -> bytes:
    from PIL import Image

    stream = io.BytesIO()
    Image.new("L", (28, 28)).save(stream, "gif")
    return stream.getvalue()


def parquet_bomb(cell_bytes: int, rows: int) -> bytes:
    """A small file in which every row refers to one large cell."""
    import pyarrow
    from pyarrow import parquet

    column = pyarrow.DictionaryArray.from_arrays(pyarrow.array(np.zeros(rows, np.int32)), [bytes(cell_bytes)])
    stream = io.BytesIO()
    parquet.write_table(pyarrow.table({"image": column, "label": np.zeros(rows)}), stream, store_schema=False)
    return stream.getvalue()


def labelled(*labels: object, **options: object) -> bytes:
    return hub.table(image=hub.cells([BLANK] * len(labels)), label=list(labels), **options)


CHOICE = "choose one of its configurations: evil/two-configurations:letters, evil/two-configurations:digits."
DAMAGED = "its files, or their copies in "


def two_configurations(_: object) -> dict[str, bytes]:
    parts = {f"{name}/train-0.parquet": pictures(BLANK) for name in ("letters", "digits")}
    return {"README.md": hub.card("letters/train", "digits/train"), **parts}


MISSING = "missing"
"""A repository that the hub does not have."""
SCRIPT = "import pathlib; pathlib.Path({!r}).touch()"

HARM = {
    "no-label": (lambda _: repository(hub.table(image=hub.cells([BLANK]))), "it has no column of labels."),
    "no-image": (lambda _: repository(hub.table(label=[1])), "it has no column of pictures."),
    "one-class": (lambda _: repository(pictures(BLANK)), "all its pictures have the same label."),
    "empty": (lambda _: repository(pictures(), pictures()), "its files, or their copies in "),
    "label-missing": (lambda _: repository(labelled(1, None)), "a label is missing."),
    "label-fraction": (lambda _: repository(labelled(1, 1.5)), "its labels are not whole numbers."),
    "picture-missing": (lambda _: repository(pictures(BLANK, None)), "a picture is missing."),
    "picture-number": (lambda _: repository(hub.table(image=[1, 2], label=[1, 2])), "it has no column of pictures."),
    "picture-path": (
        lambda folder: repository(pictures(BLANK, {"bytes": None, "path": str(folder / "private.png")})),
        "a cell contains no picture.",
    ),
    "picture-rubbish": (
        lambda _: repository(pictures(BLANK, b"rubbish")),
        "a picture's bytes (7) are not those of a picture file",
    ),
    "picture-cut": (lambda _: repository(pictures(BLANK, NOISE[:400])), "a picture could not be read"),
    "picture-enormous": (lambda _: repository(pictures(enormous_png())), "a picture is too large: 9000 x 9000 pixels."),
    "too-many": (
        lambda _: repository(pictures(BLANK), hub.parquet([None] * 1_000_001, np.zeros(1_000_001, int))),
        "it holds more than 1,000,000 pictures.",
    ),
    "no-parquet": (lambda _: repository(b"PAR1 and rubbish PAR1"), DAMAGED),
    "csv": (
        lambda _: {"README.md": b"", "train.csv": b"image,label\n1,2\n", "test.csv": b"image,label\n1,2\n"},
        "it contains files other than its own Parquet files.",
    ),
    "many-files": (
        lambda _: repository(pictures(BLANK)) | {f"mnist/train-{n}.parquet": pictures(BLANK) for n in range(1, 9)},
        "it has more than 8 files of data.",
    ),
    "local-file": (
        lambda folder: repository(pictures(BLANK), card=hub.CARD.replace("mnist/test-*", f"{folder}/private.parquet")),
        DAMAGED,
    ),
    "two-configurations": (two_configurations, CHOICE),
    "two-configurations:b": (two_configurations, CHOICE),
    "script": (
        lambda folder: {"script.py": SCRIPT.format(str(folder / "ran")).encode()},
        "Dataset scripts are no longer supported",
    ),
    "bomb-on-disk": (lambda _: repository(parquet_bomb(1 << 18, 50_000)), "it is too large."),
    "bomb-in-memory": (lambda _: repository(parquet_bomb(3 << 20, 5_000)), "it is too large."),
    MISSING: (lambda _: {}, "there is no public dataset of this name."),
}

CLOTHES = ("T - shirt / top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot")

HARMLESS = {
    "mnist": (lambda: repository(pictures(BLANK, BLANK)), 2, 2, DIGIT_NAMES, ()),
    "svhn:cropped_digits": (
        lambda: {
            "README.md": hub.card("full_numbers/train", "cropped_digits/train", "cropped_digits/extra"),
            "full_numbers/train-00000-of-00001.parquet": hub.table(image=hub.cells([BLANK]), digits=[[1]]),
            "cropped_digits/train-00000-of-00001.parquet": hub.parquet([COLOURED] * 14, [*range(7)] * 2),
            "cropped_digits/extra-00000-of-00001.parquet": b"is never fetched",
        },
        7,
        7,
        DIGIT_NAMES,
        ("left out: extra.", "7 at random are held out"),
    ),
    "fashion_mnist": (
        lambda: {
            "fashion_mnist/train-00000-of-00001.parquet": hub.parquet([BLANK] * 10, [*range(10)], CLOTHES),
            "fashion_mnist/test-00000-of-00001.parquet": hub.parquet([BLANK] * 2, [3, 9], CLOTHES),
        },
        10,
        2,
        CLOTHES,
        ("No test picture shows T - shirt / top",),
    ),
    "secret": (
        lambda: {
            "data/train-00000-of-00002.parquet": hub.parquet([BLANK] * 4, [0, 0, 1, 1]),
            "data/train-00001-of-00002.parquet": hub.parquet([BLANK] * 4, [0, 0, 1, 1]),
            "data/validation-00000-of-00001.parquet": hub.parquet([BLANK] * 2, [0, 1]),
            "data/test-00000-of-00001.parquet": hub.parquet([BLANK] * 3, [-1] * 3),
        },
        8,
        2,
        DIGIT_NAMES,
        ("The pictures “test” have no labels",),
    ),
    "usps": (
        lambda: {
            "data/train.parquet": hub.table(image=[np.eye(16, dtype=np.uint8).tolist()] * 20, label=[*range(1, 11)] * 2)
        },
        10,
        10,
        tuple(str(label) for label in range(1, 11)),
        (),
    ),
}
"""Repositories as the hub holds them, and what becomes of them: counts, class names, and parts of remarks."""

TRY_ALL = """
import json
import sys
from minigrad_gui.data import Choices, hugging_face

hugging_face.MAX_MEMORY_BYTES //= 2  # the sooner a bomb goes off
hugging_face._bound(hugging_face.MAX_FILE_BYTES // 4)
told = {}
for name in sys.argv[1:]:
    try:
        dataset = hugging_face.fetch(f"evil/{name}", Choices())
        counts = len(dataset.train_labels), len(dataset.test_labels)
        told[name] = "got", *counts, dataset.class_names, " ".join(dataset.origin.remarks)
    except Exception as error:
        told[name] = hugging_face._reason(error)
print(json.dumps(told))
"""


@pytest.fixture(scope="module")
def told(tmp_path_factory) -> dict[str, Any]:
    """What one child says of all datasets; a child for each would take 1.5 s each."""
    folder = tmp_path_factory.mktemp("evil")
    (folder / "private.png").write_bytes(BLANK)
    (folder / "private.parquet").write_bytes(pictures(BLANK))
    repositories = {f"evil/{name.partition(':')[0]}": make(folder) for name, (make, _) in HARM.items()}
    repositories |= {f"evil/{name.partition(':')[0]}": make() for name, (make, *_) in HARMLESS.items()}
    del repositories[f"evil/{MISSING}"]
    with hub.serving(repositories) as served:
        environment = {"HF_ENDPOINT": served.address, "HF_HOME": str(folder / "cache"), "HF_HUB_OFFLINE": "0"}
        result = subprocess.run(
            [sys.executable, "-c", TRY_ALL, *HARM, *HARMLESS],
            env={**os.environ, **CHILD_ENVIRONMENT, **environment},
            capture_output=True,
            text=True,
            timeout=100,
        )
    assert result.returncode == 0, result.stderr
    assert not (folder / "ran").exists()
    return json.loads(result.stdout)


def test_malicious_datasets_are_refused_in_one_sentence(told):
    tried = [name for name in HARM if sys.platform == "linux" or not name.startswith("bomb")]  # Linux limits memory
    assert {name: told[name] for name in tried if not told[name].startswith(HARM[name][1])} == {}


def test_layouts_of_the_hub_are_understood(told):
    for name, (_, train, test, names, remarks) in HARMLESS.items():
        assert told[name][:4] == ["got", train, test, list(names)], name
        assert all(remark in told[name][4] for remark in remarks), told[name]


def test_code_from_a_hub_is_never_trusted():
    for package in ("engine", "minigrad_gui"):
        for path in (ROOT / package).rglob("*.py"):
            assert "trust_remote_code" not in path.read_text(encoding="utf-8")
