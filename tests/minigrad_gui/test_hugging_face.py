"""Datasets from a Hugging Face hub on loopback, which may mean harm."""

import io
import json
import os
import struct
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import hub
import numpy as np
import pytest
from hub import BLANK, png_chunk

from minigrad_gui import data

ROOT = Path(__file__).resolve().parents[2]
REPOSITORY = "ylecun/mnist"
COUNTS = {"train": 500, "test": 200}


@pytest.fixture(scope="module")
def files(mnist) -> dict[str, bytes]:
    content = {"README.md": hub.CARD.encode()}
    for split, count in COUNTS.items():
        images, labels = getattr(mnist, f"{split}_images")[:count], getattr(mnist, f"{split}_labels")[:count]
        content[f"mnist/{split}-00000-of-00001.parquet"] = hub.parquet([hub.png(image) for image in images], labels)
    return content


@pytest.fixture
def empty_cache(monkeypatch, tmp_path):
    """An empty cache, and a way to the hub of the test."""
    monkeypatch.setenv("HF_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
    return lambda address: monkeypatch.setenv("HF_ENDPOINT", address)


def test_the_hub_gives_the_very_same_arrays_to_two_at_once_and_its_cache_too(mnist, files, empty_cache):
    with hub.serving({REPOSITORY: files}) as served, ThreadPoolExecutor() as pool:
        empty_cache(served.address)
        fetched, too = pool.map(data.load, [REPOSITORY] * 2)
    cached = data.load(REPOSITORY)  # nobody serves any more
    for dataset in (fetched, too, cached):
        for split, count in COUNTS.items():
            for kind in ("images", "labels"):
                array = getattr(dataset, f"{split}_{kind}")
                assert array.dtype == np.uint8
                assert np.array_equal(array, getattr(mnist, f"{split}_{kind}")[:count])
    assert fetched.name == REPOSITORY
    assert fetched.class_names == mnist.class_names
    for path in Path(os.environ["HF_HOME"]).rglob("*.arrow"):
        os.truncate(path, path.stat().st_size // 2)
    with pytest.raises(data.DataError, match=r"copies in .*cache, are damaged"):
        data.load(REPOSITORY)


def test_a_dataset_that_does_not_exist_is_told_in_one_sentence(files, empty_cache):
    with hub.serving({REPOSITORY: files}) as served:
        empty_cache(served.address)
        with pytest.raises(data.DataError, match="nobody/nothing could not be fetched") as refusal:
            data.load_hugging_face("nobody/nothing")
    assert "\n" not in str(refusal.value)


def test_without_network_and_cache_it_fails(empty_cache):
    empty_cache("http://127.0.0.1:1")
    with pytest.raises(data.DataError, match="cannot be reached"):
        data.load_hugging_face(REPOSITORY)


def test_a_hub_that_never_answers_can_be_left(empty_cache):
    import socket

    with socket.create_server(("127.0.0.1", 0)) as silent, ThreadPoolExecutor() as pool:
        empty_cache(f"http://127.0.0.1:{silent.getsockname()[1]}")
        silent.settimeout(60)
        asked = pool.submit(silent.accept)
        with pytest.raises(data.LoadingCancelledError):
            data.load_hugging_face(REPOSITORY, asked.done)
        asked.result()[0].close()


NOISE = hub.png(np.random.default_rng(0).integers(0, 256, (28, 28), np.uint8))


def repository(train: hub.Content, test: hub.Content | None = None, card: str = hub.CARD) -> dict[str, hub.Content]:
    parts = {"train": train, "test": test or train}
    return {"README.md": card.encode(), **{f"mnist/{split}-0.parquet": content for split, content in parts.items()}}


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


def endless(part: bytes = bytes(1 << 20), pause_s: float = 0) -> hub.Content:
    def stream():
        for _ in range(500):  # as good as endless; a failure shall not fill the disk
            yield part
            time.sleep(pause_s)

    return stream


def labelled(*labels: object, **options: object) -> bytes:
    return hub.table(image=hub.cells([BLANK] * len(labels)), label=list(labels), **options)


def pictures(*images: object) -> bytes:
    return hub.parquet(images, [0] * len(images))


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
from minigrad_gui import hugging_face

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
    """What one child says of each evil dataset; one for each would need a second and a half each."""
    folder = tmp_path_factory.mktemp("evil")
    (folder / "private.png").write_bytes(BLANK)
    (folder / "private.parquet").write_bytes(pictures(BLANK))
    repositories = {f"evil/{name}": make(folder) for name, (make, _) in HARM.items()}
    repositories["evil/nothing-wrong"] = repository(pictures(BLANK))
    with hub.serving(repositories) as served:
        environment = {"HF_ENDPOINT": served.address, "HF_HOME": str(folder / "cache"), "HF_HUB_OFFLINE": "0"}
        result = subprocess.run(
            [sys.executable, "-c", TRY_ALL, *HARM, "nothing-wrong"],
            env={**os.environ, **data.CHILD_ENVIRONMENT, **environment},
            capture_output=True,
            text=True,
            timeout=100,
        )
    assert result.returncode == 0, result.stderr
    assert not (folder / "ran").exists()
    return json.loads(result.stdout)


def test_harm_is_refused_in_one_sentence(told):
    """All in one test, with one dataset that means none: the child that tries them takes as long for one as for all."""
    tried = [name for name in HARM if sys.platform == "linux" or not name.startswith("bomb")]  # Linux limits memory
    assert {name: told[name] for name in tried if not told[name].startswith(HARM[name][1])} == {}
    assert [name for name in told if told[name].startswith("got")] == ["nothing-wrong"]
    assert told["nothing-wrong"] == "got 4 arrays"


def test_nothing_is_written_outside_of_the_cache(tmp_path, empty_cache):
    with hub.serving({REPOSITORY: repository(pictures(BLANK))}, etag=str(tmp_path / "planted")) as served:
        empty_cache(served.address)
        with pytest.raises(data.DataError, match=r"fetched: the hub names a file outside of the cache\.$"):
            data.load_hugging_face(REPOSITORY)
    assert [path.name for path in tmp_path.iterdir()] == ["cache"]


def test_a_download_without_end_is_refused(tmp_path, empty_cache):
    with hub.serving({REPOSITORY: repository(endless())}) as served:
        empty_cache(served.address)
        with pytest.raises(data.DataError, match=r"could not be fetched: it is too large\.$"):
            data.load_hugging_face(REPOSITORY)
    assert sum(path.stat().st_size for path in tmp_path.rglob("*") if path.is_file()) < 1 << 20


def test_a_download_that_trickles_can_be_left(empty_cache):
    with hub.serving({REPOSITORY: repository(endless(b"x", 0.05))}) as served:
        empty_cache(served.address)

        def is_on_its_way() -> bool:
            return any("resolve" in headers["path"] and "parquet" in headers["path"] for headers in served.headers)

        with pytest.raises(data.LoadingCancelledError):
            data.load_hugging_face(REPOSITORY, is_on_its_way)


def test_no_token_and_nothing_about_the_person_is_sent(tmp_path, monkeypatch, empty_cache):
    """Neither to the hub nor to where the hub sends us for the files."""
    repositories = {REPOSITORY: repository(pictures(BLANK))}
    with hub.serving(repositories) as store, hub.serving(repositories, moved_to=store.address) as served:
        empty_cache(served.address)
        (tmp_path / "cache").mkdir()
        (tmp_path / "cache" / "token").write_text("hf_secret")
        (tmp_path / "netrc").write_text("machine 127.0.0.1 login somebody password secret")
        (tmp_path / "netrc").chmod(0o600)
        for name, value in (("HF_TOKEN", "hf_secret"), ("NETRC", str(tmp_path / "netrc")), ("AI_AGENT", "secret")):
            monkeypatch.setenv(name, value)
        assert len(data.load_hugging_face(REPOSITORY).test_labels) == 1
    assert store.headers
    for headers in served.headers + store.headers:
        assert not {"authorization", "cookie"} & headers.keys()
        assert "secret" not in str(headers)
        assert "harness" not in headers["path"]  # a list of what to look for in our environment


@pytest.mark.skipif(sys.platform == "win32", reason="a script cannot stand for the interpreter there")
@pytest.mark.parametrize(
    ("does", "told"),
    [
        ("print('\\x1b[2J' + 'x' * 10**3, file=sys.stderr); sys.exit(1)", "[2J" + "x" * 296 + "…"),
        ("print('\\n\\n', file=sys.stderr); sys.exit(1)", "it gave no reason"),
        ("os.write(2, b'half a sentence'); os.abort()", "it is damaged, or takes too much memory."),
        ("open(sys.argv[-1], 'w').write('no arrays')", "the download is damaged."),
        ("", "the download is damaged."),
    ],
)
def test_the_child_is_not_believed_either(tmp_path, monkeypatch, does, told):
    child = tmp_path / "python"
    child.write_text(f"#!{sys.executable}\nimport os, resource, sys\nresource.setrlimit(4, (0, 0))\n{does}")
    child.chmod(0o700)
    monkeypatch.setattr(sys, "executable", str(child))
    with pytest.raises(data.DataError) as refusal:
        data.load_hugging_face(REPOSITORY)
    assert str(refusal.value) == f"{REPOSITORY} could not be fetched: {told}"


def test_code_from_a_hub_is_never_trusted():
    for package in ("engine", "minigrad_gui"):
        for path in (ROOT / package).rglob("*.py"):
            assert "trust_remote_code" not in path.read_text(encoding="utf-8")
