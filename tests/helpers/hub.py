"""A Hugging Face hub on loopback: enough of its web interface to serve datasets, also evil ones, to `datasets`."""

import hashlib
import io
import json
import struct
import threading
import time
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote, urlsplit

import numpy as np

COMMIT = "0123456789abcdef0123456789abcdef01234567"
Content = bytes | Callable[[], Iterator[bytes]]
"""A file: its bytes, or what makes a stream of unknown length."""
CLAIMED_BYTES = 1000
"""How large the hub says such a stream is."""
CARD = """---
license: mit
configs:
- config_name: mnist
  default: true
  data_files:
  - split: train
    path: mnist/train-*
  - split: test
    path: mnist/test-*
---
"""


def png(image: np.ndarray) -> bytes:
    from PIL import Image

    stream = io.BytesIO()
    Image.fromarray(image).save(stream, "png", compress_level=1)
    return stream.getvalue()


BLANK = png(np.zeros((28, 28), np.uint8))


def png_chunk(kind: bytes, content: bytes) -> bytes:
    """A part of a PNG file."""
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def parquet(
    images: Sequence[object],
    labels: Sequence[int | None] | np.ndarray,
    names: Sequence[str] = tuple("0123456789"),
) -> bytes:
    """Columns as ylecun/mnist has them: an Image feature (encoded bytes, path) and a ClassLabel."""
    import pyarrow

    features = {
        "image": {"_type": "Image"},
        "label": {"names": list(names), "_type": "ClassLabel"},
    }
    metadata = {"huggingface": json.dumps({"info": {"features": features}})}
    return table(image=cells(images), label=pyarrow.array(labels, pyarrow.int64()), metadata=metadata)


def cells(images: Sequence[object]) -> object:
    """A column of pictures; one that is not bytes stands for itself."""
    import pyarrow

    values = [{"bytes": image, "path": None} if isinstance(image, bytes) else image for image in images]
    return pyarrow.array(values, pyarrow.struct([("bytes", pyarrow.binary()), ("path", pyarrow.string())]))


def table(metadata: dict[str, str] | None = None, **columns: object) -> bytes:
    """A Parquet file of these columns."""
    import pyarrow
    from pyarrow import parquet as writer

    stream = io.BytesIO()
    writer.write_table(pyarrow.table(columns).replace_schema_metadata(metadata), stream)
    return stream.getvalue()


def card(*paths: str) -> bytes:
    """The front matter that names configurations and splits, by paths such as "cropped_digits/train"."""
    names = dict.fromkeys(path.split("/")[0] for path in paths)
    lines = ["---", "configs:"]
    for name in names:
        lines += [f"- config_name: {name}", "  data_files:"]
        for path in paths:
            if path.startswith(f"{name}/"):
                lines += [f"  - split: {path.split('/')[1]}", f"    path: {path}-*"]
    return "\n".join([*lines, "---", ""]).encode()


def repository(train: Content, test: Content | None = None, card: str = CARD) -> dict[str, Content]:
    parts = {"train": train, "test": test or train}
    return {"README.md": card.encode(), **{f"mnist/{split}-0.parquet": content for split, content in parts.items()}}


def pictures(*images: object) -> bytes:
    return parquet(images, [at % 10 for at in range(len(images))])


def endless(part: bytes = bytes(1 << 20), pause_s: float = 0) -> Content:
    def stream():
        for _ in range(500):  # as good as endless; a failure shall not fill the disk
            yield part
            time.sleep(pause_s)

    return stream


@dataclass
class Hub:
    """What is served, how, and what has come with each request."""

    repositories: Mapping[str, Mapping[str, Content]]
    etag: str = ""
    """In place of a digest of the file."""
    moved_to: str = ""
    """The address of another server that has the files."""
    address: str = ""
    headers: list[dict[str, str]] = field(default_factory=list)


