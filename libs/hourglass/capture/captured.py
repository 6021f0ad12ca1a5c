"""Captured records into batches: records, their payloads, rows."""

from __future__ import annotations

from collections.abc import Iterator

from hourglass.capture.batches import Batch, ReadPlan, batch_of
from hourglass.capture.blocks import Block
from hourglass.capture.payloads import NAMED, Rows, rows_of
from hourglass.capture.records import parse_records
from hourglass.capture.tally import NOTED_A_LAYOUT, PartKey, Tally
from hourglass.capture.window import Window, hour_of


class CapturedRecords:
    """Captured records of blocks that follow each other."""

    def __init__(self, plan: ReadPlan, tally: Tally) -> None:
        self._plan = plan
        self._tally = tally
        self._named: dict[PartKey, str] = {}

    def batches(self, block: Block) -> Iterator[Batch]:
        """The rows of a block."""
        plan, tally = self._plan, self._tally
        captured = parse_records(block, plan.form.sides, tally, cutting_window(plan, block), ids=plan.ids)
        tally.count(block, captured.read)
        for rows in rows_of(captured, block, tally.bad):
            self._note_uncommon(block, rows)
            yield batch_of(rows, block, plan)

    def _note_uncommon(self, block: Block, rows: Rows) -> None:
        """Keeps lines whose rows have another number of columns than the baseline, or than the first with names.

        Without a baseline any layout may turn out to be the uncommon one.
        """
        names = self._plan.names
        common = {str(len(names))} if names else set()
        if names and NAMED in rows.layout:
            common.add(self._named.setdefault((block.partition, block.part), rows.layout))
        if rows.layout not in common and rows.lines is not None:
            lines = dict.fromkeys(rows.lines[:NOTED_A_LAYOUT].tolist())
            expected = f", expected {len(names)}" if names else ""
            self._tally.bad.note(block, lines, f"found {rows.layout}{expected}", rows.layout, count=bool(names))


def cutting_window(plan: ReadPlan, block: Block) -> Window | None:
    """The plan's window where only a part of the block's hour lies in it."""
    return plan.window if plan.window and plan.window.cuts(hour_of(block.partition)) else None
