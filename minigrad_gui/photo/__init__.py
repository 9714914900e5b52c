"""The digits in a photograph, a scan or any other picture. Imports SciPy: import it where a picture is read."""

from minigrad_gui.photo.finder import Found, find_digit, find_digits
from minigrad_gui.photo.touching import Judge

__all__ = ["Found", "Judge", "find_digit", "find_digits"]
