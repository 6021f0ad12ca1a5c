"""CSV text into columns of text: by Arrow's parser where it can, by Python's where a quoted field holds line breaks."""

from __future__ import annotations

import csv
import io

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pacsv

from hourglass.errors import InternalError

_QUOTE, _FIRST_PRINTABLE = ord('"'), ord(" ")
_LONGEST_FIELD = 1 << 30  # Python's own limit of 128 KB is an error


class CsvRows:
    """Rows of CSV with the number of fields of each.

    `records` are texts of one or more rows. `per_record` is how many rows each record has; `widths` the number of
    fields of each row. A record's last line break ends its last row; an empty record is one row of one empty field.
    """

    def __init__(self, records: pa.StringArray) -> None:
        self._fields: list[list[str]] | None = None
        self._columns: list[pa.StringArray] | None = None
        self.per_record: npt.NDArray[np.int64] = np.ones(len(records), np.int64)
        self._rows = records
        if len(records) and _lowest_byte(records) <= _QUOTE:  # below stand white space and control characters, few in plain rows
            self._split_rows()
        if self._fields is None:
            self._split_fields()

    def _split_rows(self) -> None:
        """Takes off the last line break of each record and splits at the others, unless a quoted field holds them."""
        rows = self._rows
        returns = False
        if _lowest_byte(rows) < _FIRST_PRINTABLE:
            if _holds(rows, "\r"):
                rows = pc.replace_substring(rows, "\r\n", "\n")
            if _holds(rows, "\n"):
                rows = pc.utf8_rtrim(rows, "\n")
            if _holds(rows, "\n"):
                lists = pc.split_pattern(rows, "\n")
                self.per_record, rows = np.asarray(lists.value_lengths()).astype(np.int64), lists.flatten()
            returns = _holds(rows, "\r")  # a lone carriage return ends a line too
        csv.field_size_limit(_LONGEST_FIELD)
        quoted = _holds(rows, '"')
        if quoted and not returns and _quotes_close(rows):
            self._columns = _columns(rows, len(next(csv.reader([rows[0].as_py()]), [""])), quoted=True)
        if returns or (quoted and self._columns is None):
            self._read_by_python()
        else:
            self._rows = rows

    def _read_by_python(self) -> None:
        counts = []
        self._columns, self._fields = None, []
        for text in self._rows.to_pylist():
            parsed = list(csv.reader(io.StringIO(text.rstrip("\r\n"), newline=None))) or [[""]]
            counts.append(len(parsed))
            self._fields.extend(fields or [""] for fields in parsed)
        self.per_record = np.array(counts, np.int64)
        self.widths = np.array([len(fields) for fields in self._fields], np.int64)

    def _split_fields(self) -> None:
        """Splits at once if all rows are as wide as the first; else the rows of each width when they are asked for.

        That the parser refuses rows of another width saves counting the commas, 8 ms for 2.6 MB.
        """
        if self._columns is None and len(self._rows):
            self._columns = _columns(self._rows, self._rows[0].as_py().count(",") + 1)
        if self._columns is not None:
            self.widths = np.full(len(self._rows), len(self._columns), np.int64)
        else:
            self.widths = np.asarray(pc.count_substring(self._rows, ",")).astype(np.int64) + 1

    def columns(self, keep: npt.NDArray[np.bool_] | None, width: int) -> list[pa.StringArray]:
        """The columns of the rows to keep (None: all), which all have `width` fields."""
        if self._fields is not None:
            chosen = self._fields if keep is None else [fields for fields, kept in zip(self._fields, keep, strict=True) if kept]
            return [pa.array([fields[i] for fields in chosen], pa.string()) for i in range(width)]
        mask = None if keep is None else pa.array(keep)
        if self._columns is not None:
            return self._columns if mask is None else [column.filter(mask) for column in self._columns]
        rows = self._rows if mask is None else self._rows.filter(mask)
        found = _columns(rows, width)
        if found is None:
            raise InternalError("rows of CSV", found="another number of fields than were counted", expected=f"{width} fields")
        return found

    def blank(self) -> npt.NDArray[np.bool_]:
        """Which rows hold nothing at all."""
        if self._fields is not None:
            return np.array([fields == [""] for fields in self._fields], np.bool_)
        return np.asarray(_lengths(self._rows) == 0)


def _columns(rows: pa.StringArray, width: int, *, quoted: bool = False) -> list[pa.StringArray] | None:
    """The columns of rows that all have `width` fields and no line break; None if one has another number."""
    if len(rows) == 0:
        return [rows] * width
    if width == 1 and not quoted:
        return None if _holds(rows, ",") else [rows]
    if (_lengths(rows) == 0).any():  # Arrow would take an empty row for one of `width` empty fields
        return None
    lines = pa.ListArray.from_arrays(pa.array([0, len(rows)], pa.int32()), rows)
    data = pc.binary_join(lines, "\n")[0].as_buffer()
    names = [str(i) for i in range(width)]
    try:
        table = pacsv.read_csv(
            pa.BufferReader(data),
            pacsv.ReadOptions(column_names=names, use_threads=False, block_size=max(1024, data.size + 1)),
            pacsv.ParseOptions(quote_char='"' if quoted else False, ignore_empty_lines=False),
            pacsv.ConvertOptions(column_types=dict.fromkeys(names, pa.string()), strings_can_be_null=False, check_utf8=False),
        )
    except pa.ArrowInvalid:
        return None
    if table.num_rows != len(rows):
        return None
    return [column.combine_chunks() if column.num_chunks != 1 else column.chunk(0) for column in table.columns]


def _quotes_close(rows: pa.StringArray) -> bool:
    """Whether each row has an even number of quotes, so that none of them reaches into the next row."""
    return not bool((np.asarray(pc.count_substring(rows, '"')) & 1).any())


def _bytes(texts: pa.StringArray) -> npt.NDArray[np.uint8]:
    data = texts.buffers()[2]
    if data is None or len(texts) == 0:
        return np.empty(0, np.uint8)
    offsets = np.frombuffer(texts.buffers()[1], np.int32, len(texts) + 1, texts.offset * 4)
    return np.frombuffer(data, np.uint8)[offsets[0] : offsets[-1]]


def _lengths(texts: pa.StringArray) -> npt.NDArray[np.int32]:
    offsets = np.frombuffer(texts.buffers()[1], np.int32, len(texts) + 1, texts.offset * 4)
    return offsets[1:] - offsets[:-1]


def _lowest_byte(texts: pa.StringArray) -> int:
    return int(_bytes(texts).min(initial=255))


def _holds(texts: pa.StringArray, sign: str) -> bool:
    """Whether the sign occurs in any of the texts."""
    return bool((_bytes(texts) == ord(sign)).any())
