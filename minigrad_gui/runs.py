"""Every run with its settings, curves and results, in one SQLite file that windows and terminals share.

Each call opens the file, does one transaction and closes it: nothing is left open when a process is killed, and any
thread may call. The file has a rollback journal rather than a write-ahead log, so it is whole wherever it is copied.
SQLite stores what it is given without a question: NumPy's numbers as bytes, NaN as NULL, '007' as 7 where a column's
type is unknown to it. Therefore the table is STRICT, and every value is converted to what its column holds.

The networks of the newest runs lie beside it as model files, within a bound of disk space. No Qt here.
"""

import json
import math
import os
import sqlite3
import time
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import astuple, dataclass, fields
from functools import lru_cache
from operator import itemgetter
from pathlib import Path
from typing import Any, Literal, NamedTuple, get_type_hints

import numpy as np
from numpy.typing import NDArray

from engine import ModelFileError, TrainingConfig, save_model
from engine.archive import SUFFIX, reason_of, remove_old_drafts
from engine.nn import MLP
from engine.record import TrainingRecord
from engine.training import EpochSummary
from minigrad_gui import data
from minigrad_gui.records import recorded_dataset

FILE, NETWORKS = "runs.sqlite3", "run-networks"
APPLICATION_ID, VERSION = 0x6D677275, 1
"""Mark the file as one of ours, in its header."""
PATIENCE_S = 10.0
"""So long another process may write."""
MAX_NETWORKS_BYTES = 512 << 20
MAX_NETWORK_BYTES = MAX_NETWORKS_BYTES // 8
MAX_LOSSES = 1 << 18
"""A longer curve is averaged over equal stretches once the run has ended."""
MAX_EPOCHS = 100_000
MAX_NAME_CHARS, MAX_NOTE_CHARS = 200, 10_000
_DEFAULTS = {**TrainingConfig().to_dict(), **vars(TrainingConfig().augmentation)}

Ending = Literal["", "finished", "stopped", "failed"]
"""How a run ended; "" while it has not, or if its process was killed."""
Which = Literal["best", "final"]


class RunsError(Exception):
    """The runs cannot be read or written; the message is one sentence for the user."""


class DamagedError(RunsError):
    """The file was damaged; the message says where it is now, and another try begins a new one."""


class Run(NamedTuple):
    """A run as the list shows it. `_s`: seconds, since 1970 or of training without pauses; loss, accuracy: of the last
    epoch; validation_*: of the best epoch, counted from 0; settings: JSON, the meta of a TrainingRecord; message: what
    went wrong."""

    id: str
    began_s: float
    updated_s: float
    training_s: float
    ending: str
    name: str
    note: str
    dataset: str
    hidden: str
    activation: str
    optimizer: str
    learning_rate: float
    batch_size: int
    epochs: int
    seed: int
    steps: int
    steps_per_epoch: int
    loss: float | None
    accuracy: float | None
    validation_loss: float | None
    validation_accuracy: float | None
    best_epoch: int | None
    test_loss: float | None
    test_accuracy: float | None
    settings: str
    message: str

    @property
    def epochs_done(self) -> float:
        return self.steps / max(self.steps_per_epoch, 1)

    @property
    def title(self) -> str:
        """Its name, or else when it began."""
        return self.name or time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(self.began_s))

    @property
    def description(self) -> str:
        """Its network, learning rate and seed, in few words: for a run without a name."""
        return f"{self.hidden or 'no hidden'}, {self.learning_rate:g}, seed {self.seed}"

    @property
    def record(self) -> TrainingRecord:
        """Its config, dataset, choices, versions, threads and changes of the learning rate, as far as known."""
        try:
            return TrainingRecord.from_meta(json.loads(self.settings))
        except (ValueError, AttributeError):
            return TrainingRecord()

    @property
    def config(self) -> TrainingConfig | None:
        return self.record.config

    @property
    def source(self) -> tuple[str, data.Choices] | None:
        """What it was trained on, and how that was read."""
        return recorded_dataset(self.record)

    @property
    def text(self) -> str:
        """What the words of a search are looked for in, in lower case."""
        numbers = f"lr={self.learning_rate:g} batch={self.batch_size} epochs={self.epochs} seed={self.seed}"
        words = self.name, self.note, self.dataset, self.hidden, self.activation, self.optimizer, numbers, self.ending
        return f" {' '.join(words)} {_unusual(self.settings)} ".casefold()


