"""Zips and tars: the files of a tar one by one, and what an archive holds beside pictures, unpacked within bounds.

Archives are untrusted: nothing is written outside of the folder, no link is followed, and the sizes that an archive
gives for its files are added up before they are unpacked.
"""

import stat
import tarfile
import zipfile
from collections.abc import Callable, Iterator
from functools import partial
from itertools import islice
from pathlib import Path
from typing import IO, NamedTuple, cast

from minigrad_gui.data.cancelling import check_cancelled
from minigrad_gui.data.dataset import DataError
from minigrad_gui.data.siblings import Files, visible
from minigrad_gui.data.stored import BLOCK_BYTES
from minigrad_gui.data.streams import TemporaryFolder
from minigrad_gui.data.zips import entries

MAX_FILES, MAX_GB = 10_000, 8
MAX_RATIO, MODEST_BYTES = 500, 1 << 24
"""How many times larger than an archive its files may be, if they are not small anyway: tables of black and white in
NumPy's long numbers become 300 times smaller."""

Opened = Callable[[], IO[bytes]]


class PackedFile(NamedTuple):
    """A regular file in an archive: its name, its size, and what opens it while it is the current one."""

    name: str
    size: int
    opened: Opened


def files_in_zip(path: Path) -> Iterator[PackedFile]:
    """The files of a zip. Raises DataError for too many or encrypted ones, and whatever `zipfile` raises."""
    if next(islice(entries(path), MAX_FILES, None), None):  # zipfile would remember a million
        raise DataError(f"it holds more than {MAX_FILES:,} files.")
    with zipfile.ZipFile(path) as archive:
        for info in archive.infolist():
            if not info.is_dir() and not stat.S_ISLNK(info.external_attr >> 16):
                yield PackedFile(info.filename, info.file_size, partial(_opened_in_zip, archive, info))


def _opened_in_zip(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> IO[bytes]:
    try:
        return archive.open(info)
    except RuntimeError as error:
        raise DataError(f"{info.filename} is packed in a way that cannot be read, or encrypted.") from error


def files_in_tar(path: Path) -> Iterator[PackedFile]:
    """The files of a tar, which may be compressed. Raises as `members_of` does."""
    return (PackedFile(member.name, member.size, opened) for member, opened in members_of(path))


def members_of(path: Path) -> Iterator[tuple[tarfile.TarInfo, Opened]]:
    """The regular files of a tar, and what opens each while it is the current one.

    Raises DataError for an archive bomb before it is unpacked, and whatever `tarfile` raises.
    """
    total, packed = 0, path.stat().st_size
    with tarfile.open(path, "r|*") as archive:
        for member in archive:
            check_cancelled()
            archive.members.clear()  # type: ignore[attr-defined]  # it would remember a million
            total += member.size
            _check_ratio(total, packed)
            if member.isreg():
                yield member, cast(Opened, partial(archive.extractfile, member))


def unpacked(
    files: Files, files_in: Callable[[Path], Iterator[PackedFile]], is_picture: Callable[[str], bool]
) -> TemporaryFolder:
    """A folder of all but the pictures of archives that belong together.

    Raises DataError for archive bombs, for names that lead out of the folder or occur twice, and for pictures in any
    but the first archive, and whatever reading the archives raises.
    """
    folder = TemporaryFolder()
    root = folder.path.resolve()
    count = total = 0
    for at, path in enumerate(files.values()):
        before, packed = total, path.stat().st_size
        for file in files_in(path):
            target = _place_of(file.name, root)
            if not all(visible(Path(part)) for part in target.relative_to(root).parts):
                continue
            if is_picture(file.name):
                if at:
                    raise DataError("some archives hold pictures, others do not.")
                continue
            count, total = count + 1, total + file.size
            _check_ratio(total - before, packed)
            if count > MAX_FILES or total > MAX_GB << 30:
                raise DataError(f"unpacked, it is more than {MAX_FILES:,} files or {MAX_GB} GB.")
            if target.exists():
                raise DataError(f"“{file.name}” is in it twice.")
            target.parent.mkdir(parents=True, exist_ok=True)
            with file.opened() as opened, open(target, "wb") as plain:
                while block := opened.read(BLOCK_BYTES):
                    check_cancelled()
                    plain.write(block)
    return folder


def _check_ratio(total: int, packed: int) -> None:
    if total > max(MODEST_BYTES, MAX_RATIO * packed):
        raise DataError(f"unpacked, it is more than {MAX_RATIO} times larger, as archives are that fill up disks.")


def _place_of(name: str, root: Path) -> Path:
    place = (root / name.replace("\\", "/")).resolve()
    if not place.is_relative_to(root):
        raise DataError(f"“{name}” in it leads out of its folder.")
    return place
