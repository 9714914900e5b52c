"""The theme: colours for light and dark, and the few sizes and times that views share.

Views call `colors()` when they paint and when their palette changes. The result depends only on the application's
palette, so whether the theme is dark is stored in one place.
"""

from dataclasses import dataclass
from functools import lru_cache

from PySide6.QtCore import QByteArray, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QGuiApplication, QIcon, QImage, QPainter, QPalette, QPixmap
from PySide6.QtSvg import QSvgRenderer
from PySide6.QtWidgets import QApplication, QStyleFactory

from minigrad_gui.resources import asset_path

SPACING_PX = 12
REFRESH_INTERVAL_MS = 100
"""Interval at which constantly changing content is redrawn."""
ICON_PX = 18
DEVICE_PIXEL_RATIOS = (1, 2, 3)


@dataclass(frozen=True)
class Colors:
    """The colours of light or dark, as "#rrggbb"."""

    window: str
    card: str
    field: str
    border: str
    text: str
    muted: str
    accent: str
    accent_hover: str
    on_accent: str
    error: str
    paper: str
    ink: str
    grid: str
    faint_curve: str
    loss_curve: str
    validation_curve: str
    bar_track: str
    positive: str
    negative: str


LIGHT = Colors(
    window="#f3f4f7",
    card="#ffffff",
    field="#ffffff",
    border="#d9dce3",
    text="#1b1f27",
    muted="#667080",
    accent="#2f62d9",
    accent_hover="#2553bd",
    on_accent="#ffffff",
    error="#c2352b",
    paper="#fdfdfb",
    ink="#14171d",
    grid="#eef0f4",
    faint_curve="#bccdf2",
    loss_curve="#2f62d9",
    validation_curve="#d9730d",
    bar_track="#e9ebf0",
    positive="#0b6fb8",
    negative="#d96a00",
)
DARK = Colors(
    window="#16181d",
    card="#1f2229",
    field="#272b33",
    border="#363b45",
    text="#e8eaee",
    muted="#98a1b0",
    accent="#6d9bff",
    accent_hover="#86acff",
    on_accent="#0f1524",
    error="#ff8177",
    paper="#121419",
    ink="#f4f5f7",
    grid="#2a2e36",
    faint_curve="#37507f",
    loss_curve="#6d9bff",
    validation_curve="#ffa657",
    bar_track="#2d313a",
    positive="#4fb0f0",
    negative="#ff9d3c",
)


def colors() -> Colors:
    """The colours that match the application's palette."""
    return DARK if QGuiApplication.palette().color(QPalette.ColorRole.Window).lightness() < 128 else LIGHT


def system_is_dark() -> bool:
    return QGuiApplication.styleHints().colorScheme() == Qt.ColorScheme.Dark


def apply(app: QApplication, *, dark: bool) -> None:
    """Apply the theme to the whole application, unless it has been applied already."""
    scheme = DARK if dark else LIGHT
    style_sheet = _style_sheet(scheme)
    if app.styleSheet() != style_sheet:
        app.setStyle(QStyleFactory.create("Fusion"))
        app.setPalette(_palette(scheme))
        app.setStyleSheet(style_sheet)


def _palette(scheme: Colors) -> QPalette:
    role = QPalette.ColorRole
    palette = QPalette(QColor(scheme.field), QColor(scheme.window))
    for color, roles in {
        scheme.window: (role.Window,),
        scheme.field: (role.Base, role.Button),
        scheme.card: (role.AlternateBase, role.ToolTipBase),
        scheme.text: (role.WindowText, role.Text, role.ButtonText, role.ToolTipText),
        scheme.muted: (role.PlaceholderText,),
        scheme.accent: (role.Highlight, role.Link, role.Accent),
        scheme.on_accent: (role.HighlightedText,),
        scheme.border: (role.Mid, role.Midlight),
    }.items():
        for each in roles:
            palette.setColor(each, QColor(color))
    faded = QColor(scheme.muted)
    faded.setAlphaF(0.6)
    for each in (role.WindowText, role.Text, role.ButtonText):
        palette.setColor(QPalette.ColorGroup.Disabled, each, faded)
    palette.setColor(QPalette.ColorGroup.Disabled, role.Base, QColor(scheme.window))
    palette.setColor(QPalette.ColorGroup.Disabled, role.Highlight, QColor(scheme.border))
    return palette