@dataclass(frozen=True)
class Curve:
    """The course of a run. losses: float32 (n,), each the mean of `mini_batches` losses (the last of fewer); epochs:
    all summaries, in order; steps_per_epoch: mini-batches."""

    losses: NDArray[np.float32]
    mini_batches: int
    epochs: tuple[EpochSummary, ...]
    steps_per_epoch: int

    @classmethod
    def nothing(cls) -> "Curve":
        return cls(np.empty(0, np.float32), 1, (), 1)

    @property
    def ends(self) -> NDArray[np.float64]:
        """Where each loss ends, in epochs, (n,)."""
        places = np.arange(1.0, len(self.losses) + 1)
        return places * self.mini_batches / max(self.steps_per_epoch, 1)


@lru_cache(maxsize=1 << 14)
def _unusual(settings: str) -> str:
    """Those of the settings of a run, as JSON, that are not the defaults: "dropout=0.1 schedule=cosine"."""
    try:
        chosen = json.loads(settings)["config"]
        pairs = [*chosen.items(), *chosen.get("augmentation", {}).items()]
    except (ValueError, TypeError, KeyError, AttributeError):
        return ""
    return " ".join(f"{name}={value}" for name, value in pairs if value != _DEFAULTS.get(name) and name in _DEFAULTS)


def can_keep(model: MLP) -> bool:
    """Whether a network is so small that many fit."""
    return sum(parameter.data.nbytes for parameter in model.parameters()) <= MAX_NETWORK_BYTES


def new_id() -> str:
    """An identifier for a run, unique in the world."""
    return os.urandom(8).hex()


def arrange(runs: Sequence[Run], words: str = "", sort: str = "began_s", *, descending: bool = True) -> list[Run]:
    """The runs whose text holds all words, sorted by a field; those without a value come last. A word such as
    "seed=3" must match in full."""
    wanted = [f" {word} " if "=" in word else word for word in words.casefold().split()]
    found = runs if not wanted else [run for run in runs if all(word in run.text for word in wanted)]
    value = itemgetter(Run._fields.index(sort))
    known = [run for run in found if value(run) is not None]
    in_order = sorted(known, key=(lambda run: value(run).casefold()) if _KINDS[sort] is str else value)
    return in_order[:: -1 if descending else 1] + [run for run in found if value(run) is None]


