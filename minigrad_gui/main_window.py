"""The window: builds the session, sets the views side by side, and connects what crosses from one to another."""

from collections.abc import Callable
from functools import partial
from html import escape
from pathlib import Path

from PySide6.QtCore import QByteArray, QDateTime, QLocale, QMimeData, QSettings, QSize, Qt, QTimer, QUrl, Slot
from PySide6.QtGui import (
    QAction,
    QActionGroup,
    QCloseEvent,
    QDesktopServices,
    QDragEnterEvent,
    QDropEvent,
    QIcon,
    QKeySequence,
)
from PySide6.QtWidgets import (
    QApplication,
    QDialog,
    QFileDialog,
    QFrame,
    QMainWindow,
    QMenu,
    QMessageBox,
    QScrollArea,
    QToolButton,
    QWidget,
)

from engine import ModelFileError
from minigrad_gui import theme
from minigrad_gui.data import asset_path
from minigrad_gui.garbage import GarbageCollector
from minigrad_gui.incidents import log_path
from minigrad_gui.recovery import RecoverableRun, run_in
from minigrad_gui.session import Session
from minigrad_gui.version import version
from minigrad_gui.views import VIEWS
from minigrad_gui.views.view import Column, View
from minigrad_gui.widgets.accessibility import name_menus, name_scroll_area
from minigrad_gui.widgets.banner import Banner, Foot
from minigrad_gui.widgets.building import action, column, named
from minigrad_gui.widgets.columns import Columns
from minigrad_gui.widgets.files import ask_where_to_save
from minigrad_gui.widgets.questions import choose
from minigrad_gui.widgets.screens import bring_back, place_first

TITLE = "minigrad"
MODEL_KIND, MODEL_SUFFIX = "minigrad model", ".npz"
MAX_RECENT_FILES = 8
DATE_FORMAT = "d MMM yyyy, HH:mm"
"""As in English, like all that the window says, in every locale."""
SMALLEST = QSize(560, 240)
"""Below this the window does not go; what does not fit into it is scrolled."""
PICTURES = {".png", ".jpg", ".jpeg", ".gif", ".bmp", ".tif", ".tiff", ".webp", ".svg", ".heic"}
THEMES = {"system": "&Follow system", "light": "&Light", "dark": "&Dark"}


