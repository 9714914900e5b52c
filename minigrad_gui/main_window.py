"""The main window: builds the session, lays out the views, and opens and saves files."""

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from PySide6.QtCore import QByteArray, QMimeData, QSettings, QTimer, QUrl, Slot
from PySide6.QtGui import QAction, QCloseEvent, QDesktopServices, QDragEnterEvent, QDropEvent, QIcon, QKeySequence
from PySide6.QtWidgets import (
    QApplication,
    QDialog,
    QFileDialog,
    QMainWindow,
    QMenu,
    QToolButton,
    QWidget,
)

from minigrad_gui import plain_imports  # noqa: F401  the sooner, the better

# isort: split
from engine import ModelFileError
from engine.archive import SUFFIX, is_archive
from minigrad_gui import theme
from minigrad_gui.data import SOURCES, title_of
from minigrad_gui.exchange import EXPORTS, INPUTS, NETWORK_SUFFIXES, ExchangeError, read_config
from minigrad_gui.garbage import GarbageCollector
from minigrad_gui.incidents import log_path
from minigrad_gui.pictures import PICTURE_SUFFIXES, PictureError, read_image
from minigrad_gui.recovery import run_in
from minigrad_gui.resources import asset_path
from minigrad_gui.run_offer import RunOffer
from minigrad_gui.session import Imported, Session
from minigrad_gui.unsaved_work import Answer, ask_before, ask_before_leaving
from minigrad_gui.views import VIEWS
from minigrad_gui.views.holder import ViewHolder
from minigrad_gui.views.view import Docked, Place, View
from minigrad_gui.widgets.about_box import AboutBox
from minigrad_gui.widgets.accessibility import name_menus
from minigrad_gui.widgets.banner import Banner, Foot
from minigrad_gui.widgets.building import action, column, named
from minigrad_gui.widgets.columns import Columns
from minigrad_gui.widgets.content_area import ContentArea
from minigrad_gui.widgets.docks import Docks
from minigrad_gui.widgets.files import (
    MODEL_KIND,
    SETTINGS_SUFFIX,
    ask_where_to_export,
    ask_where_to_save,
    ask_which_network,
)
from minigrad_gui.widgets.model_drop import answer_drag, kind_of
from minigrad_gui.widgets.picture_dialog import PictureDialog, Pixels, pixels_of
from minigrad_gui.widgets.questions import TITLE, warn
from minigrad_gui.widgets.recent_files import RecentFilesMenu
from minigrad_gui.widgets.screens import move_onto_screen, place_first
from minigrad_gui.widgets.theme_menu import ThemeMenu


