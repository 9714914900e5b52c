"""Fetches a dataset from the Hugging Face hub, as a child process: `-m ...hugging_face NAME CHOICES TARGET`.

All of it is untrusted. Counts and kinds are checked here; the system and Python itself limit how much this process may
use and where it may write. The last line on stderr says what went wrong.
"""

import errno
import json
import os
import re
import socket
import sys
import urllib.request
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from minigrad_gui.data import parquet
from minigrad_gui.data.choices import Choices
from minigrad_gui.data.dataset import DataError, Dataset
from minigrad_gui.data.opening import as_dataset
from minigrad_gui.data.pairing import split_of
from minigrad_gui.data.transfer import MAX_ARRAY_BYTES, write_dataset

CONNECT_TIMEOUT_S = 3.0
DEFAULT_ENDPOINT = "https://huggingface.co"
MAX_DATA_FILES = 8
MAX_FILE_BYTES = 384 << 20
"""Limit for each file, downloaded or unpacked; EMNIST's largest has 250 MB."""
MAX_MEMORY_BYTES = 3 << 29
"""Memory limit of this process; MNIST needs 350 MB, 800,000 pictures 1.1 GB."""
WHOLE = 1 << 40
"""One file to each split, however large, so that the limit of a file bounds all of them."""
NAMED = re.compile(r"'([\w.-]{1,60})'")
MAX_TOLD = 6
NOT_FOUND = re.compile(r"40[14] Client Error")
"""The hub answers 401 for private and for missing datasets."""
OUTSIDE = "the hub names a file outside of the cache"


def _offline() -> bool:
    return os.environ.get("HF_HUB_OFFLINE", "").upper() in ("1", "ON", "YES", "TRUE")


def _reach(endpoint: str) -> None:
    """Raise OSError within seconds if the hub cannot be reached; otherwise a silent network takes minutes."""
    address = urlsplit(endpoint)
    if address.scheme in urllib.request.getproxies():
        return  # there is a proxy, which decides
    port = address.port or (443 if address.scheme == "https" else 80)
    with socket.create_connection((address.hostname or "", port), timeout=CONNECT_TIMEOUT_S):
        pass


def _may_be_cached(repository: str) -> bool:
    """Whether a cache has anything of the repository's owner: told at once, while `datasets` takes a second to load."""
    from huggingface_hub.constants import HF_HOME, HF_HUB_CACHE

    owner = repository.partition("/")[0].lower()
    prepared = os.environ.get("HF_DATASETS_CACHE") or os.path.join(HF_HOME, "datasets")
    places = ((prepared, f"{owner}___"), (HF_HUB_CACHE, f"datasets--{owner}--"))
    return any(
        path.name.lower().startswith(start)
        for folder, start in places
        if os.path.isdir(folder)
        for path in Path(folder).iterdir()
    )


def fetch(name: str, choices: Choices) -> Dataset:
    """A dataset from the hub, "owner/name" or "owner/name:configuration", or from the cache if it is unreachable.

    Raises DataError with one sentence, and whatever `datasets` raises.
    """
    from datasets.exceptions import DatasetGenerationError
    from huggingface_hub.constants import HF_HOME

    damaged = DataError(f"its files, or their copies in {HF_HOME}, are damaged or not what they should be.")
    repository, _, configuration = name.partition(":")
    try:
        builder, remarks = _builder(repository, configuration or None)
        builder.download_and_prepare(max_shard_size=WHOLE)
    except (DatasetGenerationError, ValueError) as error:
        raise damaged from error
    try:
        files = {str(split): _paths(table) for split, table in builder.as_dataset().items()}
        found = parquet.read_files(files)
        found = replace(found, remarks=[*remarks, *found.remarks])
        return as_dataset(found, name, "Hugging Face hub", choices)
    except (OSError, ValueError) as error:
        raise damaged from error


def _builder(repository: str, configuration: str | None) -> tuple[Any, list[str]]:
    """What downloads a dataset, and a remark on splits that it leaves out. Nothing has been downloaded before."""
    from datasets import load_dataset_builder

    try:
        builder = load_dataset_builder(repository, configuration)
    except ValueError as error:
        if names := NAMED.findall(str(error).partition("available")[2] or str(error).partition("Available")[2]):
            shown = ", ".join(f"{repository}:{name}" for name in list(dict.fromkeys(names))[:MAX_TOLD])
            raise DataError(f"choose one of its configurations: {shown}.") from error
        raise
    found = {str(split): [str(file) for file in files] for split, files in (builder.config.data_files or {}).items()}
    used = {split: files for split, files in found.items() if split_of(split)} or found
    _check_files(used, repository)
    if len(used) == len(found):
        return builder, []
    builder = load_dataset_builder(repository, configuration, data_files=used)
    return builder, [f"Pictures for other uses than training and test are left out: {', '.join(found.keys() - used)}."]


