"""Datasets from a hub on loopback, through a child process; both may be malicious."""

import os
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace

import hub
import numpy as np
import pytest
from forked import Forked

from minigrad_gui import data
from minigrad_gui.data import download, hugging_face

REPOSITORY = "ylecun/mnist"
COUNTS = {"train": 200, "test": 100}
CHILD = """
import sys
from minigrad_gui.data import hugging_face

hugging_face.MAX_FILE_BYTES //= 8
sys.exit(hugging_face._main(*sys.argv[1:]))
"""


@pytest.fixture(scope="module")
def files(mnist) -> dict[str, bytes]:
    content = {"README.md": hub.CARD.encode()}
    for split, count in COUNTS.items():
        images, labels = getattr(mnist, f"{split}_images")[:count], getattr(mnist, f"{split}_labels")[:count]
        content[f"mnist/{split}-00000-of-00001.parquet"] = hub.parquet([hub.png(image) for image in images], labels)
    return content


@pytest.fixture
def forked(monkeypatch) -> Iterator[None]:
    """The child need not import everything, which takes a second, and downloads less at most; if there is `fork`."""
    children: list[Forked] = []

    def start(command, *, env, stderr, **_):
        assert command[:4] == [sys.executable, "-P", "-m", hugging_face.__name__]
        children.append(Forked("-c", CHILD, *command[4:], environment=env, stderr=stderr))
        return children[-1]

    if hasattr(os, "fork"):
        monkeypatch.setattr(download, "subprocess", SimpleNamespace(Popen=start, DEVNULL=None))
    yield
    for child in children:
        child.close()


@pytest.mark.usefixtures("forked")
def test_two_downloads_at_once_and_the_cache_give_the_same_arrays(mnist, files, empty_cache):
    with hub.serving({REPOSITORY: files}) as served, ThreadPoolExecutor() as pool:
        empty_cache(served.address)
        fetched, too = pool.map(data.load, [REPOSITORY] * 2)
    cached = data.load(REPOSITORY)  # the hub is stopped
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


@pytest.mark.usefixtures("forked")
def test_a_configuration_of_coloured_pictures_is_opened_as_the_person_says(mnist, empty_cache):
    """As SVHN: 32 x 32 in colours, one of two configurations. These lie on their side, and 10 is 0."""
    digits, labels = mnist.train_images[:300], mnist.train_labels[:300]
    wide = np.zeros((300, 32, 32, 3), np.uint8)
    wide[:, 2:30, 2:30] = digits.swapaxes(1, 2)[..., None]
    cells = [hub.png(image) for image in wide]
    files = {
        "README.md": hub.card("full_numbers/train", "cropped_digits/train"),
        "full_numbers/train-00000-of-00001.parquet": b"",
        "cropped_digits/train-00000-of-00001.parquet": hub.table(
            image=hub.cells(cells), label=np.where(labels, labels, 10)
        ),
    }
    with hub.serving({"ufldl/svhn": files}) as served:
        empty_cache(served.address)
        dataset = data.open_dataset("ufldl/svhn:cropped_digits", data.Choices(sizing="as MNIST"))
    assert dataset.class_names == mnist.class_names
    assert dataset.origin.choices.orientation == "transposed"
    assert dataset.origin.choices.labels == "10 is zero"
    found = np.concatenate([dataset.train_labels, dataset.test_labels])
    assert np.bincount(found).tolist() == np.bincount(labels).tolist()
    images = np.concatenate([dataset.train_images, dataset.test_images])
    unlike = [np.abs(digits.astype(np.int16) - image).mean(axis=(1, 2)).min() for image in images]
    assert np.median(unlike) < 5  # of 255: the digits are themselves, but for resampling


@pytest.mark.usefixtures("forked")
def test_without_network_and_cache_it_fails(empty_cache):
    empty_cache("http://127.0.0.1:1")
    with pytest.raises(data.DataError, match="cannot be reached"):
        data.load_hugging_face(REPOSITORY)


