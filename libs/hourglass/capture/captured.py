"""Captured records into batches: records, their payloads, rows."""

from __future__ import annotations

from collections.abc import Iterator

from hourglass.capture.batches import Batch, ReadPlan, batch_of
from hourglass.capture.blocks import Block
from hourglass.capture.formats import INPUT
from hourglass.capture.payloads import ANSWER, NAMED, Role, Rows, rows_of
from hourglass.capture.records import parse_records
from hourglass.capture.tally import NOTED_A_LAYOUT, PartKey, Tally
from hourglass.capture.window import Window, hour_of

_NOTED_OF_FIRST = 3  # in a sound hour these are all, and they are raw data that travel and are stored


class CapturedRecords:
    """Captured records of blocks that follow each other."""

    def __init__(self, plan: ReadPlan, tally: Tally) -> None:
        self._plan = plan
        self._tally = tally
        self._first: dict[PartKey, str] = {}

    def batches(self, block: Block) -> Iterator[Batch]:
        """The rows of a block."""
        plan, tally = self._plan, self._tally
        captured = parse_records(block, plan.form.sides, tally, cutting_window(plan, block), ids=plan.ids, labels=plan.labels)
        tally.count(block, captured.read)
        roles = [Role(is_input=True, names=plan.input_names) if side == INPUT else ANSWER for side in plan.form.sides]
        for rows in rows_of(captured, roles, block, tally.bad, whole_documents=plan.whole_documents):
            if plan.widths:
                self._note_uncommon(block, rows)
            yield batch_of(rows, block, plan)

    def _note_uncommon(self, block: Block, rows: Rows) -> None:
        """Keeps lines whose rows may turn out to have the wrong number of columns."""
        names, most = self._plan.names, self._worth_noting(block, rows.layout)
        if most and rows.lines is not None:
            lines = dict.fromkeys(rows.lines[:most].tolist())
            expected = f", expected {len(names)}" if names else ""
            self._tally.bad.note(block, lines, f"found {rows.layout}{expected}", rows.layout, most, count=bool(names))

    def _worth_noting(self, block: Block, layout: str) -> int:
        """How many lines of a part: none with the baseline's number of columns, nor of the first layout that has names.

        Without a baseline any layout may be the wrong one, if hardly ever a part's first.
        """
        names = self._plan.names
        if names and layout == str(len(names)):
            return 0
        if not names or NAMED in layout:
            first = self._first.setdefault((block.partition, block.part), layout)
            if layout == first:
                return 0 if names else _NOTED_OF_FIRST
        return NOTED_A_LAYOUT


def cutting_window(plan: ReadPlan, block: Block) -> Window | None:
    """The plan's window where only a part of the block's hour lies in it."""
    return plan.window if plan.window and plan.window.cuts(hour_of(block.partition)) else None
