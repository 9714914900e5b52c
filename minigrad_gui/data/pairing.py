"""Finds out by name and shape which of several arrays are pictures, which are their labels, and what is for testing.

`x_train` belongs to `y_train`, `t10k-images-idx3-ubyte.gz` to `t10k-labels-idx1-ubyte.gz`, `arr_0` of one file to
`arr_0` of the other.
"""

import re
from collections.abc import Callable, Mapping, Sequence, Set
from contextlib import suppress
from dataclasses import replace
from functools import lru_cache
from pathlib import Path

import numpy as np

from minigrad_gui.data.columns import last_first
from minigrad_gui.data.dataset import DataError
from minigrad_gui.data.labelling import MAX_CLASSES
from minigrad_gui.data.stored import Array, Found, Samples, as_pictures, picture_shape, samples_of

SPLIT_WORDS = {
    "train": "train",
    "training": "train",
    "trn": "train",
    "tra": "train",
    "val": "valid",
    "valid": "valid",
    "validate": "valid",
    "validation": "valid",
    "test": "test",
    "testing": "test",
    "tst": "test",
    "tes": "test",
    "t10k": "test",
    "dev": "valid",
    "eval": "test",
}
SHORT_SPLIT_WORDS = {"tr": "train", "te": "test", "ts": "test"}
"""Words for splits beside x, y and t only: "te" is also a letter of hiragana."""
PICTURE_WORDS = (
    "images",
    "image",
    "imgs",
    "img",
    "pictures",
    "x",
    "data",
    "pixels",
    "features",
    "fea",
    "input",
    "inputs",
)
LABEL_WORDS = (
    "labels",
    "label",
    "y",
    "targets",
    "target",
    "lab",
    "classes",
    "class",
    "digits",
    "gnd",
    "output",
    "outputs",
)
OTHER_WORDS = (
    "arr",
    "idx1",
    "idx2",
    "idx3",
    "ubyte",
    "int",
    "gz",
    "bz2",
    "npy",
    "npz",
    "mat",
    "csv",
    "txt",
    "data",
    "of",
    "parquet",
    "arrow",
    "json",
    "pt",
)
ROW_NUMBER_NAMES = ("", "id", "index", "unnamed: 0", "row")
"""What a column is called that only counts the rows."""
MOST_TOLD = 4
_SPLITS = "|".join(sorted(set(SPLIT_WORDS) - {"tra", "tes"}, key=len, reverse=True))  # "tray" and "xtra" are words
_KINDS = "|".join(sorted({*PICTURE_WORDS, *LABEL_WORDS, "t"}, key=len, reverse=True))
GLUED = re.compile(rf"({_KINDS})({_SPLITS})|({_SPLITS})({_KINDS})|([xyt])({'|'.join(SHORT_SPLIT_WORDS)})")
"""Two words in one, as "xtrain", "trainlabels" and "ytr"."""
NUMBER = re.compile(r"\d+", re.ASCII)
SIZE = re.compile(r"(\d{1,9}k?) ?x ?(\d{1,9})(?!\d)", re.ASCII)


def words_of(name: str) -> list[str]:
    """The words and numbers in a name: "xTrain2-images.idx3-ubyte" gives x, train, 2, images, idx3, ubyte.

    Glued words are taken apart, and short ones given in full where the word beside them tells what they mean: "Xtr"
    gives x, train, and "TTrain", the targets to train on, y, train. How many pictures or labels there are is left out.
    """
    return list(_words_of(name))


@lru_cache(maxsize=1 << 12)  # files in a folder are compared with one another
def _words_of(name: str) -> tuple[str, ...]:
    plain = SIZE.sub(_without_count, _spaced(name))
    words = [part for word in re.findall(r"t10k|idx\d|[a-z]+|\d+", plain) for part in _unglued(word)]
    padded = ["", *words, ""]
    beside = zip(padded, words, padded[2:], strict=False)
    return tuple(_in_full(word, {before, after}) for before, word, after in beside)


def _without_count(size: re.Match[str]) -> str:
    """A size of pictures, such as 28x28, as it is; nothing for that of an array, such as 60000x784 or 60000x1."""
    rows, columns = size.groups()
    is_of_array = columns == "1" or (rows != columns and picture_shape((1, int(columns))) is not None)
    return " " if is_of_array else size[0]


def _unglued(word: str) -> list[str]:
    match = GLUED.fullmatch(word)
    return list(filter(None, match.groups())) if match else [word]


def _in_full(word: str, beside: Set[str]) -> str:
    if word == "t" and not beside.isdisjoint((*SPLIT_WORDS, *SHORT_SPLIT_WORDS)):
        return "y"
    return word if beside.isdisjoint("xyt") else SHORT_SPLIT_WORDS.get(word, word)


