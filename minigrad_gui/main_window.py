"""The window: builds the session, sets the views side by side, and connects what crosses from one to another."""

from functools import partial
from html import escape
from pathlib import Path

from PySide6.QtCore import QByteArray, QDateTime, QLocale, QSettings, Qt, QUrl, Slot
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
    QMainWindow,
    QMenu,
    QMessageBox,
    QSplitter,
    QWidget,
)

from engine import ModelFileError
from minigrad_gui import theme
from minigrad_gui.data import asset_path
from minigrad_gui.garbage import GarbageCollector
from minigrad_gui.incidents import log_path
from minigrad_gui.recovery import KeptRun, run_in
from minigrad_gui.session import Session
from minigrad_gui.views import VIEWS
from minigrad_gui.views.view import Column, View
from minigrad_gui.widgets.banner import Banner
from minigrad_gui.widgets.building import action, column
from minigrad_gui.widgets.files import ask_where_to_save
from minigrad_gui.widgets.questions import choose

TITLE = "minigrad"
MODEL_KIND, MODEL_SUFFIX = "minigrad model", ".npz"
MAX_RECENT_FILES = 8
COLUMN_WIDTHS_PX: dict[Column, int] = {"left": 300, "centre": 620, "right": 340}
THEMES = {"system": "&As the system", "light": "&Light", "dark": "&Dark"}


