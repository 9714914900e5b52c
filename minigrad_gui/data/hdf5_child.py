"""Reads HDF5 in a process of its own, for guarded_child.py: arrays of numbers, tables, labels that are text, MATLAB's
characters and cells of either, what its objects are made of, and the attributes that Keras and pandas write.

Damaged attributes make HDF5 (h5py 3.16) loop forever, outside of Python.
"""

import itertools
import math
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

IS_OBJECT = "MATLAB_object_decode"
"""An attribute: the array's numbers only say which object."""
FRAME = "pandas_type"
"""An attribute: the group is a table of pandas."""
ATTRIBUTES = ("layer_names", "model_config", "name", "weight_names", IS_OBJECT, FRAME)
UNREAD = "unread"
"""Beside the attributes of an array, or of a file, that is not read: why, as the end of a sentence about it."""
SKIPPED = {"optimizer", "optimizer_weights", "#refs#", "#subsystem#"}
"""How Keras' optimizer came to its weights; and where MATLAB has what its cells and objects refer to."""
INDEX = "_i_"
"""How the names of groups begin in which PyTables sorts a table."""
PROPERTIES = "#subsystem#/MCOS"
"""Cells with what the objects of a file hold."""
MAX_NODES, MAX_DEPTH = 1000, 8
MANY_ARRAYS, MAX_SAMPLES, MAX_VALUES = 64, 1 << 20, 8
"""More arrays than that may be one for each sample, of which there may be so many, with so many other values each."""
CLASS = "class (group)"
"""How the names of groups are called that are taken for the classes of the pictures in them."""
IN_ARRAYS = "holds more than a thousand arrays and groups; save all pictures in one array, and their labels in another."
IN_SIZES = "holds pictures of several sizes or types; save them as picture files in a folder for each class."
BLOCK_BYTES = 1 << 20
MAX_ROWS_OF_TEXT, MAX_TEXTS, MAX_TEXT_BYTES = 1 << 20, 100, 200
"""How many there may be, and how many of them may differ, as more are no classes; and what is read of a long one."""
COLUMN_NAMES, MAX_COLUMNS = "_items", 1 << 16
"""How the name of an array ends in which pandas has the names of columns, and how many of them there may be."""
MAX_CHARACTERS = 1 << 22
ENCODINGS = {1: "latin-1", 2: "utf-16-le", 4: "utf-32-le"}
"""Of MATLAB's characters, by their size in bytes."""
COMPLEX = ({"real", "imag"}, {"re", "im"})
FILTERS = {305: "LZO", 307: "bzip2", 32001: "Blosc", 32004: "LZ4", 32008: "bitshuffle", 32015: "Zstd", 32026: "Blosc2"}
"""What compresses arrays and does not come with HDF5; the numbers are those that the HDF Group has registered."""
ROWS_AT_ONCE = 4096
SIGNATURE = b"\x89HDF\r\n\x1a\n"
MATLAB_HEADER = b"MATLAB "
"""Of files whose dimensions come in reverse."""
PICTURES, FEWEST_SIDE_PX = "pictures", 4


