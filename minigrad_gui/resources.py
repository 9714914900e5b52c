"""The files that come with the project: networks, digits, icons."""

from pathlib import Path


def asset_path(name: str) -> Path:
    """The path of a file in assets/, in a checkout and in an installation alike."""
    here = Path(__file__).resolve().parent
    installed = here / "assets"
    return (installed if installed.is_dir() else here.parent / "assets") / name
