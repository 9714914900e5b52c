"""Controls a training loop that runs in another thread.

No Qt here.
"""

import threading


class TrainingControl:
    """The person's commands to a running loop: pause, single steps, stop, another learning rate. Thread-safe."""

    def __init__(self, learning_rate: float, *, paused: bool = False) -> None:
        self._changed = threading.Condition()
        self.learning_rate = learning_rate
        self._paused = paused
        self._stopped = False
        self._abandoned = False
        self._keeps_checkpoint = True
        self._steps_allowed = 0

    @property
    def stopped(self) -> bool:
        return self._stopped

    @property
    def paused(self) -> bool:
        """Whether the loop waits, except for single steps."""
        return self._paused

    @property
    def must_wait(self) -> bool:
        return self._paused and not self._stopped and self._steps_allowed == 0

    def pause(self) -> None:
        with self._changed:
            self._paused, self._steps_allowed = True, 0

    def resume(self) -> None:
        with self._changed:
            self._paused = False
            self._changed.notify_all()

    def allow_step(self) -> None:
        """Let a paused loop take one more step."""
        with self._changed:
            self._steps_allowed += 1
            self._changed.notify_all()

    def stop(self) -> None:
        with self._changed:
            self._stopped = True
            self._changed.notify_all()

    def abandon(self, *, keep: bool) -> None:
        """Stop without evaluating: the result is no longer wanted. keep: whether the checkpoint is."""
        self._abandoned, self._keeps_checkpoint = True, keep
        self.stop()

    @property
    def keeps_checkpoint(self) -> bool:
        """Whether the run's checkpoint is still wanted."""
        return self._keeps_checkpoint

    @property
    def abandoned(self) -> bool:
        return self._abandoned

    def wait_for_step(self) -> bool:
        """Block while paused. True if the loop may take a step, False if it must end."""
        with self._changed:
            self._changed.wait_for(lambda: not self.must_wait)
            if self._paused and not self._stopped:
                self._steps_allowed -= 1
            return not self._stopped
