"""Opens datasets of many formats: a new format is one file that reads it, and one entry in FORMATS.

A reader only says what a file holds. What it means, and how pictures become 28 x 28, is decided here.
"""

import itertools
import zipfile
import zlib
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import lru_cache, partial
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
from numpy.typing import NDArray

from minigrad_gui.data import (
    archives,
    arff,
    bitmaps,
    folders,
    hdf5,
    idx,
    json_files,
    libsvm,
    matlab,
    npz,
    parquet,
    parquet_parts,
    pixel_column,
    strokes,
    tables,
    torch_files,
    webdataset,
    zips,
)
from minigrad_gui.data.bundled import first_test_digits
from minigrad_gui.data.choices import ALL_GUESSED, FILES, ORIENTATIONS, SIZINGS, Choices, Origin
from minigrad_gui.data.dataset import DIGIT_NAMES, DataError, Dataset
from minigrad_gui.data.guessing import Means, guess, mean_pictures, possible_meanings
from minigrad_gui.data.labelling import Classes, classes_of, plain_labels
from minigrad_gui.data.pairing import joined
from minigrad_gui.data.preparing import convert, measure
from minigrad_gui.data.siblings import MAX_FILES, Families, Family, Files, is_network, listed, parts_of, visible
from minigrad_gui.data.stored import Found, Others, check_count, labelled
from minigrad_gui.data.streams import open_plain, plain_name
from minigrad_gui.frame import SIDE_PX
from minigrad_gui.pictures import PICTURE_SUFFIXES

START_BYTES = 512
UNREAD = {
    b"FEA1": "Feather of version 1, which is not read; save it again in version 2",
    b"Obj\1": "Avro, which is not read; save it as Parquet",
    b"SQLite format 3\0": "an SQLite database, which is not read; save its table as Parquet or CSV",
}
"""What files are that begin so, and what to do."""
MAX_SEARCHED, MAX_NAMED = 1000, 3
MAX_TRIED = 16
"""Of files in a folder that are called alike, where none of them can be read; each of HDF5 takes half a second."""
TEST_SHARE = 1 / 7
"""Of pictures that come without test pictures; MNIST's own share."""
FEWEST_FOR_TEST = 2
MOVED_AT_ONCE = 500
REFERENCE_DIGITS = 1000


@dataclass(frozen=True)
class Format:
    """A format: its name, how a file of it is recognised by its path and first bytes, and what reads files of it.

    gathers: whether a file is only a part of the dataset, and the reader may find the rest in its folder; joins:
    whether the reader takes the files that belong to a file, by their names, with it.
    """

    name: str
    recognises: Callable[[Path, bytes], bool]
    read: Callable[[Files], Found]
    gathers: bool = False
    joins: bool = True
    files_in: Callable[[Path], Iterator[archives.PackedFile]] | None = None

    def relatives(self, file: Path, families: Families) -> Family:
        """The file and those beside it that may belong to it."""
        return families.of(file) if self.joins else Family.of(file)


