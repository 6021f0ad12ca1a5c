"""The one place with the columns of tables that travel between processes or into the store."""

from __future__ import annotations

import pyarrow as pa

# What the store keeps of an hour: one row a segment, layout, subject and kind of state. The segment "" is all rows; the
# subject is a column's name, and "" stands for the rows as a whole.
STORED_ROWS = pa.schema(
    [
        pa.field("segment", pa.string(), nullable=False),
        pa.field("layout", pa.string(), nullable=False),
        pa.field("subject", pa.string(), nullable=False),
        pa.field("position", pa.int32(), nullable=False),
        pa.field("kind", pa.string(), nullable=False),
        pa.field("version", pa.int16(), nullable=False),
        pa.field("state", pa.binary(), nullable=False),
    ]
)

# What a pass returns: the same of many hours, and of each of an hour's parts.
STATE_ROWS = pa.schema([pa.field("partition", pa.string(), nullable=False), *STORED_ROWS])

STATE_ROWS_DDL = (
    "partition string not null, segment string not null, layout string not null, subject string not null, "
    "position int not null, kind string not null, version smallint not null, state binary not null"
)

# Kinds of row that are no states: a line that was set aside, and a failure that ends the job.
BAD_LINE, FAULT = "bad_line", "fault"
