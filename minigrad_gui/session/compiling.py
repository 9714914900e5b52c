"""Has training compiled in the background while the window is open, once after installation."""

import logging

from PySide6.QtCore import QObject, QTimer, Signal, Slot

from minigrad_gui.machine_code import MachineCode

LOOK_INTERVAL_MS = 100


class Compiling(QObject):
    """Starts and ends what compiles, and tells when it is done."""

    changed = Signal()  # it has begun, or ended

    def __init__(self, machine_code: MachineCode, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._machine_code = machine_code
        self._timer = QTimer(self, interval=LOOK_INTERVAL_MS)
        self._timer.timeout.connect(self._look)

    def start(self) -> None:
        """Begin, unless this installation has done it before."""
        if self._machine_code.prepare():
            self._timer.start()
            self.changed.emit()

    def end(self) -> None:
        self._timer.stop()
        self._machine_code.end()

    @Slot()
    def _look(self) -> None:
        if not self._machine_code.is_preparing:
            self._timer.stop()
            if self._machine_code.has_failed:
                logging.getLogger("minigrad").warning("Training could not be compiled ahead; each run compiles it.")
            self.changed.emit()