FORMATS = (
    Format("IDX", lambda _, start: idx.recognises(start), idx.read),
    Format("NumPy .npz", lambda path, start: start.startswith(zips.SIGNATURE) and npz.recognises_npz(path), npz.read),
    Format("NumPy .npy", lambda _, start: start.startswith(npz.NPY_MAGIC), npz.read_npy, gathers=True),
    Format("MATLAB .mat", lambda _, start: matlab.recognises(start), matlab.read),
    Format("HDF5", lambda _, start: hdf5.recognises(start), hdf5.read),
    Format("Parquet or Arrow", lambda _, start: parquet.recognises(start), parquet.read),
    Format("PyTorch .pt", torch_files.recognises, torch_files.read),
    Format(
        "zip of pictures",
        lambda _, start: start.startswith(zips.SIGNATURE),
        folders.read_zip,
        files_in=archives.files_in_zip,
    ),
    Format("WebDataset", webdataset.recognises, webdataset.read),
    Format(
        "tar of pictures",
        lambda _, start: folders.recognises_tar(start),
        folders.read_tar,
        files_in=archives.files_in_tar,
    ),
    Format("HDF5", lambda path, _: hdf5.recognises_later(path), hdf5.read),
    Format("QuickDraw", lambda _, start: strokes.recognises_quickdraw(start), strokes.read_quickdraw, True, False),
    Format("JSON", lambda _, start: json_files.recognises(start), json_files.read),
    Format("InkML", lambda _, start: strokes.recognises_inkml(start), strokes.read_inkml, True, False),
    Format("UNIPEN", lambda _, start: strokes.recognises_unipen(start), strokes.read_unipen, True, False),
    Format("ARFF", lambda _, start: arff.recognises(start), arff.read),
    Format("table with a column of pixels", lambda _, start: pixel_column.recognises(start), pixel_column.read),
    Format("libsvm", lambda _, start: libsvm.recognises(start), libsvm.read),
    Format("shades in text", lambda _, start: bitmaps.recognises_shades(start), bitmaps.read_shades),
    Format("bitmaps in text", lambda path, start: b"\0" not in start and bitmaps.recognises(path), bitmaps.read),
    Format("table", tables.recognises, tables.read),
)
SAVED = Format("Arrow, as datasets saves it", lambda path, _: parquet.is_saved(path), parquet.read_saved, joins=False)
PARTS = Format("Parquet in parts", lambda path, _: parquet_parts.recognises(path), parquet_parts.read, joins=False)
FOLDER = Format("folder of pictures", lambda path, _: path.is_dir(), folders.read_folder, joins=False)


def open_file(path: Path, choices: Choices = ALL_GUESSED) -> Dataset:
    """The dataset in a file or folder, whatever its format.

    Raises DataError with one sentence, and LoadingCancelledError as `check_cancelled` does.
    """
    try:
        return _opened(path, choices)
    except Exception as error:  # damaged bytes raise nearly anything
        raise DataError(f"{path} cannot be opened: {_reason(error)}") from error


def _reason(error: Exception) -> str:
    """Why something cannot be read, as the end of a sentence."""
    if isinstance(error, DataError):
        return str(error)
    if isinstance(error, MemoryError):
        return "it needs more memory than there is."
    return f"{error.strerror.lower()}." if isinstance(error, OSError) and error.strerror else "it is damaged."


def has_format(path: Path) -> bool:
    """Whether a file begins like one of FORMATS."""
    with suppress(Exception):  # damaged bytes raise nearly anything
        _format_of(path)
        return True
    return False


def _opened(path: Path, choices: Choices) -> Dataset:
    if path.name in parquet_parts.METADATA and path.is_file():
        path = path.parent
    if not path.is_dir():
        return _read(_format_of(path), path, path.name, choices)
    if parquet.is_saved(path):
        return _read(SAVED, path, path.name, choices)
    if folders.holds_pictures(path):
        return _read(FOLDER, path, path.name, choices)
    return _among_files(Others(path), path.name, choices)


def _read(kind: Format, file: Path, name: str, choices: Choices) -> Dataset:
    """The dataset in a file and those that belong to it. Raises DataError."""
    relatives = kind.relatives(file, Families())
    faults: list[tuple[Files, str]] = []
    for files, read in _ways(kind, relatives, choices.files):
        try:
            found = read(files)
            others = () if choices.files else relatives.numbered
            used = [file for file in found.files or files if file not in found.left_out]
            on_files = _on_files(used, others, faults, relatives.beyond)
            found = replace(found, remarks=[*found.remarks, *on_files])
            if found.others is not None:
                dataset = _with_remarks(_among_files(found.others, name, choices), found.remarks)
            else:
                dataset = as_dataset(found, name, kind.name, choices)
            return _with_files(dataset, files, relatives)
        except Exception as error:  # only told: the error itself would keep the pictures in memory
            faults.append((files, _reason(error)))
    if is_network(file):
        raise DataError("it is a network, not a dataset.")
    if choices.files:
        raise DataError(faults[-1][1])
    alone = min(faults, key=lambda fault: len(fault[0]))[1]
    files, together = max(faults, key=lambda fault: len(fault[0]))
    others = [name for name in files if name != plain_name(file)]
    raise DataError(alone if together == alone else f"{alone.removesuffix('.')}; with {listed(others)}, {together}")