@contextmanager
def serving(repositories: Mapping[str, Mapping[str, Content]], *, etag: str = "", moved_to: str = "") -> Iterator[Hub]:
    """A hub that holds these datasets, by name, and nothing else."""
    hub = Hub(repositories, etag, moved_to)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True  # else each answer, in two packets, waits 40 ms for an acknowledgement

        def do_GET(self) -> None:
            hub.headers.append({"path": self.path, **{key.lower(): value for key, value in self.headers.items()}})
            path = unquote(urlsplit(self.path).path)
            for repository, files in hub.repositories.items():
                resolve, api = f"/datasets/{repository}/resolve/", f"/api/datasets/{repository}"
                if path.startswith(resolve):
                    return self._send_file(files, path.removeprefix(resolve).partition("/")[2])
                if path.startswith(f"{api}/tree/"):
                    return self._send_tree(files, path.removeprefix(f"{api}/tree/").partition("/")[2])
                if path == api or path.startswith(f"{api}/revision/"):
                    siblings = [{"rfilename": name} for name in files]
                    return self._send_json(
                        {"id": repository, "sha": COMMIT, "siblings": siblings, "private": False, "tags": []}
                    )
            return self._send(404, b"", {"X-Error-Code": "EntryNotFound"})

        do_HEAD = do_GET  # noqa: N815

        def do_POST(self) -> None:
            hub.headers.append({"path": self.path, **{key.lower(): value for key, value in self.headers.items()}})
            asked = json.loads(self.rfile.read(int(self.headers["Content-Length"]))).get("paths", [])
            files = hub.repositories["/".join(urlsplit(self.path).path.split("/")[3:5])]
            self._send_json([self._described(files, name) for name in asked if name in files])

        def _send_tree(self, files: Mapping[str, Content], folder: str) -> None:
            prefix = f"{folder}/" if folder else ""
            inside = [name.removeprefix(prefix) for name in files if name.startswith(prefix)]
            folders = sorted({name.partition("/")[0] for name in inside if "/" in name})
            self._send_json(
                [{"type": "directory", "path": prefix + name, "size": 0, "oid": COMMIT} for name in folders]
                + [self._described(files, prefix + name) for name in inside if "/" not in name]
            )

        def _described(self, files: Mapping[str, Content], name: str) -> dict[str, object]:
            content = files[name]
            size = len(content) if isinstance(content, bytes) else CLAIMED_BYTES
            return {"type": "file", "path": name, "size": size, "oid": self._digest(content)}

        def _digest(self, content: Content) -> str:
            return hashlib.sha1(content if isinstance(content, bytes) else b"").hexdigest()

        def _send_file(self, files: Mapping[str, Content], name: str) -> None:
            if name not in files:
                return self._send(404, b"", {"X-Error-Code": "EntryNotFound"})
            content = files[name]
            etag = hub.etag or self._digest(content)
            headers = {"X-Repo-Commit": COMMIT, "ETag": f'"{etag}"'}
            if hub.moved_to:
                size = str(self._described(files, name)["size"])
                return self._send(302, b"", {**headers, "Location": hub.moved_to + self.path, "X-Linked-Size": size})
            if isinstance(content, bytes):
                return self._send(200, content, headers)
            return self._send_stream(content, headers)

        def _send_stream(self, content: Callable[[], Iterator[bytes]], headers: dict[str, str]) -> None:
            self.send_response(200)
            for key, value in {**headers, "X-Linked-Size": CLAIMED_BYTES, "Transfer-Encoding": "chunked"}.items():
                self.send_header(key, str(value))
            self.end_headers()
            if self.command == "HEAD":
                return
            with suppress(ConnectionError):  # the other side has had enough
                for part in content():
                    self.wfile.write(b"%x\r\n%b\r\n" % (len(part), part))
                self.wfile.write(b"0\r\n\r\n")

        def _send_json(self, value: object) -> None:
            self._send(200, json.dumps(value).encode(), {"Content-Type": "application/json", "X-Repo-Commit": COMMIT})

        def _send(self, status: int, content: bytes, headers: dict[str, str]) -> None:
            self.send_response(status)
            for key, value in headers.items():
                self.send_header(key, value)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(content)

        def log_message(self, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        hub.address = f"http://127.0.0.1:{server.server_port}"
        yield hub
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
