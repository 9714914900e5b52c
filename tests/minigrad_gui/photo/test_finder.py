"""Photographs, scans and pasted drawings become the digit alone: no light, paper, table, lines, grain or dust."""

from functools import cache
from io import BytesIO
from itertools import pairwise

import numpy as np
import pytest
import sample_pictures
from mnist_digits import mnist
from PIL import Image, ImageDraw, ImageFilter, ImageFont
from scipy import ndimage

from engine import predict
from engine.checkpoint import load_model
from minigrad_gui import digits
from minigrad_gui.photo import find_digits
from minigrad_gui.reader import Reader, load_network, written_number
from minigrad_gui.resources import asset_path

WIDTH, HEIGHT = 600, 800
SLOPE = np.linspace(0, 1, WIDTH, dtype=np.float32)[np.newaxis, :, np.newaxis]

# Pen strokes by hand in a box of 100 x 100, y down.
STROKES = {
    2: [[(15, 25), (30, 5), (60, 3), (75, 20), (65, 45), (40, 70), (15, 97), (50, 94), (85, 96)]],
    3: [[(20, 10), (45, 2), (70, 12), (68, 32), (45, 46), (70, 56), (78, 78), (55, 97), (18, 90)]],
    4: [[(40, 3), (28, 30), (15, 58), (85, 55)], [(65, 25), (62, 60), (60, 98)]],
    5: [[(28, 8), (25, 45), (50, 40), (75, 55), (72, 82), (45, 97), (18, 88)], [(38, 5), (80, 2)]],
    7: [[(18, 8), (80, 5), (60, 45), (42, 98)]],
}


def drawn(digit: int, pen: float = 16, size: float = 260, at: tuple[float, float] = (300, 380)) -> np.ndarray:
    """The strokes' ink on a sheet, as `layer`; pen, size and place in pixels."""

    def draw(brush):
        for stroke in STROKES[digit]:
            points = [((x - 50) * size / 100 + at[0], (y - 50) * size / 100 + at[1]) for x, y in stroke]
            brush.line(points, fill=255, width=round(pen), joint="curve")

    return layer(draw, blur=0.8)


def on(ink: np.ndarray, colour=(0.1, 0.12, 0.3), paper=(0.93, 0.92, 0.88)) -> np.ndarray:
    """Ink of a colour on paper, as floats."""
    paper, colour = np.float32([paper, colour])
    return paper + (colour - paper) * ink


def pixels(picture: np.ndarray) -> np.ndarray:
    return np.rint(np.clip(picture, 0, 1) * 255).astype(np.uint8)


def difference(one: np.ndarray, other: np.ndarray) -> float:
    """How far two pictures of a digit differ, at the best of the places one pixel apart; two digits: 0.1 and more."""
    places = [(y, x) for y in (-1, 0, 1) for x in (-1, 0, 1)]
    return min(float(np.abs(np.roll(one, place, axis=(0, 1)) - other).mean()) for place in places)


def layer(draw, blur: float = 0) -> np.ndarray:
    """What `draw` draws with a brush, as float32 (HEIGHT, WIDTH, 1) from 0 to 1."""
    sheet = Image.new("L", (WIDTH, HEIGHT))
    draw(ImageDraw.Draw(sheet))
    if blur:
        sheet = sheet.filter(ImageFilter.GaussianBlur(blur))
    return np.asarray(sheet)[..., np.newaxis] / np.float32(255)


def plain(picture: np.ndarray) -> np.ndarray:
    return picture


def gradient(picture: np.ndarray) -> np.ndarray:
    return picture * (1 - 0.6 * SLOPE)


def vignette(picture: np.ndarray) -> np.ndarray:
    y, x = np.mgrid[-1 : 1 : HEIGHT * 1j, -1 : 1 : WIDTH * 1j]
    return picture * (1 - 0.3 * (x**2 + y**2)).astype(np.float32)[..., np.newaxis]


def shadow(picture: np.ndarray) -> np.ndarray:
    return picture * (1 - 0.5 * layer(lambda brush: brush.ellipse((280, 350, 800, 900), fill=255), blur=25))


def grain(picture: np.ndarray) -> np.ndarray:
    return picture + 0.1 * np.random.default_rng(0).standard_normal(picture.shape, np.float32)


def jpeg(picture: np.ndarray) -> np.ndarray:
    file = BytesIO()
    Image.fromarray(pixels(picture)).save(file, "JPEG", quality=8)
    return np.asarray(Image.open(file)) / np.float32(255)