class MainWindow(QMainWindow):
    def __init__(self) -> None:
        super().__init__()
        self._settings = QSettings(QSettings.Format.IniFormat, QSettings.Scope.UserScope, "minigrad", "minigrad")
        theme_name = self._settings.value("theme")
        self._theme = theme_name if theme_name in THEMES else "system"
        self._keeps_checkpoint = self._is_leaving = self._is_closed = False
        self._offers_runs = True
        self.has_ended = False
        """Closed, and every thread of its session has ended."""
        self._dress()
        self._garbage = GarbageCollector(self)
        self.session = Session(self)
        self.setWindowIcon(QIcon(str(asset_path("icons/minigrad.svg"))))
        self.setAcceptDrops(True)
        self._views: list[View] = [view(self.session) for view in VIEWS]
        self._splitter = self._laid_out(self._views)
        frame = named(QWidget(), "scrolled")
        column(self._splitter, margin=theme.SPACING_PX, parent=frame).setContentsMargins(*3 * (theme.SPACING_PX,), 4)
        self.setCentralWidget(_Scrolled(frame))
        self._refusal, self._notice, self._offer = (Banner(name) for name in ("refusal", "notice", "offer"))
        self._foot = Foot(self._refusal, self._notice, self._offer, margin_px=theme.SPACING_PX)
        self.setStatusBar(self._foot)
        self._taken_up: RecoverableRun | None = None
        self._recent = QMenu("Open &recent", self)
        self._save_handwriting = action(
            self, "Save with your &handwriting…", "saveWithHandwritingAction", self._on_save_with_handwriting
        )
        self._build_menus()

        self.session.failed.connect(self._warn)
        self.session.noticed.connect(self._on_noticed)
        self.session.leftBehindChanged.connect(self._offer_run)
        self.session.stateChanged.connect(self._offer_run)
        self.session.documentChanged.connect(self._show_title)
        for changed in (self.session.handwritingChanged, self.session.stateChanged, self.session.modelChanged):
            changed.connect(self._show_enabled)
        QApplication.styleHints().colorSchemeChanged.connect(self._dress)
        self._restore()
        self._open_pretrained()
        self._show_title()
        self._show_enabled()
        self.session.look_for_runs()

    # ------------------------------------------------------------ building

    @staticmethod
    def _laid_out(views: list[View]) -> Columns:
        holders: dict[Column, QWidget] = {"left": QWidget(), "centre": QWidget(), "right": QWidget()}
        for place, holder in holders.items():
            stack = column(spacing=theme.SPACING_PX, parent=holder)
            for view in views:
                if view.place == place:
                    stack.addWidget(view, view.stretch)
        right = [view for view in views if view.place == "right"]

        def wanted(height: int) -> int:
            return max((view.wanted_width(height) for view in right), default=0)

        return Columns(holders["left"], holders["centre"], holders["right"], wanted, theme.SPACING_PX)

    def _build_menus(self) -> None:
        menus: dict[str, QMenu] = {}
        for title in ("&File", "&Edit", "&Training", "&View", "&Help"):
            menus[title] = self.menuBar().addMenu(title)
        keys = QKeySequence.StandardKey
        file = menus["&File"]
        file.addAction(action(self, "&Open…", "openAction", self._on_open, keys.Open))
        file.addMenu(self._recent)
        file.addAction(action(self, "Open the &pretrained network", "openPretrainedAction", self._on_open_pretrained))
        file.addSeparator()
        file.addAction(action(self, "&Save", "saveAction", self._on_save, keys.Save))
        file.addAction(action(self, "Save &as…", "saveAsAction", self._on_save_as, keys.SaveAs))
        file.addAction(self._save_handwriting)
        file.addSeparator()
        for view in self._views:
            for title, actions in view.menu_actions().items():
                menus[title].addActions(actions)
        file.addSeparator()
        file.addAction(action(self, "&Quit", "quitAction", self.close, "Ctrl+Q"))
        shows = action(self, "Show &settings", "showSettingsAction", self._splitter.show_settings, "F9", checkable=True)
        shows.setIconText("Settings")
        shows.setChecked(True)
        self._splitter.settingsShown.connect(shows.setChecked)
        menus["&View"].addAction(shows)
        self.menuBar().setCornerWidget(self._settings_button(shows))
        themes = menus["&View"].addMenu("&Theme")
        group = QActionGroup(self)
        for name, title in THEMES.items():
            choice = QAction(title, group, checkable=True, checked=name == self._theme)
            choice.setData(name)
            themes.addAction(choice)
        group.triggered.connect(self._on_theme)
        self._recover = action(self, "An &interrupted run…", "recoverAction", self._on_recover)
        menus["&Training"].addAction(self._recover)
        menus["&Help"].addAction(action(self, "Show the &log", "logAction", self._on_log))
        menus["&Help"].addAction(action(self, "&About minigrad", "aboutAction", self._on_about))
        self.menuBar().setAccessibleName("Menu bar")
        name_menus(self)
        self._recent.aboutToShow.connect(self._fill_recent)
        self._recent.triggered.connect(self._on_recent)

    def _settings_button(self, shows: QAction) -> QToolButton:
        """In the menu bar, so that the settings can be seen to be there when they are folded away."""
        button = named(QToolButton(self.menuBar(), autoRaise=True), "showSettingsButton")
        button.setDefaultAction(shows)
        shows.setToolTip("Show the settings, or fold them away (F9)")
        return button

    # ------------------------------------------------------------ opening and saving

    def _open_pretrained(self) -> None:
        """The network that comes with the project, so that drawing works at once."""
        try:
            self.session.open_pretrained(take_settings=False)
        except ModelFileError as error:
            self._foot.tell(f"There is no network yet: {error}", 0)

    @Slot()
    def _on_open_pretrained(self) -> None:
        if not self._may_discard("open the pretrained network"):
            return
        try:
            self.session.open_pretrained(keep_checkpoint=self._keeps_checkpoint)
        except ModelFileError as error:
            self._warn(str(error))

    def open(self, path: Path) -> None:
        """Open a model file, or go on with a run from its checkpoint, once the person agrees to give up the rest."""
        if not self._may_discard("open another network"):
            return
        try:
            kept = run_in(path.absolute())
            if kept is not None:
                self.session.go_on_with(kept, keep_checkpoint=self._keeps_checkpoint)
                return
            self.session.open(path.absolute(), keep_checkpoint=self._keeps_checkpoint)
        except ModelFileError as error:
            self._warn(str(error))
            if not path.exists():
                self._forget(path.absolute())
        else:
            self._remember(path.absolute())
            self._foot.tell(f"Opened {path.name}")

    def _save_to(self, path: Path) -> bool:
        return self._write(path, self.session.save)

    def _write(self, path: Path, save: Callable[[Path], None]) -> bool:
        try:
            save(path)
        except ModelFileError as error:
            self._warn(str(error))
            return False
        self._remember(path)
        self._foot.tell(f"Saved {path.name}")
        return True

    def _may_discard(self, what: str) -> bool:
        """True if nothing is unsaved, or the person saved it or gives it up; see `_keeps_checkpoint`."""
        self._keeps_checkpoint = False
        if self.session.state != "idle":
            return self._may_end_run(what)
        if not self.session.modified:
            return True
        buttons = QMessageBox.StandardButton
        answer = QMessageBox.question(
            self,
            "Unsaved network",
            f"The trained network has not been saved. Save it before you {what}?",
            buttons.Save | buttons.Discard | buttons.Cancel,
            buttons.Save,
        )
        if answer == buttons.Save:
            return self._on_save()
        return bool(answer == buttons.Discard)

    @Slot()
    def _on_open(self) -> None:
        path, _ = QFileDialog.getOpenFileName(self, "Open a network", self._folder(), f"{MODEL_KIND} (*{MODEL_SUFFIX})")
        if path:
            self.open(Path(path))

    @Slot()
    def _on_save(self) -> bool:
        return self._on_save_as() if self.session.path is None else self._save_to(self.session.path)

    @Slot()
    def _on_save_as(self) -> bool:
        start = self.session.path or Path(self._folder()) / "digits.npz"
        path = ask_where_to_save(self, "Save the network", str(start), MODEL_KIND, MODEL_SUFFIX)
        return path is not None and self._save_to(path)

    @Slot()
    def _on_save_with_handwriting(self) -> None:
        start = Path(self._folder()) / "digits-with-handwriting.npz"
        title = "Save the network with your handwriting"
        path = ask_where_to_save(self, title, str(start), MODEL_KIND, MODEL_SUFFIX)
        if path is not None:
            self._write(path, self.session.save_with_handwriting)

    @Slot()
    def _show_enabled(self) -> None:
        self._save_handwriting.setEnabled(self.session.handwriting_state == "on")

    def _folder(self) -> str:
        """Where the last model was, or the home folder."""
        recent = self._recent_paths()
        return str(Path(recent[0]).parent if recent else Path.home())

    # ------------------------------------------------------------ runs that were left behind

    @Slot()
    def _offer_run(self) -> None:
        """Offer the newest run that did not end, or whose network was not saved.

        Not while another goes on, nor by itself after one has begun: from then on the menu offers it.
        """
        session = self.session
        is_idle = session.state == "idle"
        self._recover.setEnabled(is_idle and bool(session.left_behind))
        if not is_idle:
            self._offers_runs = False
        elif self._taken_up in session.left_behind:  # it was to go on, and could not
            self._taken_up, self._offers_runs = None, True
        if self._recover.isEnabled() and self._offers_runs:
            self._offer_this(session.left_behind[0])
        else:
            self._offer.dismiss()

    @Slot()
    def _on_recover(self) -> None:
        self._offers_runs = True
        self._offer_run()

    def _offer_this(self, kept: RecoverableRun) -> None:
        config, done = kept.summary.config, kept.summary.epochs_done
        hidden = ", ".join(map(str, config.hidden)) or "none"
        when = QLocale.c().toString(QDateTime.fromSecsSinceEpoch(int(kept.saved_at_s)), DATE_FORMAT)
        finished = kept.summary.is_finished
        epochs = f"{config.epochs} epoch{'s' * (config.epochs != 1)}"
        epochs = epochs if finished else f"{done:.1f} of {epochs}"
        what = "A trained network was not saved" if finished else "A run has not ended"
        self._offer.say(
            f"{what}: hidden layers {hidden}, {epochs}, kept {when}.",
            {
                "Bring it back" if finished else "Go on": partial(self._go_on_with, kept),
                "Throw away": partial(self._throw_away, kept),
                "Not now": self._offer_no_more,
            },
        )

    def _offer_no_more(self) -> None:
        self._offers_runs = False
        self._offer.dismiss()

    def _go_on_with(self, kept: RecoverableRun) -> None:
        if self._may_discard("go on with another run"):
            self._taken_up = kept
            self.session.go_on_with(kept, keep_checkpoint=self._keeps_checkpoint)

    def _throw_away(self, kept: RecoverableRun) -> None:
        what = "Throw this run away? It cannot be brought back."
        throw_away = "Throw away"
        roles = QMessageBox.ButtonRole
        if throw_away == choose(self, TITLE, what, {"Cancel": roles.RejectRole, throw_away: roles.DestructiveRole}):
            self.session.throw_away(kept)

    @Slot(str)
    def _on_noticed(self, message: str) -> None:
        self._notice.say(message, {"Close": self._notice.dismiss})

    # ------------------------------------------------------------ recent files

    def _recent_paths(self) -> list[str]:
        self._settings.sync()  # what other windows have remembered since
        stored = self._settings.value("recent", [])
        paths = [stored] if isinstance(stored, str) else stored if isinstance(stored, list) else []
        return [path for path in paths if isinstance(path, str) and path][:MAX_RECENT_FILES]

    def _remember(self, path: Path) -> None:
        others = [each for each in self._recent_paths() if each != str(path)]
        self._settings.setValue("recent", [str(path), *others][:MAX_RECENT_FILES])

    def _forget(self, path: Path) -> None:
        self._settings.setValue("recent", [each for each in self._recent_paths() if each != str(path)])

    @Slot()
    def _fill_recent(self) -> None:
        self._recent.clear()
        for path in self._recent_paths():
            self._recent.addAction(path).setData(path)
        if self._recent.isEmpty():
            self._recent.addAction("None yet").setEnabled(False)

    @Slot(QAction)
    def _on_recent(self, chosen: QAction) -> None:
        self.open(Path(chosen.data()))

    # ------------------------------------------------------------ drag and drop

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        self._take_drag(event)

    def dropEvent(self, event: QDropEvent) -> None:
        path = self._take_drag(event)
        if path is None:
            return
        if self.session.state == "idle" and not self.session.modified:
            self.open(path)
        else:  # a question; what the file was dragged from waits until this event is answered
            QTimer.singleShot(0, self, partial(self.open, path))

    def _take_drag(self, event: QDropEvent) -> Path | None:
        """The model file that is dragged; of anything else it is said why it cannot be dropped."""
        path, refusal = _dragged(event.mimeData())
        if path is None:
            event.ignore()
            self._refusal.say(refusal, {"Close": self._refusal.dismiss})
        else:
            event.acceptProposedAction()
            self._refusal.dismiss()
        return path

    # ------------------------------------------------------------ the rest of the frame

    @Slot(str)
    def _warn(self, message: str) -> None:
        QMessageBox.warning(self, TITLE, message)

    @Slot()
    def _show_title(self) -> None:
        session = self.session
        self.setWindowTitle(f"{session.name}[*] – {TITLE}")
        self.setWindowModified(session.modified)

    @Slot()
    def _dress(self) -> None:
        app = QApplication.instance()
        assert isinstance(app, QApplication)
        theme.apply(app, dark=theme.system_is_dark() if self._theme == "system" else self._theme == "dark")

    @Slot(QAction)
    def _on_theme(self, chosen: QAction) -> None:
        self._theme = chosen.data()
        self._settings.setValue("theme", self._theme)
        self._dress()

    @Slot()
    def _on_about(self) -> None:
        text = (
            f"<b>minigrad</b> {escape(version())}<br><br>A laboratory for neural networks: configure one, watch it "
            "learn, draw a digit and see what it thinks.<br><br>Code: MIT licence. Digits: MNIST by LeCun, Cortes and "
            "Burges, CC BY-SA 3.0."
            f"<br><br>What goes wrong is written to the log:<br>{escape(str(log_path()))}"
        )
        about = QMessageBox(QMessageBox.Icon.NoIcon, "About minigrad", text, QMessageBox.StandardButton.Ok, self)
        about.setObjectName("aboutBox")
        about.setIconPixmap(self.windowIcon().pixmap(64))
        selectable = Qt.TextInteractionFlag.TextSelectableByMouse | Qt.TextInteractionFlag.TextSelectableByKeyboard
        about.setTextInteractionFlags(selectable)
        about.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        about.open()

    @Slot()
    def _on_log(self) -> None:
        folder = log_path().parent
        if not folder.is_dir() or not QDesktopServices.openUrl(QUrl.fromLocalFile(str(folder))):
            self._warn(f"The folder of the log cannot be shown: {folder}")

    def _restore(self) -> None:
        place_first(self)
        geometry = self._settings.value("geometry")
        if isinstance(geometry, QByteArray) and self.restoreGeometry(geometry):
            bring_back(self)
        self._splitter.restore(self._settings.value("columns"))
        for view in self._views:
            view.restore_settings(self._settings)

    def _may_end_run(self, what: str) -> bool:
        """True if the person lets the run end; `_keeps_checkpoint` tells whether it can be gone on with."""
        keep, discard = "Keep the run", "Discard the run"
        text = f"{what[0].upper()}{what[1:]} while the network is in training? If you keep the run, minigrad offers "
        answer = self._choose_keep(f"{text}to go on with it the next time you start it.", keep, discard)
        return answer in (keep, discard)

    def _may_leave(self) -> bool:
        if not self._may_discard("leave"):
            return False
        if self.session.modified or not self.session.has_unsaved_way_back:
            return True
        keep, discard = "Keep it", "Discard it"
        text = "The trained network that you went back from has not been saved. If you keep it, minigrad offers it "
        return self._choose_keep(f"{text}the next time you start it.", keep, discard) in (keep, discard)

    def _choose_keep(self, text: str, keep: str, discard: str) -> str | None:
        roles = QMessageBox.ButtonRole
        choices = {keep: roles.AcceptRole, discard: roles.DestructiveRole, "Cancel": roles.RejectRole}
        answer = choose(self, TITLE, text, choices)
        self._keeps_checkpoint = answer == keep
        return answer

    @Slot()
    def leave(self) -> None:
        """Close without a question, and keep the run or the network that is not saved for the next time."""
        self._is_leaving = True
        asking = QApplication.activeModalWidget()
        if isinstance(asking, QDialog):
            asking.reject()  # a window does not close while it asks whether it may
        self.close()

    def closeEvent(self, event: QCloseEvent) -> None:
        if not self._is_leaving and not self._is_closed and not self._may_leave() and not self._is_leaving:
            event.ignore()
            return
        self._is_closed = True
        self._settings.setValue("geometry", self.saveGeometry())
        self._settings.setValue("columns", self._splitter.state())
        for view in self._views:
            view.save_settings(self._settings)
        self._settings.sync()
        self.hide()  # the step that is under way may take a moment to end
        self.has_ended = self.session.close(keep_checkpoint=self._keeps_checkpoint or self._is_leaving)
        self._garbage.stop()
        event.accept()