class RunStore:
    """The file of runs in a folder. Every method may raise RunsError.

    told: is given a sentence for the user, in whatever thread: that a damaged file was set aside, or that a run cannot
    be recorded.
    """

    def __init__(self, folder: Path, told: Callable[[str], None] = lambda _: None) -> None:
        self.path = folder / FILE
        self.networks = folder / NETWORKS
        self.tell = told

    # ------------------------------------------------------------ reading

    def runs(self) -> list[Run]:
        """All runs, the newest first; none if the file is damaged, which is told."""
        try:
            return self._read_runs() if self.path.exists() else []
        except DamagedError as error:
            self.tell(str(error))
            return self._read_runs()

    def _read_runs(self) -> list[Run]:
        with self._transaction("DEFERRED") as connection:
            rows = connection.execute(f"SELECT {', '.join(Run._fields)} FROM runs ORDER BY rowid DESC").fetchall()
        return list(map(Run._make, rows))

    def get(self, run_id: str) -> Run | None:
        with self._transaction("DEFERRED") as connection:
            row = connection.execute(f"SELECT {', '.join(Run._fields)} FROM runs WHERE id = ?", (run_id,)).fetchone()
        return None if row is None else Run._make(row)

    def curve(self, run_id: str) -> Curve:
        """The curve of a run; an empty one if there is no such run or none of its numbers can be read."""
        with self._transaction("DEFERRED") as connection:
            query = "SELECT steps_per_epoch, mini_batches, epoch_summaries FROM runs WHERE id = ?"
            row = connection.execute(query, (run_id,)).fetchone() or (1, 1, b"")
            losses = _losses_of(connection, run_id)
        steps_per_epoch, mini_batches, summaries = row
        return Curve(losses, mini_batches, _epochs_in(summaries), steps_per_epoch)

    # ------------------------------------------------------------ recording

    def begin(self, run: Run, first: int, losses: NDArray[np.float32], epochs: Sequence[EpochSummary]) -> Run:
        """Record a run that begins, or one that is resumed, with its losses so far, from mini-batch `first` on.

        A run that was recorded before keeps its name and note, and when it began, and its time is added to.
        Returns the run as it is recorded.
        """
        with self._transaction() as connection:
            query = "SELECT name, note, began_s, training_s FROM runs WHERE id = ?"
            before = connection.execute(query, (run.id,)).fetchone()
            if before is not None:
                run = run._replace(name=before[0], note=before[1], began_s=before[2])
                run = run._replace(training_s=run.training_s + before[3])
            connection.execute("DELETE FROM deleted WHERE run = ?", (run.id,))
            connection.execute("DELETE FROM pieces WHERE run = ?", (run.id,))
            self._put(connection, run, epochs)
            _add_piece(connection, run.id, first, losses)
        return run

    def extend(self, run: Run, first: int, losses: NDArray[np.float32], epochs: Sequence[EpochSummary]) -> bool:
        """Record how a run goes on: `losses` from mini-batch `first` on. False if it has been deleted since."""
        with self._transaction() as connection:
            if connection.execute("SELECT 1 FROM deleted WHERE run = ?", (run.id,)).fetchone() is not None:
                return False
            self._put(connection, run, epochs)
            _add_piece(connection, run.id, first, losses)
            if run.ending:
                self._join_pieces(connection, run.id)
        return True

    def _put(self, connection: sqlite3.Connection, run: Run, epochs: Sequence[EpochSummary]) -> None:
        """Write all of a run but its losses; a name and a note that are there already stay."""
        row: dict[str, Any] = {name: _as_stored(value, _KINDS[name]) for name, value in run._asdict().items()}
        row |= {"mini_batches": 1, "epoch_summaries": _packed_epochs(epochs)}
        changes = ", ".join(f"{name} = excluded.{name}" for name in row if name not in ("id", "name", "note"))
        places = ", ".join(f":{name}" for name in row)
        connection.execute(
            f"INSERT INTO runs ({', '.join(row)}) VALUES ({places}) ON CONFLICT (id) DO UPDATE SET {changes}", row
        )

    def _join_pieces(self, connection: sqlite3.Connection, run_id: str) -> None:
        losses, stride = _losses_of(connection, run_id), 1
        if len(losses) > MAX_LOSSES:
            stride = math.ceil(len(losses) / MAX_LOSSES)
            edges = np.arange(0, len(losses), stride)
            counts = np.diff(edges, append=len(losses))
            losses = (np.add.reduceat(losses.astype(np.float64), edges) / counts).astype(np.float32)
        connection.execute("DELETE FROM pieces WHERE run = ?", (run_id,))
        _add_piece(connection, run_id, 0, losses)
        connection.execute("UPDATE runs SET mini_batches = ? WHERE id = ?", (stride, run_id))

    # ------------------------------------------------------------ what the person does with runs

    def rename(self, run_id: str, name: str) -> None:
        self._set(run_id, "name", " ".join(name.split())[:MAX_NAME_CHARS])

    def annotate(self, run_id: str, note: str) -> None:
        self._set(run_id, "note", note[:MAX_NOTE_CHARS])

    def _set(self, run_id: str, column: str, text: str) -> None:
        with self._transaction() as connection:
            connection.execute(f"UPDATE runs SET {column} = ? WHERE id = ?", (_as_stored(text, str), run_id))

    def delete(self, run_ids: Sequence[str]) -> None:
        """Delete these runs and their networks. A run in progress goes on, but is no longer recorded."""
        keys = [(run_id,) for run_id in run_ids]
        with self._transaction() as connection:
            connection.executemany("INSERT OR IGNORE INTO deleted (run) VALUES (?)", keys)
            connection.executemany("DELETE FROM pieces WHERE run = ?", keys)
            connection.executemany("DELETE FROM runs WHERE id = ?", keys)
        for run_id in run_ids:
            for which in ("best", "final"):
                with suppress(OSError):
                    self._network_path(run_id, which).unlink(missing_ok=True)

    # ------------------------------------------------------------ networks

    def network(self, run_id: str, which: Which) -> Path | None:
        """The model file of a run's network, of its best epoch or the final one; None if it is not there (any more)."""
        path = self._network_path(run_id, which)
        return path if path.is_file() else None

    def keep_network(self, run_id: str, which: Which, model: MLP, record: TrainingRecord) -> None:
        """Write a network, and delete the oldest ones beyond the bound of disk space. Requires `can_keep`.

        Raises ModelFileError if it cannot be written.
        """
        try:
            self.networks.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise ModelFileError(f"{self.networks} cannot be written to: {reason_of(error)}.") from error
        save_model(self._network_path(run_id, which), model, record.to_meta())
        self._delete_oldest_networks()

    def _network_path(self, run_id: str, which: str) -> Path:
        return self.networks / f"{run_id}-{which}{SUFFIX}"

    def _delete_oldest_networks(self) -> None:
        remove_old_drafts(self.networks)
        files = []
        for file in self.networks.glob(f"*{SUFFIX}"):
            with suppress(OSError):  # another process has just deleted it
                status = file.stat()
                files.append((status.st_mtime, status.st_size, file))
        total = 0
        for _, size, file in sorted(files, reverse=True):
            total += size
            if total > MAX_NETWORKS_BYTES:
                with suppress(OSError):
                    file.unlink(missing_ok=True)

    # ------------------------------------------------------------ the file

    @contextmanager
    def _transaction(self, mode: Literal["DEFERRED", "IMMEDIATE"] = "IMMEDIATE") -> Iterator[sqlite3.Connection]:
        """A transaction, committed unless there is an error; DEFERRED for reading, which others may do meanwhile.

        A file whose first pages are damaged is set aside and told about; damage further on is raised.
        """
        try:
            with closing(self._opened(mode)) as connection:
                yield connection
                connection.execute("COMMIT")
        except (sqlite3.Error, OSError) as error:
            if _is_damage(error):
                raise DamagedError(self._set_aside()) from error
            raise RunsError(f"{self.path} cannot be used: {_reason(error)}.") from error

    def _opened(self, mode: str) -> sqlite3.Connection:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        try:
            return self._begun(mode)
        except sqlite3.Error as error:
            if not _is_damage(error):
                raise
        self.tell(self._set_aside())
        return self._begun(mode)

    def _begun(self, mode: str) -> sqlite3.Connection:
        # Transactions are begun and committed by hand: the module's own modes differ between versions of Python.
        connection = sqlite3.connect(self.path, PATIENCE_S, isolation_level=None)
        try:
            connection.execute(f"BEGIN {mode}")
            if not _has_tables(connection):
                connection.execute("ROLLBACK")
                connection.execute("BEGIN IMMEDIATE")
                for statement in () if _has_tables(connection) else _SCHEMA:
                    connection.execute(statement)
        except BaseException:
            connection.close()
            raise
        return connection

    def _set_aside(self) -> str:
        """Rename the damaged file, unless another process has just done so; returns a sentence that says so."""
        from filelock import FileLock, Timeout  # hardly ever needed

        aside = self.path.with_name(f"{self.path.stem}-damaged-{time.strftime('%Y%m%d-%H%M%S')}-{os.urandom(2).hex()}")
        aside = aside.with_suffix(self.path.suffix)
        try:
            with FileLock(self.path.with_suffix(".lock"), timeout=PATIENCE_S):
                if _is_sound(self.path):
                    return "The list of runs was damaged, and another window has begun a new one."
                self.path.rename(aside)
                with suppress(FileNotFoundError):
                    journal = Path(f"{self.path}-journal")
                    journal.rename(f"{aside}-journal")
        except (OSError, Timeout) as error:
            raise RunsError(f"{self.path} is damaged and could not be set aside: {_reason(error)}.") from error
        return f"The list of runs was damaged. It was set aside as {aside.name}, and a new list begun."


