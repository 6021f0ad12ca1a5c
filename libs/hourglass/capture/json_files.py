"""JSON files into batches: documents, one a line or over several, and their rows."""

from __future__ import annotations

import json
from collections.abc import Iterator

import numpy as np

from hourglass.capture.batch_transform import ADDED
from hourglass.capture.batches import Batch, ReadPlan
from hourglass.capture.blocks import Block, spans_lines
from hourglass.capture.documents import Row, columns_of, flatten, records
from hourglass.capture.hooked import HookedRows
from hourglass.capture.payloads import NAMED
from hourglass.capture.records import NOT_JSON, documents
from hourglass.capture.row_ids import ids_of_lines, ids_of_rows
from hourglass.capture.tally import Tally


class JsonFiles:
    """JSON of blocks."""

    def __init__(self, plan: ReadPlan, tally: Tally, hooked: HookedRows | None) -> None:
        self._plan = plan
        self._tally = tally
        self._hooked = hooked
        self._split = (lambda document: [flatten(document, empty_lists=True)]) if plan.whole_documents else records

    def batches(self, block: Block) -> Iterator[Batch]:
        """The rows of a block."""
        if self._hooked is not None:
            yield from self._hooked.texts(block, self._texts(block))
            return
        made: list[Row] = []
        lines: list[int] = []
        counts: list[int] = []
        bad = self._tally.bad
        before = bad.total
        for line, document in documents(block, bad):
            if not isinstance(document, dict | list):
                bad.add(block, line, NOT_JSON, "not a JSON object")
                continue
            try:
                found = [{name: row[name] for name in row if name not in ADDED} for row in self._split(document)]
            except ValueError as fault:
                bad.add(block, line, NOT_JSON, str(fault))
                continue
            made += found
            lines.append(line)
            counts.append(len(found))
        self._tally.count(block, len(lines) + bad.total - before)
        if made:
            ids = ids_of_rows(ids_of_lines(block, np.array(lines)), np.array(counts)) if self._plan.ids else None
            yield Batch(block.partition, block.part, NAMED, len(made), dict(columns_of(made)), ids=ids, ordered=0)

    def _texts(self, block: Block) -> Iterator[tuple[int, str]]:
        for line, document in documents(block, self._tally.bad):
            data = block.line(line)
            yield line, json.dumps(document) if spans_lines(data) else data.decode("utf-8").rstrip("\r\n")
