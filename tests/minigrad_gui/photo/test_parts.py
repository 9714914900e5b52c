"""Parts of the ink: what is no digit's goes, and the pieces of each digit come together, in reading order."""

import numpy as np
import pytest

from minigrad_gui.photo import parts


def inked(*boxes: tuple[int, int, int, int], shape: tuple[int, int] = (200, 300)) -> np.ndarray:
    """Ink in boxes (left, top, right, bottom)."""
    ink = np.zeros(shape, np.float32)
    for left, top, right, bottom in boxes:
        ink[top:bottom, left:right] = 1
    return ink


def ring(left: int, top: int, right: int, bottom: int, pen: int) -> list[tuple[int, int, int, int]]:
    return [
        (left, top, right, top + pen),
        (left, bottom - pen, right, bottom),
        (left, top, left + pen, bottom),
        (right - pen, top, right, bottom),
    ]


def boxes_of_groups(ink: np.ndarray) -> list[list[int]]:
    """Left, top, right, bottom of each digit, sorted."""
    measured, groups = parts.groups_of(ink, ink > 0)
    return sorted(
        [*measured.low[group].min(axis=0)[::-1].tolist(), *measured.high[group].max(axis=0)[::-1].tolist()]
        for group in groups
    )


def test_parts_are_measured():
    measured = parts.parts_of(ink := inked((10, 20, 22, 120), (100, 50, 180, 62)), ink > 0)
    assert measured.low.tolist() == [[20, 10], [50, 100]]
    assert measured.high.tolist() == [[120, 22], [62, 180]]
    assert measured.mass.tolist() == [1200, 960]
    assert measured.extent.tolist() == [100, 80]
    assert measured.pen == pytest.approx(12, rel=0.15)
    assert measured.area(ink > 0).tolist() == [1200, 960]
    assert measured.mask(np.array([1]))[55, 150]
    assert not measured.mask(np.array([True, False]))[55, 150]


def test_pale_ink_is_followed_from_where_it_is_dark():
    ink = inked((10, 10, 100, 20))
    ink[:, 50:] *= 0.3
    ink[100:110, 10:100] = 0.3
    found = parts.followed(ink > 0.5, ink > 0.2)
    assert found[15, 90]
    assert not found[105, 50]


def test_a_soft_stroke_is_ink_and_a_soft_pale_shadow_is_not():
    across, along = (np.clip(1.5 - np.abs(np.arange(200) - 100) / half, 0, 1) for half in (12, 50))
    stroke = np.outer(along, across).astype(np.float32)
    assert parts.without_shadows(stroke, stroke > 0.1).any()
    shadow = 0.25 * stroke
    assert not parts.without_shadows(shadow, shadow > 0.05).any()


@pytest.mark.parametrize(
    "surroundings",
    [
        ring(5, 5, 295, 195, 3),
        [(0, 185, 300, 190)],
        [(290, 0, 294, 200), (0, 4, 294, 8)],
        ring(90, 20, 220, 185, 3),
    ],
    ids=["frame", "line below", "two borders", "circled"],
)
def test_surroundings_of_a_digit_are_removed(surroundings):
    digit = inked((120, 50, 180, 62), (150, 50, 162, 150))
    ink = np.maximum(digit, inked(*surroundings))
    left = parts.without_surroundings(ink, ink > 0)
    assert np.array_equal(left, digit > 0)


def test_a_lone_part_stays_wherever_it_is():
    for boxes in ([(0, 100, 300, 112)], ring(0, 0, 300, 200, 12), [(0, 0, 12, 200)]):
        ink = inked(*boxes)
        assert np.array_equal(parts.without_surroundings(ink, ink > 0), ink > 0)


def test_a_one_at_the_end_of_a_number_stays():
    ink = inked((20, 30, 32, 170), (100, 30, 180, 170), (260, 30, 340, 170), (555, 30, 567, 170), shape=(200, 600))
    assert np.array_equal(parts.without_surroundings(ink, ink > 0), ink > 0)


def test_an_eight_of_two_rings_one_in_the_other_no_speck():
    ink = inked(*ring(100, 20, 200, 180, 14), (145, 90, 155, 100))
    assert parts.without_surroundings(ink, ink > 0)[25, 150]


def test_pieces_are_joined_from_neighbour_to_neighbour():
    """The far end of a broken 2 is further from its top than from the piece between."""
    two = [(60, 20, 150, 34), (136, 34, 150, 70), (110, 85, 124, 115), (85, 128, 99, 155), (60, 170, 160, 184)]
    assert boxes_of_groups(inked(*two)) == [[60, 20, 160, 184]]


def test_a_separate_flag_belongs_to_its_digit():
    five = [(60, 40, 70, 90), (60, 90, 110, 100), (110, 90, 120, 150), (60, 140, 110, 150), (76, 24, 130, 32)]
    assert len(boxes_of_groups(inked(*five))) == 1


def test_digits_side_by_side_are_several():
    row = [box for at in (20, 80, 140, 200) for box in ring(at, 60, at + 50, 150, 10)]
    assert boxes_of_groups(inked(*row)) == [[at, 60, at + 50, 150] for at in (20, 80, 140, 200)]


def test_lines_of_digits_are_several():
    sheet = [box for top in (20, 110) for at in (20, 80, 140) for box in ring(at, top, at + 45, top + 70, 8)]
    assert len(boxes_of_groups(inked(*sheet))) == 6


def test_specks_are_no_digits():
    ink = inked(*ring(60, 40, 120, 140, 10), (200, 100, 206, 106), (20, 20, 24, 25))
    assert boxes_of_groups(ink) == [[60, 40, 120, 140]]
    assert not parts.without_specks(ink, ink > 0)[103, 203]


def test_boxes_are_read_line_by_line_even_if_a_line_is_crooked():
    boxes = np.array([[50, 12, 60, 32], [10, 0, 20, 20], [90, 18, 99, 38], [10, 60, 20, 80], [50, 64, 60, 84]])
    assert parts.in_reading_order(boxes) == [1, 0, 2, 3, 4]
    assert parts.in_reading_order(np.empty((0, 4), np.int64)) == []