def _ways(
    kind: Format, relatives: Family, wanted: str | None, tried: Collection[frozenset[str]] = ()
) -> Iterator[tuple[Files, Callable[[Files], Found]]]:
    """What to read, and how: all files together; then, if they are numbered, number by number; but none of the tried.

    Those that any number tells apart are only read so if that is wanted: they may be copies, or somebody else's.
    """
    for files in relatives.attempts() if wanted is None else [relatives.sets[wanted]]:
        if frozenset(files) in tried:
            continue
        yield files, kind.read
        if len(parts_of(files)) > 1 and (wanted or files.keys() <= relatives.halves.keys()):
            yield files, partial(_part_by_part, kind.read)


def _part_by_part(read: Callable[[Files], Found], files: Files) -> Found:
    """A dataset in parts, each with its pictures and labels."""
    found = {}
    for part in parts_of(files):
        try:
            found[next(iter(part))] = read(part)
        except Exception as error:  # damaged bytes raise nearly anything
            raise DataError(f"with {listed(part)}, {_reason(error)}") from error
    return replace(joined(found), files=list(files))


def _with_files(dataset: Dataset, used: Files, relatives: Family) -> Dataset:
    """The dataset whose origin tells which of the files it was made of, if there were others."""
    assert dataset.origin
    if len(relatives.alike) == 1 or dataset.origin.choices.files:  # already told of the files in an archive
        return dataset
    name = next(name for name, files in relatives.sets.items() if files.keys() == used.keys())
    return replace(dataset, origin=replace(dataset.origin, choices=replace(dataset.origin.choices, files=name)))


def _on_files(
    used: Collection[str], others: Collection[str], faults: Sequence[tuple[Files, str]], beyond: int
) -> Iterator[str]:
    """Remarks on which files were read together, and which were not. others: those that may belong to them; beyond: how
    many more there may be."""
    if len(used) > 1:
        yield f"Read together: {listed(used)}."
    for files, reason in faults:
        if missed := files.keys() - set(used):
            yield f"Not read with it: {listed(missed)}, because {reason}"
    if numbered := set(others) - set(used):
        reason = f"because only a number tells the names apart; if they belong to it, choose Files: {FILES[-1]}"
        yield f"Not read with it: {listed(numbered)}, {reason}."
    if beyond and (numbered or len(used) > 1):
        yield f"At most {MAX_FILES} files that are called alike are looked at, so that {beyond:,} more were not."


