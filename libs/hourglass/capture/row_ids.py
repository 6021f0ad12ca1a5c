"""An id for each row, a hash that is the same however files are cut: of the record's own id, else of its place.

A sample of the rows with the smallest ids is the same in every run, and whichever way hours are added up.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from hourglass.capture.blocks import Block
from hourglass.hashing import hash_ids, mix

Ids = npt.NDArray[np.uint64]
Places = npt.NDArray[np.int64]


def ids_of_records(block: Block, lines: Places, names: Sequence[pa.Array]) -> Ids:
    """The hash of each record's first name that is not null or empty; of its place in the file where it has none."""
    texts = [name.dictionary_decode() if pa.types.is_dictionary(name.type) else name for name in names]
    found = texts[0]
    if _lacks_some(found):
        found = pc.coalesce(*(pc.if_else(pc.equal(text, ""), None, text) for text in texts))
    nameless = np.asarray(found.is_null()) if found.null_count else None
    if nameless is None:
        return hash_ids(found)
    if nameless.all():
        return ids_of_lines(block, lines)
    return np.where(nameless, ids_of_lines(block, lines), hash_ids(found.fill_null("")))


def _lacks_some(names: pa.StringArray) -> bool:
    return bool(names.null_count or pc.any(pc.equal(pc.binary_length(names), 0)).as_py())


def ids_of_lines(block: Block, lines: Places) -> Ids:
    """The hash of file and byte at which each line of a block begins, as `hash_places` has it."""
    # as bytes, for the names of local files may be no UTF-8
    names = pa.array([piece.path.encode("utf-8", "surrogatepass") for piece in block.pieces], pa.binary())
    paths = hash_ids(names.view(pa.string()))
    ats = np.array([piece.at for piece in block.pieces], np.int64)
    moved = np.array([piece.start for piece in block.pieces], np.int64) - ats
    begins = block.line_starts[lines]
    pieces = np.searchsorted(ats, begins, side="right") - 1
    return mix(mix((begins + moved[pieces]).astype(np.uint64)) ^ paths[pieces])


def ids_of_rows(records: Ids, per_record: Places) -> Ids:
    """An id for each row of records: the record's own for its first row, for others mixed with the row's number."""
    if (per_record == 1).all():
        return records
    numbers = np.arange(int(per_record.sum())) - np.repeat(np.cumsum(per_record) - per_record, per_record)
    ids = np.repeat(records, per_record)
    return np.where(numbers == 0, ids, mix(ids ^ mix(numbers.astype(np.uint64))))