def ruled(picture: np.ndarray) -> np.ndarray:
    def draw(brush):
        for y in range(-20, HEIGHT, 55):
            brush.line((0, y, WIDTH, y + 15), fill=255, width=2)

    return picture * (1 - 0.7 * layer(draw))


def squared(picture: np.ndarray) -> np.ndarray:
    def draw(brush):
        for at in range(12, HEIGHT, 35):
            brush.line((0, at, WIDTH, at), fill=255, width=2)
            brush.line((at, 0, at, HEIGHT), fill=255, width=2)

    return picture * (1 - 0.4 * layer(draw))


def table(picture: np.ndarray) -> np.ndarray:
    sheet = layer(lambda brush: brush.polygon([(20, 35), (570, 12), (585, 770), (40, 780)], fill=255), blur=1)
    return picture * sheet + np.float32([0.12, 0.1, 0.08]) * (1 - sheet)


def box(picture: np.ndarray) -> np.ndarray:
    return picture * (1 - 0.9 * layer(lambda brush: brush.rectangle((25, 40, 570, 760), outline=255, width=10)))


def dust(picture: np.ndarray) -> np.ndarray:
    places = np.random.default_rng(3).uniform((0, 0), (WIDTH, HEIGHT), (15, 2))
    return picture * (1 - layer(lambda brush: [brush.ellipse((x, y, x + 6, y + 6), fill=230) for x, y in places]))


def negative(picture: np.ndarray) -> np.ndarray:
    return 1 - picture


DISTURBANCES = [gradient, vignette, shadow, grain, jpeg, ruled, squared, table, box, dust, negative]


@cache
def sheet_of(digit: int) -> np.ndarray:
    """A clean sheet with a digit, as floats."""
    return on(drawn(digit))


@cache
def blank() -> np.ndarray:
    """A clean sheet without a digit, as floats."""
    return on(np.zeros((HEIGHT, WIDTH, 1), np.float32))


@cache
def clean(digit: int) -> np.ndarray:
    """What is found on it."""
    return digits.from_image(pixels(sheet_of(digit)))


@pytest.mark.parametrize("digit", [2, 5])
@pytest.mark.parametrize("disturb", DISTURBANCES)
def test_a_disturbed_picture_gives_the_same_digit(disturb, digit):
    disturbed = digits.from_image(pixels(disturb(sheet_of(digit))))
    assert difference(disturbed, clean(digit)) < 0.07


@pytest.mark.parametrize("digit", STROKES)
def test_a_drawn_digit_is_read(digit):
    model, _ = load_model(asset_path("pretrained.npz"))
    picture = digits.from_image(pixels(shadow(sheet_of(digit))))
    assert predict(model, picture[np.newaxis]).argmax() == digit


@pytest.mark.parametrize("disturb", [plain, gradient, vignette, shadow, grain, jpeg, ruled, squared])
def test_a_sheet_without_ink_is_blank(disturb):
    assert not digits.from_image(pixels(disturb(blank()))).any()


def test_a_soft_shadow_alone_is_blank():
    arm = layer(lambda brush: brush.polygon([(250, -90), (360, -90), (330, 500), (250, 500)], fill=255), blur=22)
    assert not digits.from_image(pixels(blank() * (1 - 0.5 * arm))).any()


def test_a_pencil_is_as_dark_in_the_shadow():
    ink = drawn(2)
    pencil = on(ink, (0.6, 0.6, 0.58))
    half = pencil * (1 - 0.7 * layer(lambda brush: brush.rectangle((0, 400, WIDTH, HEIGHT), fill=255), blur=6))
    assert difference(digits.from_image(pixels(half)), clean(2)) < 0.03


@pytest.mark.parametrize("size", [40, 200])
def test_a_bar_that_is_five_times_as_pale_belongs_to_its_seven(size):
    """Not read as a 1, although the bar is nearly as pale as ruled lines are."""
    sheet = Image.new("L", (size, size), 255)
    brush, pen = ImageDraw.Draw(sheet), size // 14
    brush.line((0.3 * size, 0.2 * size, 0.7 * size, 0.2 * size), 204, pen)
    brush.line((0.7 * size, 0.2 * size, 0.45 * size, 0.8 * size), 0, pen)
    (found,) = find_digits(np.asarray(sheet))
    left, _, right, _ = found.box
    assert left < 0.33 * size
    assert right > 0.68 * size


@pytest.mark.parametrize("colour", [(0, 0, 0), (1, 1, 1), (0.95, 0.95, 0.6), (0.5, 0.5, 0.5)])
def test_opaque_pixels_are_the_drawing(colour):
    ink = drawn(3)
    transparent = np.concatenate([np.broadcast_to(np.float32(colour), (HEIGHT, WIDTH, 3)), ink], axis=2)
    assert difference(digits.from_image(pixels(transparent)), clean(3)) < 0.01