def as_dataset(found: Found, name: str, kind: str, choices: Choices) -> Dataset:
    """What a reader found, upright, with light ink, as 28 x 28 bytes, and with named classes.

    kind: the name of the format. Raises DataError with one sentence, and whatever reading the pictures raises.
    """
    splits = found.train, found.test
    count = sum(part.pictures.count for split in splits for part in split)
    check_count(count)
    train, test = ([part for part in map(labelled, split) if part.pictures.count] for split in splits)
    parts = [*train, *test]
    unlabelled = count - sum(part.pictures.count for part in parts)
    if unlabelled == count:
        raise DataError("its pictures have no labels.")
    measures = measure(parts)
    polarity = choices.polarity or measures.polarity
    sizing = choices.sizing or measures.sizing
    images = [convert(split, measures, polarity, sizing) for split in (train, test)]
    labels = [
        plain_labels(np.concatenate([part.labels for part in split])) if split else np.empty(0, np.int64)
        for split in (train, test)
    ]
    if test and labels[0].dtype.kind != labels[1].dtype.kind:
        raise DataError("its training and test labels are of different kinds.")
    orientation, meaning, classes = _understood(images[0], labels, found, choices)
    for stack in images:
        _turn(stack, orientation)
    indices = [classes.of(each) if len(each) else np.empty(0, np.uint8) for each in labels]
    remarks = [*found.remarks, *dict.fromkeys(part.pictures.remark for part in parts if part.pictures.remark)]
    if unlabelled:
        remarks.append(f"Pictures without a label are left out: {unlabelled:,}.")
    if sizing == "scaled" and choices.sizing is None and measures.size_px != (SIDE_PX, SIDE_PX):
        whole = "Most pictures show more than ink on paper and are scaled whole"
        remarks.append(f"{whole}; if they are photographs of digits, choose Size: {SIZINGS[-1]}.")
    if choices.labels not in (None, meaning):
        remarks.append(f"Labels are used as they are, for only labels from 1 to 10 may mean “{choices.labels}”.")
    if not test:
        images, indices = _held_out(images[0], indices[0])
        remarks.append(f"For the test, {len(indices[1]):,} at random are held out.")
    _check_classes(indices, classes, remarks)
    made = Choices(orientation, polarity, meaning, sizing, classes.names)
    origin = Origin(kind, made, tuple(remarks), measures.size_px)
    return Dataset(images[0], indices[0], images[1], indices[1], name, classes.names, origin=origin)


def _format_of(path: Path) -> Format:
    with open_plain(path) as file:
        start = file.read(START_BYTES)
    if not start:
        raise DataError("it is empty.")
    for candidate in FORMATS:
        with suppress(zipfile.BadZipFile, zlib.error):
            if candidate.recognises(path, start):
                return candidate
    if path.suffix.lower() in PICTURE_SUFFIXES:
        raise DataError("it is a single picture; open a folder of them.")
    told = next((told for magic, told in UNREAD.items() if start.startswith(magic)), "in no format that can be read")
    raise DataError(f"it is {told}.")


def _among_files(others: Others, name: str, choices: Choices) -> Dataset:
    """The one dataset in a folder in other files than its pictures. Raises DataError."""
    folder = others.folder if isinstance(others.folder, Path) else others.folder()
    path, is_unpacked = (folder, False) if isinstance(folder, Path) else (folder.path, True)
    at_fault = ""
    try:
        remarks: Sequence[str] = ()
        if parquet_parts.recognises(path):
            dataset = _read(PARTS, path, name, choices)
        else:
            kind, file, remarks = _one_of(path, choices.files, is_unpacked=is_unpacked)
            if is_unpacked and kind.files_in:
                raise DataError(f"it holds another archive, {file.name}; unpack it and open that.")
            at_fault = f"{file.name}: "
            dataset = _read(kind, file, name, choices)
    except DataError as error:
        raise DataError(others.fault or f"{at_fault}{error}") from error
    told = ["Its pictures have no labels and are left out."] if others.fault else []
    return _with_remarks(dataset, [*told, *remarks], " in an archive" if is_unpacked else "")


def _with_remarks(dataset: Dataset, remarks: Sequence[str], place: str = "") -> Dataset:
    """The dataset whose origin tells more: remarks before the others, and the place after the format."""
    assert dataset.origin
    origin = dataset.origin
    format, told = f"{origin.format}{place}", (*remarks, *origin.remarks)
    return replace(dataset, origin=replace(origin, format=format, remarks=told))


