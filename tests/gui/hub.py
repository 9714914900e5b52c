"""A Hugging Face hub on loopback: enough of its web interface to serve one dataset to the real `datasets`."""

import hashlib
import io
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote, urlsplit

import numpy as np

COMMIT = "0123456789abcdef0123456789abcdef01234567"
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


def parquet(images: list[bytes], labels: np.ndarray) -> bytes:
    """Columns as ylecun/mnist has them: an Image feature (encoded bytes, path) and a ClassLabel."""
    import pyarrow
    from pyarrow import parquet as writer

    cells = [{"bytes": content, "path": None} for content in images]
    features = {
        "image": {"_type": "Image"},
        "label": {"names": [str(digit) for digit in range(10)], "_type": "ClassLabel"},
    }
    table = pyarrow.table(
        {
            "image": pyarrow.array(cells, pyarrow.struct([("bytes", pyarrow.binary()), ("path", pyarrow.string())])),
            "label": pyarrow.array(labels.astype(np.int64)),
        }
    ).replace_schema_metadata({"huggingface": json.dumps({"info": {"features": features}})})
    stream = io.BytesIO()
    writer.write_table(table, stream)
    return stream.getvalue()


@contextmanager
def serving(repository: str, files: dict[str, bytes]) -> Iterator[str]:
    """The address of a hub that holds this dataset and nothing else."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            path = unquote(urlsplit(self.path).path)
            resolve, api = f"/datasets/{repository}/resolve/", f"/api/datasets/{repository}"
            if path.startswith(resolve):
                self._send_file(path.removeprefix(resolve).partition("/")[2])
            elif path.startswith(f"{api}/tree/"):
                self._send_tree(path.removeprefix(f"{api}/tree/").partition("/")[2])
            elif path == api or path.startswith(f"{api}/revision/"):
                siblings = [{"rfilename": name} for name in files]
                self._send_json({"id": repository, "sha": COMMIT, "siblings": siblings, "private": False, "tags": []})
            else:
                self._send(404, b"", {"X-Error-Code": "EntryNotFound"})

        do_HEAD = do_GET  # noqa: N815

        def do_POST(self) -> None:
            asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            self._send_json([self._described(name) for name in asked.get("paths", []) if name in files])

        def _send_tree(self, folder: str) -> None:
            prefix = f"{folder}/" if folder else ""
            inside = [name.removeprefix(prefix) for name in files if name.startswith(prefix)]
            folders = sorted({name.partition("/")[0] for name in inside if "/" in name})
            self._send_json(
                [{"type": "directory", "path": prefix + name, "size": 0, "oid": COMMIT} for name in folders]
                + [self._described(prefix + name) for name in inside if "/" not in name]
            )

        def _described(self, name: str) -> dict[str, object]:
            return {"type": "file", "path": name, "size": len(files[name]), "oid": self._digest(name)}

        def _digest(self, name: str) -> str:
            return hashlib.sha1(files[name]).hexdigest()

        def _send_file(self, name: str) -> None:
            if name not in files:
                self._send(404, b"", {"X-Error-Code": "EntryNotFound"})
                return
            self._send(200, files[name], {"X-Repo-Commit": COMMIT, "ETag": f'"{self._digest(name)}"'})

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
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
