"""The rule is shown as it is written, with the part that is at work in bold."""

import numpy as np
import pytest
from PySide6.QtGui import QFont, QTextCursor

from engine import ops
from engine.rules import rule_of
from minigrad_gui.widgets.rule_text import RuleText


@pytest.fixture
def text(qtbot):
    text = RuleText()
    qtbot.addWidget(text)
    return text


def bold(text):
    """The letters in bold."""
    cursor, letters = QTextCursor(text.document()), []
    while cursor.movePosition(QTextCursor.MoveOperation.NextCharacter, QTextCursor.MoveMode.KeepAnchor):
        if cursor.charFormat().fontWeight() >= QFont.Weight.Bold:
            letters.append(cursor.selectedText())
        cursor.clearSelection()
    return "".join(letters).replace("\u2028", "\n").replace("\xa0", " ")


def test_the_part_at_work_is_bold_within_its_line(text):
    rule = rule_of(ops.multiply, 1)
    text.show_rule(rule, [("g", np.array(0.5)), ("a", np.ones((3, 4))), ("axis", None)], "")
    lines = text.toPlainText().split("\n")
    assert lines == [rule.text, "# g = 0.5; a = (3 x 4); axis = None"]
    assert bold(text) == "lambda g, y, a, b: g * a"


def test_code_that_looks_like_html_is_shown_as_it_is(text):
    rule = rule_of(ops.leaky_relu, 0)
    assert ">" in rule.text
    text.show_rule(rule, [("a", "<b>")], "")
    assert text.toPlainText().split("\n") == [rule.text, "# a = '<b>'"]


def test_a_function_stays_indented(text):
    rule = rule_of(ops.prod, 0)
    text.show_rule(rule, [], "")
    assert text.toPlainText().replace("\xa0", " ") == rule.text == bold(text)


def test_without_a_rule_it_says_why(text):
    text.show_rule(None, [], "No rule <here>")
    assert text.toPlainText() == "No rule <here>"
