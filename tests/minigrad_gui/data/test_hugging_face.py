"""The child process with malicious datasets from a hub on loopback."""

import io
import json
import os
import struct
import subprocess
import sys
from pathlib import Path

import hub
import numpy as np
import pytest
from hub import BLANK, pictures, png_chunk, repository

from minigrad_gui.data.download import CHILD_ENVIRONMENT

ROOT = Path(__file__).resolve().parents[3]
NOISE = hub.png(np.random.default_rng(0).integers(0, 256, (28, 28), np.uint8))


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


DAMAGED = "its files, or their copies in "

TRAIN_ALONE = hub.CARD.replace("  - split: test\n    path: mnist/test-*\n", "")

SCRIPT = "import pathlib; pathlib.Path({!r}).touch()"

HARM = {
    "no-label": (lambda _: repository(hub.table(image=hub.cells([BLANK]))), "it has no column “label”."),
    "no-image": (lambda _: repository(hub.table(label=[1])), "it has no column “image”."),
    "no-test": (lambda _: repository(pictures(BLANK), card=TRAIN_ALONE), "it has no split “test”."),
    "empty": (lambda _: repository(pictures(BLANK), pictures()), "its "),
    "label-256": (lambda _: repository(labelled(1, 256)), "its labels are not digits from 0 to 9."),
    "label-negative": (lambda _: repository(labelled(1, -1)), "its labels are not digits from 0 to 9."),
    "label-missing": (lambda _: repository(labelled(1, None)), "its labels are not digits from 0 to 9."),
    "label-text": (lambda _: repository(labelled("1", "2")), "its labels are not digits from 0 to 9."),
    "picture-missing": (lambda _: repository(pictures(BLANK, None)), "a cell contains no picture."),
    "picture-number": (lambda _: repository(hub.table(image=[1], label=[1])), "a cell contains no picture."),
    "picture-path": (
        lambda folder: repository(pictures({"bytes": None, "path": str(folder / "private.png")})),
        "a cell contains no picture.",
    ),
    "picture-gif": (lambda _: repository(pictures(gif())), "a picture is neither PNG nor JPEG."),
    "picture-cut": (lambda _: repository(pictures(NOISE[:400])), "a picture is damaged."),
    "picture-enormous": (lambda _: repository(pictures(enormous_png())), "a picture of 9000 x 9000 pixels, where"),
    "picture-32": (
        lambda _: repository(pictures(hub.png(np.zeros((32, 32), np.uint8)))),
        "a picture of 32 x 32 pixels, where 28 x 28 was expected.",
    ),
    "picture-fat": (
        lambda _: repository(pictures(BLANK + bytes(20_000))),
        "a picture of 28 x 28 pixels has more than 16 kB.",
    ),
    "too-many": (
        lambda _: repository(pictures(BLANK), hub.parquet([None] * 150_000, [0] * 150_000)),
        "it has more than 150,000 pictures.",
    ),
    "no-parquet": (
        lambda _: repository(b"PAR1 and rubbish PAR1"),
        DAMAGED,
    ),
    "csv": (
        lambda _: {"README.md": b"", "train.csv": b"image,label\n1,2\n", "test.csv": b"image,label\n1,2\n"},
        "it contains files other than its own Parquet files.",
    ),
    "many-files": (
        lambda _: repository(pictures(BLANK)) | {f"mnist/train-{n}.parquet": pictures(BLANK) for n in range(1, 4)},
        "it has more than 4 files of data.",
    ),
    "local-file": (
        lambda folder: repository(pictures(BLANK), card=hub.CARD.replace("mnist/test-*", f"{folder}/private.parquet")),
        DAMAGED,
    ),
    "script": (
        lambda folder: {"script.py": SCRIPT.format(str(folder / "ran")).encode()},
        "Dataset scripts are no longer supported",
    ),
    "bomb-on-disk": (lambda _: repository(parquet_bomb(1 << 18, 50_000)), "it is too large."),
    "bomb-in-memory": (lambda _: repository(parquet_bomb(3 << 20, 5_000)), "it is too large."),
}

TRY_ALL = """
import json
import sys
from minigrad_gui.data import hugging_face

hugging_face._bound()
told = {}
for name in sys.argv[1:]:
    try:
        told[name] = f"got {len(hugging_face.fetch(f'evil/{name}'))} arrays"
    except Exception as error:
        told[name] = hugging_face._reason(error)
print(json.dumps(told))
"""


@pytest.fixture(scope="module")
def told(tmp_path_factory) -> dict[str, str]:
    """One child's messages for all malicious datasets; a child for each would take 1.5 s each."""
    folder = tmp_path_factory.mktemp("evil")
    (folder / "private.png").write_bytes(BLANK)
    (folder / "private.parquet").write_bytes(pictures(BLANK))
    repositories = {f"evil/{name}": make(folder) for name, (make, _) in HARM.items()}
    repositories["evil/nothing-wrong"] = repository(pictures(BLANK))
    with hub.serving(repositories) as served:
        environment = {"HF_ENDPOINT": served.address, "HF_HOME": str(folder / "cache"), "HF_HUB_OFFLINE": "0"}
        result = subprocess.run(
            [sys.executable, "-c", TRY_ALL, *HARM, "nothing-wrong"],
            env={**os.environ, **CHILD_ENVIRONMENT, **environment},
            capture_output=True,
            text=True,
            timeout=100,
        )
    assert result.returncode == 0, result.stderr
    assert not (folder / "ran").exists()
    return json.loads(result.stdout)


def test_malicious_datasets_are_refused_in_one_sentence(told):
    """All in one test, with a harmless dataset: the child takes as long for one as for all."""
    tried = [name for name in HARM if sys.platform == "linux" or not name.startswith("bomb")]  # Linux limits memory
    assert {name: told[name] for name in tried if not told[name].startswith(HARM[name][1])} == {}
    assert [name for name in told if told[name].startswith("got")] == ["nothing-wrong"]
    assert told["nothing-wrong"] == "got 4 arrays"


def test_code_from_a_hub_is_never_trusted():
    for package in ("engine", "minigrad_gui"):
        for path in (ROOT / package).rglob("*.py"):
            assert "trust_remote_code" not in path.read_text(encoding="utf-8")
