"""Numbers and names as they stand in sentences. No Qt here."""

AN = "8AEFHILMNORSX"
"""What is pronounced with a vowel at the beginning."""


def with_article(name: object) -> str:
    """A digit or a letter with its indefinite article: a 7, an 8, an A; another class in quotation marks: “dress”."""
    text = str(name)
    return f"“{text}”" if len(text) > 1 else f"{'an' if text.upper() in AN else 'a'} {text}"


def percentage(probability: float) -> str:
    """A probability to one decimal, such as "97.3%"; ">99.9%" instead of rounding up to 100%."""
    rounded = f"{probability:.1%}"
    return ">99.9%" if rounded == "100.0%" and probability < 1 else rounded
