"""The version of minigrad that is installed."""

from functools import cache


@cache
def version() -> str:
    """Such as "0.1.0", or "(not installed)" if the code runs from a source folder."""
    from importlib.metadata import PackageNotFoundError, version  # takes 26 ms to import, and is rarely needed

    try:
        return version("minigrad")
    except PackageNotFoundError:
        return "(not installed)"
