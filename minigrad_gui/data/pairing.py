"""Finds out by name and shape which of several arrays are pictures, which are their labels, and what is for testing.

`x_train` belongs to `y_train`, `t10k-images-idx3-ubyte.gz` to `t10k-labels-idx1-ubyte.gz`, `arr_0` of one file to
`arr_0` of the other.
"""

import re
from collections.abc import Mapping

from minigrad_gui.data.dataset import DataError
from minigrad_gui.data.stored import Array, Found, Samples, picture_shape, samples_of

SPLIT_WORDS = {
    "train": "train",
    "training": "train",
    "trn": "train",
    "tra": "train",
    "val": "valid",
    "valid": "valid",
    "validation": "valid",
    "test": "test",
    "testing": "test",
    "tst": "test",
    "tes": "test",
    "t10k": "test",
}
PICTURE_WORDS = ("images", "image", "imgs", "img", "pictures", "x", "data", "pixels", "features", "fea")
LABEL_WORDS = ("labels", "label", "y", "targets", "target", "lab", "classes", "class", "digits", "gnd")
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
)
ONE_HOT_MOST = 100


def words_of(name: str) -> list[str]:
    """The words in a name: "xTrain-images.idx3-ubyte" gives x, train, images, idx3, ubyte."""
    spaced = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name)
    return re.findall(r"t10k|[a-z]+\d*|\d+", spaced.lower())


def split_of(name: str) -> str | None:
    """Which split a name names: "train", "valid", "test" or none; its last word decides."""
    named = [SPLIT_WORDS[word] for word in words_of(name) if word in SPLIT_WORDS]
    return named[-1] if named else None


def topic_of(name: str) -> str:
    """The name without words for splits, pictures, labels and formats: what belongs together has the same."""
    dropped = {*SPLIT_WORDS, *PICTURE_WORDS, *LABEL_WORDS, *OTHER_WORDS}
    return " ".join(word for word in words_of(name) if word not in dropped)


def kind_of(name: str, array: Array) -> str:
    """Whether an array holds "pictures", "labels" or something else (""), by its shape and, in doubt, its name."""
    words = set(words_of(name))
    may_be_labels = len(array.shape) == 1 or (
        len(array.shape) == 2 and (array.shape[1] <= ONE_HOT_MOST or array.shape[0] == 1)
    )
    may_be_pictures = len(array.shape) > 1 and picture_shape(array.shape) is not None and array.dtype.kind in "buif"
    if may_be_pictures and not (may_be_labels and words & set(LABEL_WORDS)):
        return "pictures"
    return "labels" if may_be_labels and array.dtype.kind in "buifUS" else ""


def pair_up(arrays: Mapping[str, Array]) -> Found:
    """The splits that named arrays make up. Raises DataError if it is not clear what belongs together."""
    splits: dict[str, list[Samples]] = {}
    remarks = []
    kinds = {name: kind_of(name, array) for name, array in arrays.items()}
    pictures = [name for name in arrays if kinds[name] == "pictures"]
    if not pictures:
        raise DataError("it holds no pictures.")
    if len({topic_of(name) for name in pictures}) > 1:
        raise DataError("it holds several datasets; choose one of its files.")
    labels = [name for name in arrays if kinds[name] == "labels"]
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
    return in_splits(splits, remarks)


def in_splits(splits: Mapping[str, list[Samples]], remarks: list[str]) -> Found:
    """Training and test samples; validation pictures are trained on, as a run holds back its own."""
    if valid := splits.get("valid"):
        if "test" not in splits:
            return Found(splits.get("train", ()), valid, remarks=remarks)
        count = sum(samples.pictures.count for samples in valid)
        remarks = [*remarks, f"Its {count:,} validation pictures are also trained on."]
    train = [*splits.get("train", ()), *splits.get("valid", ())]
    if not train:  # only a test file: as good as any
        return Found(splits.get("test", ()), remarks=remarks)
    return Found(train, splits.get("test", ()), remarks=remarks)