def test_a_sheet_cut_out_is_read_by_its_ink_not_its_outline():
    sheet = layer(lambda brush: brush.rounded_rectangle((20, 20, 580, 780), 60, fill=255))
    cut_out = np.concatenate([sheet_of(3), sheet], axis=2)
    assert difference(digits.from_image(pixels(cut_out)), clean(3)) < 0.01


@pytest.mark.parametrize(
    ("colour", "paper"),
    [((1, 0.9, 0.2), (1, 1, 1)), ((0.8, 0.3, 0.3), (0.3, 0.55, 0.55)), ((0.75, 0.75, 0.73), (0.93, 0.92, 0.9))],
    ids=["yellow on white", "red on a blue as light", "faint pencil"],
)
def test_ink_of_little_contrast_is_found(colour, paper):
    assert difference(digits.from_image(pixels(on(drawn(2), colour, paper))), clean(2)) < 0.02


def test_a_digit_of_two_strokes_stays_one(monkeypatch):
    whole = clean(5)
    monkeypatch.setitem(STROKES, 5, STROKES[5][:1])
    assert difference(digits.from_image(pixels(on(drawn(5)))), whole) > 0.04  # without its flag


@pytest.mark.parametrize(("pen", "least", "most"), [(2, 1.8, 2.8), (24, 1.5, 3)])
def test_a_thin_pen_becomes_about_as_wide_as_mnists(monkeypatch, pen, least, most):
    monkeypatch.setitem(STROKES, 1, [[(50, 0), (50, 100)]])
    picture = digits.from_image(pixels(on(drawn(1, pen))))
    assert picture.max() == 1
    assert least < np.median(picture[10:18].sum(axis=1)) < most


def test_a_small_digit_in_a_large_photograph_is_found():
    sheet = np.full((3000, 4000, 3), 230, np.uint8)
    digit = pixels(on(drawn(3, pen=10, size=160)))[250:510, 150:450]
    sheet[1900:2160, 3100:3400] = np.where(digit.min(axis=2, keepdims=True) < 220, digit, 230)
    assert difference(digits.from_image(sheet), clean(3)) < 0.03


@pytest.mark.parametrize("invert", [False, True])
def test_mnist_enlarged_stays_nearly_the_same(invert):
    images = mnist().test_images[:30]
    large = [np.asarray(Image.fromarray(image).resize((280, 280), Image.Resampling.BICUBIC)) for image in images]
    changes = [
        difference(digits.from_image(255 - picture if invert else picture), image / 255)
        for picture, image in zip(large, images, strict=True)
    ]
    assert np.mean(changes) < 0.035  # half a pixel to the side is as much


@pytest.mark.parametrize("shape", [(9, 300), (7, 241), (20, 300), (16, 400)])
def test_long_and_narrow_pictures_are_handled(shape):
    stripes = np.where(np.arange(shape[1]) % 7 < 2, 0, 255).astype(np.uint8)
    picture = np.broadcast_to(stripes, shape)
    for turned in (picture, picture.T):
        assert np.isfinite(digits.from_image(turned)).all()


# ---------------------------------------------------------------- what makes a picture hard to read, one of each


@pytest.fixture(scope="module")
def read():
    """Reads a picture as `predict` does: a number, "?" for what is not recognised."""
    model, record = load_network(asset_path("pretrained.npz"))

    def number(picture: np.ndarray) -> str:
        return written_number(Reader(model, record.calibration).read_picture(picture))

    return number


@pytest.mark.parametrize("kind", sample_pictures.kinds())
def test_a_picture_of_every_kind_is_read(read, kind):
    picture, shown = sample_pictures.kinds()[kind]
    assert read(picture) == shown


@pytest.mark.parametrize("name", sample_pictures.DISTURBED)
def test_disturbed_digits_are_read(read, name):
    images, labels = mnist().train_images[:12], mnist().train_labels[:12]
    samples = list(sample_pictures.disturbed(name, images, labels, np.random.default_rng(0)))
    assert sum(read(picture) == shown for picture, shown in samples) >= 11


def test_pictures_without_a_digit_are_not_read_as_one(read):
    samples = sample_pictures.none_at_all(40, np.random.default_rng(0))
    assert sum(read(picture).isdecimal() for picture, _ in samples) <= 4


# ---------------------------------------------------------------- several digits