def _one_of(folder: Path, wanted: str | None, *, is_unpacked: bool) -> tuple[Format, Path, Sequence[str]]:
    """The format and the path of the one dataset in a folder, and remarks on files that are left out.

    wanted: of FILES, which of them are one dataset; is_unpacked: whether it is the content of an archive.
    """
    families = Families()
    candidates = _candidates(folder, families)
    if not candidates:
        raise DataError("it holds neither pictures nor a dataset that can be read.")
    several: list[Path] = []
    faults: dict[Path, str] = {}
    relatives = {file: kind.relatives(file, families) for file, kind in candidates.items()}
    for file, kind in candidates.items():
        if (len(candidates) > 1 or relatives[file].beyond) and (fault := _fault(kind, file, families, wanted)):
            faults[file] = fault
        else:
            several.append(file)
        if len(several) == MAX_NAMED:
            break
    if not several:
        largest = max(faults, key=lambda file: file.stat().st_size)
        is_cut = any(len(relatives[file].alike) > MAX_TRIED for file in faults)
        some = f", of which at most {MAX_TRIED} that are called alike were tried," if is_cut else ""
        raise DataError(f"none of its files{some} can be read as a dataset; {largest.name}: {faults[largest]}")
    plain = [file for file in several if not candidates[file].files_in]
    packed = [file for file in several if _packs(candidates[file], file, plain)]
    several = [file for file in several if file not in packed]
    kind = candidates[several[0]]
    if len(several) == 1 and kind.joins and wanted != FILES[-1]:
        several = _complete(kind, several[0], families) or several
    if len(several) > 1:
        names = ", ".join(str(each.relative_to(folder)) for each in several[:MAX_NAMED])
        advice = f"{'unpack it and ' if is_unpacked else ''}choose one of its files, such as {names}"
        raise DataError(f"it holds several datasets; {advice}.")
    if beyond := kind.relatives(several[0], families).beyond:
        alike = f"{beyond + MAX_FILES:,} files called like {several[0].relative_to(folder)}"
        raise DataError(f"it holds {alike}; join them, as at most {MAX_FILES} are read.")
    told = {"No dataset was found in": faults, "Left out, as files of the same name and size are in it:": packed}
    left_out = {start: [str(each.relative_to(folder)) for each in files] for start, files in told.items()}
    return kind, several[0], [f"{start} {listed(names)}." for start, names in left_out.items() if names]


def _packs(kind: Format, file: Path, others: Collection[Path]) -> bool:
    """Whether a file is an archive of one of the others, by its name and size."""
    sizes = {(other.name, other.stat().st_size) for other in others}
    if not (sizes and kind.files_in):
        return False
    with suppress(Exception):  # damaged bytes raise nearly anything
        return any((PurePosixPath(each.name).name, each.size) in sizes for each in kind.files_in(file))
    return False


def _candidates(folder: Path, families: Families) -> dict[Path, Format]:
    """Files that may be datasets with their formats, one of each family."""
    found: dict[Path, Format] = {}
    belonging: set[Path] = set()
    for file in sorted(itertools.islice(folder.rglob("*"), MAX_SEARCHED)):
        if file in belonging or not file.is_file() or not all(map(visible, file.relative_to(folder).parents)):
            continue
        with suppress(DataError, OSError, EOFError, zlib.error):
            if visible(file) and not is_network(file):
                kind = found[file] = _format_of(file)
                relatives = families.of(file)
                alike = families.called_alike(file) if relatives.beyond else relatives.alike.values()
                belonging.update(file.parent.glob(f"*{file.suffix}") if kind.gathers else alike)
    return found


def _fault(kind: Format, file: Path, families: Families, wanted: str | None) -> str | None:
    """Why neither a file nor those beside it can be read, alone or together; None if its reader reads any."""
    faults: list[str] = []
    tried = set[frozenset[str]]()
    for each in itertools.islice(kind.relatives(file, families).alike.values(), MAX_TRIED):
        ways = list(_ways(kind, kind.relatives(each, families), wanted, tried))
        tried.update(frozenset(files) for files, _ in ways)
        for files, read in ways:
            try:
                read(files)
            except Exception as error:  # damaged bytes raise nearly anything
                faults.append(_reason(error))
            else:
                return None
    return faults[0]


def _complete(kind: Format, file: Path, families: Families) -> list[Path]:
    """Which of a file and those beside it have all of a dataset, alone or with others, and so are no parts of one."""
    alike = families.of(file).alike
    relatives = [families.of(each) for each in alike.values()]
    complete: list[Path] = []
    tried, used = set[frozenset[str]](), set[str]()
    for files in [*(each.splits for each in relatives), *(each.halves for each in relatives)]:
        if len(files) == len(alike) or frozenset(files) in tried or not used.isdisjoint(files):
            continue
        tried.add(frozenset(files))
        with suppress(Exception):
            used.update(kind.read(files).files or files)
            complete.append(next(iter(files.values())))
    return complete