def read(source: str, save: Callable[..., None]) -> dict[str, dict[str, Any]]:
    """Save all arrays under their paths; the attributes by path and name. Raises whatever h5py raises.

    If there are MATLAB's objects, cell i of what they are made of is saved as PROPERTIES/i.
    """
    import h5py

    attributes: dict[str, dict[str, Any]] = {}
    arrays: dict[str, Any] = {}
    counts: set[int] = set()
    with open(source, "rb") as start, h5py.File(source, "r") as file:
        if stacks := stacks_in(file):
            return save_stacks(save, stacks, file)
        for path, node in nodes(file):
            if len(attributes) > MAX_NODES:
                return {"": {**attributes[""], UNREAD: IN_ARRAYS}}
            attributes[path] = {name: plain(node.attrs[name]) for name in ATTRIBUTES if name in node.attrs}
            if reason := why_unread(node):
                attributes[path][UNREAD] = reason
            elif IS_OBJECT in attributes[path] and is_array(node):
                save(path, node.shape, node.dtype, rows(node))
            elif is_array(node):
                arrays[path] = node
            elif is_column_of_text(node):
                most = MAX_COLUMNS if path.endswith(COLUMN_NAMES) else MAX_TEXTS
                save_text(partial(save, path), node.shape[0], partial(texts, node), most)
            elif is_table(node):
                save_records(partial(save, path), node)
            elif characters := characters_of(node):
                save_text(partial(save, path), len(characters), partial(iter, [characters]))
                counts.add(len(characters))
            elif is_in_cells(node):
                save_cells(partial(save, path), node)
                counts.add(node.size)
        is_matlab = start.read(len(MATLAB_HEADER)) == MATLAB_HEADER
        counts |= {max(node.shape) for node in arrays.values() if node.ndim == 1 or min(node.shape) == 1}
        for path, node in arrays.items():
            save_upright(partial(save, path), node, counts) if is_matlab else save(
                path, node.shape, node.dtype, rows(node)
            )
        if any(IS_OBJECT in of_node for of_node in attributes.values()):
            save_properties(save, file)
    return attributes


