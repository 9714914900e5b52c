"""Reads picture files. They are untrusted: sizes, counts and formats are bounded. No Qt here."""

import glob
import io
import os
import stat
import warnings
from contextlib import suppress
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from PIL.ImageFile import ImageFile

PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
FORMATS = ("PNG", "JPEG", "MPO", "BMP", "WEBP", "TIFF", "GIF", "AVIF", "PPM", "HEIF")
"""Pillow's names; MPO is a JPEG with a second picture, as telephones write it."""
PLUGINS = ("Png", "Jpeg", "Mpo", "Bmp", "WebP", "Tiff", "Gif", "Avif", "Ppm")
"""Pillow's modules that read FORMATS."""
HEIC_SUFFIXES = (".heic", ".heif")
PPM_SUFFIXES = (".pgm", ".ppm", ".pbm", ".pnm")
PICTURE_SUFFIXES = (
    *(".png", ".jpg", ".jpeg", ".bmp", ".webp", ".tif", ".tiff", ".gif", ".avif"),
    *PPM_SUFFIXES,
    *HEIC_SUFFIXES,
)
MAX_PX = 40_000_000
MAX_SHRUNK_PX = 120_000_000
"""A JPEG of that many pixels is read at half its size."""
MAX_PROGRESSIVE_PX = 80_000_000
"""The same for a progressive JPEG, all of whose coefficients are held in memory: up to 0.5 GB for so many pixels."""
MAX_NUMBER_BY_NUMBER_PX = 2_500_000
"""Of a PPM in text or of an unusual depth, which Pillow reads number by number, a million in a second."""
MAX_COMMENTS = 10_000
"""In a PPM in text, where each is cut out of up to a megabyte."""
MAX_BYTES = 64 << 20
MAX_SCANNED_PX = 4_000_000_000
"""Pixels times scans: a progressive JPEG has about ten scans, each as costly as a picture, however few its bytes."""
MIN_SCAN_PX = 10_000
"""The fixed cost of a scan, in pixels."""
MAX_CHUNKS = 100_000
"""Chunks of a PNG, which has about one for every few kB."""


class PictureError(Exception):
    """A picture that could not be read; the message is one sentence for the user."""


class UnknownFormatError(PictureError):
    """Bytes that are in none of FORMATS."""


def read_image(path: Path) -> NDArray[np.uint8]:
    """The pixels of a picture file, upright: (height, width), or (height, width, 3 or 4) in colour.

    PNG, JPEG, BMP, WebP, TIFF, GIF, AVIF and PPM (also PGM and PBM), and HEIC where `pillow-heif` is installed; of
    several frames the first. Photographs of more than 40 million pixels are shrunk as they are read. Raises
    PictureError with one sentence for anything else, for JPEG of more than 120 million pixels (progressive: 80
    million), PPM in text of more than 2.5 million, others of more than 40 million, and files of over 64 MB.
    """
    try:
        content = _content(path)
    except OSError as error:
        raise _unreadable(path, error) from error
    return decode(content, path)


def decode(content: bytes, name: str | Path) -> NDArray[np.uint8]:
    """The pixels of a picture file with this content, as `read_image` gives them; its name is for the message."""
    from PIL import Image, UnidentifiedImageError

    path = Path(name)
    try:
        _check_content(path, content)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of damaged parts; sizes are checked below
            with Image.open(io.BytesIO(content), formats=_formats_of(content)) as image:
                _check_size(path, image, content)
                return _pixels(image)
    except PictureError:
        raise
    except UnidentifiedImageError as error:
        raise UnknownFormatError(f"{path} is not a picture{_missing_reader(path)}.") from error
    except OSError as error:
        raise _unreadable(path, error) from error
    except Exception as error:  # damaged bytes make Pillow raise nearly anything
        raise PictureError(f"{path} could not be read: it is damaged.") from error


def _unreadable(path: Path, error: OSError) -> PictureError:
    return PictureError(f"{path} could not be read: {(error.strerror or 'it is damaged').lower()}.")


def _formats_of(content: bytes) -> list[str]:
    """The formats that it may be in: for PNG, the reader of no other is imported, which together take 3 MB."""
    if not content.startswith(PNG_SIGNATURE):
        return _readable_formats()
    from PIL import PngImagePlugin  # noqa: F401  it registers itself

    return ["PNG"]


@cache
def _readable_formats() -> list[str]:
    """Those of FORMATS that this machine's Pillow reads."""
    from PIL import Image

    with suppress(ImportError):
        import pillow_heif

        pillow_heif.register_heif_opener()
    for plugin in PLUGINS:  # `Image.init` would import those of all formats
        with suppress(ImportError):
            import_module(f"PIL.{plugin}ImagePlugin")
    return [name for name in FORMATS if name in Image.OPEN]