def is_called_label(column: str) -> bool:
    """Whether a column's name says that it holds labels; "y1" does not, which is one of many."""
    return not set(LABEL_WORDS).isdisjoint(re.findall(r"[a-z]+\d*", _spaced(column)))


def in_order(columns: Sequence[str]) -> list[int]:
    """The places of columns by the number in their names, if these differ in one only: as texts, pixel10 is before
    pixel2."""
    kinds = {NUMBER.sub("#", column) for column in columns}
    if len(kinds) != 1 or kinds.pop().count("#") != 1:
        return list(range(len(columns)))
    return sorted(range(len(columns)), key=lambda at: int(*NUMBER.findall(columns[at])))


def _spaced(name: str) -> str:
    return re.sub(r"(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", " ", name).lower()


def split_of(name: str) -> str | None:
    """Which split a name names: "train", "valid", "test" or none; its last word decides."""
    named = [SPLIT_WORDS[word] for word in words_of(name) if word in SPLIT_WORDS]
    return named[-1] if named else None


def topic_of(name: str) -> str:
    """The name without words for splits, pictures, labels and formats: what belongs together has the same."""
    dropped = {*SPLIT_WORDS, *PICTURE_WORDS, *LABEL_WORDS, *OTHER_WORDS}
    return " ".join(word for word in words_of(name) if word not in dropped)


def kind_of(name: str, array: Array) -> str:
    """Whether an array holds "pictures", "labels" or something else (""), by its shape and, in doubt, its name.

    Its last word decides: the pictures in digits.csv are no labels.
    """
    may_be_labels = len(array.shape) == 1 or (
        len(array.shape) == 2 and (array.shape[1] <= MAX_CLASSES or array.shape[0] == 1)
    )
    may_be_pictures = len(array.shape) > 1 and picture_shape(array.shape) is not None and array.dtype.kind in "buif"
    if may_be_pictures and not (may_be_labels and _said(name) in LABEL_WORDS):
        return "pictures"
    return "labels" if may_be_labels and array.dtype.kind in "buifUS" else ""


def _said(name: str) -> str | None:
    """The last word in a name that says whether it is of pictures or of labels."""
    return next((word for word in reversed(words_of(name)) if word in (*PICTURE_WORDS, *LABEL_WORDS)), None)


def together(files: Mapping[str, Mapping[str, Array]]) -> dict[str, Array]:
    """The arrays of several files, by the names of both; the only one of a file by the file's name."""
    if len(files) == 1:
        return dict(*files.values())
    return {
        name if len(arrays) == 1 else f"{name} {key}": array
        for name, arrays in files.items()
        for key, array in arrays.items()
    }


def pair_files(
    files: Mapping[str, Path],
    read: Callable[[Path], Mapping[str, Array]],
    pair: Callable[[Mapping[str, Array]], Found] | None = None,
) -> Found:
    """The splits in several files, each of which holds arrays; if the first has all, test pictures, too, in it alone.

    pair: finds the splits among the arrays, as `pair_up` does. Raises as that does.
    """
    pair = pair or pair_up
    (name, first), *others = files.items()
    arrays = {name: read(first)}
    if others:
        with suppress(DataError):
            if (found := pair(arrays[name])).test:
                return replace(found, files=[name])
    return pair(together(arrays | {other: read(file) for other, file in others}))


def pair_up(arrays: Mapping[str, Array]) -> Found:
    """The splits that named arrays make up. Raises DataError if it is not clear what belongs together."""
    arrays = {name: _samples_first(name, arrays) for name in arrays}
    arrays = {part: each for name, array in arrays.items() for part, each in _without_label(name, array).items()}
    splits: dict[str, list[Samples]] = {}
    remarks = []
    kinds = {name: kind_of(name, array) for name, array in arrays.items()}
    pictures = [name for name in arrays if kinds[name] == "pictures"]
    if not pictures:
        shapes = ", ".join(str(array.shape) for array in list(arrays.values())[:MOST_TOLD])
        raise DataError(
            f"it holds no pictures, but arrays of the shape {shapes}." if shapes else "it holds no pictures."
        )
    labels = [name for name in arrays if kinds[name] == "labels"]
    topics = {topic_of(name) for name in pictures}
    if len(topics) > 1 and len(pictures) == len(arrays) and "" not in topics:
        return _class_each(arrays)
    if len(topics) > 1:
        raise DataError("it holds several datasets; choose one of its files.")
    for name in pictures:
        split = split_of(name)
        fitting = [other for other in labels if split_of(other) == split]
        if len(fitting) > 1:
            fitting = [other for other in fitting if arrays[other].shape[0] == arrays[name].shape[0]]
        if len(fitting) > 1:
            fitting = [other for other in fitting if set(words_of(other)) & set(LABEL_WORDS)] or fitting
        if not fitting and split in ("test", "valid"):
            remarks.append(f"The pictures “{name}” have no labels and are left out.")
            continue
        if not fitting:
            raise DataError(f"its pictures{f' “{name}”' if len(pictures) > 1 else ''} have no labels.")
        if len(fitting) > 1:
            raise DataError(f"it is not clear which of {', '.join(sorted(fitting))} are the labels.")
        splits.setdefault(split or "train", []).append(samples_of(arrays[name], arrays[fitting[0]]))
    if not splits:
        raise DataError("its pictures have no labels.")
    shown = {split_of(name) for name in pictures}
    lone = [name for name in labels if split_of(name) not in shown and set(words_of(name)) & set(LABEL_WORDS)]
    remarks += [f"The labels “{name}” belong to no pictures and are left out." for name in lone]
    return replace(in_splits(splits, remarks), left_out=lone)