def nodes(group: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Everything in a group that is in this file itself: links to others would be followed with our rights."""
    import h5py

    yield path, group
    if isinstance(group, h5py.Group) and path.count("/") < MAX_DEPTH:
        for key, node in members(group):
            yield from nodes(node, within(path, key))


def members(group: Any) -> Iterator[tuple[str, Any]]:
    """What is in a group itself, by name."""
    import h5py

    for name in group.id:  # `group.get(…, getlink=True)` takes thrice the time
        key = name.decode("utf-8", "surrogateescape")
        is_here = group.id.links.get_info(name).type == h5py.h5l.TYPE_HARD
        if is_here and key not in SKIPPED and not key.startswith(INDEX):
            yield key, group[key]


def within(path: str, key: str) -> str:
    return f"{path}/{key}" if path else key


class Stack:
    """Samples that have arrays of their own: the paths of the pictures, their shapes and dtypes, and other values."""

    def __init__(self) -> None:
        self.pictures: list[str] = []
        self.kinds: set[tuple[tuple[int, ...], np.dtype[Any]]] = set()
        self.values: dict[str, list[str]] = {}


def stacks_in(file: Any) -> dict[str, Stack]:
    """The samples by the group that they are in; nothing if there are few arrays, or others, or they are Keras'."""
    import h5py

    if any(name in file.attrs for name in ATTRIBUTES):
        return {}
    arrays = (path for path, node in nodes(file) if isinstance(node, h5py.Dataset))
    are_many = len(list(itertools.islice(arrays, MANY_ARRAYS + 1))) > MANY_ARRAYS
    stacks: dict[str, Stack] = {}
    return by_class(stacks) if are_many and are_stacked(file, "", stacks) else {}


def by_class(stacks: dict[str, Stack]) -> dict[str, Stack]:
    """The same with the values that differ; where none do, a group is one class of the stack in the group around it."""
    found: dict[str, Stack] = {}
    for path, stack in stacks.items():
        count = len(stack.pictures)
        values = {name: each for name, each in stack.values.items() if len(each) == count and len(set(each)) > 1}
        parent, _, name = path.rpartition("/")
        into = found.setdefault(path if values else parent, Stack())
        into.pictures += stack.pictures
        into.kinds |= stack.kinds
        for called, each in (values or {CLASS: [name] * count}).items():
            into.values.setdefault(called, []).extend(each)
    return found


def are_stacked(group: Any, path: str, stacks: dict[str, Stack]) -> bool:
    """Whether all that is in a group are samples, which are added to `stacks`."""
    for key, node in members(group):
        picture, values = sample_in(node)
        if picture is not None:
            stack = stacks.setdefault(path, Stack())
            stack.pictures.append(picture.name)
            stack.kinds.add((picture.shape, picture.dtype))
            for name, value in values.items():
                stack.values.setdefault(name, []).append(value)
        elif (
            path.count("/") >= MAX_DEPTH
            or not hasattr(node, "keys")
            or not are_stacked(node, within(path, key), stacks)
        ):
            return False
    return sum(len(stack.pictures) for stack in stacks.values()) <= MAX_SAMPLES


def sample_in(node: Any) -> tuple[Any, dict[str, str]]:
    """The picture of a sample, None if this is none, and its values: numbers or texts in attributes or beside it."""
    import h5py

    if not isinstance(node, h5py.Group):
        return (node, values_of(node.attrs)) if is_picture(node) else (None, {})
    if len(node) > MAX_VALUES:
        return None, {}
    held = dict(members(node))
    others = {key: each[()] for key, each in held.items() if is_single(each)}
    pictures = [each for key, each in held.items() if key not in others and is_picture(each)]
    if len(pictures) != 1 or len(others) < len(held) - 1:
        return None, {}
    values = values_of(node.attrs) | values_of(pictures[0].attrs) | values_of(others)
    return (pictures[0], values) if values else (None, {})


def is_picture(node: Any) -> bool:
    """Whether this may be a single picture, in this file itself."""
    sides = sorted(getattr(node, "shape", None) or ())
    are_sides = len(sides) in (2, 3) and sides[-2] >= FEWEST_SIDE_PX
    return are_sides and node.dtype.kind in "buif" and not fault_of(node.id.get_create_plist())


def is_single(node: Any) -> bool:
    """Whether this is a number or a text, in this file itself."""
    shape = getattr(node, "shape", None)
    return shape is not None and math.prod(shape) == 1 and not fault_of(node.id.get_create_plist())


def values_of(named: Any) -> dict[str, str]:
    """Those of attributes, or of arrays, that are a single number or text."""
    if not len(named):  # is known at once, other than what there is
        return {}
    flat = {name: np.asarray(value).reshape(-1) for name, value in named.items()}
    return {name: str(plain(value)[0]) for name, value in flat.items() if value.size == 1}


def save_stacks(save: Callable[..., None], stacks: dict[str, Stack], file: Any) -> dict[str, dict[str, Any]]:
    """The samples of each group as arrays."""
    for path, stack in stacks.items():
        if len(stack.kinds) > 1:
            return {"": {UNREAD: IN_SIZES}}
        count, ((shape, dtype),) = len(stack.pictures), stack.kinds
        save(
            within(path, PICTURES),
            (count, *shape),
            dtype,
            (single(file, each, shape, dtype) for each in stack.pictures),
        )
        for name, values in stack.values.items():
            lines = [value.encode()[:MAX_TEXT_BYTES] for value in values]
            if len(lines) == count:
                save_text(partial(save, within(path, name)), count, partial(iter, [lines]))
    return {"": {}}


def single(file: Any, path: str, shape: tuple[int, ...], dtype: np.dtype[Any]) -> NDArray[Any]:
    """The array at a path, whose shape and dtype are known: `file[path][()]` takes several times as long."""
    import h5py

    array = np.empty(shape, dtype)
    h5py.h5d.open(file.id, path.encode("utf-8", "surrogateescape")).read(h5py.h5s.ALL, h5py.h5s.ALL, array)
    return array


def why_unread(node: Any) -> str:
    """Why an array is not read, though it may be one of pictures or labels; "" if it is."""
    import h5py

    if not isinstance(node, h5py.Dataset) or not node.shape:
        return ""
    if node.attrs.get("PSEUDOATOM") in (b"object", "object"):
        return "holds Python objects, which could run code, so that they are not read; save numbers or use CSV."
    if isinstance(h5py.check_vlen_dtype(node.dtype), np.dtype):
        return "holds rows of any length; save it as rows of one length."
    return fault_of(node.id.get_create_plist())


def fault_of(created: Any) -> str:
    """Why an array cannot be read by how it was created; "" if it can."""
    import h5py

    if created.get_layout() == h5py.h5d.VIRTUAL or created.get_external_count():
        return "is in another file; copy it into this one."
    for at in range(created.get_nfilters()):
        if not h5py.h5z.filter_avail(filter := created.get_filter(at)[0]):
            return f"is compressed by {FILTERS.get(filter, f'filter {filter}')}, which h5py lacks; save it with gzip."
    return ""


def is_stored_here(node: Any) -> bool:
    """Whether this is an array, and its content in this file itself."""
    import h5py

    return isinstance(node, h5py.Dataset) and bool(node.shape) and not (node.external or node.is_virtual)


def is_array(node: Any) -> bool:
    """Whether this is an array of numbers, in this file itself."""
    is_of_numbers = is_stored_here(node) and node.dtype.kind in "buif" and not is_of_characters(node)
    return is_of_numbers and not node.attrs.get("MATLAB_empty", 0)


def is_column_of_text(node: Any) -> bool:
    """Whether this is text for each sample, (N,) or (N, 1), in this file itself."""
    import h5py

    if not is_stored_here(node) or h5py.check_string_dtype(node.dtype) is None:
        return False
    return bool(node.shape[0] <= MAX_ROWS_OF_TEXT) and math.prod(node.shape[1:]) == 1


def is_table(node: Any) -> bool:
    """Whether this is an array of records, in this file itself; not of complex numbers, as in MATLAB and Julia."""
    return is_stored_here(node) and bool(node.dtype.names) and set(node.dtype.names) not in COMPLEX


def save_records(save: Callable[..., None], node: Any) -> None:
    """The rows of a table with their fields of numbers and text."""
    import h5py

    kinds = {name: node.dtype[name] for name in node.dtype.names}
    long = [name for name, kind in kinds.items() if kind.kind == "O" or kind.itemsize > MAX_TEXT_BYTES]
    long = [name for name in long if h5py.check_string_dtype(kinds[name])]
    kinds |= dict.fromkeys(long, np.dtype(f"S{MAX_TEXT_BYTES}"))
    kinds = {name: kind for name, kind in kinds.items() if kind.base.kind in "buifS"}
    dtype = np.dtype([(name, kind.base, kind.shape) for name, kind in kinds.items()])
    if kinds:
        save(node.shape, dtype, (block[list(kinds)].astype(dtype) for block in rows(node)))


def save_text(
    save: Callable[..., None], count: int, blocks: Callable[[], Iterable[list[bytes]]], most: int = MAX_TEXTS
) -> None:
    """Text for each of some samples as bytes of equal length, if at most so many differ, so that it can be labels."""
    found: set[bytes] = set()
    for block in blocks():
        found.update(block)
        if len(found) > most:
            return
    dtype = np.dtype(f"S{max(map(len, found), default=1) or 1}")
    save((count,), dtype, (np.array(block, dtype) for block in blocks()))


def texts(node: Any) -> Iterator[list[bytes]]:
    for start in range(0, node.shape[0], ROWS_AT_ONCE):
        yield [text[:MAX_TEXT_BYTES] for text in node[start : start + ROWS_AT_ONCE].reshape(-1).tolist()]


def is_of_characters(node: Any) -> bool:
    """Whether this array's numbers are MATLAB's characters."""
    return node.dtype.kind == "u" and bool(plain(node.attrs.get("MATLAB_class", "")) == "char")


def characters_of(node: Any, fewest_rows: int = 2) -> list[bytes]:
    """The rows of a matrix of MATLAB's characters, without blanks at their ends; none if it is anything else."""
    if not is_stored_here(node) or not is_of_characters(node):
        return []
    is_small = len(node.shape) == 2 and 0 < node.size <= MAX_CHARACTERS and node.dtype.itemsize in ENCODINGS
    if not is_small or node.shape[1] < fewest_rows:
        return []
    matrix = node[()].T
    encoding = ENCODINGS[matrix.dtype.itemsize]
    rows = [row.tobytes().decode(encoding, "replace") for row in matrix]
    return [row.rstrip().encode()[:MAX_TEXT_BYTES] for row in rows]


def is_in_cells(node: Any) -> bool:
    """Whether this is a row or column of MATLAB's cells."""
    import h5py

    is_of_references = is_stored_here(node) and h5py.check_ref_dtype(node.dtype) is h5py.Reference
    return is_of_references and 1 < node.size <= MAX_ROWS_OF_TEXT


def save_cells(save: Callable[..., None], node: Any) -> None:
    """Cells with a line of text each, or with numbers of one dtype and shape; nothing if they hold anything else."""
    file, references = node.file, node[()].reshape(-1)  # `.file` takes its time
    if not all(references):
        return
    first = file[references[0]]
    if len(characters_of(first, 1)) == 1:
        lines: list[bytes] = []
        for reference in references:
            line = characters_of(file[reference], 1)
            if len(line) != 1:
                return
            lines += line
        save_text(save, len(lines), partial(iter, [lines]))
    elif is_array(first) and first.ndim > 1:
        shape, dtype = first.shape, first.dtype
        cells = (file[each] for each in references)
        if all(is_stored_here(cell) and (cell.shape, cell.dtype) == (shape, dtype) for cell in cells):
            upright = tuple(size for size in (*shape[:-2], *shape[:-3:-1]) if size > 1)
            save((len(references), *upright), dtype, (file[each][()].swapaxes(-1, -2) for each in references))


def save_properties(save: Callable[..., None], file: Any) -> None:
    """What the file's objects are made of."""
    cells = file.get(PROPERTIES)
    if cells is None or not is_in_cells(cells) or cells.size > MAX_NODES:
        return
    for index, reference in enumerate(cells[()].reshape(-1)):
        cell, save_cell = file[reference], partial(save, f"{PROPERTIES}/{index}")
        if is_array(cell):
            save_cell(cell.shape, cell.dtype, rows(cell))
        elif is_in_cells(cell):
            save_cells(save_cell, cell)


def plain(value: Any) -> Any:
    """An attribute as JSON has it."""
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    return [plain(each) for each in value.tolist()] if isinstance(value, np.ndarray) else str(value)


def save_upright(save: Callable[..., None], node: Any, counts: set[int]) -> None:
    """An array of MATLAB with samples in the first dimension, and pictures upright. counts: of samples.

    In MATLAB they may be in its last dimension, which is the first one here, or in its first, which is the last one.
    Without labels, they are in the last one here if the others are equal.
    """
    *outer, last = node.shape
    is_square = not counts and len(outer) == 2 and outer[0] == outer[1] != last
    if is_square or (outer and last > 1 and last in counts and outer[0] not in counts):
        save(node.shape[::-1], node.dtype, columns(node))
    elif len(outer) > 1:
        save((*outer[:-1], last, outer[-1]), node.dtype, (block.swapaxes(-1, -2) for block in rows(node)))
    else:
        save(node.shape, node.dtype, rows(node))


def rows(node: Any) -> Iterator[NDArray[Any]]:
    count = max(1, BLOCK_BYTES // max(1, math.prod(node.shape[1:]) * node.dtype.itemsize))
    return (node[start : start + count] for start in range(0, node.shape[0], count))


def columns(node: Any) -> Iterator[NDArray[Any]]:
    """The rows of an array whose dimensions are reversed."""
    count = max(1, BLOCK_BYTES // max(1, math.prod(node.shape[:-1]) * node.dtype.itemsize))
    return (node[..., start : start + count].T for start in range(0, node.shape[-1], count))