def _paths(table: Any) -> list[Path]:
    return [Path(file["filename"]) for file in table.cache_files]


def _check_files(data_files: Mapping[str, Iterable[str]], repository: str) -> None:
    """Before anything is downloaded: only a few files, all from this repository, all Parquet, which holds no code."""
    names = [name for files in data_files.values() for name in files]
    if len(names) > MAX_DATA_FILES:
        raise DataError(f"it has more than {MAX_DATA_FILES} files of data.")
    for name in names:
        if not (name.startswith(f"hf://datasets/{repository}@") and name.endswith(".parquet")):
            raise DataError("it contains files other than its own Parquet files.")


def _bound(file_bytes: int) -> None:
    """Have the system enforce limits on files (POSIX) and memory (Linux only)."""
    if sys.platform != "win32":
        import resource

        for kind, most in ((resource.RLIMIT_FSIZE, file_bytes), (resource.RLIMIT_DATA, MAX_MEMORY_BYTES)):
            hard = resource.getrlimit(kind)[1]
            with suppress(OSError, ValueError):
                resource.setrlimit(kind, (most if hard == resource.RLIM_INFINITY else min(most, hard), hard))


def _confine(places: Iterable[str]) -> None:
    """From now on Python writes nowhere else: the hub supplies file names (ETag), and the library trusts them."""
    allowed = [os.path.realpath(place) for place in places]
    written = {"open": 0, "os.rename": 1, "os.link": 1, "os.symlink": 1}  # which argument is written to

    def watch(event: str, arguments: tuple[Any, ...]) -> None:
        if event not in written or (event == "open" and not arguments[2] & (os.O_WRONLY | os.O_RDWR | os.O_CREAT)):
            return
        name = arguments[written[event]]
        if not isinstance(name, int):  # a file descriptor
            path = Path(os.path.realpath(os.fsdecode(name)))
            if not any(path.is_relative_to(place) for place in allowed):
                raise PermissionError(errno.EACCES, OUTSIDE, str(path))

    sys.addaudithook(watch)


def _main(name: str, choices: str, target: str) -> int:
    """Fetch and save; returns the exit status. choices: the fields of Choices as JSON."""
    try:
        if not _offline():
            try:
                _reach(os.environ.get("HF_ENDPOINT", DEFAULT_ENDPOINT))
            except OSError:
                os.environ["HF_HUB_OFFLINE"] = "1"
        repository = name.partition(":")[0]
        if _offline() and not _may_be_cached(repository):
            raise ConnectionError
        import datasets
        from huggingface_hub.constants import HF_HUB_CACHE

        names = (f"datasets--{repository.replace('/', '--')}", ".locks", "CACHEDIR.TAG")
        cache = [str(datasets.config.HF_DATASETS_CACHE), *(os.path.join(HF_HUB_CACHE, place) for place in names)]
        _confine([*cache, os.path.dirname(target), os.devnull])
        _bound(MAX_FILE_BYTES)
        dataset = fetch(name, Choices(**json.loads(choices)))
        _bound(MAX_ARRAY_BYTES)
        write_dataset(Path(target), dataset)
    except Exception as error:
        print(_reason(error), file=sys.stderr)
        return 1
    return 0


def _reason(error: BaseException) -> str:
    """The error in one line for the user."""
    if _offline() and isinstance(error, (ConnectionError, FileNotFoundError)):
        return "the hub cannot be reached and there is no copy in the cache."
    if NOT_FOUND.match(str(error)) or type(error).__name__ in ("DatasetNotFoundError", "RepositoryNotFoundError"):
        return "there is no public dataset of this name."
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, OSError) and cause.strerror == OUTSIDE:
            return f"{OUTSIDE}."
        if isinstance(cause, MemoryError) or (isinstance(cause, OSError) and cause.errno == errno.EFBIG):
            return "it is too large."
        cause = cause.__cause__ or cause.__context__
    return (str(error).strip().splitlines() or [type(error).__name__])[0]


if __name__ == "__main__":
    sys.exit(_main(*sys.argv[1:]))
