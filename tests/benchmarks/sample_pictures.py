"""Synthetic pictures of digits as people have them: one set for each difficulty.

Every set is a function of a source of digits and a random generator, so that it can be drawn again from digits that
nothing was tuned to. A sample is a picture, uint8 (height, width) or (height, width, 3), and what it shows: "7",
"2026", or "" for no digit.
"""

from collections.abc import Callable, Iterator
from io import BytesIO
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter, ImageFont
from scipy import ndimage

Picture = NDArray[np.uint8]
Sample = tuple[Picture, str]
Rng = np.random.Generator
FONT = "DejaVuSans.ttf"

# Pen strokes by hand in a box of 100 x 100, y down.
STROKES: dict[int, list[list[tuple[float, float]]]] = {
    0: [[(50, 2), (30, 10), (20, 35), (20, 65), (30, 90), (50, 98), (70, 90), (80, 65), (80, 35), (70, 10), (50, 2)]],
    1: [[(36, 24), (54, 2), (53, 50), (52, 98)]],
    2: [[(15, 25), (22, 10), (40, 2), (60, 3), (75, 20), (65, 45), (40, 70), (15, 97), (50, 94), (85, 96)]],
    3: [[(20, 10), (45, 2), (65, 8), (72, 22), (62, 38), (42, 46), (66, 54), (78, 74), (68, 91), (45, 98), (18, 90)]],
    4: [[(40, 3), (28, 30), (15, 58), (85, 55)], [(65, 25), (62, 60), (60, 98)]],
    5: [[(28, 8), (25, 45), (50, 40), (68, 48), (75, 64), (70, 84), (45, 97), (18, 88)], [(28, 6), (80, 2)]],
    6: [
        [(68, 3), (44, 22), (28, 50), (24, 75), (36, 95), (58, 97), (74, 82), (72, 63), (56, 53), (38, 58), (26, 74)],
    ],
    7: [[(18, 8), (80, 5), (60, 45), (42, 98)]],
    8: [
        [(70, 16), (52, 3), (32, 12), (30, 29), (50, 45), (70, 62), (72, 84), (52, 98), (30, 87), (30, 64), (50, 46)],
        [(50, 46), (70, 32), (72, 18)],
    ],
    9: [[(74, 30), (60, 46), (40, 46), (28, 30), (34, 12), (54, 4), (72, 14), (75, 34), (68, 66), (60, 98)]],
}


def strokes_of(digit: int, rng: Rng, wobble: float = 3) -> list[NDArray[np.float64]]:
    """The strokes of a digit in another handwriting, in a box of about 100 x 100."""
    slant, wide = rng.normal(0, 0.12), rng.uniform(0.8, 1.15)
    matrix = np.array([[wide, -slant], [0, 1]])
    return [(np.array(stroke) - 50 + rng.normal(0, wobble, (len(stroke), 2))) @ matrix.T + 50
            for stroke in STROKES[digit]]  # fmt: skip


def drawn(strokes: list[NDArray[np.float64]], size: int, pen: float, margin: float = 0.2) -> NDArray[np.float64]:
    """The ink of strokes on a sheet of size x size, from 0 to 1, antialiased; pen: its width in pixels."""
    sheet = Image.new("L", (4 * size, 4 * size))
    brush = ImageDraw.Draw(sheet)
    scale, width = 4 * size * (1 - 2 * margin) / 100, max(1, round(4 * pen))
    for stroke in strokes:
        points = [(x * scale + 4 * size * margin, y * scale + 4 * size * margin) for x, y in stroke]
        brush.line(points, fill=255, width=width, joint="curve")
        for x, y in (points[0], points[-1]):
            brush.ellipse((x - width / 2, y - width / 2, x + width / 2, y + width / 2), fill=255)
    return np.asarray(sheet.reduce(4)) / 255


def on_paper(ink: NDArray[Any], colour: Any = (35, 35, 40), paper: Any = (240, 238, 230)) -> Picture:
    """Ink from 0 to 1 of a colour on a paper: a colour, or a picture of it."""
    ink = np.asarray(ink)[..., np.newaxis]
    mixed = np.asarray(paper) * (1 - ink) + np.asarray(colour) * ink
    return np.clip(np.rint(mixed), 0, 255).astype(np.uint8)


def enlarged(digit: Picture, size: int, how: Image.Resampling = Image.Resampling.BICUBIC) -> NDArray[np.float64]:
    """MNIST's digit, as ink from 0 to 1, at another size."""
    return np.asarray(Image.fromarray(digit).resize((size, size), how)) / 255


def inverted(picture: Picture) -> Picture:
    return 255 - picture


