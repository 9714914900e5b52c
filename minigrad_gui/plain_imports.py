"""Importing this module, after PySide6, makes all further imports faster.

PySide6 replaces Python's `__import__` with a function that also reads the source of every imported module. It searches
for "PySide6", to know where `from __feature__ import snake_case` applies. Nothing here imports `__feature__`, and
reading 300 files takes a tenth of the time until the window is shown. `linecache` would hold their text, too.
"""

import builtins


def restore() -> None:
    """Give Python its own `__import__` back, if PySide6 has replaced it and nobody else has since."""
    ours = getattr(builtins, "__orig_import__", None)
    if ours is not None and builtins.__import__ is getattr(builtins, "__feature_import__", None):
        builtins.__import__ = ours


restore()
