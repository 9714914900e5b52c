"""Which of several pointers draws: the mouse, a pen and fingers may report the same press, or different ones. No Qt."""

import math
from typing import Literal, NamedTuple

ECHO_S, ECHO_DISTANCE = 0.5, 0.02
"""Two presses this close in time and place are one device, reported twice."""
SILENT_S = 1.0
"""A pointer that has been down without an event for this long no longer blocks others: its release was lost."""


class Pointer(NamedTuple):
    """What draws: the mouse, a pen or a finger; there may be several pens and fingers."""

    kind: Literal["mouse", "pen", "finger"]
    identity: tuple[object, ...] = ()


MOUSE = Pointer("mouse")


class Press(NamedTuple):
    """Where on the paper a pointer came down, and the time of its last event, in seconds of the monotonic clock."""

    pointer: Pointer
    point: tuple[float, float]
    heard_s: float


def is_in_the_way(first: Press, second: Press, *, is_drawing: bool) -> bool:
    """Whether the first press, of another pointer, is still drawing or was the same press reported twice."""
    if first.pointer == second.pointer:
        return False
    elapsed_s = second.heard_s - first.heard_s
    if is_drawing:
        return elapsed_s < SILENT_S
    is_near = math.dist(first.point, second.point) < ECHO_DISTANCE
    return first.pointer.kind != second.pointer.kind and elapsed_s < ECHO_S and is_near