class _Scrolled(QScrollArea):
    """The window's content, or the part of it that a very small window has room for."""

    def __init__(self, content: QWidget) -> None:
        super().__init__(widgetResizable=True)
        self._content = content
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        name_scroll_area(self, "Window")
        self.setWidget(content)

    def minimumSizeHint(self) -> QSize:
        return self._content.minimumSizeHint().boundedTo(SMALLEST)


def _dragged(what: QMimeData) -> tuple[Path | None, str]:
    """The model file that is dragged; or None, and a sentence that says why it is none."""
    can = f"What can be dropped here is one {MODEL_KIND} or run ({MODEL_SUFFIX})."
    urls = what.urls()
    if len(urls) > 1:
        return None, f"These are {len(urls)} things at once. {can}"
    if not urls:
        is_picture = what.hasImage()
        return None, f"Pictures can be read with the predict command for now, as files. {can}" if is_picture else can
    if not urls[0].isLocalFile():
        return None, f"This is an address, not a file on this computer. {can}"
    path = Path(urls[0].toLocalFile())
    if path.is_dir():
        return None, f"“{path.name}” is a folder. {can}"
    if path.suffix.lower() in PICTURES:
        command = "minigrad-gui predict MODEL.npz"
        return (
            None,
            f"“{path.name}” is a picture: for now, pictures are read with the command {command} {path.name}. {can}",
        )
    if path.suffix.lower() != MODEL_SUFFIX:
        return None, f"“{path.name}” is no model file. {can}"
    return path, ""
