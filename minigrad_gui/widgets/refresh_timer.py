"""When a view shows what is new: often enough to look alive, seldom enough that training gets the processor."""

from time import monotonic, thread_time

from PySide6.QtCore import QObject, QTimer, Slot

from minigrad_gui import theme

LONGEST_MS = 300
SHARE = 0.05
"""So much of a processor the window shall take at most, on a machine where it can be done."""


class RefreshTimer(QTimer):
    """After `request()` comes `timeout`, once, and later the more time the thread has spent on showing things."""

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent, singleShot=True, interval=theme.REFRESH_INTERVAL_MS)
        self._then_s = monotonic(), thread_time()
        self.timeout.connect(self._choose_interval)

    def request(self) -> None:
        if not self.isActive():
            self.start()

    @Slot()
    def _choose_interval(self) -> None:
        now_s = monotonic(), thread_time()
        elapsed_s, spent_s = now_s[0] - self._then_s[0], now_s[1] - self._then_s[1]
        self._then_s = now_s
        if elapsed_s > 0:
            affordable_ms = self.interval() * spent_s / elapsed_s / SHARE
            self.setInterval(round(min(max(affordable_ms, theme.REFRESH_INTERVAL_MS), LONGEST_MS)))