def _samples_first(name: str, arrays: Mapping[str, Array]) -> Array:
    """An array as it is, or with its last dimension first, if only that is as long as there are labels."""
    array, others = arrays[name], {other: arrays[other] for other in arrays if _said(other) not in PICTURE_WORDS}
    labels = [each.shape for other, each in others.items() if other != name and kind_of(other, each) == "labels"]
    counts = {shape[-1] if shape[0] == 1 else shape[0] for shape in labels}
    if len(array.shape) < 2 or array.shape[0] in counts or array.shape[-1] not in counts:
        return array
    return last_first(array) if picture_shape((1, *array.shape[:-1])) is not None else array


def _without_label(name: str, array: Array) -> dict[str, Array]:
    """An array as it is, or its columns of pixels and the first or last one, with the labels."""
    if len(array.shape) != 2 or array.dtype.kind not in "buif" or picture_shape((1, array.shape[1])) is not None:
        return {name: array}
    count, columns = array.shape
    if picture_shape((1, columns - 1)) is None or (block := next(array.blocks(), None)) is None:
        return {name: array}
    ends = {at: np.unique(block[:, at]) for at in (0, columns - 1)}
    fitting = [at for at, values in ends.items() if np.isin(values, np.arange(MAX_CLASSES)).all()]
    if not fitting:
        return {name: array}
    at = max(fitting, key=lambda each: len(ends[each]))
    pixels = slice(1, None) if at == 0 else slice(0, -1)
    return {
        f"{name} pictures": Array(
            (count, columns - 1), array.dtype, lambda: (each[:, pixels] for each in array.blocks())
        ),
        f"{name} labels": Array((count,), array.dtype, lambda: (each[:, at] for each in array.blocks())),
    }


def _class_each(arrays: Mapping[str, Array]) -> Found:
    """Pictures without labels in arrays that are named after their classes, as train_threes and test_fives."""
    splits: dict[str, list[Samples]] = {}
    for name, array in arrays.items():
        labels = np.repeat([topic_of(name)], array.shape[0])
        splits.setdefault(split_of(name) or "train", []).append(Samples(as_pictures(array), labels))
    return in_splits(splits, ["Its arrays are taken for one class each."])


def joined(parts: Mapping[str, Found]) -> Found:
    """Several datasets as one, by name: one without test pictures is of the split that its name names."""
    first, *others = parts.values()
    if any(other.class_names != first.class_names for other in others):
        raise DataError("its files name their classes differently.")
    splits: dict[str, list[Samples]] = {}
    for name, found in parts.items():
        split = None if found.test else split_of(name)
        splits.setdefault(split or "train", []).extend(found.train)
        if found.test:
            splits.setdefault("test", []).extend(found.test)
    remarks = list(dict.fromkeys(remark for found in parts.values() for remark in found.remarks))
    made = in_splits(splits, remarks)
    return replace(first, train=made.train, test=made.test, remarks=made.remarks)


def in_splits(splits: Mapping[str, list[Samples]], remarks: list[str]) -> Found:
    """Training and test samples; validation pictures are trained on, as a run holds back its own."""
    train, valid, test = (splits.get(name, []) for name in ("train", "valid", "test"))
    if train and not test:
        return Found(train, valid, remarks=remarks)
    if valid and test:
        count = sum(samples.pictures.count for samples in valid)
        remarks = [*remarks, f"Its {count:,} validation pictures are also trained on."]
    train = [*train, *valid]
    return Found(train, test, remarks=remarks) if train else Found(test, remarks=remarks)  # one split is as good as any