class MainWindow(QMainWindow):
    def __init__(self) -> None:
        super().__init__()
        self._settings = QSettings(QSettings.Format.IniFormat, QSettings.Scope.UserScope, "minigrad", "minigrad")
        theme_name = self._settings.value("theme")
        self._theme = theme_name if theme_name in THEMES else "system"
        self._keeps_run = self._is_leaving = self._is_closed = False
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
        self._offer, self._notice = Banner("offer", theme.SPACING_PX), Banner("notice", theme.SPACING_PX)
        frame = QWidget()
        panels = column(self._splitter, margin=theme.SPACING_PX)  # a splitter leaves its own margins out of its size
        column(self._offer, self._notice, panels, spacing=0, parent=frame).setStretch(2, 1)
        self.setCentralWidget(frame)
        self._recent = QMenu("Open &recent", self)
        self._build_menus()

        self.session.failed.connect(self._warn)
        self.session.noticed.connect(self._on_noticed)
        self.session.leftBehindChanged.connect(self._offer_run)
        self.session.stateChanged.connect(self._offer_run)
        self.session.documentChanged.connect(self._show_title)
        QApplication.styleHints().colorSchemeChanged.connect(self._dress)
        self.statusBar().setSizeGripEnabled(False)
        self._restore()
        self._open_pretrained()
        self._show_title()
        self.session.look_for_runs()

    # ------------------------------------------------------------ building

    @staticmethod
    def _laid_out(views: list[View]) -> QSplitter:
        splitter = QSplitter(Qt.Orientation.Horizontal, handleWidth=theme.SPACING_PX, childrenCollapsible=False)
        for place, width in COLUMN_WIDTHS_PX.items():
            holder = QWidget()
            stack = column(spacing=theme.SPACING_PX, parent=holder)
            for view in views:
                if view.place == place:
                    stack.addWidget(view, view.stretch)
            holder.resize(width, holder.height())
            splitter.addWidget(holder)
        splitter.setSizes(list(COLUMN_WIDTHS_PX.values()))
        for index, place in enumerate(COLUMN_WIDTHS_PX):
            splitter.setStretchFactor(index, 1 if place == "centre" else 0)
        return splitter

    def _build_menus(self) -> None:
        menus: dict[str, QMenu] = {}
        for title in ("&File", "&Edit", "&Training", "&View", "&Help"):
            menus[title] = self.menuBar().addMenu(title)
        keys = QKeySequence.StandardKey
        file = menus["&File"]
        file.addAction(action(self, "&Open…", "openAction", self._on_open, keys.Open))
        file.addMenu(self._recent)
        file.addSeparator()
        file.addAction(action(self, "&Save", "saveAction", self._on_save, keys.Save))
        file.addAction(action(self, "Save &as…", "saveAsAction", self._on_save_as, keys.SaveAs))
        file.addSeparator()
        for view in self._views:
            for title, actions in view.menu_actions().items():
                menus[title].addActions(actions)
        file.addSeparator()
        file.addAction(action(self, "&Quit", "quitAction", self.close, "Ctrl+Q"))
        themes = menus["&View"].addMenu("&Theme")
        group = QActionGroup(self)
        for name, title in THEMES.items():
            choice = QAction(title, group, checkable=True, checked=name == self._theme)
            choice.setData(name)
            themes.addAction(choice)
        group.triggered.connect(self._on_theme)
        menus["&Help"].addAction(action(self, "Show the &log", "logAction", self._on_log))
        menus["&Help"].addAction(action(self, "&About minigrad", "aboutAction", self._on_about))
        self._recent.aboutToShow.connect(self._fill_recent)
        self._recent.triggered.connect(self._on_recent)

    # ------------------------------------------------------------ opening and saving

    def _open_pretrained(self) -> None:
        """The network that comes with the project, so that drawing works at once."""
        try:
            self.session.open_pretrained()
        except ModelFileError as error:
            self.statusBar().showMessage(f"There is no network yet: {error}")

    def open(self, path: Path) -> None:
        """Open a model file, or go on with a run from its checkpoint, once the person agrees to give up the rest."""
        if not self._may_discard("open another network"):
            return
        try:
            kept = run_in(path.absolute())
            if kept is not None:
                self.session.go_on_with(kept, keep_run=self._keeps_run)
                return
            self.session.open(path.absolute(), keep_run=self._keeps_run)
        except ModelFileError as error:
            self._warn(str(error))
            if not path.exists():
                self._forget(path.absolute())
        else:
            self._remember(path.absolute())
            self.statusBar().showMessage(f"Opened {path.name}", 5000)

    def _save_to(self, path: Path) -> bool:
        try:
            self.session.save(path)
        except ModelFileError as error:
            self._warn(str(error))
            return False
        self._remember(path)
        self.statusBar().showMessage(f"Saved {path.name}", 5000)
        return True

    def _may_discard(self, what: str) -> bool:
        """True if nothing is unsaved, or the person saved it or gives it up; `_keeps_run` tells whether a run, too."""
        self._keeps_run = False
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

    def _folder(self) -> str:
        """Where the last model was, or the home folder."""
        recent = self._recent_paths()
        return str(Path(recent[0]).parent if recent else Path.home())

    # ------------------------------------------------------------ runs that were left behind

    @Slot()
    def _offer_run(self) -> None:
        """Offer the newest run that did not end, or whose network was not saved, unless another goes on now."""
        if self.session.state != "idle" or not self.session.left_behind or not self._offers_runs:
            self._offer.dismiss()
            return
        kept = self.session.left_behind[0]
        config, done = kept.summary.config, kept.summary.epochs_done
        hidden = ", ".join(map(str, config.hidden)) or "none"
        when = QLocale().toString(QDateTime.fromSecsSinceEpoch(int(kept.kept_at_s)), QLocale.FormatType.ShortFormat)
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

    def _go_on_with(self, kept: KeptRun) -> None:
        if self._may_discard("go on with another run"):
            self.session.go_on_with(kept, keep_run=self._keeps_run)

    def _throw_away(self, kept: KeptRun) -> None:
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

    @staticmethod
    def _dropped(event: QDropEvent) -> Path | None:
        files = [Path(url.toLocalFile()) for url in event.mimeData().urls() if url.isLocalFile()]
        return files[0] if len(files) == 1 and files[0].suffix.lower() == MODEL_SUFFIX else None

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        if self._dropped(event) is not None:
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:
        path = self._dropped(event)
        if path is not None:
            event.acceptProposedAction()
            self.open(path)

    # ------------------------------------------------------------ the rest of the frame

    @Slot(str)
    def _warn(self, message: str) -> None:
        QMessageBox.warning(self, TITLE, message)

    @Slot()
    def _show_title(self) -> None:
        session = self.session
        unnamed = "New network" if session.modified else "Pretrained network" if session.model else "No network"
        name = session.path.name if session.path else unnamed
        self.setWindowTitle(f"{name}[*] – {TITLE}")
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
            "<b>minigrad</b> is a laboratory for neural networks: configure one, watch it learn, draw a digit and see "
            "what it thinks.<br><br>Code: MIT licence. Digits: MNIST by LeCun, Cortes and Burges, CC BY-SA 3.0."
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
        self.resize(1280, 820)
        geometry, columns = self._settings.value("geometry"), self._settings.value("columns")
        if isinstance(geometry, QByteArray):
            self.restoreGeometry(geometry)
        if isinstance(columns, QByteArray):
            self._splitter.restoreState(columns)
        for view in self._views:
            view.restore_settings(self._settings)

    def _may_end_run(self, what: str) -> bool:
        """True if the person lets the run end; `_keeps_run` tells whether it can be gone on with."""
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
        self._keeps_run = answer == keep
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
        self._settings.setValue("columns", self._splitter.saveState())
        for view in self._views:
            view.save_settings(self._settings)
        self._settings.sync()
        self.hide()  # the step that is under way may take a moment to end
        self.has_ended = self.session.close(keep_run=self._keeps_run or self._is_leaving)
        self._garbage.stop()
        event.accept()
