"""Where the neurons of a network stand: the picture on the left, a block of cells for each layer, the classes right.

A block fills its layer's share of the width with cells as large as fit, column by column: 10 neurons stand in a
column, 512 in a grid, and of 4,096 each still has a place.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, sqrt

from PySide6.QtCore import QPointF, QRectF

from minigrad_gui.digits import SIDE_PX

PICTURE_SHARE = 0.27
"""Of the width, at most, for the picture."""
MOST_CELL_PX, LEAST_CELL_PX = 22, 2
"""Larger cells would look lost; smaller ones need not be whole pixels."""
GAP_SHARE = 0.42
"""Of the width between the picture and the classes, for the connections."""
NODE_PX = 12
"""A layer whose cells can be so large in one column gets one column: these are the nodes of the textbooks."""
LEAST_GAP_PX, MOST_GAP_PX = 6.0, 90.0
LEAST_BLOCK_PX = 4.0


@dataclass(frozen=True)
class Block:
    """A layer of `count` neurons: unit 0 top left, the next below it; cells are squares of `cell` pixels."""

    left: float
    top: float
    cell: float
    columns: int
    rows: int
    count: int

    @property
    def rect(self) -> QRectF:
        return QRectF(self.left, self.top, self.columns * self.cell, self.rows * self.cell)

    def centre(self, unit: int) -> QPointF:
        """The middle of a neuron's cell."""
        column, row = divmod(unit, self.rows)
        return QPointF(self.left + (column + 0.5) * self.cell, self.top + (row + 0.5) * self.cell)

    def unit_at(self, position: QPointF) -> int:
        """The neuron there; -1 for none."""
        column, row = int((position.x() - self.left) // self.cell), int((position.y() - self.top) // self.cell)
        unit = column * self.rows + row
        return unit if 0 <= column < self.columns and 0 <= row < self.rows and unit < self.count else -1

    def nearest(self, position: QPointF) -> int:
        """The neuron nearest to a position."""
        column = min(max(int((position.x() - self.left) // self.cell), 0), self.columns - 1)
        row = min(max(int((position.y() - self.top) // self.cell), 0), self.rows - 1)
        return min(column * self.rows + row, self.count - 1)


@dataclass(frozen=True)
class Layout:
    """The places of the picture and of each layer, the classes last."""

    picture: QRectF
    layers: tuple[Block, ...]

    def pixel(self, index: int) -> QPointF:
        """The middle of a pixel of the picture, counted row by row."""
        row, column = divmod(index, SIDE_PX)
        side = self.picture.width() / SIDE_PX
        return QPointF(self.picture.left() + (column + 0.5) * side, self.picture.top() + (row + 0.5) * side)

    def neuron_at(self, position: QPointF) -> tuple[int, int] | None:
        """The layer and unit there."""
        for layer, block in enumerate(self.layers):
            if (unit := block.unit_at(position)) >= 0:
                return layer, unit
        return None

    def beside(self, neuron: tuple[int, int], columns: int) -> tuple[int, int]:
        """The neuron so many columns to the right, in the next layer if there are none left; at an end, the same."""
        layer, unit = neuron
        block = self.layers[layer]
        at = block.centre(unit) + QPointF(columns * block.cell, 0)
        if not block.rect.left() < at.x() < block.rect.right():
            layer += 1 if columns > 0 else -1
        return (layer, self.layers[layer].nearest(at)) if 0 <= layer < len(self.layers) else neuron


def lay_out(sizes: Sequence[int], area: QRectF, right: float) -> Layout:
    """Places for layers of these sizes, hidden and output, in an area that ends with `right` pixels for captions."""
    pixel = max(min(area.height(), area.width() * PICTURE_SHARE) // SIDE_PX, 1)
    side = pixel * SIDE_PX
    picture = QRectF(area.left(), area.top() + round((area.height() - side) / 2), side, side)
    *hidden, classes = sizes
    outputs = _one_column(classes, area.height())
    free = max(area.width() - side - right - outputs.rect.width(), 1)
    gap = min(max(GAP_SHARE * free / len(sizes), LEAST_GAP_PX), MOST_GAP_PX)
    width = (free - gap * len(sizes)) / max(len(hidden), 1)
    blocks = [*(_block(count, width, area.height()) for count in hidden), outputs]
    gap = (free - sum(block.rect.width() for block in blocks[:-1])) / len(sizes)
    placed, x = [], picture.right()
    for block in blocks:
        left, top = x + gap, area.top() + (area.height() - block.rect.height()) / 2
        placed.append(Block(round(left), round(top), block.cell, block.columns, block.rows, block.count))
        x = left + block.rect.width()
    return Layout(picture, tuple(placed))


def _block(count: int, width: float, height: float) -> Block:
    """A block of `count` cells, as large as fit; very small ones may take a pixel or two more."""
    width, height = max(width, LEAST_BLOCK_PX), max(height, LEAST_BLOCK_PX)
    if count * NODE_PX <= height and width >= NODE_PX:
        return _one_column(count, min(height, count * width))
    for cell in range(MOST_CELL_PX, LEAST_CELL_PX - 1, -1):
        rows = int(height // cell)
        if rows and ceil(count / rows) * cell <= width:
            return _balanced(count, cell, ceil(count / rows))
    small = sqrt(width * height / count)
    return _balanced(count, small, ceil(count / max(height // small, 1)))


def _one_column(count: int, height: float) -> Block:
    cell = height // count
    return Block(0, 0, min(cell if cell >= LEAST_CELL_PX else height / count, MOST_CELL_PX), 1, count, count)


def _balanced(count: int, cell: float, columns: int) -> Block:
    return Block(0, 0, cell, columns, ceil(count / columns), count)