def _has_tables(connection: sqlite3.Connection) -> bool:
    """False for a new file. Raises sqlite3.Error for a file that is not ours, or of a newer version."""
    names = "application_id", "user_version"
    application, version = (connection.execute(f"PRAGMA {name}").fetchone()[0] for name in names)
    if application == APPLICATION_ID and version > VERSION:
        raise sqlite3.NotSupportedError("it was written by a newer version of this program")
    if application != APPLICATION_ID and connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()[0]:
        raise ForeignFileError
    return bool(application == APPLICATION_ID)


class ForeignFileError(sqlite3.DatabaseError):
    """A database of something else."""


def _is_damage(error: Exception) -> bool:
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF  # without its extended part
    return isinstance(error, ForeignFileError) or code in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)


def _is_sound(path: Path) -> bool:
    if not path.exists():
        return True
    try:
        with closing(sqlite3.connect(path, PATIENCE_S, isolation_level=None)) as connection:
            _has_tables(connection)
            return bool(connection.execute("PRAGMA quick_check(1)").fetchone() == ("ok",))
    except sqlite3.Error:
        return False


def _reason(error: Exception) -> str:
    return reason_of(error) if isinstance(error, OSError) else str(error)


# ---------------------------------------------------------------- the tables

_KINDS: dict[str, type] = {
    name: next(kind for kind in (str, float, int) if kind == hint or kind in getattr(hint, "__args__", ()))
    for name, hint in get_type_hints(Run).items()
}
_TYPES = {str: "TEXT", float: "REAL", int: "INTEGER"}