def _understood(
    images: NDArray[np.uint8], labels: Sequence[NDArray[Any]], found: Found, choices: Choices
) -> tuple[str, str, Classes]:
    """Orientation, meaning of the labels, and classes, as chosen, hinted at or guessed."""
    values = np.unique(np.concatenate([np.unique(each) for each in labels if len(each)])).tolist()
    meanings = possible_meanings(values)
    present = [each for each in labels if len(each)]
    readings = {m: classes_of(present, found.class_names, m) for m in meanings}
    places = np.searchsorted(np.array(values), labels[0])
    meant = choices.labels or found.labels
    known = choices.orientation, meant if meant in readings else None
    means = mean_pictures(images, places, len(values))
    usual = found.orientation or "upright"
    named = readings
    if names := choices.class_names:
        named = {meaning: classes.called(names) for meaning, classes in readings.items()}
    judged = named if set(DIGIT_NAMES).intersection(names or ()) else readings  # words are no digits, but may mean them
    orientation, meaning = guess(means, judged, values, _mnist_means, known, usual)
    return orientation, meaning, named[meaning]


@lru_cache(maxsize=1)
def _mnist_means() -> Means:
    return mean_pictures(*first_test_digits(REFERENCE_DIGITS), len(DIGIT_NAMES))


def _turn(images: NDArray[np.uint8], orientation: str) -> None:
    """Set the pictures upright, in place and in parts: there may be a gigabyte of them."""
    if orientation == "upright":
        return
    for start in range(0, len(images), MOVED_AT_ONCE):
        part = images[start : start + MOVED_AT_ONCE]
        part[:] = ORIENTATIONS[orientation](part.copy())


def _held_out(
    images: NDArray[np.uint8], labels: NDArray[np.uint8]
) -> tuple[list[NDArray[np.uint8]], list[NDArray[np.uint8]]]:
    """Training and test samples: the same share of each class at random, moved to the end in place.

    At random, because files may be sorted by class, as EMNIST's test digits are.
    """
    rng, is_test = np.random.default_rng(0), np.zeros(len(labels), bool)
    for index in np.unique(labels):
        places = np.flatnonzero(labels == index)
        if len(places) >= FEWEST_FOR_TEST:
            is_test[rng.permutation(places)[: max(1, round(len(places) * TEST_SHARE))]] = True
    count = len(labels) - int(is_test.sum())
    forth, back = np.flatnonzero(is_test[:count]), count + np.flatnonzero(~is_test[count:])
    for array in (images, labels):
        for start in range(0, len(forth), MOVED_AT_ONCE):
            one, other = forth[start : start + MOVED_AT_ONCE], back[start : start + MOVED_AT_ONCE]
            array[one], array[other] = array[other], array[one]
    return [images[:count], images[count:]], [labels[:count], labels[count:]]


def _check_classes(indices: Sequence[NDArray[np.uint8]], classes: Classes, remarks: list[str]) -> None:
    """Raise DataError for classes that are tested but never trained on; remark on those not tested, or not shown."""
    train, test = (set(np.unique(each).tolist()) for each in indices)
    if missing := sorted(test - train):
        raise DataError(f"its test pictures show “{classes.names[missing[0]]}”, its training pictures do not.")
    if not test:
        raise DataError("it holds too few pictures.")
    if untested := sorted(train - test):
        remarks.append(f"No test picture shows {_named(untested, classes)}.")
    if unseen := sorted(set(range(len(classes.names))) - train):
        remarks.append(f"No picture shows {_named(unseen, classes)}, which count as classes nevertheless.")


def _named(indices: Sequence[int], classes: Classes) -> str:
    return ", ".join(classes.names[index] for index in indices)
