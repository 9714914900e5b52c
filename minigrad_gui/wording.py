"""Numbers and names as they stand in sentences. No Qt here."""

import math

AN = "8AEFHILMNORSX"
"""What is pronounced with a vowel at the beginning."""


def unseen_text(pixels: int) -> str:
    """A sentence about the pixels of a picture that no neuron will see."""
    return f"No neuron will see {counted(pixels, 'pixel')} of the picture."


def counted(count: float, noun: str, form: str = ",") -> str:
    """How many there are, as in "1 epoch" or "12,000 epochs". form: of the number, as in a format string."""
    written = f"{count:{form}}"
    ending = "es" if noun.endswith("tch") else "s"
    return f"{written} {noun}{'' if written == '1' else ending}"


def part_of(share: float) -> str:
    """How many of some things, as in "All neurons" or "97% of the neurons"; all only if the share is 1."""
    return "All" if share == 1 else f"{math.floor(100 * share)}% of the"


def with_article(name: object) -> str:
    """A digit or a letter with its indefinite article: a 7, an 8, an A; another class in quotation marks: “dress”."""
    text = str(name)
    return f"“{text}”" if len(text) > 1 else f"{'an' if text.upper() in AN else 'a'} {text}"


def several(name: object) -> str:
    """Several of a class: 7s, As; another class in quotation marks, as its plural is unknown: “dress”."""
    text = str(name)
    return f"“{text}”" if len(text) > 1 else f"{text}s"


def shortened(name: str, most_chars: int) -> str:
    """A name in at most so many characters: of a long one, both ends."""
    half = most_chars // 2
    return name if len(name) <= most_chars else f"{name[:half]}…{name[2 - half :]}"


def percentage(probability: float) -> str:
    """A probability to one decimal, such as "97.3%"; ">99.9%" instead of rounding up to 100%."""
    rounded = f"{probability:.1%}"
    return ">99.9%" if rounded == "100.0%" and probability < 1 else rounded