def _column(name: str) -> str:
    optional = type(None) in getattr(get_type_hints(Run)[name], "__args__", ())
    return f"{name} {_TYPES[_KINDS[name]]}{'' if optional else ' NOT NULL'}{' PRIMARY KEY' if name == 'id' else ''}"


_SCHEMA = (
    f"CREATE TABLE runs ({', '.join(map(_column, Run._fields))}, mini_batches INTEGER NOT NULL, "
    "epoch_summaries BLOB NOT NULL) STRICT",
    "CREATE TABLE pieces (run TEXT NOT NULL, first INTEGER NOT NULL, count INTEGER NOT NULL, losses BLOB NOT NULL, "
    "PRIMARY KEY (run, first)) STRICT, WITHOUT ROWID",
    "CREATE TABLE deleted (run TEXT PRIMARY KEY) STRICT",
    f"PRAGMA application_id = {APPLICATION_ID}",
    f"PRAGMA user_version = {VERSION}",
)


def _as_stored(value: Any, kind: type) -> str | float | int | None:
    """A plain value of this kind; None for NaN, which SQLite would make NULL of even where that means an error."""
    if value is None:
        return None
    if kind is str:
        return str(value).encode(errors="backslashreplace").decode()  # file names may hold lone surrogates
    number: float | int = kind(value)
    return None if math.isnan(number) else number


# ---------------------------------------------------------------- arrays


def _packed(values: NDArray[Any]) -> bytes:
    """Numbers, their first bytes first, then their second: neighbours have like exponents, which compress well."""
    columns = np.ascontiguousarray(values).reshape(-1).view(np.uint8).reshape(-1, values.itemsize)
    return zlib.compress(columns.T.tobytes(), 1)


def _unpacked(packed: bytes, dtype: str, most: int) -> NDArray[Any]:
    """The opposite of `_packed`, flat; nothing if these bytes are damaged or hold more than `most` numbers."""
    size = np.dtype(dtype).itemsize
    try:
        raw = zlib.decompressobj().decompress(packed, most * size + 1)
    except zlib.error:
        raw = b""
    if len(raw) > most * size or len(raw) % size:
        raw = b""
    return np.frombuffer(raw, np.uint8).reshape(size, -1).T.copy().view(dtype).reshape(-1)


def _add_piece(connection: sqlite3.Connection, run_id: str, first: int, losses: NDArray[np.float32]) -> None:
    if len(losses):
        row = run_id, int(first), len(losses), _packed(losses.astype("<f4"))
        connection.execute("INSERT OR REPLACE INTO pieces (run, first, count, losses) VALUES (?, ?, ?, ?)", row)


def _losses_of(connection: sqlite3.Connection, run_id: str) -> NDArray[np.float32]:
    """The losses of a run, joined from their pieces; NaN where there are none."""
    query = "SELECT first, count, losses FROM pieces WHERE run = ? ORDER BY first"
    pieces = connection.execute(query, (run_id,)).fetchall()
    losses = np.full(max((first + count for first, count, _ in pieces), default=0), np.nan, np.float32)
    for first, count, packed in pieces:
        piece = _unpacked(packed, "<f4", count)
        losses[first : first + len(piece)] = piece
    return losses


def _packed_epochs(epochs: Sequence[EpochSummary]) -> bytes:
    return _packed(np.array([astuple(epoch) for epoch in epochs], "<f8"))


def _epochs_in(packed: bytes) -> tuple[EpochSummary, ...]:
    width = len(fields(EpochSummary))
    numbers = _unpacked(packed, "<f8", MAX_EPOCHS * width)
    if len(numbers) % width:
        return ()
    return tuple(
        EpochSummary(int(epoch), loss, accuracy, *(None if math.isnan(value) else value for value in validation))
        for epoch, loss, accuracy, *validation in numbers.reshape(-1, width).tolist()
    )
