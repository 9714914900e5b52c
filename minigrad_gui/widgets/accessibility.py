"""Roles, descriptions and announcements for assistive technology, beyond those of Qt's own widgets.

A widget class with an `ACCESSIBLE_ROLE` has that role. Qt asks only while assistive technology is in use.
"""

import html
from functools import lru_cache

from PySide6 import QtGui
from PySide6.QtCore import QObject
from PySide6.QtGui import QAccessible, QAccessibleAnnouncementEvent, QAccessibleInterface, QTextDocumentFragment
from PySide6.QtWidgets import QAbstractScrollArea, QAccessibleWidget, QMenu, QWidget

from minigrad_gui.wording import with_article


def announce(widget: QWidget, message: str) -> None:
    """Have a message about this widget read out, after any that is being read now."""
    if message and QAccessible.isActive():
        QAccessible.updateAccessibility(QAccessibleAnnouncementEvent(widget, message))


def explain(widget: QWidget, tip: str) -> None:
    """Set a tool tip, and its plain text as the description: Qt would use the tip with its tags."""
    widget.setAccessibleDescription(plain(tip))
    widget.setToolTip(tip)


def verbatim_tip(text: str) -> str:
    """A tool tip that shows this text as it is, even if it looks like HTML: names in files may."""
    return f"<span>{html.escape(text)}</span>"


def verbatim(text: str) -> str:
    """The same for Qt's messages; text that does not look like HTML stays plain."""
    return verbatim_tip(text) if QtGui.Qt.mightBeRichText(text) else text


@lru_cache(maxsize=256)
def plain(tip: str) -> str:
    """The text of a tool tip without tags, and without the heading, which is the widget's name."""
    if "<" not in tip:
        return tip
    lines = QTextDocumentFragment.fromHtml(tip).toPlainText().split("\n")
    return " ".join(lines[1:] or lines)


def without_mnemonic(text: str) -> str:
    """The text of a label or menu as displayed: "&Epochs" is "Epochs"."""
    return text.replace("&", "")


def with_mnemonic(class_name: str) -> str:
    """A class with its article, for a menu: digits and letters are their own mnemonics."""
    text = with_article(class_name).replace("&", "&&")
    return text.replace(" ", " &") if len(class_name) == 1 else text


def name_scroll_area(area: QAbstractScrollArea, name: str) -> None:
    area.setAccessibleName(name)
    area.verticalScrollBar().setAccessibleName(f"{name}, vertical position")
    area.horizontalScrollBar().setAccessibleName(f"{name}, horizontal position")


def name_menus(parent: QWidget) -> None:
    """Set each menu's accessible name to its title."""
    for menu in parent.findChildren(QMenu):
        menu.setAccessibleName(without_mnemonic(menu.title()))


def _interface(class_name: str, thing: QObject) -> QAccessibleInterface | None:  # noqa: ARG001
    role = getattr(type(thing), "ACCESSIBLE_ROLE", None)
    if isinstance(role, QAccessible.Role) and isinstance(thing, QWidget):
        return QAccessibleWidget(thing, role)
    return None


QAccessible.installFactory(_interface)
