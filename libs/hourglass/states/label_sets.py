"""How sets of labels were predicted: each label on its own, and the sets as wholes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar, Self

import numpy as np
import numpy.typing as npt
import orjson
import pyarrow as pa

from hourglass.errors import InputError
from hourglass.states.categories import category_key
from hourglass.states.confusion import CAP, by_hash
from hourglass.states.replicates import REPLICATES, ReplicatedSums, all_and_replicates, checked
from hourglass.states.state import damaged, row_state
from hourglass.values import Counts, Hashes

_CELLS = 3  # true positives, false positives, false negatives of a label


@row_state
class LabelSets:
    """True and false positives and false negatives of each label, and rows whose set is right, of all rows and of each replicate.

    Above 1,000 labels those with the smallest hashes are kept, as in `Confusion`; `totals` are of all labels, so that
    what is summed over labels stays exact. A label that a set names twice counts once. A row without an actual set counts
    in `no_actual`, one that has that and no predicted set in `no_predicted`; an empty set is a set.

    >>> state = LabelSets.empty(replicates=0)
    >>> state.update(pa.array([["a", "b"], []]), pa.array([["a"], []]), np.array([1, 2], np.uint64))
    >>> dict(zip(Totals.COLUMNS, state.totals.sums[0].tolist()))
    {'rows': 2, 'exact': 1, 'tp': 1, 'fp': 0, 'fn': 1}
    """

    kind: ClassVar[str] = "label_sets"
    version: ClassVar[int] = 1

    def __init__(self, names: Sequence[str], cells: Counts, totals: Totals) -> None:
        self.names: Sequence[str] = tuple(names)
        self.cells = cells  # replicate (the first is all rows), label, cell
        self.totals = totals

    @classmethod
    def empty(cls, replicates: int = REPLICATES) -> Self:
        totals = Totals.empty(replicates)
        return cls((), np.zeros((len(totals.sums), 0, _CELLS), np.int64), totals)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, LabelSets) and self.to_bytes() == other.to_bytes()

    __hash__ = None  # type: ignore[assignment]

    @property
    def n(self) -> int:
        """Rows in the table."""
        return self.totals.n

    @property
    def rows(self) -> int:
        """Rows that were given, those without sets included."""
        return self.totals.rows

    @property
    def truncated(self) -> bool:
        """Whether some labels are only counted in the totals."""
        return bool((self.cells[0].sum(axis=0) != self.totals.sums[0, 2:]).any())

    def update(self, actual: pa.ListArray, predicted: pa.ListArray, ids: Hashes) -> None:
        """Takes in a block of rows: their actual and predicted sets of names, null where there is none, and the ids' hashes."""
        labelled, guessed = (np.asarray(sets.is_valid()) for sets in (actual, predicted))
        usable = labelled & guessed
        rows, hashes = int(usable.sum()), np.asarray(ids, np.uint64)[usable]
        owners, labels = zip(*(_members(sets.filter(pa.array(usable))) for sets in (actual, predicted)), strict=True)
        encoded = pa.concat_arrays(labels).dictionary_encode()
        names = [category_key(name) for name in encoded.dictionary.to_pylist()]
        codes = encoded.indices.to_numpy(zero_copy_only=False).astype(np.int64)
        size = max(1, len(names))
        cut = len(owners[0])
        truth, guess = np.unique(owners[0] * size + codes[:cut]), np.unique(owners[1] * size + codes[cut:])
        both = np.intersect1d(truth, guess, assume_unique=True)
        parts = (both, np.setdiff1d(guess, both, assume_unique=True), np.setdiff1d(truth, both, assume_unique=True))
        per_row = [np.bincount(part // size, minlength=rows) for part in parts]
        block = Totals.empty(self.totals.replicates)
        exact = ((per_row[1] == 0) & (per_row[2] == 0)).astype(np.int64)
        block.add([exact, *per_row], hashes, (len(usable) - int(labelled.sum()), int((labelled & ~guessed).sum())))
        cells = np.zeros((len(block.sums), size, _CELLS), np.int64)
        for replicate, drawn in enumerate(all_and_replicates(hashes, self.totals.replicates)):
            for place, part in enumerate(parts):
                cells[replicate, :, place] = np.bincount(part % size, drawn[part // size], size)  # whole numbers, as doubles
        summed = self.merged([self, type(self)(names, cells[:, : len(names)], block)])
        self.names, self.cells, self.totals = summed.names, summed.cells, summed.totals

    @classmethod
    def merged(cls, states: Sequence[Self]) -> Self:
        totals = Totals.merged([state.totals for state in states])
        kept = by_hash([name for state in states if state.n for name in state.names])[:CAP]
        places = {name: place for place, name in enumerate(kept)}
        cells = np.zeros((len(totals.sums), len(kept), _CELLS), np.int64)
        for state in states:
            for name, of_label in zip(state.names, np.moveaxis(state.cells, 1, 0), strict=True):
                if name in places:
                    cells[:, places[name]] += of_label[: len(cells)]
        return cls(kept, cells, totals)

    def __add__(self, other: Self) -> Self:
        return self.merged((self, other))

    def to_bytes(self) -> bytes:
        head = orjson.dumps({"names": self.names, "replicates": self.totals.replicates})
        return b"\n".join([head, self.cells.astype("<i8").tobytes() + self.totals.to_bytes()])

    @classmethod
    def from_bytes(cls, data: bytes) -> Self:
        try:
            return cls._read(data)
        except (ValueError, KeyError, TypeError, InputError) as fault:
            raise damaged(cls.kind, f"{len(data)} bytes, {fault}", "counts by label") from fault

    @classmethod
    def _read(cls, data: bytes) -> Self:
        line, _, arrays = data.partition(b"\n")
        head: dict[str, Any] = orjson.loads(line)
        names, replicates = head["names"], head["replicates"]
        if type(replicates) is not int or checked(replicates) != replicates or len(names) > CAP or names != by_hash(names):
            raise ValueError(f"{len(names)} names and {replicates} replicates")
        shape = (1 + replicates, len(names), _CELLS)
        size = shape[0] * shape[1] * shape[2]
        cells = np.frombuffer(arrays, "<i8", size).astype(np.int64).reshape(shape)
        totals = Totals.from_bytes(arrays[8 * size :])
        if len(totals.sums) != shape[0] or (cells < 0).any() or (cells.sum(axis=1) > totals.sums[:, 2:]).any():
            raise ValueError("labels that do not add up")
        return cls(names, cells, totals)


class Totals(ReplicatedSums):
    """Rows, rows whose set is right, and labels that are rightly, wrongly and not predicted, over all labels."""

    kind: ClassVar[str] = "label_sets"
    version: ClassVar[int] = 1
    COLUMNS: ClassVar[tuple[str, ...]] = ("rows", "exact", "tp", "fp", "fn")
    APART: ClassVar[tuple[str, ...]] = ("no_actual", "no_predicted")


def _members(sets: pa.ListArray) -> tuple[npt.NDArray[np.int64], pa.StringArray]:
    """The row of each member of sets, and its name; a null in a set is none."""
    names = sets.flatten().cast(pa.string())
    owners = np.repeat(np.arange(len(sets)), sets.value_lengths().to_numpy(zero_copy_only=False))
    valid = np.asarray(names.is_valid())
    return owners[valid], names.drop_null()