@pytest.mark.usefixtures("forked")
def test_a_hub_that_never_answers_can_be_cancelled(empty_cache):
    import socket

    with socket.create_server(("127.0.0.1", 0)) as silent, ThreadPoolExecutor() as pool:
        empty_cache(f"http://127.0.0.1:{silent.getsockname()[1]}")
        silent.settimeout(60)
        asked = pool.submit(silent.accept)
        with pytest.raises(data.LoadingCancelledError):
            data.load(REPOSITORY, cancelled=asked.done)
        asked.result()[0].close()


@pytest.mark.usefixtures("forked")
def test_nothing_is_written_outside_of_the_cache(tmp_path, empty_cache):
    with hub.serving({REPOSITORY: hub.repository(hub.pictures(hub.BLANK))}, etag=str(tmp_path / "planted")) as served:
        empty_cache(served.address)
        with pytest.raises(data.DataError, match=r"fetched: the hub names a file outside of the cache\.$"):
            data.load_hugging_face(REPOSITORY)
    assert [path.name for path in tmp_path.iterdir()] == ["cache"]


@pytest.mark.usefixtures("forked")
def test_a_download_without_end_is_refused(tmp_path, empty_cache):
    with hub.serving({REPOSITORY: hub.repository(hub.endless())}) as served:
        empty_cache(served.address)
        with pytest.raises(data.DataError, match=r"could not be fetched: it is too large\.$"):
            data.load_hugging_face(REPOSITORY)
    assert sum(path.stat().st_size for path in tmp_path.rglob("*") if path.is_file()) < 1 << 20


@pytest.mark.usefixtures("forked")
def test_a_very_slow_download_can_be_cancelled(empty_cache):
    with hub.serving({REPOSITORY: hub.repository(hub.endless(b"x", 0.05))}) as served:
        empty_cache(served.address)

        def is_on_its_way() -> bool:
            return any("resolve" in headers["path"] and "parquet" in headers["path"] for headers in served.headers)

        with pytest.raises(data.LoadingCancelledError):
            data.load(REPOSITORY, cancelled=is_on_its_way)


@pytest.mark.usefixtures("forked")
def test_no_token_and_nothing_about_the_person_is_sent(tmp_path, monkeypatch, empty_cache):
    """Neither to the hub nor to the server that it redirects to."""
    repositories = {REPOSITORY: hub.repository(hub.pictures(hub.BLANK, hub.BLANK))}
    with hub.serving(repositories) as store, hub.serving(repositories, moved_to=store.address) as served:
        empty_cache(served.address)
        (tmp_path / "cache").mkdir()
        (tmp_path / "cache" / "token").write_text("hf_secret")
        (tmp_path / "netrc").write_text("machine 127.0.0.1 login somebody password secret")
        (tmp_path / "netrc").chmod(0o600)
        for name, value in (("HF_TOKEN", "hf_secret"), ("NETRC", str(tmp_path / "netrc")), ("AI_AGENT", "secret")):
            monkeypatch.setenv(name, value)
        assert len(data.load_hugging_face(REPOSITORY).test_labels) == 2
    assert store.headers
    for headers in served.headers + store.headers:
        assert not {"authorization", "cookie"} & headers.keys()
        assert "secret" not in str(headers)
        assert "harness" not in headers["path"]  # a request for values from our environment


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
def test_the_child_is_not_trusted_either(tmp_path, monkeypatch, does, told):
    child = tmp_path / "python"
    child.write_text(f"#!{sys.executable}\nimport os, resource, sys\nresource.setrlimit(4, (0, 0))\n{does}")
    child.chmod(0o700)
    monkeypatch.setattr(sys, "executable", str(child))
    with pytest.raises(data.DataError) as refusal:
        data.load_hugging_face(REPOSITORY)
    assert str(refusal.value) == f"{REPOSITORY} could not be fetched: {told}"
