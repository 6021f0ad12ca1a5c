"""Captured payloads into rows of columns: CSV, JSON, JSON lines and BASE64, one or several records a payload.

A column from CSV has a position only; one from JSON has a name. Rows are put together by layout: how many columns
they have where positions count, or "named". A record whose sides disagree in their number of rows is set aside.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from enum import IntEnum
from itertools import takewhile
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from hourglass.capture.blocks import Block
from hourglass.capture.csv_rows import CsvRows
from hourglass.capture.documents import Row, columns_of, flatten, labels, load_all, records, whole
from hourglass.capture.records import Records, Side
from hourglass.capture.row_ids import Ids, ids_of_rows
from hourglass.capture.tally import BadLines

NAMED = "named"
ALL = 1 << 30  # more columns than there are
NOT_PAYLOAD, RAGGED, UNEQUAL = "unreadable payload", "rows of different length in one record", "sides with different numbers of rows"

Column: TypeAlias = pa.Array | Sequence[object]
Mask = npt.NDArray[np.bool_]


def objects(column: Column) -> Sequence[object]:
    """A column's values as Python has them."""
    return column.to_pylist() if isinstance(column, pa.Array) else column


@dataclass(frozen=True)
class Rows:
    """Rows of one layout as columns; a column without a name (None) is known by its position.

    `lines` are the rows' lines within the block, `ids` their ids where the plan wants them. `labels` are the columns of
    the ground truth, None where the records have none. So many of the first columns are `ordered`: no
    JSON names them. `answers` are the places of the columns that do not come from the input; None where rows
    have no sides.
    """

    layout: str
    count: int
    columns: tuple[tuple[str | None, Column], ...]
    lines: npt.NDArray[np.int64] | None = None
    ids: Ids | None = None
    labels: tuple[tuple[str | None, Column], ...] | None = None
    ordered: int = ALL
    answers: range | None = None


@dataclass(frozen=True)
class Role:
    """What a side of records is: the input, an answer or the ground truth; and what its columns are called where it is CSV."""

    is_input: bool = False
    is_label: bool = False
    names: tuple[str, ...] = ()


ANSWER, LABEL = Role(), Role(is_label=True)


class Kind(IntEnum):
    """What a payload holds."""

    ABSENT = 0
    CSV = 1
    JSON = 2
    SNIFF = 3
    BASE64 = 4


def kind_of(encoding: str | None, content_type: str | None) -> Kind:
    """What a payload holds by its encoding, by its content type where the encoding is unknown, else by a look at it.

    >>> kind_of("CSV", None).name, kind_of(None, "application/jsonlines").name, kind_of("BASE64", "text/csv").name
    ('CSV', 'JSON', 'BASE64')
    """
    encoding, content_type = (encoding or "").upper(), (content_type or "").lower()
    if encoding in {"CSV", "JSON", "BASE64"}:
        return Kind[encoding]
    return Kind.CSV if "csv" in content_type else Kind.JSON if "json" in content_type else Kind.SNIFF


def rows_of(captured: Records, roles: Sequence[Role], block: Block, bad: BadLines, *, whole_documents: bool = False) -> Iterator[Rows]:
    """The rows of captured records, records with the same kinds of payload together; `roles` are those of the sides.

    With `whole_documents` a JSON document is one row, whatever lists it holds.
    """
    if len(captured.lines) == 0:
        return
    kinds = []
    decoded = []
    for side in (*captured.sides, *([captured.label] if captured.label else [])):
        side_kinds, data = _decode(side, captured.lines, block, bad)
        kinds.append(side_kinds)
        decoded.append(data)
    combined = np.zeros(len(captured.lines), np.int64)
    for side_kinds in kinds:
        combined = combined * len(Kind) + side_kinds
    broken = np.logical_or.reduce([side_kinds < 0 for side_kinds in kinds])
    origin = replace(captured, sides=(), label=None)  # what the rows need to know of their records
    roles = (*roles, LABEL) if captured.label is not None else tuple(roles)
    for code in _different(combined[~broken]):
        chosen = (combined == code) & ~broken
        everything = bool(chosen.all())
        first = int(np.flatnonzero(chosen)[0])
        there = [number for number, side_kinds in enumerate(kinds) if side_kinds[first] != Kind.ABSENT]
        sides = [
            _read_side(
                Kind(int(kinds[number][first])),
                decoded[number] if everything else decoded[number].filter(pa.array(chosen)),
                label=roles[number].is_label,
                whole_documents=whole_documents,
            )
            for number in there
        ]
        if any(not roles[number].is_label for number in there):
            yield from _join(sides, [roles[number] for number in there], origin if everything else origin.filter(chosen), block, bad)


