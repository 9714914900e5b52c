"""Of two pointers at once the first draws; one press that is reported twice draws once."""

import pytest

from minigrad_gui.widgets.pointers import ECHO_DISTANCE, ECHO_S, MOUSE, SILENT_S, Pointer, Press, is_in_the_way

PEN, FINGER, OTHER_FINGER = Pointer("pen", (1,)), Pointer("finger", (1,)), Pointer("finger", (2,))
NEAR, FAR = (0.5, 0.5 + ECHO_DISTANCE / 2), (0.5, 0.5 + 2 * ECHO_DISTANCE)


@pytest.mark.parametrize(
    ("pointer", "point", "after_s", "expected"),
    [
        (PEN, NEAR, ECHO_S / 2, True),
        (PEN, FAR, ECHO_S / 2, False),
        (PEN, NEAR, 2 * ECHO_S, False),
        (MOUSE, NEAR, 0.0, False),
    ],
)
def test_a_press_just_before_and_nearby_is_the_same_press(pointer, point, after_s, expected):
    assert (
        is_in_the_way(Press(MOUSE, (0.5, 0.5), 7.0), Press(pointer, point, 7.0 + after_s), is_drawing=False) is expected
    )


def test_two_fingers_in_turn_are_no_echo():
    assert not is_in_the_way(Press(FINGER, NEAR, 7.0), Press(OTHER_FINGER, NEAR, 7.0), is_drawing=False)


@pytest.mark.parametrize(("after_s", "expected"), [(SILENT_S / 2, True), (2 * SILENT_S, False)])
def test_while_one_draws_another_waits_until_the_first_is_silent(after_s, expected):
    first, second = Press(FINGER, (0.1, 0.1), 7.0), Press(OTHER_FINGER, (0.9, 0.9), 7.0 + after_s)
    assert is_in_the_way(first, second, is_drawing=True) is expected