def test_a_sheet_of_fifty_digits_is_read_in_order(read):
    images, labels = mnist().train_images[:50], mnist().train_labels[:50]
    grid = images.reshape(5, 10, 28, 28)
    sheet = np.zeros((5 * 40, 10 * 34), np.uint8)
    for row in range(5):
        for column in range(10):
            sheet[row * 40 + 6 : row * 40 + 34, column * 34 + 3 : column * 34 + 31] = grid[row, column]
    sheet = 255 - np.asarray(Image.fromarray(sheet).resize((1700, 1000), Image.Resampling.BICUBIC))
    found = find_digits(sheet)
    assert len(found) == 50
    for index, digit in enumerate(found):
        row, column = divmod(index, 10)
        left, top, right, bottom = digit.box
        assert column * 170 <= left < right <= (column + 1) * 170
        assert row * 200 <= top < bottom <= (row + 1) * 200
    text = read(sheet).replace(" ", "")
    assert sum(one == str(label) for one, label in zip(text, labels, strict=True)) >= 47


def test_small_digits_on_a_large_sheet_are_looked_at_more_closely():
    images = [image for image in mnist().train_images[:120] if ndimage.label(image > 64)[1] == 1][:80]
    sheet = np.full((2000, 1600), 235, np.uint8)
    for index, image in enumerate(images):
        top, left = (60 + 190 * (index // 8), 60 + 190 * (index % 8))
        sheet[top : top + 84, left : left + 84] -= np.asarray(Image.fromarray(image).resize((84, 84))) // 5 * 4
    noisy = np.clip(sheet + np.random.default_rng(0).normal(0, 4, sheet.shape), 0, 255).astype(np.uint8)
    assert len(find_digits(noisy)) == 80


@pytest.mark.parametrize("turn", [lambda picture: picture, sample_pictures.inverted])
def test_a_number_is_read_whole(read, turn):
    sheet = Image.new("L", (640, 240), 255)
    brush = ImageDraw.Draw(sheet)
    brush.text((320, 120), "2026", 0, font=ImageFont.truetype(sample_pictures.FONT, 150), anchor="mm")
    assert read(turn(np.asarray(sheet))) == "2026"


def test_digits_that_touch_are_read_apart(read):
    images, labels = mnist().train_images[:60], mnist().train_labels[:60]
    samples = list(sample_pictures.touching(20, images, labels, np.random.default_rng(0)))
    texts = [read(picture) for picture, _ in samples]
    assert sum(text == shown for text, (_, shown) in zip(texts, samples, strict=True)) >= 14
    assert not any(len(text) == 1 and text.isdecimal() for text in texts)


def test_broken_strokes_are_joined_also_side_by_side(read):
    rng = np.random.default_rng(0)
    ones = list(sample_pictures.broken(20, rng))
    assert sum(read(picture) == shown for picture, shown in ones) >= 17
    pairs = [(np.hstack([one, two])[:, 30:-30], a + b) for (one, a), (two, b) in pairwise(ones)]
    assert sum(read(picture).replace(" ", "") == shown for picture, shown in pairs) >= 13


def test_the_box_holds_the_digit_and_no_more():
    sheet = np.full((3000, 4000, 3), 230, np.uint8)
    digit = pixels(on(drawn(3, pen=10, size=160)))
    sheet[1500:2300, 2000:2600] = digit
    dark = np.argwhere(sheet.min(axis=2) < 120)
    (top, left), (bottom, right) = dark.min(axis=0), dark.max(axis=0) + 1
    (found,) = find_digits(sheet)
    assert np.abs(np.array(found.box) - [left, top, right, bottom]).max() <= 12
    assert np.array_equal(found.picture, digits.from_image(sheet))


def test_the_box_is_where_it_is_in_the_whole_picture_also_on_a_square():
    picture, _ = sample_pictures.kinds()["light on a dark square"]
    (found,) = find_digits(picture)
    light = np.argwhere(picture[55:245, 55:245] > 128) + 55
    (top, left), (bottom, right) = light.min(axis=0), light.max(axis=0) + 1
    assert np.abs(np.array(found.box) - [left, top, right, bottom]).max() <= 4


def test_the_search_ends_when_it_is_cancelled():
    sheet = np.full((200, 600), 255, np.uint8)
    sheet[50:150, 80:94] = sheet[50:150, 280:294] = sheet[50:150, 480:494] = 0
    assert len(find_digits(sheet)) == 3
    answers = iter([False, True])
    assert len(find_digits(sheet, cancelled=lambda: next(answers))) == 1


@pytest.mark.parametrize("shade", [0, 128, 255])
def test_nothing_is_found_in_an_empty_picture(shade):
    assert find_digits(np.full((50, 80), shade, np.uint8)) == []
    assert find_digits(np.full((1, 1, 3), shade, np.uint8)) == []
