"""The bundled MNIST is the original; Hugging Face's copy gives the same arrays, and fails in one sentence."""

import gzip
import hashlib
import importlib.util
import io
import json
import os
import struct
import subprocess
import sys
import threading
import time
import zlib
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import hub
import numpy as np
import pytest

from minigrad_gui import data

ROOT = Path(__file__).resolve().parents[2]
REPOSITORY = "ylecun/mnist"
COUNTS = {"train": 500, "test": 200}


@pytest.fixture(scope="module")
def mnist():
    return data.load_mnist()


def idx(array: np.ndarray) -> bytes:
    """The bytes of an IDX file: a magic number, the dimensions, the values."""
    return struct.pack(f">HBB{array.ndim}I", 0, 8, array.ndim, *array.shape) + array.tobytes()


def make_mnist():
    spec = importlib.util.spec_from_file_location("make_mnist", ROOT / "assets" / "make_mnist.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_bundled_digits_are_the_published_originals(mnist):
    for key, (_, md5, shape) in make_mnist().ORIGINALS.items():
        array = getattr(mnist, key)
        assert array.shape == shape
        assert array.dtype == np.uint8
        assert hashlib.md5(idx(array)).hexdigest() == md5


def test_they_can_be_built_again_to_the_same_bytes(mnist, tmp_path):
    script = tmp_path / "make_mnist.py"
    script.write_bytes((ROOT / "assets" / "make_mnist.py").read_bytes())
    folder = tmp_path / "idx"
    folder.mkdir()
    for key, (name, _, _) in make_mnist().ORIGINALS.items():
        (folder / f"{name}.gz").write_bytes(gzip.compress(idx(getattr(mnist, key)), 1))
    subprocess.run([sys.executable, script, folder], check=True, capture_output=True)
    with np.load(tmp_path / "mnist.npz") as built:
        assert all(np.array_equal(built[key], getattr(mnist, key)) for key in built)


def test_files_that_are_not_the_originals_are_refused(mnist, tmp_path):
    name = make_mnist().ORIGINALS["test_labels"][0]
    changed = mnist.test_labels.copy()
    changed[0] ^= 1
    (tmp_path / name).write_bytes(idx(changed))
    with pytest.raises(SystemExit, match="MD5"):
        make_mnist().read_original(tmp_path, *make_mnist().ORIGINALS["test_labels"])


def test_a_missing_file_is_told(monkeypatch, tmp_path):
    monkeypatch.setattr(data, "asset_path", lambda name: tmp_path / name)
    with pytest.raises(data.DataError, match="install minigrad again"):
        data.load_mnist()


@pytest.fixture
def few(mnist) -> dict[str, np.ndarray]:
    """The arrays of a small dataset, to be spoilt."""
    return {key: getattr(mnist, key)[:30] for key in data.ARRAYS}


@pytest.fixture
def bundled(monkeypatch, tmp_path) -> Path:
    """Where the bundled digits are said to be."""
    monkeypatch.setattr(data, "asset_path", lambda name: tmp_path / name)
    return tmp_path / "mnist.npz"


@pytest.mark.parametrize(
    "change",
    [
        {"train_images": np.zeros((30, 28, 27), np.uint8)},
        {"train_images": np.zeros((29, 28, 28), np.uint8)},
        {"train_images": np.zeros((30, 28, 28), np.float32)},
        {"test_labels": np.full(30, 10, np.uint8)},
        {"test_labels": np.zeros((30, 1), np.uint8)},
        {"test_labels": np.zeros(30, np.int64)},
        {"test_labels": np.array(None)},
        {"test_images": np.zeros((0, 28, 28), np.uint8), "test_labels": np.zeros(0, np.uint8)},
        {"test_images": np.zeros((172_000, 28, 28), np.uint8), "test_labels": np.zeros(172_000, np.uint8)},
    ],
)
def test_arrays_that_are_not_digits_are_refused(bundled, few, change):
    np.savez_compressed(bundled, **{**few, **change})
    with pytest.raises(data.DataError, match="install minigrad again"):
        data.load_mnist()


def test_an_array_that_is_missing_is_told(bundled, few):
    del few["test_labels"]
    np.savez(bundled, **few)
    with pytest.raises(data.DataError, match="install minigrad again"):
        data.load_mnist()


def test_damage_is_told_or_does_not_matter(bundled, few):
    np.savez_compressed(bundled, **few)
    whole, refused = bundled.read_bytes(), 0
    cut = [whole[:length] for length in range(0, len(whole), 997)]
    flipped = [whole[:at] + bytes([whole[at] ^ 16]) + whole[at + 1 :] for at in range(0, len(whole), 61)]
    for content in cut + flipped:
        bundled.write_bytes(content)
        try:
            loaded = data.load_mnist()
        except data.DataError:
            refused += 1
        else:
            assert all(np.array_equal(getattr(loaded, key), array) for key, array in few.items())
    assert refused > 0.8 * len(cut + flipped)


# ---------------------------------------------------------------- Hugging Face, from a hub on loopback


@pytest.fixture(scope="module")
def files(mnist) -> dict[str, bytes]:
    content = {"README.md": hub.CARD.encode()}
    for split, count in COUNTS.items():
        images, labels = getattr(mnist, f"{split}_images")[:count], getattr(mnist, f"{split}_labels")[:count]
        content[f"mnist/{split}-00000-of-00001.parquet"] = hub.parquet([hub.png(image) for image in images], labels)
    return content


@pytest.fixture
def far_from_home(monkeypatch, tmp_path):
    """An empty cache, and a way to the hub of the test."""
    monkeypatch.setenv("HF_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
    return lambda address: monkeypatch.setenv("HF_ENDPOINT", address)


def test_the_hub_gives_the_very_same_arrays_to_two_at_once_and_its_cache_too(mnist, files, far_from_home):
    with hub.serving({REPOSITORY: files}) as served, ThreadPoolExecutor() as pool:
        far_from_home(served.address)
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


def test_a_dataset_that_does_not_exist_is_told_in_one_sentence(files, far_from_home):
    with hub.serving({REPOSITORY: files}) as served:
        far_from_home(served.address)
        with pytest.raises(data.DataError, match="nobody/nothing could not be fetched") as refusal:
            data.load_hugging_face("nobody/nothing")
    assert "\n" not in str(refusal.value)


def test_without_network_and_cache_it_fails_soon(far_from_home):
    far_from_home("http://127.0.0.1:1")
    started = time.monotonic()
    with pytest.raises(data.DataError, match="cannot be reached"):
        data.load_hugging_face(REPOSITORY)
    assert time.monotonic() - started < 20


def test_a_hub_that_never_answers_can_be_left(far_from_home):
    import socket

    with socket.create_server(("127.0.0.1", 0)) as silent:
        far_from_home(f"http://127.0.0.1:{silent.getsockname()[1]}")
        leave = threading.Event()
        threading.Timer(1.0, leave.set).start()
        started = time.monotonic()
        with pytest.raises(data.LoadingCancelledError):
            data.load_hugging_face(REPOSITORY, leave.is_set)
        assert time.monotonic() - started < 3


# ---------------------------------------------------------------- a hub that means harm

BLANK = hub.png(np.zeros((28, 28), np.uint8))
NOISE = hub.png(np.random.default_rng(0).integers(0, 256, (28, 28), np.uint8))


def repository(train: hub.Content, test: hub.Content | None = None, card: str = hub.CARD) -> dict[str, hub.Content]:
    parts = {"train": train, "test": test or train}
    return {"README.md": card.encode(), **{f"mnist/{split}-0.parquet": content for split, content in parts.items()}}


def chunk(kind: bytes, content: bytes) -> bytes:
    """A part of a PNG file."""
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def enormous_png() -> bytes:
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", 9000, 9000, 8, 0, 0, 0, 0))
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
    "picture-missing": (lambda _: repository(pictures(BLANK, None)), "a cell holds no picture."),
    "picture-number": (lambda _: repository(hub.table(image=[1], label=[1])), "a cell holds no picture."),
    "picture-path": (
        lambda folder: repository(pictures({"bytes": None, "path": str(folder / "private.png")})),
        "a cell holds no picture.",
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
        "it holds something else than Parquet files of its own.",
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


def test_a_hub_that_means_no_harm_is_believed(told):
    assert told["nothing-wrong"] == "got 4 arrays"


@pytest.mark.parametrize("name", HARM)
def test_harm_is_refused_in_one_sentence(name, told):
    if name.startswith("bomb") and sys.platform != "linux":
        pytest.skip("only Linux holds a process to its memory")
    assert told[name].startswith(HARM[name][1])
    assert not told[name].startswith("got")


def test_nothing_is_written_outside_of_the_cache(tmp_path, far_from_home):
    with hub.serving({REPOSITORY: repository(pictures(BLANK))}, etag=str(tmp_path / "planted")) as served:
        far_from_home(served.address)
        with pytest.raises(data.DataError, match=r"fetched: the hub names a file outside of the cache\.$"):
            data.load_hugging_face(REPOSITORY)
    assert [path.name for path in tmp_path.iterdir()] == ["cache"]


def test_a_download_without_end_is_refused(tmp_path, far_from_home):
    with hub.serving({REPOSITORY: repository(endless())}) as served:
        far_from_home(served.address)
        with pytest.raises(data.DataError, match=r"could not be fetched: it is too large\.$"):
            data.load_hugging_face(REPOSITORY)
    assert sum(path.stat().st_size for path in tmp_path.rglob("*") if path.is_file()) < 1 << 20


def test_a_download_that_trickles_can_be_left(far_from_home):
    with hub.serving({REPOSITORY: repository(endless(b"x", 0.05))}) as served:
        far_from_home(served.address)
        asked: list[float] = []

        def on_its_way() -> bool:
            if any("resolve" in headers["path"] and "parquet" in headers["path"] for headers in served.headers):
                asked.append(time.monotonic())
            return len(asked) > 5

        with pytest.raises(data.LoadingCancelledError):
            data.load_hugging_face(REPOSITORY, on_its_way)
        assert time.monotonic() - asked[-1] < 2


def test_no_token_and_nothing_about_the_person_is_sent(tmp_path, monkeypatch, far_from_home):
    """Neither to the hub nor to where the hub sends us for the files."""
    repositories = {REPOSITORY: repository(pictures(BLANK))}
    with hub.serving(repositories) as store, hub.serving(repositories, moved_to=store.address) as served:
        far_from_home(served.address)
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
        ("open(sys.argv[-1], 'w').write('no arrays')", "what came of it is damaged."),
        ("", "what came of it is damaged."),
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


# ---------------------------------------------------------------- pictures


def test_photos_are_turned_upright(tmp_path):
    from PIL import Image

    picture = Image.new("L", (30, 10), 255)
    exif = Image.Exif()
    exif[274] = 6  # the camera was held on its side
    picture.save(tmp_path / "photo.jpg", exif=exif)
    assert data.read_image(tmp_path / "photo.jpg").shape == (30, 10)


@pytest.mark.parametrize(
    ("mode", "shape"), [("L", (8, 9)), ("1", (8, 9)), ("P", (8, 9, 3)), ("RGB", (8, 9, 3)), ("RGBA", (8, 9, 4))]
)
def test_every_kind_of_png_is_read(tmp_path, mode, shape):
    from PIL import Image

    Image.new(mode, (9, 8)).save(tmp_path / "p.png")
    assert data.read_image(tmp_path / "p.png").shape == shape


def test_sixteen_bits_of_grey_are_scaled(tmp_path):
    from PIL import Image

    values = np.array([[0, 256, 65535]], np.uint16)
    Image.fromarray(values).save(tmp_path / "deep.png")
    assert data.read_image(tmp_path / "deep.png").tolist() == [[0, 1, 255]]


@pytest.mark.parametrize("content", [b"", b"GIF89a", b"\x89PNG\r\n\x1a\n cut", b"\xff\xd8\xff\xe0 cut"])
def test_what_is_no_picture_is_told(tmp_path, content):
    (tmp_path / "x.png").write_bytes(content)
    with pytest.raises(data.DataError, match=r"x\.png"):
        data.read_image(tmp_path / "x.png")


def test_a_picture_that_was_cut_is_told(tmp_path):
    from PIL import Image

    whole = tmp_path / "whole.png"
    Image.fromarray(np.random.default_rng(0).integers(0, 255, (90, 90), np.uint8)).save(whole)
    (tmp_path / "cut.png").write_bytes(whole.read_bytes()[: os.path.getsize(whole) // 2])
    with pytest.raises(data.DataError, match="damaged"):
        data.read_image(tmp_path / "cut.png")


def test_an_enormous_picture_is_refused_unread(tmp_path):
    from PIL import Image

    Image.new("1", (9000, 9000)).save(tmp_path / "bomb.png")
    with pytest.raises(data.DataError, match="too large"):
        data.read_image(tmp_path / "bomb.png")


def refused_at_once(path: Path, match: str) -> None:
    started = time.monotonic()
    with pytest.raises(data.DataError, match=match) as refusal:
        data.read_image(path)
    assert time.monotonic() - started < 2
    assert "\n" not in str(refusal.value)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no named pipes")
def test_a_named_pipe_is_not_waited_for(tmp_path):
    pipe = tmp_path / "pipe.png"
    os.mkfifo(pipe)
    release = threading.Timer(5, lambda: os.close(os.open(pipe, os.O_RDWR)))  # so that a failure is no standstill
    release.start()
    refused_at_once(pipe, r"pipe\.png is not a file\.")
    release.cancel()


@pytest.mark.parametrize("path", ["/dev/zero", "/", "/no/such/file.png"])
def test_what_is_no_file_is_told(path):
    refused_at_once(Path(path), "no such file" if "such" in path else "is not a file")


def test_a_file_of_absurd_size_is_refused_unread(tmp_path):
    with open(tmp_path / "long.png", "wb") as file:
        file.write(BLANK)
        file.truncate(1 << 40)
    refused_at_once(tmp_path / "long.png", "more than 64 MB")


@pytest.mark.parametrize(
    "part",
    [
        chunk(b"zTXt", b"Comment\0\0" + zlib.compress(bytes(50 << 20))),
        chunk(b"iTXt", b"Comment\0\1\0\0\0" + zlib.compress(bytes(50 << 20))),
        chunk(b"iCCP", b"profile\0\0" + zlib.compress(bytes(50 << 20))),
        chunk(b"eXIf", b"MM\0*\0\0\0\x08\xff\xff" + b"\x01\x12\0\x02\x7f\xff\xff\xff\0\0\0\0" * 999),
        chunk(b"acTL", b"\xff" * 8),
    ],
)
def test_bombs_beside_the_pixels_do_not_go_off(tmp_path, part):
    """The picture is read without them, or refused; either way soon."""
    (tmp_path / "bomb.png").write_bytes(BLANK[:33] + part + BLANK[33:])
    started = time.monotonic()
    with suppress(data.DataError):
        assert data.read_image(tmp_path / "bomb.png").shape == (28, 28)
    assert time.monotonic() - started < 2


def test_a_png_of_absurdly_many_parts_is_refused(tmp_path):
    (tmp_path / "absurd.png").write_bytes(BLANK[:33] + chunk(b"abCd", b"") * 1_000_000 + BLANK[33:])
    refused_at_once(tmp_path / "absurd.png", "too many parts")


def test_a_jpeg_of_absurdly_many_scans_is_refused(tmp_path):
    from PIL import Image

    stream = io.BytesIO()
    Image.new("L", (2000, 2000), 99).save(stream, "jpeg", progressive=True)
    content = stream.getvalue()
    (tmp_path / "usual.jpg").write_bytes(content)
    assert data.read_image(tmp_path / "usual.jpg").shape == (2000, 2000)
    last = content[content.rindex(b"\xff\xda") : -2]
    (tmp_path / "absurd.jpg").write_bytes(content[:-2] + last * 1000 + content[-2:])
    refused_at_once(tmp_path / "absurd.jpg", "too many scans")
