"""Batch transform's outputs beside their inputs, and outputs that stand alone."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence

import numpy as np
import pyarrow as pa

from hourglass import storage
from hourglass.capture.batches import UNREADABLE, Batch, ReadPlan, batch_of
from hourglass.capture.blocks import Block, Piece, is_utf8, spans_lines
from hourglass.capture.formats import INPUT
from hourglass.capture.hooked import HookedRows
from hourglass.capture.payloads import ANSWER, NAMED, Column, Role, Rows, rows_of
from hourglass.capture.records import NOT_UTF8, Records, Side
from hourglass.capture.row_ids import ids_of_lines
from hourglass.capture.slices import Slice
from hourglass.capture.tally import Tally
from hourglass.errors import InputError

ADDED = {"SageMakerInferenceId", "SageMakerInferenceTime"}
_UUID = re.compile(r"[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}", re.IGNORECASE)
_TIME = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}")


def paired_batches(slices: Iterable[Slice], plan: ReadPlan, tally: Tally, hooked: HookedRows | None) -> Iterator[Batch]:
    """Outputs beside their inputs, line by line if they have as many lines, else as one record."""
    inputs = dict(plan.inputs)
    for piece in slices:
        try:
            output, given = (storage.read_bytes(path) for path in (piece.path, inputs[piece.path]))
        except InputError as fault:
            tally.unreadable(piece, f"{UNREADABLE}: {fault}")
            continue
        if not (is_utf8(output) and is_utf8(given)):
            tally.unreadable(piece, f"{UNREADABLE}: {NOT_UTF8}")
            continue
        block = Block(piece.partition, piece.part, output.rstrip(b"\r\n") + b"\n", (Piece(piece.path, 0, 0),))
        texts = _paired(block.data.decode("utf-8"), given.decode("utf-8"), plan.form.encoding)
        if hooked is not None:
            yield from hooked.pairs(block, texts)
        else:
            yield from _pair_batches(block, texts, plan, tally)


def _pair_batches(block: Block, texts: Sequence[tuple[str, str]], plan: ReadPlan, tally: Tally) -> Iterator[Batch]:
    tally.count(block, len(texts))
    sides = [_side(column, plan.form.encoding) for column in zip(*texts, strict=True)]
    roles = [ANSWER, Role(is_input=True, names=plan.input_names)]
    if plan.form.sides[0] == INPUT:
        sides.reverse()
        roles.reverse()
    lines = np.arange(len(texts))
    records = Records(tuple(sides), lines, len(texts), ids_of_lines(block, lines) if plan.ids else None)
    for rows in rows_of(records, roles, block, tally.bad):
        yield batch_of(without_ids(rows), block, plan)


def _paired(output: str, given: str, encoding: str) -> list[tuple[str, str]]:
    """Lines of output and input side by side; both whole where a line is not a record."""
    lines, given_lines = (text.rstrip("\r\n").split("\n") for text in (output, given))
    broken = any(line.count('"') % 2 for line in lines + given_lines) if encoding == "CSV" else spans_lines(lines[0].encode())
    if broken or len(lines) != len(given_lines):
        return [(output, given)]
    return list(zip(lines, given_lines, strict=True))


def _side(texts: Sequence[str], encoding: str) -> Side:
    same = pa.DictionaryArray.from_arrays(np.zeros(len(texts), np.int32), pa.array([encoding]))
    return Side(pa.array(texts, pa.string()), same, pa.nulls(len(texts), pa.string()))


def without_ids(rows: Rows) -> Rows:
    """Rows without the id and the time that batch transform adds, by their names or by what they look like."""
    left = [place for place, (name, _) in enumerate(rows.columns) if name not in ADDED]
    named = [rows.columns[place] for place in left]
    firsts = [_first(column) if name is None and rows.count else "" for name, column in named]
    for i in range(len(left) - 1):
        if _UUID.fullmatch(firsts[i]) and _TIME.match(firsts[i + 1]):
            del left[i : i + 2]
            break
    answers = rows.answers
    if answers is not None:
        answers = range(bisect_left(left, answers.start), bisect_left(left, answers.stop))
    layout = rows.layout if rows.layout == NAMED else str(len(left))
    return Rows(layout, rows.count, tuple(rows.columns[place] for place in left), rows.lines, rows.ids, answers=answers)


def _first(column: Column) -> str:
    return str(column[0].as_py() if isinstance(column, pa.Array) else column[0])