def _different(codes: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """The different ones; in most blocks there is one, and then sorting them would cost more than the rest of the step."""
    return codes[:1] if len(codes) and (codes == codes[0]).all() else np.unique(codes)


def _decode(side: Side, lines: npt.NDArray[np.int64], block: Block, bad: BadLines) -> tuple[npt.NDArray[np.int64], pa.StringArray]:
    """The kind of each payload and its text; -1 where it cannot be decoded."""
    kinds = _kinds(side)
    data = side.data
    if (kinds == Kind.BASE64).any() or (kinds == Kind.SNIFF).any():
        texts = data.to_pylist()
        types = side.content_type.to_pylist()
        for i in np.flatnonzero((kinds == Kind.BASE64) | (kinds == Kind.SNIFF)):
            if kinds[i] == Kind.BASE64:
                try:
                    texts[i] = base64.b64decode("".join(texts[i].split()), validate=True).decode("utf-8")
                except ValueError as fault:
                    bad.add(block, int(lines[i]), NOT_PAYLOAD, f"BASE64: {fault}")
                    kinds[i] = -1
                    continue
                kinds[i] = kind_of(None, types[i])
            if kinds[i] == Kind.SNIFF:
                kinds[i] = Kind.JSON if texts[i].lstrip()[:1] in {"{", "["} else Kind.CSV
        data = pa.array(texts, pa.string())
    return kinds, data


def _kinds(side: Side) -> npt.NDArray[np.int64]:
    """The kind of each payload, found once for each pair of encoding and content type."""
    encodings, types = side.encoding.dictionary_encode(), side.content_type.dictionary_encode()
    width = len(types.dictionary) + 1
    codes = np.asarray(pc.fill_null(encodings.indices, len(encodings.dictionary))).astype(np.int64) * width
    codes += np.asarray(pc.fill_null(types.indices, len(types.dictionary)))
    names = [*encodings.dictionary.to_pylist(), None]
    type_names = [*types.dictionary.to_pylist(), None]
    by_code = np.array([kind_of(name, type_name) for name in names for type_name in type_names], np.int64)
    kinds = by_code[codes]
    if side.data.null_count:
        kinds[~np.asarray(side.data.is_valid())] = Kind.ABSENT
    return kinds


class _Documents:
    """JSON payloads: for each record its rows, and the document as one row where several do not fit the other side."""

    def __init__(self, payloads: pa.StringArray, *, label: bool, whole_documents: bool) -> None:
        rows_in = labels if label else records
        self.rows: list[list[Row]] = []
        self.whole: list[Row] = []
        self.faults: dict[int, str] = {}
        for i, text in enumerate(payloads.to_pylist()):
            try:
                documents = load_all(text)
                document = documents[0] if len(documents) == 1 else documents
                as_one = (whole if label else flatten)(document, empty_lists=whole_documents)
                rows = [as_one] if whole_documents else [row for document in documents for row in rows_in(document)]
            except ValueError as fault:
                self.faults[i] = str(fault)
                rows, as_one = [{}], {}
            self.rows.append(rows)
            self.whole.append(as_one)
        self.per_record = np.array([len(rows) for rows in self.rows], np.int64)

    def columns(self, chosen: npt.NDArray[np.int64], whole: Mask) -> list[tuple[str | None, Column]]:
        """The columns of the chosen records, those marked `whole` as one row."""
        rows = [row for i in chosen.tolist() for row in ([self.whole[i]] if whole[i] else self.rows[i])]
        return list(columns_of(rows).items())


def _read_side(kind: Kind, payloads: pa.StringArray, *, label: bool, whole_documents: bool) -> CsvRows | _Documents:
    return CsvRows(payloads) if kind == Kind.CSV else _Documents(payloads, label=label, whole_documents=whole_documents)


def _join(sides: list[CsvRows | _Documents], roles: Sequence[Role], origin: Records, block: Block, bad: BadLines) -> Iterator[Rows]:
    """The sides of records side by side, one `Rows` a layout."""
    lines = origin.lines
    count = len(lines)
    good = np.ones(count, np.bool_)
    for side in sides:
        if isinstance(side, _Documents):
            for i, detail in side.faults.items():
                bad.add(block, int(lines[i]), NOT_PAYLOAD, detail)
                good[i] = False
    widths = [_record_widths(side, good, lines, block, bad) for side in sides]
    lengths = np.stack([side.per_record for side in sides])
    as_one = [np.zeros(count, np.bool_) for _ in sides]
    if len(sides) > 1 and (unequal := lengths.min(axis=0) != lengths.max(axis=0)).any():
        # a list of scores in answer to one row is one record, not several
        for i, side in enumerate(sides):
            if isinstance(side, _Documents):
                as_one[i] = unequal & (lengths.min(axis=0) == 1)
        lengths = np.where(np.stack(as_one), 1, lengths)
        for record in np.flatnonzero(good & (lengths.min(axis=0) != lengths.max(axis=0))).tolist():
            bad.add(block, int(lines[record]), UNEQUAL, " and ".join(str(length) for length in lengths[:, record]))
            good[record] = False
    layouts = np.zeros(count, np.int64)
    for width in widths:
        layouts = layouts * 1_000_003 + width
    for layout in _different(layouts[good]):
        chosen = good & (layouts == layout)
        yield _rows(sides, roles, widths, lengths[0], chosen, as_one, origin)


def _record_widths(
    side: CsvRows | _Documents, good: Mask, lines: npt.NDArray[np.int64], block: Block, bad: BadLines
) -> npt.NDArray[np.int64]:
    """The number of fields in a record's rows (0 for JSON); records whose rows differ are no longer good."""
    if isinstance(side, _Documents):
        return np.zeros(len(lines), np.int64)
    if len(side.widths) == len(lines):
        return side.widths
    starts = np.concatenate([[0], np.cumsum(side.per_record)[:-1]])
    widest = np.maximum.reduceat(side.widths, starts)
    for i in np.flatnonzero(good & (widest != np.minimum.reduceat(side.widths, starts))):
        bad.add(block, int(lines[i]), RAGGED)
        good[i] = False
    return widest


def _rows(
    sides: list[CsvRows | _Documents],
    roles: Sequence[Role],
    widths: list[npt.NDArray[np.int64]],
    lengths: npt.NDArray[np.int64],
    chosen: Mask,
    as_one: list[Mask],
    origin: Records,
) -> Rows:
    first = int(np.flatnonzero(chosen)[0])
    found: list[list[tuple[str | None, Column]]] = []
    for role, side, width, mask in zip(roles, sides, widths, as_one, strict=True):
        if isinstance(side, CsvRows):
            keep = None if chosen.all() else np.repeat(chosen, side.per_record)
            made = side.columns(keep, int(width[first]))
            own = role.names if len(role.names) == len(made) else [None] * len(made)
            found.append(list(zip(own, made, strict=True)))
        else:
            found.append(side.columns(np.flatnonzero(chosen), mask))
    label = next((tuple(of_side) for role, of_side in zip(roles, found, strict=True) if role.is_label), None)
    of_sides = [(role, column) for role, of_side in zip(roles, found, strict=True) if not role.is_label for column in of_side]
    columns = tuple(column for _, column in of_sides)
    answers = [place for place, (role, _) in enumerate(of_sides) if not role.is_input]
    lines = np.repeat(origin.lines[chosen], lengths[chosen])
    ids = None if origin.ids is None else ids_of_rows(origin.ids[chosen], lengths[chosen])
    nameless = sum(name is None for name, _ in columns)
    layout = NAMED if not nameless else str(nameless) if nameless == len(columns) else f"{nameless} and {NAMED}"
    return Rows(
        layout,
        len(lines),
        columns,
        lines,
        ids,
        label,
        answers=range(answers[0], answers[-1] + 1) if answers else range(0),
        ordered=ALL if nameless == len(columns) or len(columns) == 1 else len([*takewhile(lambda column: column[0] is None, columns)]),
    )