def _style_sheet(scheme: Colors) -> str:
    up, down, check = (asset_path(f"icons/{name}.svg").as_posix() for name in ("up", "down", "check"))
    return f"""
        QFrame[card="true"] {{
            background: {scheme.card}; border: 1px solid {scheme.border}; border-radius: 8px;
        }}
        QScrollArea, #scrolled {{ background: transparent; border: none; }}
        QScrollBar:vertical {{ background: transparent; width: 10px; margin: 2px; }}
        QScrollBar:horizontal {{ background: transparent; height: 10px; margin: 2px; }}
        QScrollBar::handle:horizontal {{ background: {scheme.border}; border-radius: 3px; min-width: 24px; }}
        QScrollBar::handle:vertical {{ background: {scheme.border}; border-radius: 3px; min-height: 24px; }}
        QScrollBar::add-line, QScrollBar::sub-line, QScrollBar::add-page, QScrollBar::sub-page {{
            background: none; width: 0; height: 0;
        }}
        QAbstractScrollArea::corner {{ background: transparent; border: none; }}
        QLabel[role="title"] {{ font-weight: 600; }}
        QToolButton[role="title"] {{ font-weight: 600; border: none; background: transparent; padding: 0; }}
        QToolButton[role="title"]:focus, QToolButton[role="title"]:hover {{ color: {scheme.accent}; }}
        QLabel[role="muted"] {{ color: {scheme.muted}; }}
        QLabel[role="error"] {{ color: {scheme.error}; }}
        QLabel[role="figure"] {{ font-size: 20px; font-weight: 600; }}
        QLabel[role="digit"] {{ font-size: 64px; font-weight: 600; }}
        QLabel[role="number"] {{ font-size: 40px; font-weight: 600; }}
        QLineEdit, QComboBox, QAbstractSpinBox {{
            background: {scheme.field}; color: {scheme.text}; border: 1px solid {scheme.border};
            border-radius: 6px; padding: 4px 8px; min-height: 18px;
            selection-background-color: {scheme.accent}; selection-color: {scheme.on_accent};
        }}
        QLineEdit:hover, QComboBox:hover, QAbstractSpinBox:hover,
        QLineEdit:focus, QComboBox:focus, QAbstractSpinBox:focus {{ border-color: {scheme.accent}; }}
        QLineEdit:disabled, QComboBox:disabled, QAbstractSpinBox:disabled {{
            background: {scheme.window}; color: {scheme.muted}; border-color: {scheme.border};
        }}
        QAbstractSpinBox {{ padding: 0 2px; min-height: 26px; max-height: 26px; }}
        QAbstractSpinBox QLineEdit {{ border: none; padding: 0; min-height: 0; background: transparent; }}
        QLineEdit[wrong="true"], QAbstractSpinBox[wrong="true"] {{ border-color: {scheme.error}; }}
        QComboBox {{ padding-right: 0; }}
        QTextEdit {{
            background: {scheme.window}; color: {scheme.text}; border: 1px solid {scheme.border}; border-radius: 6px;
        }}
        QTextEdit:focus {{ border-color: {scheme.accent}; }}
        QComboBox QAbstractItemView {{
            background: {scheme.field}; color: {scheme.text}; border: 1px solid {scheme.border};
            selection-background-color: {scheme.accent}; selection-color: {scheme.on_accent};
        }}
        QComboBox::drop-down, QAbstractSpinBox::up-button, QAbstractSpinBox::down-button {{
            border: none; background: transparent; width: 22px;
        }}
        QComboBox::down-arrow, QAbstractSpinBox::down-arrow {{ image: url({down}); width: 12px; height: 12px; }}
        QAbstractSpinBox::up-arrow {{ image: url({up}); width: 12px; height: 12px; }}
        QPushButton {{
            background: {scheme.field}; color: {scheme.text}; border: 1px solid {scheme.border};
            border-radius: 6px; padding: 6px 10px; min-height: 18px;
        }}
        QPushButton[iconOnly="true"] {{ padding: 6px; }}
        QPushButton:hover, QPushButton:focus {{ border-color: {scheme.accent}; }}
        QPushButton:pressed, QPushButton:checked {{ background: {scheme.bar_track}; border-color: {scheme.accent}; }}
        QPushButton:disabled {{ color: {scheme.muted}; background: {scheme.window}; border-color: {scheme.border}; }}
        QPushButton[primary="true"] {{
            background: {scheme.accent}; color: {scheme.on_accent}; border-color: {scheme.accent}; font-weight: 600;
        }}
        QPushButton[primary="true"]:hover, QPushButton[primary="true"]:focus {{
            background: {scheme.accent_hover}; border-color: {scheme.accent_hover};
        }}
        QPushButton[primary="true"]:focus {{ border-color: {scheme.text}; }}
        QPushButton[primary="true"]:disabled {{
            background: {scheme.bar_track}; color: {scheme.muted}; border-color: {scheme.bar_track};
        }}
        QProgressBar {{
            background: {scheme.bar_track}; border: none; border-radius: 4px; color: transparent; max-height: 8px;
        }}
        QProgressBar::chunk {{ background: {scheme.accent}; border-radius: 4px; }}
        QCheckBox {{ spacing: 8px; }}
        QCheckBox::indicator {{
            width: 14px; height: 14px; border: 1px solid {scheme.muted}; border-radius: 4px; background: {scheme.field};
        }}
        QCheckBox::indicator:hover, QCheckBox:focus::indicator {{ border-color: {scheme.accent}; }}
        QCheckBox::indicator:checked {{
            background: {scheme.accent}; border-color: {scheme.accent}; image: url({check});
        }}
        QCheckBox::indicator:disabled {{ background: {scheme.window}; border-color: {scheme.border}; }}
        QSlider:horizontal {{ min-height: 18px; }}
        QSlider::groove:horizontal {{ background: {scheme.bar_track}; height: 4px; border-radius: 2px; }}
        QSlider::sub-page:horizontal {{ background: {scheme.accent}; border-radius: 2px; }}
        QSlider::handle:horizontal {{
            background: {scheme.field}; border: 2px solid {scheme.accent};
            width: 10px; margin: -5px 0; border-radius: 7px;
        }}
        QSlider::handle:horizontal:hover, QSlider::handle:horizontal:focus {{ background: {scheme.accent}; }}
        QSlider::sub-page:horizontal:disabled {{ background: {scheme.border}; }}
        QSlider::handle:horizontal:disabled {{ background: {scheme.window}; border-color: {scheme.border}; }}
        QSplitter::handle {{ background: transparent; }}
        QMainWindow::separator {{ background: transparent; width: {SPACING_PX}px; height: {SPACING_PX}px; }}
        QTabBar::tab {{
            color: {scheme.muted}; background: transparent; border: none; border-bottom: 2px solid transparent;
            padding: 5px 2px; margin: 0 2px;
        }}
        QTabBar::tab:hover {{ color: {scheme.text}; }}
        QTabBar::tab:selected {{ color: {scheme.text}; border-bottom-color: {scheme.accent}; }}
        QTabBar:focus::tab:selected {{ color: {scheme.accent}; }}
        QTabBar::scroller {{ width: 44px; }}
        QTabBar::tear {{ width: 0; border: none; }}
        QTabBar QToolButton {{ background: {scheme.window}; border: none; padding: 0; min-width: 0; }}
        QTableView {{
            background: {scheme.card}; color: {scheme.text}; border: none; outline: none;
            selection-background-color: {scheme.bar_track}; selection-color: {scheme.text};
        }}
        QTableView::item {{ padding: 0 4px; }}
        QTableView::item:focus {{ border: 1px solid {scheme.accent}; }}
        QHeaderView {{ background: {scheme.card}; border: none; }}
        QHeaderView::section {{
            background: {scheme.card}; color: {scheme.muted}; border: none; border-bottom: 1px solid {scheme.border};
            padding: 3px 4px;
        }}
        QHeaderView::section:vertical {{ border: none; }}
        QTableCornerButton::section {{ background: {scheme.card}; border: none; }}
        QTableView QLineEdit {{ border-radius: 0; padding: 0 2px; min-height: 0; }}
        QStatusBar {{ color: {scheme.text}; }}
        QMenuBar QToolButton {{ border: none; border-radius: 4px; padding: 0 10px; margin: 0 {SPACING_PX}px; }}
        QMenuBar QToolButton:hover, QMenuBar QToolButton:checked {{ background: {scheme.bar_track}; }}
        QMenuBar QToolButton:focus {{ border: 1px solid {scheme.accent}; padding: 0 9px; }}
        QAbstractScrollArea[plot="true"] {{ border: 1px solid transparent; border-radius: 4px; }}
        QAbstractScrollArea[plot="true"]:focus {{ border-color: {scheme.accent}; }}
        QStatusBar::item {{ border: none; }}
        QToolTip {{
            background: {scheme.card}; color: {scheme.text}; border: 1px solid {scheme.border}; padding: 6px;
        }}
    """


def icon(name: str, color: str, disabled: str) -> QIcon:
    """assets/icons/NAME.svg in one colour, and in another where it is disabled; sharp at any display scale."""
    result = QIcon()
    for mode, shade in ((QIcon.Mode.Normal, color), (QIcon.Mode.Disabled, disabled)):
        for picture in _icon_pictures(name, shade):
            result.addPixmap(QPixmap.fromImage(picture), mode)
    return result


@lru_cache(maxsize=64)
def _icon_pictures(name: str, color: str) -> list[QImage]:
    """One for each display scale."""
    source = asset_path(f"icons/{name}.svg").read_text(encoding="utf-8")
    renderer = QSvgRenderer(QByteArray(source.replace("currentColor", color).encode()))
    pictures = []
    for ratio in DEVICE_PIXEL_RATIOS:
        picture = QImage(QSize(ICON_PX, ICON_PX) * ratio, QImage.Format.Format_ARGB32_Premultiplied)
        picture.fill(Qt.GlobalColor.transparent)
        painter = QPainter(picture)
        renderer.render(painter, QRectF(0, 0, picture.width(), picture.height()))
        painter.end()
        picture.setDevicePixelRatio(ratio)
        pictures.append(picture)
    return pictures
