"""Sizes of hidden layers as people type them: "256, 128"."""

import re

from engine import ConfigError


def parse_hidden(text: str) -> tuple[int, ...]:
    """Layer sizes from text such as "256, 128"; blank text means none. Raises ConfigError with the reason."""
    if re.search(r",\s*,|^\s*,|,\s*$", text):
        raise ConfigError("hidden", "There is a comma without a number beside it.")
    words = re.split(r"[,;\s]+", text.strip()) if text.strip() else []
    for word in words:
        if not re.fullmatch(r"[0-9]{1,12}", word):
            raise ConfigError("hidden", f"“{word[:20]}” is not a whole number of neurons. Write, say, 256, 128.")
    return tuple(int(word) for word in words)