class MainWindow(QMainWindow):
    """views: from left to right, and in a column from top to bottom."""

    def __init__(self, views: Sequence[type[View] | Docked] = VIEWS) -> None:
        super().__init__()
        self._settings = QSettings(QSettings.Format.IniFormat, QSettings.Scope.UserScope, "minigrad", "minigrad")
        self._is_leaving = self._is_closed = False
        self.has_ended = False
        """Closed, and every thread of its session has ended."""
        self._themes = ThemeMenu(self._settings, self)
        self._garbage = GarbageCollector(self)
        self.session = Session(self)
        self.setWindowIcon(QIcon(str(asset_path("icons/minigrad.svg"))))
        self.setAcceptDrops(True)
        self._views: list[View] = []
        left, centre, right = (QWidget() for _ in range(3))
        self._columns: dict[Place, QWidget] = {"left": left, "centre": centre, "right": right}
        frame = named(QWidget(), "scrolled")
        content = ContentArea(frame, self)
        self._splitter = Columns(left, centre, right, self._wanted_width, theme.SPACING_PX, frame)
        self._docks = Docks(centre)
        self._holders: list[ViewHolder] = []
        self._add_views(views)
        # Layouts come last: they ask for sizes, and would not hear of it when those change before the window is shown.
        column(self._splitter, margin=theme.SPACING_PX, parent=frame).setContentsMargins(*3 * (theme.SPACING_PX,), 4)
        self.setCentralWidget(content)
        self._refusal, self._notice = Banner("refusal"), Banner("notice")
        self._offer = RunOffer(self.session, self._may_discard)
        self._foot = Foot(self._refusal, self._notice, self._offer, margin_px=theme.SPACING_PX)
        self.setStatusBar(self._foot)
        self._recent = RecentFilesMenu(self._settings, self)
        self._recent.chosen.connect(self.open)
        self._save_handwriting = action(
            self, "Save with your &handwriting…", "saveWithHandwritingAction", self._on_save_with_handwriting
        )
        self._build_menus()

        self.session.failed.connect(self._warn)
        self.session.noticed.connect(self._on_noticed)
        self.session.compilingChanged.connect(self._on_compiling_changed)
        self.session.networkExporting.connect(self._on_network_exporting)
        self.session.networkExported.connect(self._on_network_exported)
        self.session.networkImporting.connect(self._on_network_importing)
        self.session.networkImported.connect(self._on_network_imported)
        self.session.datasetOpening.connect(self._on_dataset_opening)
        self.session.datasetOpened.connect(self._on_dataset_opened)
        self.session.documentChanged.connect(self._show_title)
        for changed in (self.session.handwritingChanged, self.session.stateChanged, self.session.modelChanged):
            changed.connect(self._show_enabled)
        self._restore()
        self._open_pretrained()
        self._show_title()
        self._show_enabled()
        self.session.look_for_runs()

    @property
    def is_complete(self) -> bool:
        """Whether everything in front has been made, which is soon after the window's first picture."""
        return not any(holder.is_waiting for holder in self._holders)

    # ------------------------------------------------------------ building

    def _add_views(self, views: Sequence[type[View] | Docked]) -> None:
        """Make each view in its place in the window: Qt styles all of a widget's children anew for each new parent."""
        stacks = {place: column(spacing=theme.SPACING_PX, parent=holder) for place, holder in self._columns.items()}
        for entry in views:
            if isinstance(entry, Docked):
                holder = ViewHolder(entry, self.session)
                holder.loaded.connect(self._take)
                self._holders.append(holder)
                dock = self._docks.add(holder, holder.header, entry.name, entry.title, entry.tab)
                dock.seen.connect(holder.set_seen)
                if holder is self._holders[0]:
                    holder.load()  # in front when the window opens, and its actions are in the menus
            else:
                view = entry(self.session, self._columns[entry.place])
                self._take(view)
                stacks[view.place].addWidget(view, view.stretch)
        stacks["centre"].addWidget(self._docks, 1)

    @Slot(QWidget)
    def _take(self, view: View) -> None:
        """Restore a view's settings, and store them when the window closes."""
        self._views.append(view)
        view.restore_settings(self._settings)

    def _wanted_width(self, height: int) -> int:
        """Of the right column, as `View.wanted_width`."""
        return max((view.wanted_width(height) for view in self._views if view.place == "right"), default=0)

    def _build_menus(self) -> None:
        menus: dict[str, QMenu] = {}
        for title in ("&File", "&Edit", "&Training", "&View", "&Help"):
            menus[title] = self.menuBar().addMenu(title)
        keys = QKeySequence.StandardKey
        file = menus["&File"]
        file.addAction(action(self, "&Open…", "openAction", self._on_open, keys.Open))
        file.addMenu(self._recent)
        file.addAction(action(self, "Open se&ttings…", "openSettingsAction", self._on_open_settings))
        file.addAction(action(self, "&Read a picture…", "readPictureAction", self._on_read_picture, "Ctrl+Shift+O"))
        file.addAction(action(self, "Open the &pretrained network", "openPretrainedAction", self._on_open_pretrained))
        file.addSeparator()
        file.addAction(action(self, "&Save", "saveAction", self._on_save, keys.Save))
        file.addAction(action(self, "Save &as…", "saveAsAction", self._on_save_as, keys.SaveAs))
        file.addAction(self._save_handwriting)
        file.addAction(action(self, "&Export…", "exportAction", self._on_export))
        file.addSeparator()
        for view in self._views:
            for title, actions in view.menu_actions().items():
                menus[title].addActions(actions)
        menus["&Edit"].addAction(action(self, "&Paste a picture", "pastePictureAction", self._on_paste, keys.Paste))
        file.addSeparator()
        file.addAction(action(self, "&Quit", "quitAction", self.close, "Ctrl+Q"))
        shows = action(self, "Show &settings", "showSettingsAction", self._splitter.show_settings, "F9", checkable=True)
        shows.setIconText("Settings")
        shows.setChecked(True)
        self._splitter.settingsShown.connect(shows.setChecked)
        menus["&View"].addAction(shows)
        self.menuBar().setCornerWidget(self._settings_button(shows))
        menus["&View"].addActions([dock.action for dock in self._docks.docks])
        menus["&View"].addAction(action(self, "&Restore layout", "restoreLayoutAction", self._docks.arrange))
        menus["&View"].addSeparator()
        menus["&View"].addMenu(self._themes)
        menus["&Training"].addAction(self._offer.action)
        menus["&Help"].addAction(action(self, "Show the &log", "logAction", self._on_log))
        menus["&Help"].addAction(action(self, "&About minigrad", "aboutAction", self._on_about))
        self.menuBar().setAccessibleName("Menu bar")
        name_menus(self)

    def _settings_button(self, shows: QAction) -> QToolButton:
        """In the menu bar, where it is visible even while the settings are folded away."""
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
        answer = self._may_discard("open the pretrained network")
        if answer is Answer.CANCEL:
            return
        try:
            self.session.open_pretrained(keep_checkpoint=answer is Answer.KEEP)
        except ModelFileError as error:
            self._warn(str(error))

    @Slot(Path)
    def open(self, path: Path) -> None:
        """Open a model file, or resume a run from its checkpoint, after asking about unsaved work.

        A network of another program is imported in another thread first.
        """
        if path.suffix.lower() != SUFFIX and not is_archive(path):
            if not path.exists():
                self._recent.forget(path)
            self.session.import_network(path.absolute())
            return
        answer = self._may_discard("open another network")
        if answer is Answer.CANCEL:
            return
        path, keep = path.absolute(), answer is Answer.KEEP
        try:
            run = run_in(path)
            if run is not None:
                self.session.resume_run(run, keep_checkpoint=keep)
                return
            self.session.open(path, keep_checkpoint=keep)
        except ModelFileError as error:
            self._warn(str(error))
            if not path.exists():
                self._recent.forget(path)
        else:
            self._recent.remember(path)
            self._foot.tell(f"Opened {path.name}")

    @Slot(str)
    def _on_network_importing(self, name: str) -> None:
        if name:
            self._notice.dismiss()
        self._tell_meanwhile(f"Reading {name}…" if name else "")

    @Slot(object)
    def _on_network_imported(self, imported: Imported) -> None:
        answer = self._may_discard("open another network")
        if answer is Answer.CANCEL:
            return
        self.session.open_imported(imported, keep_checkpoint=answer is Answer.KEEP)
        self._recent.remember(imported.path)
        name, accuracy = imported.path.name, imported.record.test_accuracy
        if not imported.is_measured:
            told = f"{name} recognises no digits of MNIST, so what it expects of pictures could not be measured."
            self._on_noticed(told)
        elif imported.is_usual:
            self._foot.tell(f"Opened {name}")
        else:
            told = f"{name} reads MNIST better if pixels are {imported.input}, and gets them so: "
            as_usual = partial(self.session.import_network, imported.path, INPUTS[0])
            choices: dict[str, Callable[[], None]] = {
                "Close": self._notice.dismiss,
                "Leave pixels as they are": as_usual,
            }
            self._notice.say(f"{told}{accuracy:.2%} of the test digits are right.", choices)

    def open_settings(self, path: Path) -> None:
        """Take the settings of a run from a TOML file for the next run."""
        try:
            self.session.set_config(read_config(path), self.session.source, self.session.choices)
        except ExchangeError as error:
            self._warn(str(error))
        else:
            self._foot.tell(f"Took the settings from {path.name}")

    def _may_discard(self, what: str) -> Answer:
        return ask_before(what, self.session, self, self._on_save)

    def _save_to(self, path: Path) -> bool:
        return self._write(path, self.session.save)

    def _write(self, path: Path, save: Callable[[Path], None]) -> bool:
        try:
            save(path)
        except ModelFileError as error:
            self._warn(str(error))
            return False
        self._recent.remember(path)
        self._foot.tell(f"Saved {path.name}")
        return True

    @Slot()
    def _on_open(self) -> None:
        path = ask_which_network(self, "Open a network", self._recent.folder(), NETWORK_SUFFIXES)
        if path is not None:
            self.open(path)

    @Slot()
    def _on_open_settings(self) -> None:
        start = str(self._recent.folder())
        path, _ = QFileDialog.getOpenFileName(self, "Open settings", start, f"Settings of a run (*{SETTINGS_SUFFIX})")
        if path:
            self.open_settings(Path(path))

    @Slot()
    def _on_save(self) -> bool:
        return self._on_save_as() if self.session.path is None else self._save_to(self.session.path)

    @Slot()
    def _on_save_as(self) -> bool:
        start = self.session.path or self._recent.folder() / "digits.npz"
        path = ask_where_to_save(self, "Save the network", str(start), MODEL_KIND, SUFFIX)
        return path is not None and self._save_to(path)

    @Slot()
    def _on_save_with_handwriting(self) -> None:
        start = self._recent.folder() / "digits-with-handwriting.npz"
        title = "Save the network with your handwriting"
        path = ask_where_to_save(self, title, str(start), MODEL_KIND, SUFFIX)
        if path is not None:
            self._write(path, self.session.save_with_handwriting)

    @Slot()
    def _on_export(self) -> None:
        start = (self.session.path or self._recent.folder() / "digits").with_suffix(next(iter(EXPORTS)))
        kinds = {suffix: export.name for suffix, export in EXPORTS.items()}
        path = ask_where_to_export(self, "Export the network", str(start), kinds)
        if path is not None:
            self.session.export(path)

    @Slot(str)
    def _on_network_exporting(self, name: str) -> None:
        self._tell_meanwhile(f"Exporting {name}…" if name else "")

    @Slot(str)
    def _on_network_exported(self, name: str) -> None:
        self._foot.tell(f"Exported {name}")

    @Slot()
    def _show_enabled(self) -> None:
        self._save_handwriting.setEnabled(self.session.handwriting_state == "on")

    @Slot()
    def _on_compiling_changed(self) -> None:
        if self.session.is_compiling:
            self._tell_meanwhile("Preparing machine code for training, once after installation…")
        elif self.session.has_failed_to_compile:
            self._tell_meanwhile("")
        else:
            self._foot.tell("Machine code for training is ready.")

    @Slot(str)
    def _on_noticed(self, message: str) -> None:
        self._notice.say(message, {"Close": self._notice.dismiss})

    # ------------------------------------------------------------ datasets

    @Slot(str)
    def _on_dataset_opening(self, source: str) -> None:
        self._tell_meanwhile(f"Opening {title_of(source)}…" if source else "")

    def _tell_meanwhile(self, message: str) -> None:
        """A message that stays until it is "", when the work has ended."""
        if message:
            self._foot.tell(message, 0)
        else:
            self._foot.clearMessage()

    @Slot(str)
    def _on_dataset_opened(self, source: str) -> None:
        self._foot.tell(f"Opened {title_of(source)}")
        if source not in SOURCES:
            self._docks.bring_to_front("datasetView")  # a person should see what was opened

    # ------------------------------------------------------------ pictures

    @Slot()
    def _on_read_picture(self) -> None:
        kinds = " ".join(f"*{suffix}" for suffix in PICTURE_SUFFIXES)
        path, _ = QFileDialog.getOpenFileName(self, "Read a picture", str(self._recent.folder()), f"Pictures ({kinds})")
        if path:
            self.read_picture(Path(path))

    @Slot()
    def _on_paste(self) -> None:
        copied = QApplication.clipboard().mimeData() or QMimeData()  # None if nothing has ever been copied
        if copied.hasImage():
            self._show_picture(pixels_of(QApplication.clipboard().image()), "Pasted")
        elif copied.hasUrls() and copied.urls()[0].isLocalFile():
            self.read_picture(Path(copied.urls()[0].toLocalFile()))
        else:
            self._foot.tell("There is no picture on the clipboard.")

    def read_picture(self, path: Path) -> None:
        """Show a picture file and its reading, or why it cannot be read."""
        try:
            self._show_picture(read_image(path), path.name)
        except PictureError as error:
            self._warn(str(error))

    def _show_picture(self, pixels: Pixels, name: str) -> None:
        dialog = PictureDialog(pixels, name, self.session.ask_to_read, self.session.withdraw, self)
        self.session.analysed.connect(dialog.take_reading)
        dialog.show()

    # ------------------------------------------------------------ drag and drop

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        answer_drag(event, self._refusal)

    def dropEvent(self, event: QDropEvent) -> None:
        path = answer_drag(event, self._refusal)
        if path is None:
            return
        kind = kind_of(path)
        if kind == "picture":
            self.read_picture(path)
        elif kind == "dataset":
            self.session.open_dataset(path)
        elif kind == "settings":
            self.open_settings(path)
        elif self.session.state == "idle" and not self.session.modified:
            self.open(path)
        else:  # this asks a question; answer the drop first, as the program that the file came from is waiting
            QTimer.singleShot(0, self, partial(self.open, path))

    # ------------------------------------------------------------ the rest of the frame

    @Slot(str)
    def _warn(self, message: str) -> None:
        warn(self, TITLE, message)

    @Slot()
    def _show_title(self) -> None:
        session = self.session
        self.setWindowTitle(f"{session.name}[*] – {TITLE}")
        self.setWindowModified(session.modified)

    @Slot()
    def _on_about(self) -> None:
        AboutBox(log_path(), self).open()

    @Slot()
    def _on_log(self) -> None:
        folder = log_path().parent
        if not folder.is_dir() or not QDesktopServices.openUrl(QUrl.fromLocalFile(str(folder))):
            self._warn(f"The log folder cannot be opened: {folder}")

    def _restore(self) -> None:
        place_first(self)
        geometry = self._settings.value("geometry")
        if isinstance(geometry, QByteArray) and self.restoreGeometry(geometry):
            move_onto_screen(self)
        self._splitter.restore(self._settings.value("columns"))
        self._docks.restore(self._settings.value("docks"))

    @Slot()
    def leave(self) -> None:
        """Close without asking, and keep the unsaved run or network for the next window to offer."""
        self._is_leaving = True
        asking = QApplication.activeModalWidget()
        if isinstance(asking, QDialog):
            asking.reject()  # a window cannot close while it shows a question
        self.close()

    def closeEvent(self, event: QCloseEvent) -> None:
        if self._is_closed:
            return
        answer = self._may_leave()
        if answer is Answer.CANCEL:
            event.ignore()
            return
        self._is_closed = True
        self._settings.setValue("geometry", self.saveGeometry())
        self._settings.setValue("columns", self._splitter.state())
        self._settings.setValue("docks", self._docks.state())
        for view in self._views:
            view.save_settings(self._settings)
        self._settings.sync()
        self.hide()  # the current training step may take a moment to finish
        self.has_ended = self.session.close(keep_checkpoint=answer is Answer.KEEP)
        self._garbage.stop()

    def _may_leave(self) -> Answer:
        answer = Answer.KEEP if self._is_leaving else ask_before_leaving(self.session, self, self._on_save)
        return Answer.KEEP if self._is_leaving else answer  # `leave` may have closed the question
