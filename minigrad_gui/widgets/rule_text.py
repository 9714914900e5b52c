"""A rule of the engine as it is written in ops.py, with the part that is at work, and what it works with."""

import html
from collections.abc import Iterable
from typing import Any

import numpy as np
from PySide6.QtGui import QFontDatabase
from PySide6.QtWidgets import QTextEdit, QWidget

from engine.graph import summary
from engine.rules import Rule
from minigrad_gui import theme

LINES = 5
SHORT_COUNT = 3


class RuleText(QTextEdit):
    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setReadOnly(True)
        self.setAccessibleName("The lines of ops.py that are at work")
        self.setFont(QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont))
        self.setTabChangesFocus(True)
        frame = 2 * (self.frameWidth() + int(self.document().documentMargin()))
        self.setFixedHeight(LINES * self.fontMetrics().lineSpacing() + frame)

    def show_rule(self, rule: Rule | None, arguments: Iterable[tuple[str, Any]], told: str) -> None:
        """arguments: names and values that the rule works with; told: in place of a rule, if there is none."""
        muted = theme.colors().muted
        if rule is None:
            self.setHtml(f'<span style="color:{muted}">{html.escape(told)}</span>')
            return
        before, work, after = rule.text[: rule.start], rule.at_work, rule.text[rule.end :]
        values = "; ".join(f"{name} = {_told(value)}" for name, value in arguments)
        parts = [
            _colored(before, muted) + f"<b>{_lines(work)}</b>" + _colored(after, muted),
            _colored(f"\n# {values}", muted) if values else "",
        ]
        self.setHtml("".join(parts))


def _told(value: Any) -> str:
    """A value in a few letters: an array of more than a few numbers by its shape."""
    if isinstance(value, np.ndarray) and value.size > SHORT_COUNT:
        return f"({' x '.join(map(str, value.shape))})"
    return summary(value) if isinstance(value, np.ndarray) else repr(value)


def _colored(text: str, color: str) -> str:
    return f'<span style="color:{color}">{_lines(text)}</span>'


def _lines(text: str) -> str:
    """Text as HTML with its line breaks and indentation, which may still be broken where it is too wide."""
    lines = []
    for line in text.split("\n"):
        code = line.lstrip(" ")
        lines.append("&nbsp;" * (len(line) - len(code)) + html.escape(code))
    return "<br>".join(lines)
