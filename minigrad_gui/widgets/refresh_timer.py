"""When a view redraws: often enough to look live, rarely enough to leave the CPU to training."""

from time import monotonic, thread_time

from PySide6.QtCore import QObject, QTimer, Slot

from minigrad_gui import theme

LONGEST_INTERVAL_MS = 300
CPU_SHARE = 0.05
"""Target CPU share for redrawing, as far as the longest interval allows."""


class RefreshTimer(QTimer):
    """`request()` leads to one `timeout`; the more CPU time the thread has spent, the longer the interval."""

    def __init__(self, parent: QObject, longest_ms: int = LONGEST_INTERVAL_MS) -> None:
        super().__init__(parent, singleShot=True, interval=theme.REFRESH_INTERVAL_MS)
        self._longest_ms = longest_ms
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
            affordable_ms = self.interval() * spent_s / elapsed_s / CPU_SHARE
            self.setInterval(round(min(max(affordable_ms, theme.REFRESH_INTERVAL_MS), self._longest_ms)))