def _missing_reader(path: Path) -> str:
    """A hint to add if the file may be a picture in a format that cannot be read here."""
    if path.suffix.lower() in HEIC_SUFFIXES and "HEIF" not in _readable_formats():
        return " that can be read without the package pillow-heif"
    return ""


def _check_size(path: Path, image: "ImageFile", content: bytes) -> None:
    """Raise PictureError if reading would take too long or too much memory; shrink a large JPEG as it is read."""
    size_px = image.width * image.height
    is_jpeg = image.format in ("JPEG", "MPO")
    codec = image.tile[0][0] if image.tile else ""
    most_px, limited = MAX_SHRUNK_PX if is_jpeg else MAX_PX, ""
    if is_jpeg and image.info.get("progressive"):
        most_px, limited = MAX_PROGRESSIVE_PX, " for a progressive JPEG"
    elif codec == "ppm" or (codec == "ppm_plain" and image.mode != "1"):
        most_px, limited = MAX_NUMBER_BY_NUMBER_PX, " for a PPM in text or of an unusual depth"
    if size_px > most_px:
        raise PictureError(f"{path} is too large{limited}: {image.width} x {image.height} pixels.")
    if codec == "ppm_plain" and content.count(b"#") > MAX_COMMENTS:
        raise PictureError(f"{path} has too many comments.")
    scans = content.count(b"\xff\xda") if is_jpeg else 0
    if scans * (size_px + MIN_SCAN_PX) > MAX_SCANNED_PX:
        raise PictureError(f"{path} has too many scans.")
    if size_px > MAX_PX:
        image.draft(None, (image.width // 2, image.height // 2))


def _pixels(image: "ImageFile") -> NDArray[np.uint8]:
    """The pixels, upright, in whole numbers from 0 to 255."""
    from PIL import ImageOps

    ImageOps.exif_transpose(image, in_place=True)
    if image.mode.startswith("I"):  # 16-bit grey, of which some cameras use 8, 10 or 12; `convert` would clip it
        values: NDArray[np.int64] = np.clip(np.asarray(image, np.int64), 0, None)
        return (values >> max(0, int(values.max(initial=0)).bit_length() - 8)).astype(np.uint8)
    if image.mode == "F":
        shades: NDArray[np.float32] = np.nan_to_num(np.asarray(image, np.float32))
        whole = np.clip(np.rint(shades * (255 if shades.max(initial=0) <= 1 else 1)), 0, 255)
        return np.asarray(whole, np.uint8)
    mode = "RGBA" if image.has_transparency_data else "L" if image.mode in ("1", "L") else "RGB"
    return np.asarray(image if image.mode == mode else image.convert(mode))


def pictures_in(path: Path) -> list[Path]:
    """The picture files in a folder, or that a wildcard matches, sorted; otherwise the path itself.

    Raises PictureError if a folder holds no picture, or nothing matches.
    """
    if path.is_dir():
        found = sorted(file for file in path.iterdir() if file.suffix.lower() in PICTURE_SUFFIXES)
        if not found:
            raise PictureError(f"{path} holds no pictures.")
        return found
    if path.exists() or not glob.has_magic(os.fspath(path)):
        return [path]
    found = sorted(Path(name) for name in glob.glob(os.fspath(path), recursive=True))
    if not found:
        raise PictureError(f"{path} matches no file.")
    return found


def _content(path: Path) -> bytes:
    """The bytes of a file. Raises PictureError if it is not a regular file (a named pipe would block) or too large."""
    status = path.stat()
    if not stat.S_ISREG(status.st_mode):
        raise PictureError(f"{path} is not a file.")
    if status.st_size > MAX_BYTES:
        raise PictureError(f"{path} is too large: more than {MAX_BYTES >> 20} MB.")
    with open(path, "rb") as file:
        return file.read(MAX_BYTES)


def _check_content(path: Path, content: bytes) -> None:
    """Raise PictureError for too many bytes, or a PNG of too many parts."""
    if len(content) > MAX_BYTES:
        raise PictureError(f"{path} is too large: more than {MAX_BYTES >> 20} MB.")
    if content.startswith(PNG_SIGNATURE):
        at, chunks = len(PNG_SIGNATURE), 0
        while at < len(content) and chunks <= MAX_CHUNKS:
            at += 12 + int.from_bytes(content[at : at + 4])  # length, kind, content, checksum
            chunks += 1
        if chunks > MAX_CHUNKS:
            raise PictureError(f"{path} has too many parts.")