def gray(ink: NDArray[Any]) -> Picture:
    """Black ink on white paper."""
    return np.clip(np.rint(255 - 255 * ink), 0, 255).astype(np.uint8)


# ---------------------------------------------------------------- disturbances

Disturb = Callable[[Picture, Rng], Picture]


def _bilinear(digit: Picture, rng: Rng) -> Picture:
    return gray(enlarged(digit, int(rng.choice([168, 224, 336, 448, 1120])), Image.Resampling.BILINEAR))


def _bicubic(digit: Picture, rng: Rng) -> Picture:
    return gray(enlarged(digit, int(rng.choice([168, 224, 336, 448, 1120]))))


def _white_on_black(digit: Picture, rng: Rng) -> Picture:
    return inverted(_bilinear(digit, rng))


def _cut_tight(digit: Picture, _: Rng) -> Picture:
    rows, columns = np.flatnonzero(digit.any(axis=1)), np.flatnonzero(digit.any(axis=0))
    cut = digit[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    return inverted(np.asarray(Image.fromarray(cut).resize((8 * cut.shape[1], 8 * cut.shape[0]), 3)))


def _framed(digit: Picture, rng: Rng) -> Picture:
    """In a table cell of which one, two or all four borders are visible."""
    size = int(rng.integers(60, 260))
    sheet = Image.fromarray(gray(0.8 * enlarged(digit, size)))
    brush, end, width = ImageDraw.Draw(sheet), size - 1, max(1, int(size * rng.uniform(0.01, 0.04)))
    inset = int(rng.uniform(0, 0.08) * size)
    a, b = inset, end - inset
    sides = [(a, a, b, a), (b, a, b, b), (b, b, a, b), (a, b, a, a)]
    which = range(4) if rng.random() < 0.4 else rng.choice(4, rng.integers(1, 4), replace=False)
    for side in which:
        brush.line(sides[side], fill=int(rng.integers(0, 120)), width=width)
    return np.asarray(sheet)


def _underlined(digit: Picture, rng: Rng) -> Picture:
    """One line from edge to edge, below or above, perhaps a little askew."""
    size = int(rng.integers(60, 260))
    sheet = Image.fromarray(gray(enlarged(digit, size)))
    at, tilt = (size * rng.choice([0.05, 0.93])), size * rng.uniform(-0.03, 0.03)
    ImageDraw.Draw(sheet).line((0, at, size, at + tilt), fill=int(rng.integers(0, 120)), width=max(1, size // 50))
    return np.asarray(sheet)


def _turned_with_specks(digit: Picture, rng: Rng) -> Picture:
    size = int(rng.choice([28, 84, 140]))
    picture = np.asarray(
        Image.fromarray(inverted(gray(enlarged(digit, size)))).rotate(rng.uniform(-15, 15), fillcolor=0)
    )
    return np.where(rng.random(picture.shape) < 0.03, 255, picture).astype(np.uint8)


def _shadowed(digit: Picture, rng: Rng) -> Picture:
    """Uneven light, and the shadow of a hand across the digit."""
    ink = np.pad(enlarged(digit, 300), 60)
    y, x = np.mgrid[0:1:420j, 0:1:420j]
    angle = rng.uniform(0, 2 * np.pi)
    along = np.cos(angle) * (x - 0.5) + np.sin(angle) * (y - 0.5)
    light = (1 - 0.4 * (along + 0.5)) * (
        1 - 0.5 / (1 + np.exp((along - rng.uniform(-0.2, 0.2)) * rng.uniform(15, 120)))
    )
    noise = rng.normal(0, 3, (420, 420, 1))
    return np.clip(on_paper(ink, (40, 45, 90), (225, 220, 205)) * light[..., np.newaxis] + noise, 0, 255).astype(
        np.uint8
    )


def _blurred(digit: Picture, rng: Rng) -> Picture:
    sheet = Image.fromarray(on_paper(np.pad(enlarged(digit, 280), 40), (50, 50, 60)))
    blurred = np.asarray(sheet.filter(ImageFilter.GaussianBlur(float(rng.uniform(3, 8)))), np.float64)
    return np.clip(blurred + rng.normal(0, 4, blurred.shape), 0, 255).astype(np.uint8)


def _compressed(digit: Picture, rng: Rng) -> Picture:
    stream = BytesIO()
    Image.fromarray(on_paper(np.pad(enlarged(digit, 120), 20))).save(stream, "JPEG", quality=int(rng.integers(5, 25)))
    return np.asarray(Image.open(stream))


INKS = [(30, 40, 140), (200, 30, 35), (20, 110, 50), (35, 35, 40), (90, 60, 150)]


def _ruled(digit: Picture, rng: Rng) -> Picture:
    """Coloured ink on white, yellow or green paper, ruled or squared in blue, red or grey."""
    size = 360
    base = np.array([(250, 250, 247), (250, 235, 150), (205, 230, 200)][rng.integers(3)])
    rule = np.array([(150, 180, 220), (225, 140, 140), (185, 185, 185)][rng.integers(3)])
    sheet = Image.new("L", (size, size))
    brush, step, tilt = ImageDraw.Draw(sheet), int(rng.integers(28, 70)), int(rng.integers(-8, 9))
    squared = rng.random() < 0.5
    for at in range(-20, size + 20, step):
        brush.line((0, at, size, at + tilt), fill=255, width=2)
        if squared:
            brush.line((at, 0, at - tilt, size), fill=255, width=2)
    lines = np.asarray(sheet)[..., np.newaxis] / 255
    paper = base * (1 - lines) + rule * lines + rng.normal(0, 2, (size, size, 1))
    return on_paper(np.pad(enlarged(digit, 260), 50), INKS[rng.integers(len(INKS))], paper)


def _plotted(digit: Picture, rng: Rng) -> Picture:
    """Like a saved plot: a light digit on a dark square on a white page."""
    size = int(rng.integers(160, 320))
    small = np.asarray(Image.fromarray(digit).resize((size, size), Image.Resampling.NEAREST))
    left, top, right, bottom = (int(size * rng.uniform(0.1, 0.35)) for _ in range(4))
    return np.pad(small, ((top, bottom), (left, right)), constant_values=255)


DISTURBED: dict[str, Disturb] = {
    "enlarged bilinearly": _bilinear,
    "enlarged bicubically": _bicubic,
    "white on black": _white_on_black,
    "cut tight": _cut_tight,
    "frame": _framed,
    "line": _underlined,
    "turned, specks": _turned_with_specks,
    "shadow": _shadowed,
    "blur": _blurred,
    "JPEG": _compressed,
    "coloured, ruled": _ruled,
    "plot": _plotted,
}


def disturbed(name: str, images: Picture, labels: NDArray[Any], rng: Rng) -> Iterator[Sample]:
    """MNIST digits, (n, 28, 28), with one of the disturbances in DISTURBED."""
    for image, label in zip(images, labels, strict=True):
        yield DISTURBED[name](image, rng), str(label)


# ---------------------------------------------------------------- digits drawn with a pen


def hair_thin(count: int, rng: Rng) -> Iterator[Sample]:
    """Lines of a pixel or two, in pictures from 28 to 500 pixels; pencil grey or black."""
    for index in range(count):
        size = int(rng.choice([28, 32, 64, 200, 500]))
        ink = drawn(strokes_of(index % 10, rng), size, rng.uniform(0.8, 1.4 if size < 100 else 2.5))
        yield gray(ink * rng.uniform(0.4, 1)), str(index % 10)


def uneven(count: int, rng: Rng) -> Iterator[Sample]:
    """Thin strokes of which one half is much paler, as if the pencil was pressed less."""
    for index in range(count):
        size = int(rng.choice([28, 40, 200]))
        ink = drawn(strokes_of(index % 10, rng), size, size / 28 * rng.uniform(1, 1.6))
        y, x = np.mgrid[0 : 1 : size * 1j, 0 : 1 : size * 1j]
        angle = rng.uniform(0, 2 * np.pi)
        along = np.cos(angle) * (x - 0.5) + np.sin(angle) * (y - 0.5)
        yield gray(ink * (0.6 + 0.4 * np.clip(along * 4, -1, 1))), str(index % 10)


def broken(count: int, rng: Rng) -> Iterator[Sample]:
    """Strokes with gaps, each slightly shorter than a fifth of the digit."""
    for index in range(count):
        pieces = []
        for stroke in strokes_of(index % 10, rng):
            length = np.append(0, np.hypot(*np.diff(stroke, axis=0).T).cumsum())
            fine = np.arange(0, length[-1], 1)
            line = np.column_stack([np.interp(fine, length, stroke[:, k]) for k in (0, 1)])
            cuts = [0, *np.sort(rng.integers(10, max(11, len(line) - 10), 2)), len(line)]
            pieces += [line[a : max(a + 2, b - int(rng.uniform(10, 22)))] for a, b in pairwise(cuts) if b - a > 4]
        yield gray(drawn(pieces, 240, 14)), str(index % 10)


def rendered(fonts: list[str], rng: Rng) -> Iterator[Sample]:
    """Each digit in each font, at various sizes, dark on light or light on dark."""
    for name in fonts:
        for digit in range(10):
            size = int(rng.integers(40, 400))
            sheet = Image.new("L", (2 * size, 2 * size), 255)
            ImageDraw.Draw(sheet).text((size, size), str(digit), 0, font=ImageFont.truetype(name, size), anchor="mm")
            picture = np.asarray(sheet)
            yield (inverted(picture) if rng.random() < 0.3 else picture), str(digit)


def touching(count: int, images: Picture, labels: NDArray[Any], rng: Rng) -> Iterator[Sample]:
    """Two or three of MNIST's digits that just touch one another."""
    for _ in range(count):
        chosen = rng.integers(0, len(images), rng.integers(2, 4))
        sheet = np.zeros((200, 160 * len(chosen) + 80))
        sheet[30:170, 30:170] = enlarged(images[chosen[0]], 140)
        for index in chosen[1:]:
            ink = enlarged(images[index], 140)
            edge = np.where(sheet[30:170] > 0.4, np.arange(sheet.shape[1]), -999).max(axis=1)
            begin = np.where(ink > 0.4, np.arange(140), 999).min(axis=1)
            at = int((edge - begin).max()) - 1
            sheet[30:170, at : at + 140] = np.maximum(sheet[30:170, at : at + 140], ink)
        yield gray(sheet), "".join(str(labels[index]) for index in chosen)


def numbers(count: int, images: Picture, labels: NDArray[Any], rng: Rng) -> Iterator[Sample]:
    """Two to six of MNIST's digits side by side with gaps of a tenth of their height or more."""
    for _ in range(count):
        chosen = rng.integers(0, len(images), rng.integers(2, 7))
        sheet = np.zeros((200, 160 * len(chosen) + 80))
        at = 40
        for index in chosen:
            digit = images[index]
            columns = np.flatnonzero(digit.any(axis=0))
            ink = enlarged(digit, 140)[:, 5 * columns[0] : 5 * columns[-1] + 5]
            top = int(rng.integers(20, 40))
            sheet[top : top + 140, at : at + ink.shape[1]] = ink
            at += ink.shape[1] + int(rng.integers(10, 40))
        yield gray(sheet[:, : at + 30]), "".join(str(labels[index]) for index in chosen)


# ---------------------------------------------------------------- pictures without a digit


def none_at_all(count: int, rng: Rng) -> Iterator[Sample]:
    """Paper, rules, squares, frames, clouds, gradients, scribbles, blots, hatching."""
    kinds = (_paper, _lines, _frame, _clouds, _gradient, _scribble, _blots, _hatching)
    for index in range(count):
        yield kinds[index % len(kinds)](int(rng.choice([64, 200, 420])), rng), ""


def _paper(size: int, rng: Rng) -> Picture:
    return np.clip(rng.normal(rng.integers(30, 230), 8, (size, size, 3)), 0, 255).astype(np.uint8)


def _lines(size: int, rng: Rng) -> Picture:
    sheet = Image.new("L", (size, size), 240)
    brush, step = ImageDraw.Draw(sheet), int(size * rng.uniform(0.08, 0.3))
    squared = rng.random() < 0.5
    for at in range(step // 2, size, step):
        brush.line((0, at, size, at), fill=120, width=max(1, size // 150))
        if squared:
            brush.line((at, 0, at, size), fill=120, width=max(1, size // 150))
    return np.asarray(sheet)


def _frame(size: int, rng: Rng) -> Picture:
    sheet, inset = Image.new("L", (size, size), 240), int(size * rng.uniform(0, 0.2))
    box = (inset, inset, size - 1 - inset, size - 1 - inset)
    ImageDraw.Draw(sheet).rectangle(box, outline=60, width=max(1, size // 60))
    return np.asarray(sheet)


def _clouds(size: int, rng: Rng) -> Picture:
    rough = ndimage.gaussian_filter(rng.normal(0, 1, (size, size)), size * rng.uniform(0.02, 0.1))
    return np.clip(128 + 50 * rough / rough.std(), 0, 255).astype(np.uint8)


def _gradient(size: int, rng: Rng) -> Picture:
    slope = np.linspace(rng.integers(0, 100), rng.integers(150, 255), size)
    return np.clip(slope + rng.normal(0, 3, (size, size)), 0, 255).astype(np.uint8)


def _scribble(size: int, rng: Rng) -> Picture:
    return gray(drawn([rng.uniform(0, 100, (int(rng.integers(12, 30)), 2))], size, size / 50))


def _blots(size: int, rng: Rng) -> Picture:
    sheet = Image.new("L", (size, size), 250)
    brush = ImageDraw.Draw(sheet)
    for x, y, radius in rng.uniform((0, 0, size / 40), (size, size, size / 12), (12, 3)):
        brush.ellipse((x - radius, y - radius, x + radius, y + radius), fill=int(rng.integers(0, 120)))
    return np.asarray(sheet)


def _hatching(size: int, rng: Rng) -> Picture:
    lean = rng.uniform(20, 50)
    lines = [np.array([(x, 5), (x + lean, 95)]) + rng.normal(0, 2, (2, 2)) for x in np.linspace(0, 60, 7)]
    return gray(drawn(lines, size, size / 50))


# ---------------------------------------------------------------- one picture for each difficulty


def _blank(width: int, height: int, shade: int = 255) -> tuple[Image.Image, ImageDraw.ImageDraw]:
    sheet = Image.new("L", (width, height), shade)
    return sheet, ImageDraw.Draw(sheet)


def _font(size: int) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(FONT, size)


def kinds() -> dict[str, Sample]:
    """One small picture for each difficulty."""
    made: dict[str, Sample] = {}

    sheet, brush = _blank(100, 140)
    brush.ellipse((0, 0, 99, 139), outline=0, width=36)
    made["cut tight"] = np.asarray(sheet), "0"

    sheet, brush = _blank(28, 28)
    brush.text((14, 14), "4", 0, font=_font(24), anchor="mm")
    made["smooth edges"] = np.asarray(sheet.resize((448, 448), Image.Resampling.BILINEAR)), "4"

    sheet, brush = _blank(100, 100)
    brush.text((50, 48), "5", 0, font=_font(70), anchor="mm")
    brush.line((0, 92, 100, 92), 0, 3)
    made["line"] = np.asarray(sheet), "5"

    sheet, brush = _blank(60, 60)
    brush.text((30, 29), "7", 170, font=_font(36), anchor="mm")
    brush.rectangle((6, 6, 53, 53), outline=0, width=1)
    made["frame"] = np.asarray(sheet), "7"

    sheet, brush = _blank(28, 28)
    brush.ellipse((8, 4, 19, 13), outline=205)
    brush.ellipse((7, 13, 20, 24), outline=110)
    made["uneven"] = np.asarray(sheet), "8"

    sheet, brush = _blank(200, 300)
    brush.line(((100, 20), (85, 60), (130, 240), (100, 280), (70, 240), (115, 60), (100, 20)), 0, 3, joint="curve")
    made["thin lines around small loops"] = np.asarray(sheet), "8"

    sheet, brush = _blank(200, 240)
    brush.arc((40, 20, 150, 120), 180, 360, fill=0, width=14)
    for line in ((140, 80, 105, 130), (90, 150, 60, 190), (40, 215, 160, 215)):
        brush.line(line, fill=0, width=14)
    made["broken"] = np.asarray(sheet), "2"

    sheet, brush = _blank(32, 32)
    for line in ((6, 1, 18, 1), (21, 2, 25, 2), (25, 3, 20, 13), (19, 15, 13, 30)):
        brush.line(line, fill=0)
    made["broken along the edge"] = np.asarray(sheet), "7"

    sheet, brush = _blank(300, 300)
    brush.rectangle((50, 50, 250, 250), fill=0)
    brush.text((150, 150), "8", 255, font=_font(140), anchor="mm")
    made["light on a dark square"] = np.asarray(sheet), "8"

    sheet, brush = _blank(28, 28, 0)
    brush.text((14, 14), "3", 255, font=_font(18), anchor="mm")
    specks = np.random.default_rng(1).random((28, 28)) < 0.03
    made["turned, specks"] = np.where(specks, 255, np.asarray(sheet.rotate(15, fillcolor=0))).astype(np.uint8), "3"

    sheet, brush = _blank(240, 240, 0)
    brush.text((120, 120), "6", 255, font=_font(130), anchor="mm")
    rules = np.zeros((240, 240, 1))
    rules[20::40] = rules[21::40] = rules[:, 20::40] = rules[:, 21::40] = 1
    paper = np.array((250, 240, 160)) * (1 - rules) + np.array((230, 120, 120)) * rules
    made["blue on red squares"] = on_paper(np.asarray(sheet) / 255, (40, 60, 190), paper), "6"

    sheet, brush = _blank(300, 300)
    brush.text((150, 150), "9", 60, font=_font(150), anchor="mm")
    soft = np.asarray(sheet.filter(ImageFilter.GaussianBlur(6)), np.float64)
    shade = 1 - 0.55 / (1 + np.exp((np.arange(300) - 150) / 3))
    made["blur and a shadow"] = (soft * shade).astype(np.uint8), "9"
    return made
